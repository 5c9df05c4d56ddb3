//===- CostModel.h - What a kernel takes ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An estimate in cycles of one core: the larger of what the instructions take, with the padding of
// tiles, and what memory takes. It compares kernels and schedules with each other; it is no
// measurement.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_DIALECT_UKERNEL_TRANSFORMS_COSTMODEL_H
#define TERSE_DIALECT_UKERNEL_TRANSFORMS_COSTMODEL_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"

namespace terse::ukernel {

/// A contraction as the model sees it. For depthwise windows, `n` are the channels and `k` the
/// products of one sum.
struct KernelShape {
  /// Rows of the result; with an unknown batch, of one sample.
  int64_t m = 1, n = 1, k = 1;
  /// Whether there may be more rows than `m`.
  bool isDynamic = false;
  double weightBytes = 0, activationBytes = 0, resultBytes = 0;
};
KernelShape getKernelShape(KernelOpInterface op);

struct KernelCost {
  /// Multiplications and additions that count, without padding.
  double operations = 0;
  double computeCycles = 0, memoryCycles = 0;

  double getCycles() const;
  bool isMemoryBound() const { return memoryCycles > computeCycles; }
};

/// `schedule` is one for the types of `op`.
KernelCost estimateCost(KernelOpInterface op, ScheduleAttr schedule);

/// What loops that no kernel takes would take, vectorized.
KernelCost estimateCost(mlir::linalg::LinalgOp op);

/// What `op`, of integers, would take on floats of the same sizes.
KernelCost estimateFloatCost(KernelOpInterface op);

/// Cycles of rounding the left operand of `op` at run time: the loops that scale and round it and
/// those that look for its magnitude. 0 if it comes as integers.
double getQuantizingCycles(KernelOpInterface op);

/// Bytes that a core reads per cycle when all it touches are `bytes`: of the second-level cache,
/// the last-level cache or memory.
double getBytesPerCycle(double bytes);

/// Operations per cycle of one core at best.
double getPeak(ISA isa, bool floats);

} // namespace terse::ukernel

#endif // TERSE_DIALECT_UKERNEL_TRANSFORMS_COSTMODEL_H
