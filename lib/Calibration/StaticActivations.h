//===- StaticActivations.h - Which values can become integers --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CALIBRATION_STATICACTIVATIONS_H
#define TERSE_LIB_CALIBRATION_STATICACTIVATIONS_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/SmallVector.h"

namespace terse {

/// The float operands of `op` that are data and not its weights: the activation of a contraction
/// (both operands if both are computed), and what Quantizable says. Constants are among them where
/// they take part as data do.
llvm::SmallVector<mlir::OpOperand *> getDataOperands(mlir::Operation *op);

/// Whether `value` is computed, f32, and not encoded.
bool isFloatActivation(mlir::Value value);

/// Whether the op has an integer form, whatever its operands are.
bool hasIntegerForm(mlir::Operation *op);

/// Whether `op` only clamps what a contraction or sum computes for it alone, so that rounding that
/// one's result can clamp it.
bool isFusedClamp(mlir::Operation *op);

} // namespace terse

#endif // TERSE_LIB_CALIBRATION_STATICACTIVATIONS_H
