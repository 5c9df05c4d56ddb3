//===- NNFactors.h - Where factors per channel come from -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNFACTORS_H
#define TERSE_DIALECT_NN_IR_NNFACTORS_H

#include "mlir/IR/OpDefinition.h"

namespace terse::nn {

/// An operand and the axis of it along which factors go.
struct FactorOperand {
  mlir::OpOperand *operand;
  int64_t axis;
};

/// Attaches FactorSource and ShapeReader to the ops of the dialect.
void attachFactorInterfaces(mlir::MLIRContext *context);

} // namespace terse::nn

#include "terse/Dialect/NN/IR/NNFactors.h.inc"

#endif
