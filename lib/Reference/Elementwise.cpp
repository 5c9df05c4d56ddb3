//===- Elementwise.cpp - Unary, binary, compare, select ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elementwise.h"
#include "Elements.h"
#include "Functions.h"
#include "OpCall.h"

#include "terse/Dialect/NN/IR/UnaryFunctions.h"
#include "terse/Numerics/Round.h"
#include "llvm/Support/ErrorHandling.h"

#include <cmath>

using namespace terse;
using namespace terse::reference;
using nn::BinaryKind;
using nn::CompareKind;
using nn::UnaryKind;

//===----------------------------------------------------------------------===//
// nn.unary
//===----------------------------------------------------------------------===//

namespace {
/// Float arithmetic on numbers: see UnaryFunctions.h.
template <typename T>
struct Numbers {
  using Float = T;

  static T c(double v) { return static_cast<T>(v); }
  static T add(T x, T y) { return x + y; }
  static T sub(T x, T y) { return x - y; }
  static T mul(T x, T y) { return x * y; }
  static T div(T x, T y) { return x / y; }
  static bool lt(T x, T y) { return x < y; }
  static bool gt(T x, T y) { return x > y; }
  static T select(bool p, T x, T y) { return p ? x : y; }
  static T neg(T x) { return -x; }
  static T abs(T x) { return std::fabs(x); }
  static T sqrt(T x) { return std::sqrt(x); }
  static T floor(T x) { return std::floor(x); }
  static T ceil(T x) { return std::ceil(x); }
  static T roundEven(T x) { return numerics::roundHalfToEven(x); }
  static T exp(T x) { return reference::exp(x); }
  static T expm1(T x) { return reference::expm1(x); }
  static T log(T x) { return reference::log(x); }
  static T log1p(T x) { return reference::log1p(x); }
  static T sin(T x) { return std::sin(x); }
  static T cos(T x) { return std::cos(x); }
  static T tan(T x) { return std::tan(x); }
  static T asin(T x) { return std::asin(x); }
  static T acos(T x) { return std::acos(x); }
  static T atan(T x) { return std::atan(x); }
  static T sinh(T x) { return std::sinh(x); }
  static T cosh(T x) { return std::cosh(x); }
  static T tanh(T x) { return reference::tanh(x); }
  static T asinh(T x) { return std::asinh(x); }
  static T acosh(T x) { return std::acosh(x); }
  static T atanh(T x) { return std::atanh(x); }
  static T erf(T x) { return reference::erf(x); }
};
} // namespace

float reference::applyUnary(UnaryKind kind, float x, double alpha, double beta) {
  return nn::applyUnaryFunction(Numbers<float>(), kind, x, alpha, beta).value();
}
double reference::applyUnary(UnaryKind kind, double x, double alpha, double beta) {
  return nn::applyUnaryFunction(Numbers<double>(), kind, x, alpha, beta).value();
}

/// The kinds that mean something on integers; nothing for the others.
template <typename T>
static std::optional<T> applyIntegerUnary(UnaryKind kind, T x, double alpha, double beta) {
  bool negative = std::is_signed_v<T> && x < T(0);
  switch (kind) {
  case UnaryKind::Abs:
    return negative ? wrappingSub<T>(0, x) : x;
  case UnaryKind::Neg:
    return wrappingSub<T>(0, x);
  case UnaryKind::Sign:
    return negative ? T(-1) : T(x != 0);
  case UnaryKind::Relu:
    return negative ? T(0) : x;
  case UnaryKind::BitNot:
    return T(~x);
  case UnaryKind::Clamp: {
    T low = std::max(x, numerics::truncateCast<T>(std::ceil(alpha)));
    return std::min(low, numerics::truncateCast<T>(std::floor(beta)));
  }
  case UnaryKind::Floor:
  case UnaryKind::Ceil:
  case UnaryKind::Round:
  case UnaryKind::Identity:
    return x;
  default:
    return std::nullopt;
  }
}

static llvm::Error evalUnary(nn::UnaryOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  UnaryKind kind = op.getKind();
  double alpha = op.getAlpha().convertToDouble(), beta = op.getBeta().convertToDouble();
  auto unsupported = [&] {
    return call.fail("'" + stringifyUnaryKind(kind) + "' is not defined on " + x.dtype.getName());
  };

  if (kind == UnaryKind::Identity) {
    call.setResult(0, x);
    return llvm::Error::success();
  }
  if (x.dtype.isFloat()) {
    if (kind == UnaryKind::Not || kind == UnaryKind::BitNot)
      return unsupported();
    visitFloat(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      std::vector<T> values = load<T>(x);
      for (T &value : values)
        value = applyUnary(kind, value, alpha, beta);
      store(values, call.result());
    });
    return llvm::Error::success();
  }
  if (x.dtype.isBool()) {
    if (kind != UnaryKind::Not)
      return unsupported();
    std::vector<int64_t> values = load<int64_t>(x);
    for (int64_t &value : values)
      value = !value;
    store(values, call.result());
    return llvm::Error::success();
  }
  return visitCarrier(x.dtype, [&](auto zero) -> llvm::Error {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T>) {
      std::vector<T> values = load<T>(x);
      if (!applyIntegerUnary<T>(kind, 0, alpha, beta))
        return unsupported();
      for (T &value : values)
        value = *applyIntegerUnary<T>(kind, value, alpha, beta);
      store(values, call.result());
    }
    return llvm::Error::success();
  });
}

//===----------------------------------------------------------------------===//
// nn.binary
//===----------------------------------------------------------------------===//

/// Remainder with the sign of the divisor.
template <typename T>
static T floorMod(T a, T b) {
  T r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

template <typename T>
static std::optional<T> applyFloatBinary(BinaryKind kind, T a, T b) {
  switch (kind) {
  case BinaryKind::Add:
    return a + b;
  case BinaryKind::Sub:
    return a - b;
  case BinaryKind::Mul:
    return a * b;
  case BinaryKind::Div:
    return a / b;
  case BinaryKind::Pow:
    return reference::pow(a, b);
  case BinaryKind::Mod:
    return floorMod(a, b);
  case BinaryKind::Fmod:
    return std::fmod(a, b);
  case BinaryKind::Min:
    return propagatingMin(a, b);
  case BinaryKind::Max:
    return propagatingMax(a, b);
  case BinaryKind::Prelu:
    return a < 0 ? b * a : a;
  default:
    return std::nullopt;
  }
}

/// Whether an integer division by zero or a negative power of zero is asked for.
template <typename T>
static bool isDivisionByZero(BinaryKind kind, T a, T b) {
  switch (kind) {
  case BinaryKind::Div:
  case BinaryKind::Mod:
  case BinaryKind::Fmod:
    return b == 0;
  case BinaryKind::Pow:
    return a == 0 && std::is_signed_v<T> && b < T(0);
  default:
    return false;
  }
}

/// a^b modulo 2^64; negative powers truncate to 0 unless |a| is 1.
template <typename T>
static T integerPow(T a, T b) {
  if (std::is_signed_v<T> && b < T(0)) {
    bool odd = b & 1;
    return a == T(1) ? T(1) : a == T(-1) ? (odd ? T(-1) : T(1)) : T(0);
  }
  T result = 1, square = a;
  for (uint64_t n = static_cast<uint64_t>(b); n; n >>= 1) {
    if (n & 1)
      result = wrappingMul(result, square);
    square = wrappingMul(square, square);
  }
  return result;
}

/// `bits` is the width of the element type: shifts are of the element, not of its carrier.
template <typename T>
static T applyIntegerBinary(BinaryKind kind, T a, T b, unsigned bits) {
  constexpr bool isSigned = std::is_signed_v<T>;
  uint64_t mask = bits >= 64 ? ~uint64_t(0) : (uint64_t(1) << bits) - 1;
  uint64_t pattern = static_cast<uint64_t>(a) & mask, count = static_cast<uint64_t>(b) & mask;
  // The one signed quotient that overflows: it wraps to the dividend, the remainder is 0.
  bool byMinusOne = isSigned && b == T(-1);
  switch (kind) {
  case BinaryKind::Add:
    return wrappingAdd(a, b);
  case BinaryKind::Sub:
    return wrappingSub(a, b);
  case BinaryKind::Mul:
    return wrappingMul(a, b);
  case BinaryKind::Div:
    return byMinusOne ? wrappingSub<T>(0, a) : T(a / b);
  case BinaryKind::Fmod:
    return byMinusOne ? T(0) : T(a % b);
  case BinaryKind::Mod: {
    T r = byMinusOne ? T(0) : T(a % b);
    return isSigned && r != 0 && (r < T(0)) != (b < T(0)) ? T(r + b) : r;
  }
  case BinaryKind::Pow:
    return integerPow(a, b);
  case BinaryKind::Min:
    return std::min(a, b);
  case BinaryKind::Max:
    return std::max(a, b);
  case BinaryKind::And:
    return T(a & b);
  case BinaryKind::Or:
    return T(a | b);
  case BinaryKind::Xor:
    return T(a ^ b);
  case BinaryKind::Shl:
    return count >= bits ? T(0) : T(pattern << count);
  case BinaryKind::Shr:
    return count >= bits ? T(0) : T(pattern >> count);
  case BinaryKind::Prelu:
    return isSigned && a < T(0) ? wrappingMul(a, b) : a;
  }
  llvm_unreachable("all kinds are integer functions");
}

/// pow with exponents of another type: in the type that floats compute in; in f64 and truncated for
/// an integer base.
static void evalMixedPow(const HostTensor &lhs, const HostTensor &rhs, HostTensor &out) {
  std::vector<double> a = load<double>(lhs), b = load<double>(rhs);
  bool narrow = out.dtype.isFloat() && out.dtype != DType::f64();
  forEachPosition<2>(
      out.shape,
      {getBroadcastStrides(lhs.shape, out.shape), getBroadcastStrides(rhs.shape, out.shape)},
      [&](int64_t i, std::array<int64_t, 2> at) {
        double value = narrow ? reference::pow(float(a[at[0]]), float(b[at[1]]))
                              : std::pow(a[at[0]], b[at[1]]);
        if (out.dtype.isFloat())
          setElement(out, i, value);
        else if (out.dtype == DType::u64())
          setElement(out, i, numerics::truncateCast<uint64_t>(value));
        else
          out.setFromInt(i, numerics::truncateCast<int64_t>(value));
      });
}

static llvm::Error evalBinary(nn::BinaryOp op, OpCall &call) {
  const HostTensor &lhs = call[op.getLhs()], &rhs = call[op.getRhs()];
  BinaryKind kind = op.getKind();
  HostTensor &out = call.result();
  auto unsupported = [&] {
    return call.fail("'" + stringifyBinaryKind(kind) + "' is not defined on " +
                     lhs.dtype.getName());
  };

  bool logical = kind == BinaryKind::And || kind == BinaryKind::Or || kind == BinaryKind::Xor;
  if (lhs.dtype.isBool() && !logical)
    return unsupported();
  if (lhs.dtype != rhs.dtype) {
    evalMixedPow(lhs, rhs, out);
    return llvm::Error::success();
  }

  std::array<std::vector<int64_t>, 2> strides{getBroadcastStrides(lhs.shape, out.shape),
                                              getBroadcastStrides(rhs.shape, out.shape)};
  return visitCompute(lhs.dtype, [&](auto zero) -> llvm::Error {
    using T = decltype(zero);
    std::vector<T> a = load<T>(lhs), b = load<T>(rhs), values(out.getNumElements());
    if constexpr (std::is_floating_point_v<T>) {
      if (!applyFloatBinary(kind, T(0), T(0)))
        return unsupported();
      forEachPosition<2>(out.shape, strides, [&](int64_t i, std::array<int64_t, 2> at) {
        values[i] = *applyFloatBinary(kind, a[at[0]], b[at[1]]);
      });
    } else {
      unsigned bits = lhs.dtype.getBits();
      bool divisionByZero = false;
      forEachPosition<2>(out.shape, strides, [&](int64_t i, std::array<int64_t, 2> at) {
        if (isDivisionByZero(kind, a[at[0]], b[at[1]]))
          divisionByZero = true;
        else
          values[i] = applyIntegerBinary(kind, a[at[0]], b[at[1]], bits);
      });
      if (divisionByZero)
        return call.fail("'" + stringifyBinaryKind(kind) + "' of integers divides by zero");
    }
    store(values, out);
    return llvm::Error::success();
  });
}

//===----------------------------------------------------------------------===//
// nn.compare, nn.select
//===----------------------------------------------------------------------===//

template <typename T>
static bool applyCompare(CompareKind kind, T a, T b) {
  switch (kind) {
  case CompareKind::Eq:
    return a == b;
  case CompareKind::Ne:
    return a != b;
  case CompareKind::Lt:
    return a < b;
  case CompareKind::Le:
    return a <= b;
  case CompareKind::Gt:
    return a > b;
  case CompareKind::Ge:
    return a >= b;
  }
  llvm_unreachable("all kinds are handled");
}

static llvm::Error evalCompare(nn::CompareOp op, OpCall &call) {
  const HostTensor &lhs = call[op.getLhs()], &rhs = call[op.getRhs()];
  if (lhs.dtype != rhs.dtype)
    return call.fail("expected equal element types (got " + lhs.dtype.getName() + " and " +
                     rhs.dtype.getName() + ")");
  HostTensor &out = call.result();
  llvm::MutableArrayRef<uint8_t> bits = out.getMutableAs<uint8_t>();
  visitCarrier(lhs.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> a = load<T>(lhs), b = load<T>(rhs);
    forEachPosition<2>(
        out.shape,
        {getBroadcastStrides(lhs.shape, out.shape), getBroadcastStrides(rhs.shape, out.shape)},
        [&](int64_t i, std::array<int64_t, 2> at) {
          bits[i] = applyCompare(op.getKind(), a[at[0]], b[at[1]]);
        });
  });
  return llvm::Error::success();
}

static llvm::Error evalSelect(nn::SelectOp op, OpCall &call) {
  const HostTensor &condition = call[op.getCondition()];
  const HostTensor &onTrue = call[op.getOnTrue()], &onFalse = call[op.getOnFalse()];
  if (onTrue.dtype != onFalse.dtype)
    return call.fail("expected equal element types (got " + onTrue.dtype.getName() + " and " +
                     onFalse.dtype.getName() + ")");
  HostTensor &out = call.result();
  visitStorage(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    auto c = condition.getAs<uint8_t>();
    auto a = onTrue.getAs<T>(), b = onFalse.getAs<T>();
    auto y = out.getMutableAs<T>();
    forEachPosition<3>(
        out.shape,
        {getBroadcastStrides(condition.shape, out.shape),
         getBroadcastStrides(onTrue.shape, out.shape),
         getBroadcastStrides(onFalse.shape, out.shape)},
        [&](int64_t i, std::array<int64_t, 3> at) { y[i] = c[at[0]] ? a[at[1]] : b[at[2]]; });
  });
  return llvm::Error::success();
}

void reference::registerElementwise(KernelTable &table) {
  table.add<nn::UnaryOp>(evalUnary);
  table.add<nn::BinaryOp>(evalBinary);
  table.add<nn::CompareOp>(evalCompare);
  table.add<nn::SelectOp>(evalSelect);
}
