//===- UnaryFunctions.h - What the kinds of nn.unary compute ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each function of floats as a sequence of operations that round once each. The interpreter carries
// it out on numbers, the lowering builds the ops: both give the same bits.

#ifndef TERSE_DIALECT_NN_IR_UNARYFUNCTIONS_H
#define TERSE_DIALECT_NN_IR_UNARYFUNCTIONS_H

#include "terse/Dialect/NN/IR/NNOps.h"

#include <optional>

namespace terse::nn {

/// `A` has a type Float; c(double) rounds a constant to it; add, sub, mul, div, neg, abs, sqrt,
/// floor, ceil and roundEven; lt and gt, false on NaN; select(p, x, y) is x if p; and the functions
/// of the library by their names. Nothing for kinds that are no functions of floats.
template <typename A>
std::optional<typename A::Float> applyUnaryFunction(const A &a, UnaryKind kind, typename A::Float x,
                                                    double alpha, double beta) {
  using F = typename A::Float;
  // Selects keep a NaN in x.
  auto atLeast = [&](F v, F bound) { return a.select(a.lt(v, bound), bound, v); };
  auto atMost = [&](F v, F bound) { return a.select(a.gt(v, bound), bound, v); };
  auto clip = [&](F v) { return atLeast(atMost(v, a.c(1)), a.c(0)); };
  auto sigmoid = [&](F v) { return a.div(a.c(1), a.add(a.c(1), a.exp(a.neg(v)))); };
  // max(v, 0) + log1p(exp(-|v|)) does not overflow.
  auto softplus = [&](F v) {
    F tail = a.log1p(a.exp(a.neg(a.abs(v))));
    return a.add(atLeast(v, a.c(0)), tail);
  };
  auto onePlusHalf = [&](F v, F weight) {
    return a.mul(a.mul(v, a.c(0.5)), a.add(a.c(1), weight));
  };
  switch (kind) {
  case UnaryKind::Abs:
    return a.abs(x);
  case UnaryKind::Neg:
    return a.neg(x);
  case UnaryKind::Sign:
    return a.select(a.gt(x, a.c(0)), a.c(1), a.select(a.lt(x, a.c(0)), a.c(-1), x));
  case UnaryKind::Floor:
    return a.floor(x);
  case UnaryKind::Ceil:
    return a.ceil(x);
  case UnaryKind::Round:
    return a.roundEven(x);
  case UnaryKind::Exp:
    return a.exp(x);
  case UnaryKind::Log:
    return a.log(x);
  case UnaryKind::Sqrt:
    return a.sqrt(x);
  case UnaryKind::Rsqrt:
    return a.div(a.c(1), a.sqrt(x));
  case UnaryKind::Reciprocal:
    return a.div(a.c(1), x);
  case UnaryKind::Sin:
    return a.sin(x);
  case UnaryKind::Cos:
    return a.cos(x);
  case UnaryKind::Tan:
    return a.tan(x);
  case UnaryKind::Asin:
    return a.asin(x);
  case UnaryKind::Acos:
    return a.acos(x);
  case UnaryKind::Atan:
    return a.atan(x);
  case UnaryKind::Sinh:
    return a.sinh(x);
  case UnaryKind::Cosh:
    return a.cosh(x);
  case UnaryKind::Tanh:
    return a.tanh(x);
  case UnaryKind::Asinh:
    return a.asinh(x);
  case UnaryKind::Acosh:
    return a.acosh(x);
  case UnaryKind::Atanh:
    return a.atanh(x);
  case UnaryKind::Erf:
    return a.erf(x);
  case UnaryKind::Relu:
    return atLeast(x, a.c(0));
  case UnaryKind::LeakyRelu:
    return a.select(a.lt(x, a.c(0)), a.mul(a.c(alpha), x), x);
  case UnaryKind::Clamp:
    return atMost(atLeast(x, a.c(alpha)), a.c(beta));
  case UnaryKind::Sigmoid:
    return sigmoid(x);
  case UnaryKind::HardSigmoid:
    return clip(a.add(a.mul(a.c(alpha), x), a.c(beta)));
  case UnaryKind::HardSwish:
    return a.mul(x, clip(a.add(a.div(x, a.c(6)), a.c(0.5))));
  case UnaryKind::Elu:
    return a.select(a.lt(x, a.c(0)), a.mul(a.c(alpha), a.expm1(x)), x);
  case UnaryKind::Selu:
    return a.mul(a.c(beta), a.select(a.lt(x, a.c(0)), a.mul(a.c(alpha), a.expm1(x)), x));
  case UnaryKind::Celu: {
    F low = a.mul(a.c(alpha), a.expm1(a.div(x, a.c(alpha))));
    return a.add(atLeast(x, a.c(0)), atMost(low, a.c(0)));
  }
  case UnaryKind::Softplus:
    return softplus(x);
  case UnaryKind::Softsign:
    return a.div(x, a.add(a.c(1), a.abs(x)));
  case UnaryKind::Gelu:
    return onePlusHalf(x, a.erf(a.mul(x, a.c(0.70710678118654752440))));
  case UnaryKind::GeluTanh: {
    F cube = a.mul(a.mul(x, x), x);
    F t = a.mul(a.c(0.79788456080286535588), a.add(x, a.mul(a.c(0.044715), cube)));
    return onePlusHalf(x, a.tanh(t));
  }
  case UnaryKind::Silu:
    return a.mul(x, sigmoid(a.mul(a.c(alpha), x)));
  case UnaryKind::Mish:
    return a.mul(x, a.tanh(softplus(x)));
  case UnaryKind::ThresholdedRelu:
    return a.select(a.gt(x, a.c(alpha)), x, a.c(0));
  case UnaryKind::Shrink:
    return a.select(a.lt(x, a.c(-alpha)), a.add(x, a.c(beta)),
                    a.select(a.gt(x, a.c(alpha)), a.sub(x, a.c(beta)), a.c(0)));
  case UnaryKind::ScaledTanh:
    return a.mul(a.c(alpha), a.tanh(a.mul(a.c(beta), x)));
  case UnaryKind::Affine:
    return a.add(a.mul(a.c(alpha), x), a.c(beta));
  case UnaryKind::Identity:
    return x;
  case UnaryKind::Not:
  case UnaryKind::BitNot:
    return std::nullopt;
  }
  return std::nullopt;
}

} // namespace terse::nn

#endif
