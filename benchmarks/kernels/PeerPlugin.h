/*===- PeerPlugin.h - Bring kernels of your own into the benchmark ----*- C -*-===*/
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A shared library with these functions is timed beside ours by `terse-weight-only-bench --peers
   plugin=FILE`: kernels under development, or libraries of C++ templates that have no interface of
   their own. */

#ifndef TERSE_BENCHMARKS_KERNELS_PEERPLUGIN_H
#define TERSE_BENCHMARKS_KERNELS_PEERPLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `y[m, n] = sum over k of x[m, k] * w[n, k]`, all row-major f32; the plugin rounds `w` to about
 * `bits`. */
typedef struct TersePeerProblem {
  int64_t m, n, k, bits;
  const float *x, *w;
} TersePeerProblem;

typedef struct TersePeerKernel {
  /* What stands in the table behind the plugin's name. */
  const char *name;
  /* Computes the problem once: called many times, on one thread. */
  void (*run)(void *state);
  void (*release)(void *state);
  void *state;
  /* [m, n], written by `run`. */
  const float *y;
  /* The rounded weights, which are dropped from the caches before a run from memory. */
  const void *weights;
  size_t weightBytes;
} TersePeerKernel;

const char *tersePeerName(void);
/* Fills in the kernel number `index` for the problem and returns 1; 0 where it has nothing for the
   problem; -1 where there are no more kernels. The problem's memory stays until the kernel is
   released. */
int tersePeerPrepare(const TersePeerProblem *problem, int index, TersePeerKernel *kernel);

#ifdef __cplusplus
}
#endif
#endif
