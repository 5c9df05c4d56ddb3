//===- QuantizeRows.h - Loops that round to bytes -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_UKERNEL_TRANSFORMS_QUANTIZEROWS_H
#define TERSE_DIALECT_UKERNEL_TRANSFORMS_QUANTIZEROWS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace terse::ukernel {

/// What a linalg op rounds to bytes: arguments of its body, or constants where they are null.
struct QuantizeRows {
  mlir::BlockArgument x, scale, zeroPoint;
  double constantScale = 1, constantZero = 0;
  bool isUnsigned = false;
};

/// What `op` rounds, if it computes `ukernel.quantize_rows` and nothing else.
std::optional<QuantizeRows> matchQuantizeRows(mlir::linalg::GenericOp op);

} // namespace terse::ukernel

#endif
