//===- WindowRows.h - Windows of a convolution as rows --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_WINDOWROWS_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_WINDOWROWS_H

#include "LeftRows.h"

namespace terse {

/// Brings windows of a convolution into rows, a line of the result at a time: first the lines of
/// the input that it sees are copied, with their padding, then every row of a window is a few
/// vectors of a line, whatever it covers. Vectors may reach past what they copy: what is wrong
/// behind a row is overwritten by the next one, and is zero behind the last one of floats.
class WindowRows {
public:
  using Value = mlir::Value;

  /// `stored` and `vectorBytes` as of `left`, which converts elements.
  WindowRows(KernelCode &code, LeftRows &left, mlir::Type stored, int64_t vectorBytes);

  /// Whether the op's sizes are known as far as that takes.
  bool isPossible() const { return possible; }
  /// Elements that may be written behind the last row.
  int64_t getSlack() const { return vectorBytes; }

  /// Takes memory for lines. Once, before the loops.
  void prepare();
  /// Rows [first, first + count) of the result to rows 0 and following of `rows`.
  void copy(Value rows, Value first, Value count);

private:
  void copyLines(Value image, Value y);
  void copyWindow(Value rows, Value row, Value x);

  KernelCode &k;
  mlir::OpBuilder &b;
  LeftRows &left;
  mlir::Type stored;
  int64_t vectorBytes;
  bool possible = false;
  int64_t outWidth = 0, width = 0, channels = 0;
  // Elements of a line, from one line to the next.
  int64_t lineElements = 0, linePitch = 0;
  Value lines;
};

} // namespace terse

#endif
