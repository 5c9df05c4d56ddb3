//===- PeerGGML.cpp - ggml's kernels by its C interface --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ggml promises no stable interface. What is used here are functions with plain arguments, the type
// numbers of its file format, and two members of its tensors, which are looked for before they are
// trusted; a library where they are elsewhere is refused.

#include "Peers.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <dirent.h>
#include <dlfcn.h>
#include <optional>

using namespace terse::bench;

namespace {
using Handle = void *;
struct InitParameters {
  size_t bytes;
  void *memory;
  bool withoutData;
};
// Numbers of the file format.
enum Type { F32 = 0, Q4_0 = 2, Q8_0 = 8, Q2_K = 10, Q3_K = 11, Q4_K = 12 };

constexpr size_t kTensorOverhead = 368, kDataOffset = 248, kExtraOffset = 320;

uint16_t toHalf(float value) {
  llvm::APFloat f(value);
  bool lost;
  f.convert(llvm::APFloat::IEEEhalf(), llvm::APFloat::rmNearestTiesToEven, &lost);
  return uint16_t(f.bitcastToAPInt().getZExtValue());
}

// ggml configures the tiles of a thread once and relies on finding them so; Terse's kernels
// configure theirs in every call. Without a configuration, what is stored and loaded is that there
// is none.
void runWithOwnTiles(llvm::function_ref<void()> run) {
  static const bool hasTiles = __builtin_cpu_supports("amx-tile");
  alignas(64) static thread_local uint8_t tiles[64] = {};
  if (!hasTiles)
    return run();
  asm volatile("ldtilecfg %0" : : "m"(tiles));
  run();
  asm volatile("sttilecfg %0" : "=m"(tiles));
  asm volatile("tilerelease");
}

struct GGML : WeightPeer {
  Handle base = nullptr, cpu = nullptr, registry = nullptr, device = nullptr, backend = nullptr;
  std::vector<Handle> bufferTypes;

  template <typename R, typename... A>
  R call(const char *name, A... args) {
    return reinterpret_cast<R (*)(A...)>(dlsym(base, name))(args...);
  }

  std::string getName() const override {
    auto *f = reinterpret_cast<const char *(*)()>(dlsym(base, "ggml_version"));
    return "ggml " + std::string(f());
  }
  void setThreads(int threads) override {
    auto *f = reinterpret_cast<void (*)(Handle, int)>(
        call<Handle>("ggml_backend_reg_get_proc_address", registry,
                     static_cast<const char *>("ggml_backend_set_n_threads")));
    if (f)
      f(backend, threads);
  }

  // The weights' bytes in `type`, empty where it does not fit.
  std::vector<uint8_t> quantize(const WeightProblem &p, Type type, bool &own) {
    size_t rowBytes = call<size_t>("ggml_row_size", int(type), p.k);
    std::vector<uint8_t> bytes(rowBytes * size_t(p.n));
    own = type != Q4_0 && type != Q8_0;
    if (own) {
      // Rounding to these types takes long: some rows, repeated.
      int64_t rows = std::min<int64_t>(p.n, 64);
      call<size_t>("ggml_quantize_chunk", int(type), p.w, bytes.data(), int64_t(0), rows, p.k,
                   static_cast<const float *>(nullptr));
      for (int64_t n = rows; n < p.n; ++n)
        std::memcpy(bytes.data() + rowBytes * n, bytes.data() + rowBytes * (n % rows), rowBytes);
      return bytes;
    }
    // A scale in half precision, then the block's codes.
    uint8_t *to = bytes.data();
    for (int64_t b = 0; b < p.n * p.k / 32; ++b) {
      uint16_t scale = toHalf(p.scales[b]);
      std::memcpy(to, &scale, 2);
      to += 2;
      const int8_t *codes = p.codes.data() + b * 32;
      if (type == Q8_0) {
        std::memcpy(to, codes, 32);
        to += 32;
        continue;
      }
      for (int i = 0; i < 16; ++i)
        *to++ = uint8_t((codes[i] + 8) | (codes[i + 16] + 8) << 4);
    }
    return bytes;
  }

  struct State {
    GGML &library;
    std::vector<Handle> contexts, buffers;
    std::vector<float> result;
    ~State() {
      for (Handle b : buffers)
        library.call<void>("ggml_backend_buffer_free", b);
      for (Handle c : contexts)
        library.call<void>("ggml_free", c);
    }
    Handle makeContext(size_t bytes) {
      Handle c = library.call<Handle>("ggml_init", InitParameters{bytes, nullptr, true});
      contexts.push_back(c);
      return c;
    }
    Handle allocate(Handle context, Handle type) {
      Handle b = library.call<Handle>("ggml_backend_alloc_ctx_tensors_from_buft", context, type);
      if (b)
        buffers.push_back(b);
      return b;
    }
  };

  std::optional<Prepared> prepare(const WeightProblem &p, Type type, Handle bufferType) {
    if (p.k % call<int64_t>("ggml_blck_size", int(type)))
      return std::nullopt;
    auto state = std::make_shared<State>(State{*this, {}, {}, {}});
    Handle weights = state->makeContext(4096), others = state->makeContext(4096),
           graphs = state->makeContext(1 << 20);
    auto tensor = [&](Handle context, int t, int64_t inner, int64_t outer) {
      return call<Handle>("ggml_new_tensor_2d", context, t, inner, outer);
    };
    Handle w = tensor(weights, type, p.k, p.n), x = tensor(others, F32, p.k, p.m);
    Handle buffer = state->allocate(weights, bufferType);
    if (!buffer || !state->allocate(others, bufferTypes[0]))
      return std::nullopt;
    // Special buffers keep what they do with a type beside the tensor, or nothing.
    Handle data = nullptr, extra = nullptr;
    std::memcpy(&data, static_cast<char *>(w) + kDataOffset, sizeof data);
    std::memcpy(&extra, static_cast<char *>(w) + kExtraOffset, sizeof extra);
    if (data != call<Handle>("ggml_get_data", w) || (bufferType != bufferTypes[0] && !extra))
      return std::nullopt;
    Handle y = call<Handle>("ggml_mul_mat", graphs, w, x);
    if (!call<bool>("ggml_backend_dev_supports_op", device, y))
      return std::nullopt;
    Handle graph = call<Handle>("ggml_new_graph_custom", graphs, size_t(8), false);
    call<void>("ggml_build_forward_expand", graph, y);
    if (!state->allocate(graphs, bufferTypes[0]))
      return std::nullopt;
    Prepared result;
    std::vector<uint8_t> bytes = quantize(p, type, result.ownWeights);
    auto set = [&](Handle t, const void *from, size_t size) {
      call<void>("ggml_backend_tensor_set", t, from, size_t(0), size);
    };
    set(w, bytes.data(), bytes.size());
    set(x, p.x.data(), p.x.size() * sizeof(float));
    auto *compute =
        reinterpret_cast<int (*)(Handle, Handle)>(dlsym(base, "ggml_backend_graph_compute"));
    result.name = std::string(call<const char *>("ggml_type_name", int(type))) + " " +
                  call<const char *>("ggml_backend_buft_name", bufferType);
    result.run = [=, backend = backend] { runWithOwnTiles([&] { compute(backend, graph); }); };
    result.result = call<Handle>("ggml_get_data", y);
    result.weights = call<Handle>("ggml_backend_buffer_get_base", buffer);
    result.weightBytes = call<size_t>("ggml_backend_buffer_get_size", buffer);
    result.owner = state;
    return result;
  }

  std::vector<Prepared> prepare(const WeightProblem &p) override {
    std::vector<Type> types;
    bool blocks = p.block == 32 && !p.codes.empty();
    if (p.bits == 4 && blocks)
      types = {Q4_0, Q4_K};
    else if (p.bits == 8 && blocks)
      types = {Q8_0};
    else if (p.bits == 2)
      types = {Q2_K};
    else if (p.bits == 3)
      types = {Q3_K};
    std::vector<Prepared> all;
    for (Type type : types)
      for (Handle bufferType : bufferTypes)
        if (std::optional<Prepared> one = prepare(p, type, bufferType))
          all.push_back(std::move(*one));
    return all;
  }
};
} // namespace

std::unique_ptr<WeightPeer> terse::bench::loadGGML(const std::string &location,
                                                   std::string &error) {
  auto peer = std::make_unique<GGML>();
  peer->base = dlopen((location + "/libggml-base.so").c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (!peer->base) {
    error = dlerror();
    return nullptr;
  }
  auto refuse = [&](const char *reason) {
    error = reason;
    return nullptr;
  };
  for (const char *name : {"ggml_version",
                           "ggml_tensor_overhead",
                           "ggml_row_size",
                           "ggml_blck_size",
                           "ggml_type_name",
                           "ggml_quantize_chunk",
                           "ggml_init",
                           "ggml_free",
                           "ggml_new_tensor_2d",
                           "ggml_get_data",
                           "ggml_mul_mat",
                           "ggml_new_graph_custom",
                           "ggml_build_forward_expand",
                           "ggml_backend_alloc_ctx_tensors_from_buft",
                           "ggml_backend_buffer_free",
                           "ggml_backend_buffer_get_base",
                           "ggml_backend_buffer_get_size",
                           "ggml_backend_buft_name",
                           "ggml_backend_dev_supports_op",
                           "ggml_backend_dev_init",
                           "ggml_backend_dev_buffer_type",
                           "ggml_backend_graph_compute",
                           "ggml_backend_reg_dev_get",
                           "ggml_backend_reg_get_proc_address",
                           "ggml_backend_tensor_set"})
    if (!dlsym(peer->base, name)) {
      error = std::string("its libggml-base.so has no ") + name;
      return nullptr;
    }
  if (peer->call<size_t>("ggml_tensor_overhead") != kTensorOverhead)
    return refuse("its tensors are not those that this benchmark knows");
  // It says on every tensor how it repacks it.
  peer->call<void>(
      "ggml_log_set",
      static_cast<void (*)(int, const char *, void *)>([](int, const char *, void *) {}), Handle());
  // One library for each level of features, which says itself how well it fits.
  int bestScore = 0;
  if (DIR *folder = opendir(location.c_str())) {
    while (dirent *entry = readdir(folder)) {
      std::string file = entry->d_name;
      if (file.rfind("libggml-cpu", 0) != 0)
        continue;
      Handle library = dlopen((location + "/" + file).c_str(), RTLD_NOW | RTLD_LOCAL);
      auto *score =
          library ? reinterpret_cast<int (*)()>(dlsym(library, "ggml_backend_score")) : nullptr;
      if (score && score() > bestScore)
        bestScore = score(), peer->cpu = library;
    }
    closedir(folder);
  }
  auto *init =
      peer->cpu ? reinterpret_cast<Handle (*)()>(dlsym(peer->cpu, "ggml_backend_init")) : nullptr;
  if (!init)
    return refuse("no libggml-cpu*.so there fits this processor");
  peer->registry = init();
  if (!peer->registry)
    return refuse("its registry was made for another interface");
  peer->device = peer->call<Handle>("ggml_backend_reg_dev_get", peer->registry, size_t(0));
  peer->backend =
      peer->call<Handle>("ggml_backend_dev_init", peer->device, static_cast<const char *>(nullptr));
  if (!peer->backend)
    return refuse("no backend");
  peer->bufferTypes.push_back(peer->call<Handle>("ggml_backend_dev_buffer_type", peer->device));
  auto *extras = reinterpret_cast<Handle *(*)(Handle)>(
      peer->call<Handle>("ggml_backend_reg_get_proc_address", peer->registry,
                         static_cast<const char *>("ggml_backend_dev_get_extra_bufts")));
  for (Handle *type = extras ? extras(peer->device) : nullptr; type && *type; ++type)
    peer->bufferTypes.push_back(*type);
  return peer;
}
