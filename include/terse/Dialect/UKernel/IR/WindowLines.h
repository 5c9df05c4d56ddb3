//===- WindowLines.h - Lines of a window side by side ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Few channels fill a tile together with their neighbours in a line, which lie side by side, and
// with those of the lines below, if these are copied into one: element by element of the columns in
// turn. Then tiles read windows in the copy, and there is no copy of windows.

#ifndef TERSE_DIALECT_UKERNEL_IR_WINDOWLINES_H
#define TERSE_DIALECT_UKERNEL_IR_WINDOWLINES_H

#include "terse/Dialect/UKernel/IR/UKernelOps.h"

namespace terse::ukernel {

/// The contraction of a window whose lines are taken `schedule.lines` together.
struct LineGroups {
  LineGroups(KernelSizes sizes, ScheduleAttr schedule);

  /// Groups of lines, elements of a column, of a group, the same with the zeros behind them.
  int64_t count, column, elements, padded;
};

/// Elements that `channels` take in lines that are copied for tiles: products of bf16 take two at a
/// time, so that an odd number has a zero behind it.
int64_t getColumnElements(int64_t channels, mlir::Type element);

/// Copied lines per line of the result: those that begin at different remainders of the stride.
int64_t countPlanes(WindowAttr window, int64_t lines);

/// Whether tiles read the op's windows in copied lines because a column's channels fill rows of
/// them.
bool fillTiles(KernelOpInterface op);

/// Elements of a step of the contraction if `lines` lines of the op's window are taken together;
/// 0 where kernels cannot do that.
int64_t getLineDepth(KernelOpInterface op, int64_t lines);

} // namespace terse::ukernel

#endif
