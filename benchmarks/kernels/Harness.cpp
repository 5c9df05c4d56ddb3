//===- Harness.cpp - What the benchmarks of kernels share -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Harness.h"
#include "Machine.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

using namespace terse;
using namespace terse::bench;
using llvm::formatv;

bool terse::bench::parseOptions(int argc, char **argv, CommonOptions &options, const char *usage,
                                llvm::function_ref<bool(llvm::StringRef, llvm::StringRef)> own) {
  for (int i = 1; i < argc; ++i) {
    auto [name, value] = llvm::StringRef(argv[i]).split('=');
    if (value.empty() && i + 1 < argc)
      value = argv[++i];
    bool good = true;
    if (name == "--seconds") {
      good = !value.getAsDouble(options.seconds);
    } else if (name == "--shapes") {
      options.shapes = value;
    } else if (name == "--threads") {
      good = !value.getAsInteger(10, options.threads) && options.threads >= 1;
    } else if (name == "--peers") {
      options.peers.clear();
      for (llvm::StringRef peer : llvm::split(value, ','))
        options.peers.push_back(peer.str());
    } else {
      good = own(name, value);
    }
    if (name == "--help") {
      llvm::outs() << usage;
      std::exit(0);
    }
    if (!good) {
      llvm::errs() << "cannot use '" << argv[i] << "'\n" << usage;
      return false;
    }
  }
  return true;
}

static double median(std::vector<double> v) {
  if (v.empty())
    return 0;
  std::nth_element(v.begin(), v.begin() + v.size() / 2, v.end());
  return v[v.size() / 2];
}

// Seconds of one run.
static double timeOnce(PreparedPeer &kernel, bool cold, bool onWall) {
  auto now = [&] { return onWall ? wallTime() : threadTime(); };
  if (cold) {
    if (kernel.weights)
      flush(kernel.weights, kernel.weightBytes);
    double start = now();
    kernel.run();
    return (now() - start) / double(kernel.copies);
  }
  kernel.run();
  int64_t runs = 0;
  double start = now(), end;
  do {
    kernel.run();
    ++runs;
  } while ((end = now()) - start < 0.003);
  return (end - start) / double(runs);
}

Timing terse::bench::timeInTurns(llvm::ArrayRef<PreparedPeer *> kernels, bool cold, Bursts bursts,
                                 const CommonOptions &options) {
  struct Sample {
    size_t kernel;
    double seconds, floats, bytes;
  };
  std::vector<Sample> samples;
  // The best bursts of a row so far: the machine may be slow during all of another.
  static double bestFloats = 0, bestBytes = 0;
  auto isSlow = [&](const Sample &s) {
    return (bursts.floats && s.floats < 0.6 * bestFloats) ||
           (bursts.bytes && s.bytes < 0.6 * bestBytes);
  };
  // How many rounds the machine was not slow in; a row waits for some of them.
  int64_t usable = 0;
  auto burstOfFloats = [&] { return bursts.floats ? burstFloat() : 1; };
  auto burstOfBytes = [&] { return bursts.bytes ? burstInt8() : 1; };
  double stop = wallTime() + options.seconds, floats = burstOfFloats(), bytes = burstOfBytes();
  double latest = stop + 5 * options.seconds;
  for (int round = 0; wallTime() < stop || round < 5 || (usable < 5 && wallTime() < latest);
       ++round) {
    bool slow = false;
    for (auto [i, kernel] : llvm::enumerate(kernels)) {
      if (!kernel->run)
        continue;
      double t = timeOnce(*kernel, cold, options.threads > 1), f = burstOfFloats(),
             b = burstOfBytes();
      samples.push_back({i, t, std::min(floats, f), std::min(bytes, b)});
      floats = f, bytes = b;
      slow |= isSlow(samples.back());
    }
    usable += !slow;
  }
  auto most = [&](double Sample::*which) {
    std::vector<double> v;
    for (Sample &s : samples)
      v.push_back(s.*which);
    std::nth_element(v.begin(), v.begin() + v.size() * 9 / 10, v.end());
    return v[v.size() * 9 / 10];
  };
  double mostFloats = most(&Sample::floats), mostBytes = most(&Sample::bytes);
  if (bursts.floats)
    bestFloats = std::max(bestFloats, mostFloats);
  if (bursts.bytes)
    bestBytes = std::max(bestBytes, mostBytes);
  Timing timing;
  timing.count = samples.size();
  for (size_t i = 0; i < kernels.size(); ++i) {
    std::vector<double> quick, every;
    for (Sample &s : samples)
      if (s.kernel == i) {
        every.push_back(s.seconds);
        if (s.floats >= 0.85 * mostFloats && s.bytes >= 0.85 * mostBytes)
          quick.push_back(s.seconds);
      }
    timing.fast += isSlow({i, 0, mostFloats, mostBytes}) ? 0 : quick.size();
    // Without any, the best that there was.
    if (quick.empty() && !every.empty())
      quick.push_back(*std::min_element(every.begin(), every.end()));
    timing.seconds.push_back(median(quick));
  }
  return timing;
}

void Ratios::add(const std::string &group, const std::string &other, double ratio) {
  Sums &s = sums[{group, other}];
  s.logarithm += std::log(ratio), ++s.count, s.worst = std::min(s.worst, ratio);
}

void Ratios::print(const char *what, const char *whose) const {
  if (sums.empty())
    return;
  llvm::outs() << formatv("\n| {0} | {1} | times faster, geometric mean | worst | count |\n"
                          "|---|---|---|---|---|\n",
                          what, whose);
  for (auto &[key, s] : sums)
    llvm::outs() << formatv("| {0} | {1} | {2:f2} | {3:f2} | {4} |\n", key.first, key.second,
                            std::exp(s.logarithm / s.count), s.worst, s.count);
}
