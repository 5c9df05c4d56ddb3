//===- PeerPlugin.cpp - Kernels that bring the benchmark's interface -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "PeerPlugin.h"
#include "Peers.h"

#include <dlfcn.h>

using namespace terse::bench;

namespace {
struct Plugin : WeightPeer {
  decltype(&tersePeerName) name = nullptr;
  decltype(&tersePeerPrepare) prepareKernel = nullptr;
  int threads = 1;

  std::string getName() const override { return name(); }
  void setThreads(int count) override { threads = count; }

  std::vector<Prepared> prepare(const WeightProblem &p) override {
    std::vector<Prepared> all;
    TersePeerProblem problem{p.m, p.n, p.k, p.bits, p.x.data(), p.w};
    TersePeerKernel kernel{};
    for (int i = 0, found; threads == 1 && (found = prepareKernel(&problem, i, &kernel)) >= 0;
         ++i) {
      if (!found)
        continue;
      Prepared one;
      one.name = kernel.name;
      one.run = [kernel] { kernel.run(kernel.state); };
      one.result = kernel.y;
      one.weights = kernel.weights;
      one.weightBytes = kernel.weightBytes;
      one.ownWeights = true;
      one.owner = std::shared_ptr<void>(kernel.state, kernel.release);
      all.push_back(std::move(one));
    }
    return all;
  }
};
} // namespace

std::unique_ptr<WeightPeer> terse::bench::loadPlugin(const std::string &location,
                                                     std::string &error) {
  auto peer = std::make_unique<Plugin>();
  void *library = dlopen(location.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    error = dlerror();
    return nullptr;
  }
  peer->name = reinterpret_cast<decltype(peer->name)>(dlsym(library, "tersePeerName"));
  peer->prepareKernel =
      reinterpret_cast<decltype(peer->prepareKernel)>(dlsym(library, "tersePeerPrepare"));
  if (peer->name && peer->prepareKernel)
    return peer;
  error = "it does not have the functions of PeerPlugin.h";
  return nullptr;
}
