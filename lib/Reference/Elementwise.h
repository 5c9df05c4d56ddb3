//===- Elementwise.h - Scalar functions of the nn dialect -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_REFERENCE_ELEMENTWISE_H
#define TERSE_LIB_REFERENCE_ELEMENTWISE_H

#include "terse/Dialect/NN/IR/NNOps.h"

namespace terse::reference {

/// `kind(x)` of nn.unary on floats; `not` and `bit_not` are not among them.
float applyUnary(nn::UnaryKind kind, float x, double alpha, double beta);
double applyUnary(nn::UnaryKind kind, double x, double alpha, double beta);

} // namespace terse::reference

#endif // TERSE_LIB_REFERENCE_ELEMENTWISE_H
