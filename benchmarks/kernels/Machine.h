//===- Machine.h - What the machine can do at most ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_BENCHMARKS_KERNELS_MACHINE_H
#define TERSE_BENCHMARKS_KERNELS_MACHINE_H

#include <cstdint>
#include <string>
#include <vector>

namespace terse::bench {

/// Seconds of processor time of this thread: what other programs take from it does not count.
double threadTime();
/// Seconds on the wall, for work of several threads.
double wallTime();

/// Operations per second of multiply-adds in registers during about 0.2 ms: AMX on 8 bits with its
/// operands in the first-level cache (vpdpbusd without it, which stands for vdpbf16ps, too: both
/// take the same units), or AVX-512 on floats. 1 where the machine has neither.
double burstInt8();
double burstFloat();

/// Limits of one core (or of `threads` cores, each with memory of its own).
struct Limits {
  // Operations per second: register to register.
  double amxInt8 = 0, amxBF16 = 0, vnni = 0, bf16 = 0, fma = 0;
  // Bytes per second: one stream from the caches, one and eight streams from memory.
  double l1 = 0, l2 = 0, l3 = 0, dram = 0, dramStreams = 0;
};
Limits measureLimits();

/// CPU features that kernels use, as LLVM names them.
std::string describeFeatures();

/// Writes `bytes` back and drops them from all caches.
void flush(const void *data, size_t bytes);

} // namespace terse::bench

#endif
