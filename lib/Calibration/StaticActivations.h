//===- StaticActivations.h - Which values can become integers --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CALIBRATION_STATICACTIVATIONS_H
#define TERSE_LIB_CALIBRATION_STATICACTIVATIONS_H

#include "mlir/IR/Operation.h"
#include "terse/Calibration/Statistics.h"
#include "terse/Dialect/NN/IR/NNQuantization.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLFunctionalExtras.h"
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

/// The form that it has; contractions are sums.
nn::IntegerForm getForm(mlir::Operation *op);

/// Ops of `block` that are left in float because they, or the only ops that read them, amplify
/// errors.
llvm::DenseSet<mlir::Operation *> findSensitive(mlir::Block &block);

/// Norms of `block`, the sums of computed tensors that they read, and the sums that these are part
/// of: the stream that every layer of an encoder adds to.
llvm::DenseSet<mlir::Operation *> findResiduals(mlir::Block &block);

/// Whether `op` only clamps what a contraction or sum computes for it alone, so that rounding that
/// one's result can clamp it.
bool isFusedClamp(mlir::Operation *op);

/// Whether one function of an element makes `value` for another one: as one table they need no
/// integers between them.
bool isComposed(mlir::Value value, llvm::function_ref<bool(mlir::Operation *)> isEligible);

/// `range` without the ends where the functions of an element that read `value` hardly change any
/// more, as hard-swish below -3: clamping there costs nothing, and steps become finer. All of it if
/// anything else reads `value`. Holds 0.
FloatRange cutFlatEnds(mlir::Value value, FloatRange range,
                       llvm::function_ref<bool(mlir::Operation *)> isEligible);

} // namespace terse

#endif // TERSE_LIB_CALIBRATION_STATICACTIVATIONS_H
