//===- Matching.h - What patterns ask about operands ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_DIALECT_NN_TRANSFORMS_MATCHING_H
#define TERSE_LIB_DIALECT_NN_TRANSFORMS_MATCHING_H

#include "terse/Dialect/NN/IR/NNOps.h"

#include <optional>

namespace terse::nn {

/// The float that every element of a constant is.
std::optional<double> getNumber(mlir::Value value);

/// Whether a number was found and is `b`, within 1e-6 of it.
bool isNear(std::optional<double> a, double b);

/// `value = x * number` or `x + number`: x, with the type of `value`; null if it is something else.
mlir::Value matchNumber(mlir::Value value, BinaryKind kind, double number);

/// A constant, or computed from constants only: what nn-fold-constants evaluates.
bool isConstantExpression(mlir::Value value);

/// Whether two values are the same, or computed alike from the same.
bool isSameComputation(mlir::Value a, mlir::Value b);

} // namespace terse::nn

#endif
