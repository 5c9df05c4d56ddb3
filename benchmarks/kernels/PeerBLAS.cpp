//===- PeerBLAS.cpp - OpenBLAS by its C interface --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Peers.h"

#include <cstring>
#include <dlfcn.h>

using namespace terse::bench;

namespace {
enum { RowMajor = 101, NoTranspose = 111 };

struct BLAS : Peer {
  void *library = nullptr;

  std::string getName() const override {
    auto *f = reinterpret_cast<const char *(*)()>(dlsym(library, "openblas_get_config"));
    std::string text = f ? f() : "OpenBLAS";
    return text.substr(0, text.find(' ', text.find(' ') + 1));
  }
  void setThreads(int threads) override {
    if (auto *f = reinterpret_cast<void (*)(int)>(dlsym(library, "openblas_set_num_threads")))
      f(threads);
  }

  PreparedPeer prepare(const Problem &problem, const Operands &operands) override {
    if (problem.kind != Kind::Float || problem.isConv())
      return {};
    int m = int(problem.m), n = int(problem.n), k = int(problem.k);
    struct Buffers {
      std::vector<float> x, w, y;
    };
    auto b = std::make_shared<Buffers>();
    b->x.resize(size_t(m) * k);
    b->w.resize(size_t(n) * k);
    b->y.resize(size_t(m) * n);
    std::memcpy(b->x.data(), operands.x.data(), operands.x.size());
    // Weights as [n, k] for one row, as [k, n] else: what the library is quickest with.
    const auto *w = reinterpret_cast<const float *>(operands.w.data());
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < k; ++j)
        b->w[m == 1 ? size_t(i) * k + j : size_t(j) * n + i] = w[size_t(i) * k + j];
    PreparedPeer result;
    if (m == 1) {
      auto *gemv =
          reinterpret_cast<void (*)(int, int, int, int, float, const float *, int, const float *,
                                    int, float, float *, int)>(dlsym(library, "cblas_sgemv"));
      result.run = [=] {
        gemv(RowMajor, NoTranspose, n, k, 1, b->w.data(), k, b->x.data(), 1, 0, b->y.data(), 1);
      };
    } else {
      auto *gemm = reinterpret_cast<void (*)(int, int, int, int, int, int, float, const float *,
                                             int, const float *, int, float, float *, int)>(
          dlsym(library, "cblas_sgemm"));
      result.run = [=] {
        gemm(RowMajor, NoTranspose, NoTranspose, m, n, k, 1, b->x.data(), k, b->w.data(), n, 0,
             b->y.data(), n);
      };
    }
    result.result = b->y.data();
    result.weights = b->w.data();
    result.weightBytes = b->w.size() * 4;
    result.owner = b;
    return result;
  }
};
} // namespace

std::unique_ptr<Peer> terse::bench::loadBLAS(const std::string &location, std::string &error) {
  auto peer = std::make_unique<BLAS>();
  peer->library = dlopen(location.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!peer->library || !dlsym(peer->library, "cblas_sgemm") ||
      !dlsym(peer->library, "cblas_sgemv")) {
    error = peer->library ? "no cblas_sgemm" : dlerror();
    return nullptr;
  }
  return peer;
}
