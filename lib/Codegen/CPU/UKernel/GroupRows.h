//===- GroupRows.h - Rows beside weights of few bits ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_GROUPROWS_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_GROUPROWS_H

#include "LeftRows.h"
#include "terse/Dialect/UKernel/IR/WeightLayout.h"

namespace terse {

/// Copies rows of a product's left operand in the order of packed weights: with zeros where groups
/// are filled up.
class GroupRows {
public:
  using Value = mlir::Value;

  GroupRows(KernelCode &code, const ukernel::WeightLayout &layout, mlir::Type stored);

  /// Once, at the start of a function.
  void allocate();
  /// Row `row` of all rows to row `r` of `rows`.
  void copy(Value rows, Value r, Value row);

private:
  KernelCode &k;
  mlir::OpBuilder &b;
  const ukernel::WeightLayout &layout;
  mlir::Type stored;
  int64_t length;
  LeftRows left;
  // A row before it is spread over groups that are filled up.
  Value packed;
};

} // namespace terse

#endif
