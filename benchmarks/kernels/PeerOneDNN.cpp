//===- PeerOneDNN.cpp - oneDNN 2.x and 3.x by their C interface ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Descriptors are structures in 2.x and handles in 3.x, and are passed by pointer in both: to the
// code below they are addresses.

#include "Peers.h"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>

using namespace terse::bench;

namespace {
using Handle = void *;
using Dims = int64_t[12];
struct Argument {
  int kind;
  Handle memory;
};
struct Version {
  int major, minor, patch;
};
// Constants of the interface, equal in 2.x and 3.x.
enum {
  BF16 = 2,
  F32 = 3,
  S8 = 5,
  U8 = 6,
  TagAny = 1,
  EngineCPU = 1,
  StreamInOrder = 1,
  ForwardInference = 96
};
enum { ConvolutionDirect = 1, QueryWeights = 131, Source = 1, Destination = 17, Weights = 33 };
enum { ScalesOfWeights3 = 4096 | Weights };

struct OneDNN : Peer {
  Handle library = nullptr, engine = nullptr, stream = nullptr;
  Version version{};

  template <typename R, typename... A>
  R call(const char *name, A... args) {
    auto *f = reinterpret_cast<R (*)(A...)>(dlsym(library, name));
    return f ? f(args...) : (R)1;
  }
  template <typename... A>
  bool ok(const char *name, A... args) {
    return call<int>(name, args...) == 0;
  }
  bool is3() const { return version.major >= 3; }

  std::string getName() const override {
    return "oneDNN " + std::to_string(version.major) + "." + std::to_string(version.minor) + "." +
           std::to_string(version.patch);
  }
  void setThreads(int threads) override {
    if (auto *f = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads")))
      f(threads);
    else if (auto *g = reinterpret_cast<void (*)(int)>(dlsym(library, "omp_set_num_threads")))
      g(threads);
  }

  // Row-major over `order`, the outermost dimension first; without order the library chooses.
  Handle describe(std::vector<int64_t> sizes, int type, std::vector<int> order) {
    Dims dims{}, strides{};
    std::copy(sizes.begin(), sizes.end(), dims);
    int64_t stride = 1;
    for (size_t i = order.size(); i-- > 0;) {
      strides[order[i]] = stride;
      stride *= sizes[order[i]];
    }
    int rank = int(sizes.size());
    Handle d = nullptr;
    auto *p = static_cast<const int64_t *>(dims), *s = static_cast<const int64_t *>(strides);
    if (is3()) {
      bool made = order.empty() ? ok("dnnl_memory_desc_create_with_tag", &d, rank, p, type, +TagAny)
                                : ok("dnnl_memory_desc_create_with_strides", &d, rank, p, type, s);
      return made ? d : nullptr;
    }
    d = std::calloc(1, 4096);
    bool made = order.empty() ? ok("dnnl_memory_desc_init_by_tag", d, rank, p, type, +TagAny)
                              : ok("dnnl_memory_desc_init_by_strides", d, rank, p, type, s);
    return made ? d : nullptr;
  }

  Handle memory(Handle description, void *data) {
    Handle m = nullptr;
    return ok("dnnl_memory_create", &m, description, engine, data) ? m : nullptr;
  }

  Handle attributes(const Problem &problem, const Operands &operands) {
    Handle attr = nullptr;
    if (problem.kind != Kind::Int8 || !ok("dnnl_primitive_attr_create", &attr))
      return nullptr;
    // Columns are the second dimension of a product's weights, the first of a convolution's; in
    // 2.x scales belong to the result.
    bool grouped = problem.groups > 1;
    if (is3())
      ok("dnnl_primitive_attr_set_scales_mask", attr, +Weights,
         problem.isConv() ? (grouped ? 3 : 1) : 2);
    else
      ok("dnnl_primitive_attr_set_output_scales", attr, int64_t(operands.scale.size()), 2,
         operands.scale.data());
    return attr;
  }

  Handle describePrimitive(const Problem &problem, Handle x, Handle w, Handle y, Handle attr) {
    Handle pd = nullptr, none = nullptr;
    Dims strides{problem.stride, problem.stride}, dilations{}, pads{problem.pad, problem.pad};
    // Where the last window ends, which may be before the padding does.
    int64_t end = (problem.getOutputSize() - 1) * problem.stride + problem.kernel - problem.size -
                  problem.pad;
    Dims ends{end, end};
    auto *s = static_cast<const int64_t *>(strides), *d = static_cast<const int64_t *>(dilations),
         *p = static_cast<const int64_t *>(pads), *e = static_cast<const int64_t *>(ends);
    if (is3()) {
      bool made = problem.isConv()
                      ? ok("dnnl_convolution_forward_primitive_desc_create", &pd, engine,
                           +ForwardInference, +ConvolutionDirect, x, w, none, y, s, d, p, e, attr)
                      : ok("dnnl_matmul_primitive_desc_create", &pd, engine, x, w, none, y, attr);
      return made ? pd : nullptr;
    }
    std::vector<char> op(16384);
    void *desc = op.data();
    bool made = problem.isConv() ? ok("dnnl_convolution_forward_desc_init", desc, +ForwardInference,
                                      +ConvolutionDirect, x, w, none, y, s, p, e)
                                 : ok("dnnl_matmul_desc_init", desc, x, w, none, y);
    return made && ok("dnnl_primitive_desc_create", &pd, desc, attr, engine, none) ? pd : nullptr;
  }

  PreparedPeer prepare(const Problem &problem, const Operands &operands) override {
    bool int8 = problem.kind == Kind::Int8;
    int type = problem.kind == Kind::BF16 ? BF16 : F32, left = int8 ? U8 : type,
        right = int8 ? S8 : type;
    int64_t o = problem.getOutputSize(), g = problem.groups;
    Handle x, y, w, plain;
    if (problem.isConv()) {
      std::vector<int64_t> sizes{problem.n, problem.channels / g, problem.kernel, problem.kernel};
      std::vector<int> order{0, 1, 2, 3};
      if (g > 1) {
        sizes[0] /= g;
        sizes.insert(sizes.begin(), g);
        order.push_back(4);
      }
      x = describe({1, problem.channels, problem.size, problem.size}, left, {0, 2, 3, 1});
      y = describe({1, problem.n, o, o}, left, {0, 2, 3, 1});
      w = describe(sizes, right, {});
      plain = describe(sizes, right, order);
    } else {
      x = describe({problem.m, problem.k}, left, {0, 1});
      y = describe({problem.m, problem.n}, left, {0, 1});
      w = describe({problem.k, problem.n}, right, {});
      plain = describe({problem.k, problem.n}, right, {1, 0});
    }
    Handle pd = describePrimitive(problem, x, w, y, attributes(problem, operands));
    Handle primitive = nullptr, reorderDesc = nullptr, reorder = nullptr, none = nullptr;
    if (!pd || !ok("dnnl_primitive_create", &primitive, pd))
      return {};
    Handle packed = call<Handle>("dnnl_primitive_desc_query_md", pd, +QueryWeights, 0);
    size_t bytes = call<size_t>("dnnl_memory_desc_get_size", packed);
    struct Buffers {
      std::vector<char> x, w, y, scale;
    };
    auto buffers = std::make_shared<Buffers>();
    auto aligned = [](std::vector<char> &v, size_t size) -> char * {
      v.resize(size + 4096);
      return v.data() + (64 - reinterpret_cast<uintptr_t>(v.data()) % 64) % 64;
    };
    char *xs = aligned(buffers->x, operands.x.size()), *ws = aligned(buffers->w, bytes),
         *scales = aligned(buffers->scale, operands.scale.size() * 4),
         *ys = aligned(buffers->y, problem.getOutputElements() * problem.getElementBytes());
    std::memcpy(xs, operands.x.data(), operands.x.size());
    std::memcpy(scales, operands.scale.data(), operands.scale.size() * 4);
    Handle wm = memory(packed, ws), from = memory(plain, const_cast<uint8_t *>(operands.w.data()));
    if (!ok("dnnl_reorder_primitive_desc_create", &reorderDesc, plain, engine, packed, engine,
            none) ||
        !ok("dnnl_primitive_create", &reorder, reorderDesc))
      return {};
    Argument order[] = {{Source, from}, {Destination, wm}};
    ok("dnnl_primitive_execute", reorder, stream, 2, static_cast<const Argument *>(order));
    ok("dnnl_stream_wait", stream);
    std::vector<Argument> args{
        {Source, memory(x, xs)}, {Weights, wm}, {Destination, memory(y, ys)}};
    if (is3() && problem.kind == Kind::Int8)
      args.push_back({ScalesOfWeights3, memory(describe({problem.n}, F32, {0}), scales)});
    // The stream and the functions by value: a run costs what it costs a program.
    auto *execute = reinterpret_cast<int (*)(Handle, Handle, int, const Argument *)>(
        dlsym(library, "dnnl_primitive_execute"));
    auto *wait = reinterpret_cast<int (*)(Handle)>(dlsym(library, "dnnl_stream_wait"));
    PreparedPeer result;
    result.run = [=, stream = stream] {
      execute(primitive, stream, int(args.size()), args.data());
      wait(stream);
    };
    result.result = ys;
    result.weights = ws;
    result.weightBytes = bytes;
    result.owner = buffers;
    return result;
  }
};
} // namespace

std::unique_ptr<Peer> terse::bench::loadOneDNN(const std::string &location, std::string &error) {
  auto peer = std::make_unique<OneDNN>();
  peer->library = dlopen(location.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!peer->library) {
    error = dlerror();
    return nullptr;
  }
  peer->version = *peer->call<const Version *>("dnnl_version");
  if (!peer->ok("dnnl_engine_create", &peer->engine, +EngineCPU, size_t(0)) ||
      !peer->ok("dnnl_stream_create", &peer->stream, peer->engine, unsigned(StreamInOrder))) {
    error = "no engine";
    return nullptr;
  }
  return peer;
}
