//===- PeerXNNPACK.cpp - XNNPACK by its C interface of operators -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Peers.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <limits>
#include <map>

using namespace terse::bench;

namespace {
using Handle = void *;

// Its weights lie in memory that it asks for; cold runs must know where.
std::map<void *, size_t> allocations;

void *allocateAligned(size_t alignment, size_t size) {
  void *p = nullptr;
  if (posix_memalign(&p, std::max<size_t>(alignment, 64), size))
    return nullptr;
  allocations[p] = size;
  return p;
}
void release(void *p) {
  allocations.erase(p);
  std::free(p);
}

struct Allocator {
  void *context = nullptr;
  void *(*allocate)(void *, size_t) = [](void *, size_t n) { return allocateAligned(64, n); };
  void *(*reallocate)(void *, void *, size_t) = [](void *, void *p, size_t n) {
    allocations.erase(p);
    p = std::realloc(p, n);
    allocations[p] = n;
    return p;
  };
  void (*deallocate)(void *, void *) = [](void *, void *p) { release(p); };
  void *(*alignedAllocate)(void *, size_t, size_t) = [](void *, size_t alignment, size_t n) {
    return allocateAligned(alignment, n);
  };
  void (*alignedDeallocate)(void *, void *) = [](void *, void *p) { release(p); };
};

// For each row, and some more rows that it may read.
struct RowQuantization {
  int32_t zeroPoint;
  float scale;
};
enum { ExtraRows = 15, ExtraBytes = 128 };

struct Library {
  Handle library = nullptr, threads = nullptr;

  template <typename... A>
  bool ok(const std::string &name, A... args) {
    auto *f = reinterpret_cast<int (*)(A...)>(dlsym(library, name.c_str()));
    return f && f(args...) == 0;
  }
  bool load(const std::string &location, std::string &error) {
    library = dlopen(location.c_str(), RTLD_NOW | RTLD_LOCAL);
    static const Allocator allocator;
    if (!library)
      error = dlerror();
    else if (!ok("xnn_initialize", &allocator))
      error = "it does not start";
    else
      return true;
    return false;
  }
  void setThreads(int count) {
    auto *create = reinterpret_cast<Handle (*)(size_t)>(dlsym(library, "pthreadpool_create"));
    threads = create && count > 1 ? create(size_t(count)) : nullptr;
  }
};

struct State {
  Library &library;
  std::vector<char> x, w, y, workspace, rounded;
  std::vector<RowQuantization> rows;
  std::vector<Handle> operators;

  explicit State(Library &library) : library(library) {}
  ~State() {
    for (Handle op : operators)
      library.ok("xnn_delete_operator", op);
  }
  static char *align(std::vector<char> &v, size_t size) {
    v.resize(size + ExtraBytes + 64);
    return v.data() + (64 - reinterpret_cast<uintptr_t>(v.data()) % 64) % 64;
  }
};

// The largest block that making the operators asked for: the packed weights.
template <typename Make>
bool makeAndFindWeights(Make &&make, PreparedPeer &result) {
  std::map<void *, size_t> before = allocations;
  if (!make())
    return false;
  for (auto [p, size] : allocations)
    if (!before.count(p) && size > result.weightBytes)
      result.weights = p, result.weightBytes = size;
  return true;
}

PreparedPeer finish(const std::shared_ptr<State> &state, PreparedPeer result, void *y) {
  auto *run =
      reinterpret_cast<int (*)(Handle, Handle)>(dlsym(state->library.library, "xnn_run_operator"));
  result.run = [ops = state->operators, run, threads = state->library.threads] {
    for (Handle op : ops)
      run(op, threads);
  };
  result.result = y;
  result.owner = state;
  return result;
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();
const Handle kNone = nullptr;

struct Layers : Peer {
  Library library;

  std::string getName() const override { return "XNNPACK"; }
  void setThreads(int threads) override { library.setThreads(threads); }

  // Signed bytes in and out: 128 less than ours, with zero points of -128, which is the same
  // arithmetic.
  PreparedPeer prepare(const Problem &p, const Operands &operands) override {
    if (p.kind == Kind::BF16)
      return {};
    bool int8 = p.kind == Kind::Int8;
    size_t element = p.getElementBytes();
    auto state = std::make_shared<State>(library);
    char *x = State::align(state->x, operands.x.size()),
         *w = operands.w.size() ? State::align(state->w, operands.w.size()) : nullptr,
         *y = State::align(state->y, p.getOutputElements() * element);
    std::memcpy(x, operands.x.data(), operands.x.size());
    if (int8)
      std::for_each(x, x + operands.x.size(), [](char &b) { b ^= char(0x80); });
    // Channels of a window's weights last.
    int64_t window = std::max<int64_t>(p.kernel * p.kernel, 1), channels = p.k / window;
    for (int64_t n = 0; n < p.n; ++n)
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t i = 0; i < window; ++i)
          std::memcpy(w + ((n * window + i) * channels + c) * element,
                      operands.w.data() + ((n * channels + c) * window + i) * element, element);
    PreparedPeer result;
    result.signedBytes = int8;
    bool made = makeAndFindWeights(
        [&] {
          return p.isConv() ? convolve(p, operands, *state, x, w, y)
                            : multiply(p, operands, *state, x, w, y);
        },
        result);
    return made ? finish(state, std::move(result), y) : PreparedPeer();
  }

  bool multiply(const Problem &p, const Operands &operands, State &state, void *x, void *w,
                void *y) {
    Handle op = nullptr;
    size_t in = size_t(p.k), out = size_t(p.n), m = size_t(p.m);
    uint32_t flags = 0;
    bool int8 = p.kind == Kind::Int8;
    std::string name = int8 ? "fully_connected_nc_qs8_qc8w" : "fully_connected_nc_f32";
    bool made = int8 ? library.ok("xnn_create_" + name, in, out, in, out, int8_t(-128), 1.0f,
                                  operands.scale.data(), w, kNone, int8_t(-128), 1.0f, int8_t(-128),
                                  int8_t(127), flags, kNone, &op)
                     : library.ok("xnn_create_" + name, in, out, in, out, w, kNone, -kInfinity,
                                  kInfinity, flags, kNone, &op);
    if (!made)
      return false;
    state.operators.push_back(op);
    return library.ok("xnn_reshape_" + name, op, m, library.threads) &&
           library.ok("xnn_setup_" + name, op, x, y);
  }

  bool convolve(const Problem &p, const Operands &operands, State &state, void *x, void *w,
                void *y) {
    Handle op = nullptr;
    uint32_t pad = uint32_t(p.pad), kernel = uint32_t(p.kernel), stride = uint32_t(p.stride),
             dilation = 1, groups = uint32_t(p.groups), flags = 0;
    size_t in = size_t(p.channels), out = size_t(p.n), size = size_t(p.size), batch = 1,
           groupIn = in / groups, groupOut = out / groups, bytes = 0, rows = 0, columns = 0;
    bool int8 = p.kind == Kind::Int8;
    std::string name = int8 ? "convolution2d_nhwc_qs8_qc8w" : "convolution2d_nhwc_f32";
    bool made = int8 ? library.ok("xnn_create_" + name, pad, pad, pad, pad, kernel, kernel, stride,
                                  stride, dilation, dilation, groups, groupIn, groupOut, in, out,
                                  int8_t(-128), 1.0f, operands.scale.data(), w, kNone, int8_t(-128),
                                  1.0f, int8_t(-128), int8_t(127), flags, kNone, &op)
                     : library.ok("xnn_create_" + name, pad, pad, pad, pad, kernel, kernel, stride,
                                  stride, dilation, dilation, groups, groupIn, groupOut, in, out, w,
                                  kNone, -kInfinity, kInfinity, flags, kNone, &op);
    if (!made)
      return false;
    state.operators.push_back(op);
    return library.ok("xnn_reshape_" + name, op, batch, size, size, &bytes, &rows, &columns,
                      library.threads) &&
           library.ok("xnn_setup_" + name, op, State::align(state.workspace, bytes), x, y);
  }
};

struct Weights : WeightPeer {
  Library library;

  std::string getName() const override { return "XNNPACK"; }
  void setThreads(int threads) override { library.setThreads(threads); }

  std::vector<Prepared> prepare(const WeightProblem &p) override {
    std::vector<Prepared> all;
    if (p.block == 0 || (p.bits != 4 && p.bits != 8) || p.k % 2)
      return all;
    Prepared one;
    auto state = std::make_shared<State>(library);
    char *y = State::align(state->y, size_t(p.m * p.n) * 4);
    if (makeAndFindWeights([&] { return make(p, *state, y, one.name); }, one)) {
      static_cast<PreparedPeer &>(one) = finish(state, one, y);
      all.push_back(std::move(one));
    }
    return all;
  }

  // Rows are rounded to bytes by one operator and multiplied by another.
  bool make(const WeightProblem &p, State &state, void *y, std::string &kind) {
    size_t m = size_t(p.m), in = size_t(p.k), out = size_t(p.n), bytes = 0;
    uint32_t flags = 0;
    bool blocks = p.block != p.k;
    kind = blocks ? "qb4w" : p.bits == 4 ? "qc4w" : "qc8w";
    if (blocks && (p.bits != 4 || p.block % 32))
      return false;
    auto *x = reinterpret_cast<float *>(State::align(state.x, m * in * 4));
    std::copy(p.x.begin(), p.x.end(), x);
    char *rounded = State::align(state.rounded, m * in);
    state.rows.resize(m + ExtraRows);
    float *noSums = nullptr;
    Handle convert = nullptr, op = nullptr;
    if (!library.ok("xnn_create_convert_nc_f32_qd8", flags, &convert))
      return false;
    state.operators.push_back(convert);
    if (!library.ok("xnn_reshape_convert_nc_f32_qd8", convert, m, in, in, in, library.threads) ||
        !library.ok("xnn_setup_convert_nc_f32_qd8", convert, x, rounded, noSums, state.rows.data()))
      return false;

    // Two codes a byte, the earlier one below, 8 more than the signed ones.
    std::vector<uint8_t> codes;
    if (p.bits == 8)
      codes.assign(p.codes.begin(), p.codes.end());
    else
      for (size_t i = 0; i < p.codes.size(); i += 2)
        codes.push_back(uint8_t((p.codes[i] + 8) | (p.codes[i + 1] + 8) << 4));
    void *w = codes.data();
    std::string name = "fully_connected_nc_qd8_f32_" + kind;
    uint8_t zero = 8;
    bool made;
    if (blocks) {
      // Scales in bf16: those of half precision rounded to 8 bits.
      std::vector<uint16_t> scales;
      for (float s : p.scales) {
        uint32_t b;
        std::memcpy(&b, &s, 4);
        scales.push_back(uint16_t((b + 0x7fff + (b >> 16 & 1)) >> 16));
      }
      made = library.ok("xnn_create_" + name, in, out, in, out, size_t(p.block), zero,
                        scales.data(), w, kNone, -kInfinity, kInfinity, flags, kNone, &op);
    } else if (p.bits == 4) {
      made = library.ok("xnn_create_" + name, in, out, in, out, zero, p.scales.data(), w, kNone,
                        -kInfinity, kInfinity, flags, kNone, &op);
    } else {
      made = library.ok("xnn_create_" + name, in, out, in, out, p.scales.data(), w, kNone,
                        -kInfinity, kInfinity, flags, kNone, &op);
    }
    if (!made)
      return false;
    state.operators.push_back(op);
    return library.ok("xnn_reshape_" + name, op, m, &bytes, library.threads) &&
           library.ok("xnn_setup_" + name, op, rounded, y, State::align(state.workspace, bytes),
                      state.rows.data());
  }
};

template <typename P, typename Base>
std::unique_ptr<Base> load(const std::string &location, std::string &error) {
  auto peer = std::make_unique<P>();
  return peer->library.load(location, error) ? std::move(peer) : nullptr;
}
} // namespace

std::unique_ptr<Peer> terse::bench::loadXNNPACK(const std::string &location, std::string &error) {
  return load<Layers, Peer>(location, error);
}
std::unique_ptr<WeightPeer> terse::bench::loadXNNPACKForWeights(const std::string &location,
                                                                std::string &error) {
  return load<Weights, WeightPeer>(location, error);
}
