//===- PeerLIBXSMM.cpp - libxsmm 2.x by its C interface --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// libxsmm makes kernels for one block of a product; the loop over blocks is here, with whichever
// block size is faster. Sums of bytes stay 32-bit integers: it has nothing that rounds them to
// bytes.

#include "Peers.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <dlfcn.h>

using namespace terse::bench;

namespace {
// The interface of 2.x, whose matrices are column by column: its A are our weights, its B our rows.
enum { F32 = 1, BF16 = 2, I32 = 8, I8 = 12, U8 = 13 };
enum { Overwrite = 4, KeepTiles = 64, HaveTiles = 128, PackedA = 256 };
struct Shape {
  int m, n, k, lda, ldb, ldc;
  int a, b, c, sum;
};
struct Matrix {
  void *primary, *others[5];
};
struct Call {
  void *state[4];
  Matrix a, b, c;
};
using Kernel = void (*)(const Call *);
using TileSetup = void (*)(void *);

struct LIBXSMM : Peer {
  void *library = nullptr;
  int threads = 1;

  std::string getName() const override { return "libxsmm 2"; }
  void setThreads(int count) override { threads = count; }

  template <typename F>
  F *find(const char *name) {
    return reinterpret_cast<F *>(dlsym(library, name));
  }

  PreparedPeer prepare(const Problem &problem, const Operands &operands) override {
    PreparedPeer best;
    double bestTime = 0;
    if (problem.isConv() || threads > 1)
      return best;
    for (int block : {32, 64}) {
      PreparedPeer one = prepareBlocks(problem, operands, block);
      if (!one.run)
        continue;
      double time = 1e9;
      for (int i = 0; i < 5; ++i) {
        auto start = std::chrono::steady_clock::now();
        one.run();
        time = std::min(
            time, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      }
      if (!best.run || time < bestTime)
        best = one, bestTime = time;
    }
    return best;
  }

private:
  PreparedPeer prepareBlocks(const Problem &problem, const Operands &operands, int columns) {
    int64_t m = problem.m, n = problem.n, k = problem.k, bytes = problem.getElementBytes();
    int64_t rows = std::min<int64_t>(m, columns), together = 4 / bytes;
    if (n % columns || m % rows || k % together)
      return {};
    int type = problem.kind == Kind::BF16 ? BF16 : F32;
    bool int8 = problem.kind == Kind::Int8;
    Shape shape{columns, int(rows),        int(k),           columns,           int(k),
                int(n),  int8 ? I8 : type, int8 ? U8 : type, int8 ? I32 : type, int8 ? I32 : F32};
    unsigned flags = Overwrite | (bytes < 4 ? PackedA : 0);
    auto *tiles = find<TileSetup(Shape, unsigned)>("libxsmm_dispatch_tilecfg_gemm");
    TileSetup setUp = nullptr, release = nullptr;
    if (bytes < 4) {
      setUp = tiles(shape, flags | KeepTiles);
      release = tiles(shape, flags | HaveTiles);
    }
    unsigned kept = setUp && release ? KeepTiles | HaveTiles : 0;
    Kernel kernel =
        find<Kernel(Shape, unsigned, unsigned)>("libxsmm_dispatch_gemm")(shape, flags | kept, 0);
    if (!kernel)
      return {};
    struct Buffers {
      std::vector<uint8_t> x, w, y;
    };
    auto b = std::make_shared<Buffers>();
    auto aligned = [](std::vector<uint8_t> &v, size_t size) {
      v.resize(size + 64);
      return v.data() + (64 - reinterpret_cast<uintptr_t>(v.data()) % 64) % 64;
    };
    int64_t resultBytes = int8 ? 4 : bytes;
    uint8_t *x = aligned(b->x, operands.x.size()), *w = aligned(b->w, operands.w.size()),
            *y = aligned(b->y, m * n * resultBytes);
    std::memcpy(x, operands.x.data(), operands.x.size());
    // Panels of columns; in each, neighbours along the contraction that fill 32 bits side by side.
    for (int64_t j = 0; j < n; ++j)
      for (int64_t i = 0; i < k; ++i) {
        int64_t to = (j / columns * k + i / together * together) * columns +
                     j % columns * together + i % together;
        std::memcpy(w + to * bytes, operands.w.data() + (j * k + i) * bytes, bytes);
      }
    PreparedPeer result;
    result.run = [=] {
      uint64_t state[16] = {};
      if (kept)
        setUp(state);
      Call call{};
      for (int64_t j = 0; j < n; j += columns)
        for (int64_t i = 0; i < m; i += rows) {
          call.a.primary = w + j * k * bytes;
          call.b.primary = x + i * k * bytes;
          call.c.primary = y + (i * n + j) * resultBytes;
          kernel(&call);
        }
      if (kept)
        release(state);
    };
    result.result = y;
    result.sums = int8;
    result.weights = w;
    result.weightBytes = operands.w.size();
    result.owner = b;
    return result;
  }
};
} // namespace

std::unique_ptr<Peer> terse::bench::loadLIBXSMM(const std::string &location, std::string &error) {
  auto peer = std::make_unique<LIBXSMM>();
  peer->library = dlopen(location.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!peer->library || !peer->find<void>("libxsmm_dispatch_tilecfg_gemm") ||
      !peer->find<void>("libxsmm_dispatch_gemm")) {
    error = peer->library ? "not libxsmm 2" : dlerror();
    return nullptr;
  }
  peer->find<void()>("libxsmm_init")();
  return peer;
}
