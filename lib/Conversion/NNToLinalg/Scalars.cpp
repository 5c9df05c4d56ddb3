//===- Scalars.cpp - Scalar arithmetic of the nn kinds --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "terse/Conversion/NNToLinalg/NNToLinalg.h"
#include "terse/Conversion/NNToLinalg/SmallFloats.h"
#include "terse/Dialect/NN/IR/UnaryFunctions.h"

using namespace mlir;
using namespace terse;
using namespace terse::nn;

// Integers of less than 8 bits live extended in an i8; bool is an i1 of its own.
static unsigned getSubByteWidth(Type element) {
  auto i = dyn_cast<IntegerType>(element);
  return i && i.getWidth() < 8 && !i.isSignlessInteger(1) ? i.getWidth() : 0;
}

Value terse::loadElement(OpBuilder &b, Location loc, Value storage, Type element) {
  auto f = dyn_cast<FloatType>(element);
  if (!f || f.getWidth() >= 32)
    return storage;
  if (f.getWidth() == 16)
    return arith::ExtFOp::create(b, loc, b.getF32Type(), storage);
  return decodeFloatBits(b, loc, storage, *getFloatKind(element));
}

// f32 or f64 to the storage of a float type.
static Value encodeFloat(OpBuilder &b, Location loc, Value x, Type element, bool saturate,
                         numerics::E8M0Rounding rounding) {
  if (x.getType() == element)
    return x;
  if (element.isF32())
    return arith::TruncFOp::create(b, loc, element, x);
  if (element.isF64())
    return arith::ExtFOp::create(b, loc, element, x);
  auto kind = *getFloatKind(element);
  if (cast<FloatType>(element).getWidth() < 16)
    return encodeFloatBits(b, loc, x, kind, saturate, rounding);
  if (x.getType().isF32())
    return arith::TruncFOp::create(b, loc, element, x);
  return arith::BitcastOp::create(b, loc, element,
                                  encodeFloatBits(b, loc, x, kind, false, rounding));
}

Value terse::storeElement(OpBuilder &b, Location loc, Value value, Type element, bool saturate) {
  if (isa<FloatType>(element))
    return encodeFloat(b, loc, value, element, saturate, numerics::E8M0Rounding::Up);
  unsigned width = getSubByteWidth(element);
  if (!width)
    return value;
  Value shift = arith::ConstantOp::create(b, loc, b.getI8IntegerAttr(8 - width));
  Value high = arith::ShLIOp::create(b, loc, value, shift);
  if (isUnsignedElement(element))
    return arith::ShRUIOp::create(b, loc, high, shift);
  return arith::ShRSIOp::create(b, loc, high, shift);
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

Value terse::createScalarConstant(OpBuilder &b, Location loc, double value, Type element) {
  Type type = getComputeType(element);
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value));
  // Through APInt: uint64 values beyond int64 arise from no caller, negative ones wrap.
  int64_t v = value >= 9223372036854775807.0    ? INT64_MAX
              : value <= -9223372036854775808.0 ? INT64_MIN
                                                : int64_t(value);
  APInt bits(64, uint64_t(v));
  return arith::ConstantOp::create(
      b, loc, IntegerAttr::get(type, bits.sextOrTrunc(type.getIntOrFloatBitWidth())));
}

static APInt getIntegerLimit(Type element, bool highest) {
  unsigned width = element.getIntOrFloatBitWidth(),
           storage = getComputeType(element).getIntOrFloatBitWidth();
  if (isUnsignedElement(element))
    return highest ? APInt::getMaxValue(width).zext(storage) : APInt::getZero(storage);
  return (highest ? APInt::getSignedMaxValue(width) : APInt::getSignedMinValue(width))
      .sext(storage);
}

static Value createLimit(OpBuilder &b, Location loc, Type element, bool highest) {
  Type type = getComputeType(element);
  if (auto f = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(
        b, loc, b.getFloatAttr(type, APFloat::getInf(f.getFloatSemantics(), !highest)));
  return arith::ConstantOp::create(b, loc,
                                   IntegerAttr::get(type, getIntegerLimit(element, highest)));
}

Value terse::createLowest(OpBuilder &b, Location loc, Type element) {
  return createLimit(b, loc, element, false);
}
Value terse::createHighest(OpBuilder &b, Location loc, Type element) {
  return createLimit(b, loc, element, true);
}

Type terse::getWideSumType(Type element) {
  return isa<FloatType>(element) ? Float64Type::get(element.getContext()) : getComputeType(element);
}

//===----------------------------------------------------------------------===//
// Unary
//===----------------------------------------------------------------------===//

namespace {
// Float arithmetic that builds ops: see UnaryFunctions.h.
struct Floats {
  using Float = Value;
  OpBuilder &b;
  Location loc;
  Type type;

  Value c(double v) const { return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, v)); }
  Value add(Value x, Value y) const { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) const { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) const { return arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) const { return arith::DivFOp::create(b, loc, x, y); }
  Value lt(Value x, Value y) const {
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, y);
  }
  Value gt(Value x, Value y) const {
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, y);
  }
  Value select(Value p, Value x, Value y) const { return arith::SelectOp::create(b, loc, p, x, y); }
  Value neg(Value x) const { return arith::NegFOp::create(b, loc, x); }
  Value abs(Value x) const { return math::AbsFOp::create(b, loc, x); }
  Value sqrt(Value x) const { return math::SqrtOp::create(b, loc, x); }
  Value floor(Value x) const { return math::FloorOp::create(b, loc, x); }
  Value ceil(Value x) const { return math::CeilOp::create(b, loc, x); }
  Value roundEven(Value x) const { return math::RoundEvenOp::create(b, loc, x); }
  Value exp(Value x) const { return math::ExpOp::create(b, loc, x); }
  Value expm1(Value x) const { return math::ExpM1Op::create(b, loc, x); }
  Value log(Value x) const { return math::LogOp::create(b, loc, x); }
  Value log1p(Value x) const { return math::Log1pOp::create(b, loc, x); }
  Value sin(Value x) const { return math::SinOp::create(b, loc, x); }
  Value cos(Value x) const { return math::CosOp::create(b, loc, x); }
  Value tan(Value x) const { return math::TanOp::create(b, loc, x); }
  Value asin(Value x) const { return math::AsinOp::create(b, loc, x); }
  Value acos(Value x) const { return math::AcosOp::create(b, loc, x); }
  Value atan(Value x) const { return math::AtanOp::create(b, loc, x); }
  Value sinh(Value x) const { return math::SinhOp::create(b, loc, x); }
  Value cosh(Value x) const { return math::CoshOp::create(b, loc, x); }
  Value tanh(Value x) const { return math::TanhOp::create(b, loc, x); }
  Value asinh(Value x) const { return math::AsinhOp::create(b, loc, x); }
  Value acosh(Value x) const { return math::AcoshOp::create(b, loc, x); }
  Value atanh(Value x) const { return math::AtanhOp::create(b, loc, x); }
  Value erf(Value x) const { return math::ErfOp::create(b, loc, x); }
};
} // namespace

static Value createIntUnary(OpBuilder &b, Location loc, UnaryKind kind, Value x, Type element,
                            double alpha, double beta) {
  bool isUnsigned = isUnsignedElement(element);
  Value zero = createScalarConstant(b, loc, 0, element);
  auto negative = [&] { return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, zero); };
  auto negate = [&]() -> Value { return arith::SubIOp::create(b, loc, zero, x); };
  auto select = [&](Value p, Value l, Value r) -> Value {
    return arith::SelectOp::create(b, loc, p, l, r);
  };
  switch (kind) {
  case UnaryKind::Identity:
  case UnaryKind::Floor:
  case UnaryKind::Ceil:
  case UnaryKind::Round:
    return x;
  case UnaryKind::Neg:
    return negate();
  case UnaryKind::Abs:
    return isUnsigned ? x : select(negative(), negate(), x);
  case UnaryKind::Relu:
    return isUnsigned ? x : select(negative(), zero, x);
  case UnaryKind::Sign: {
    Value one = createScalarConstant(b, loc, 1, element),
          minus = createScalarConstant(b, loc, -1, element);
    Value nonzero =
        select(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, zero), zero, one);
    return isUnsigned ? nonzero : select(negative(), minus, nonzero);
  }
  case UnaryKind::BitNot: {
    Value ones = arith::ConstantOp::create(b, loc, b.getIntegerAttr(x.getType(), -1));
    return arith::XOrIOp::create(b, loc, x, ones);
  }
  case UnaryKind::Clamp: {
    // Bounds beyond the type are no bounds.
    APInt lowest = getIntegerLimit(element, false), highest = getIntegerLimit(element, true);
    auto toDouble = [&](const APInt &v) { return v.roundToDouble(!isUnsigned); };
    auto less = isUnsigned ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt;
    if (alpha > toDouble(lowest)) {
      Value bound =
          createScalarConstant(b, loc, std::min(std::ceil(alpha), toDouble(highest)), element);
      x = select(arith::CmpIOp::create(b, loc, less, x, bound), bound, x);
    }
    if (beta < toDouble(highest)) {
      Value bound =
          createScalarConstant(b, loc, std::max(std::floor(beta), toDouble(lowest)), element);
      x = select(arith::CmpIOp::create(b, loc, less, bound, x), bound, x);
    }
    return x;
  }
  default:
    return {};
  }
}

Value terse::createUnary(OpBuilder &b, Location loc, UnaryKind kind, Value x, Type element,
                         double alpha, double beta) {
  if (isa<FloatType>(element))
    return nn::applyUnaryFunction(Floats{b, loc, getComputeType(element)}, kind, x, alpha, beta)
        .value_or(Value());
  if (element.isSignlessInteger(1)) {
    if (kind == UnaryKind::Identity)
      return x;
    if (kind != UnaryKind::Not && kind != UnaryKind::BitNot)
      return {};
    return arith::XOrIOp::create(b, loc, x, arith::ConstantOp::create(b, loc, b.getBoolAttr(true)));
  }
  return createIntUnary(b, loc, kind, x, element, alpha, beta);
}

//===----------------------------------------------------------------------===//
// Binary
//===----------------------------------------------------------------------===//

// x mod y with the sign of y, from the remainder r with the sign of x.
static Value floorRemainder(OpBuilder &b, Location loc, Value r, Value y) {
  if (isa<FloatType>(r.getType())) {
    Floats f{b, loc, r.getType()};
    Value zero = f.c(0);
    Value differs = arith::XOrIOp::create(b, loc, f.lt(r, zero), f.lt(y, zero));
    Value nonzero = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, r, zero);
    return f.select(arith::AndIOp::create(b, loc, differs, nonzero), f.add(r, y), r);
  }
  Value zero = arith::ConstantOp::create(b, loc, b.getIntegerAttr(r.getType(), 0));
  Value differs = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                        arith::XOrIOp::create(b, loc, r, y), zero);
  Value nonzero = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, r, zero);
  return arith::SelectOp::create(b, loc, arith::AndIOp::create(b, loc, differs, nonzero),
                                 arith::AddIOp::create(b, loc, r, y), r);
}

// Division that cannot trap: by 0 gives 0, and the lowest value by -1 wraps.
static Value createIntDivision(OpBuilder &b, Location loc, bool remainder, Value x, Value y,
                               bool isUnsigned) {
  auto c = [&](int64_t v) {
    return arith::ConstantOp::create(b, loc, b.getIntegerAttr(x.getType(), v));
  };
  auto eq = [&](Value v, int64_t k) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, v, c(k));
  };
  Value isZero = eq(y, 0), one = c(1), zero = c(0);
  if (isUnsigned) {
    Value safe = arith::SelectOp::create(b, loc, isZero, one, y);
    Value q = remainder ? Value(arith::RemUIOp::create(b, loc, x, safe))
                        : Value(arith::DivUIOp::create(b, loc, x, safe));
    return arith::SelectOp::create(b, loc, isZero, zero, q);
  }
  Value isMinus = eq(y, -1);
  Value safe =
      arith::SelectOp::create(b, loc, arith::OrIOp::create(b, loc, isZero, isMinus), one, y);
  if (remainder) // The remainder by the stand-in 1 is the right answer, 0, in both cases.
    return arith::RemSIOp::create(b, loc, x, safe);
  Value q = arith::DivSIOp::create(b, loc, x, safe);
  q = arith::SelectOp::create(b, loc, isMinus, arith::SubIOp::create(b, loc, zero, x), q);
  return arith::SelectOp::create(b, loc, isZero, zero, q);
}

// x^y by squaring; negative powers are 0 except of 1 and -1.
static Value createIntPower(OpBuilder &b, Location loc, Value x, Value y, bool xUnsigned) {
  Type type = x.getType(), i64 = b.getI64Type();
  auto c = [&](Type t, int64_t v) {
    return arith::ConstantOp::create(b, loc, b.getIntegerAttr(t, v));
  };
  Value one = c(type, 1), zero64 = c(i64, 0), one64 = c(i64, 1);
  auto loop = scf::WhileOp::create(
      b, loc, TypeRange{type, type, i64}, ValueRange{one, x, y},
      [&](OpBuilder &b, Location loc, ValueRange args) {
        Value more = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, args[2], zero64);
        scf::ConditionOp::create(b, loc, more, args);
      },
      [&](OpBuilder &b, Location loc, ValueRange args) {
        Value odd = arith::TruncIOp::create(b, loc, b.getI1Type(), args[2]);
        Value times = arith::SelectOp::create(b, loc, odd, args[1], one);
        Value acc = arith::MulIOp::create(b, loc, args[0], times);
        Value square = arith::MulIOp::create(b, loc, args[1], args[1]);
        Value rest = arith::ShRUIOp::create(b, loc, args[2], one64);
        scf::YieldOp::create(b, loc, ValueRange{acc, square, rest});
      });
  Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, y, zero64);
  Value isOne = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, one);
  Value small = arith::SelectOp::create(b, loc, isOne, one, c(type, 0));
  if (!xUnsigned) {
    Value minus = c(type, -1);
    Value isMinus = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, minus);
    Value odd = arith::TruncIOp::create(b, loc, b.getI1Type(), y);
    small = arith::SelectOp::create(b, loc, isMinus,
                                    arith::SelectOp::create(b, loc, odd, minus, one), small);
  }
  return arith::SelectOp::create(b, loc, negative, small, loop.getResult(0));
}

static Value createPower(OpBuilder &b, Location loc, Value x, Value y, Type element,
                         Type rhsElement) {
  if (isa<FloatType>(element)) {
    if (getComputeType(rhsElement) != x.getType())
      y = createCast(b, loc, storeElement(b, loc, y, rhsElement), rhsElement, x.getType());
    return math::PowFOp::create(b, loc, x, y);
  }
  if (isa<IntegerType>(rhsElement)) {
    Value wide = createCast(b, loc, y, rhsElement, b.getI64Type());
    return createIntPower(b, loc, x, wide, isUnsignedElement(element));
  }
  // Fractional powers of integers go through f64, which holds what an answer can be expected of.
  Type f64 = b.getF64Type();
  Value base = createCast(b, loc, x, element, f64);
  Value power = createCast(b, loc, storeElement(b, loc, y, rhsElement), rhsElement, f64);
  return createCast(b, loc, math::PowFOp::create(b, loc, base, power), f64, element);
}

static Value createFloatBinary(OpBuilder &b, Location loc, BinaryKind kind, Value l, Value r) {
  Floats f{b, loc, l.getType()};
  switch (kind) {
  case BinaryKind::Add:
    return f.add(l, r);
  case BinaryKind::Sub:
    return f.sub(l, r);
  case BinaryKind::Mul:
    return f.mul(l, r);
  case BinaryKind::Div:
    return f.div(l, r);
  case BinaryKind::Mod:
    return floorRemainder(b, loc, arith::RemFOp::create(b, loc, l, r), r);
  case BinaryKind::Fmod:
    return arith::RemFOp::create(b, loc, l, r);
  case BinaryKind::Min:
    return arith::MinimumFOp::create(b, loc, l, r);
  case BinaryKind::Max:
    return arith::MaximumFOp::create(b, loc, l, r);
  case BinaryKind::Prelu:
    return f.select(f.lt(l, f.c(0)), f.mul(r, l), l);
  default:
    return {};
  }
}

static Value createIntBinary(OpBuilder &b, Location loc, BinaryKind kind, Value l, Value r,
                             Type element) {
  bool isUnsigned = isUnsignedElement(element);
  auto shift = [&](bool left) -> Value {
    // Counts of the width and more shift everything out; the hardware would take them modulo the
    // width.
    unsigned width = element.getIntOrFloatBitWidth();
    Value limit = arith::ConstantOp::create(b, loc, b.getIntegerAttr(l.getType(), width));
    Value zero = arith::ConstantOp::create(b, loc, b.getIntegerAttr(l.getType(), 0));
    Value fits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, r, limit);
    Value count = arith::SelectOp::create(b, loc, fits, r, zero);
    Value x = l;
    if (!left && !isUnsigned && width < 8) // Logical: no copies of the sign may come in.
      x = arith::AndIOp::create(
          b, loc, x,
          arith::ConstantOp::create(b, loc, b.getIntegerAttr(l.getType(), (1 << width) - 1)));
    Value moved = left ? Value(arith::ShLIOp::create(b, loc, x, count))
                       : Value(arith::ShRUIOp::create(b, loc, x, count));
    return arith::SelectOp::create(b, loc, fits, moved, zero);
  };
  switch (kind) {
  case BinaryKind::Add:
    return arith::AddIOp::create(b, loc, l, r);
  case BinaryKind::Sub:
    return arith::SubIOp::create(b, loc, l, r);
  case BinaryKind::Mul:
    return arith::MulIOp::create(b, loc, l, r);
  case BinaryKind::Div:
    return createIntDivision(b, loc, false, l, r, isUnsigned);
  case BinaryKind::Fmod:
    return createIntDivision(b, loc, true, l, r, isUnsigned);
  case BinaryKind::Mod: {
    Value rem = createIntDivision(b, loc, true, l, r, isUnsigned);
    return isUnsigned ? rem : floorRemainder(b, loc, rem, r);
  }
  case BinaryKind::Min:
    return isUnsigned ? Value(arith::MinUIOp::create(b, loc, l, r))
                      : Value(arith::MinSIOp::create(b, loc, l, r));
  case BinaryKind::Max:
    return isUnsigned ? Value(arith::MaxUIOp::create(b, loc, l, r))
                      : Value(arith::MaxSIOp::create(b, loc, l, r));
  case BinaryKind::And:
    return arith::AndIOp::create(b, loc, l, r);
  case BinaryKind::Or:
    return arith::OrIOp::create(b, loc, l, r);
  case BinaryKind::Xor:
    return arith::XOrIOp::create(b, loc, l, r);
  case BinaryKind::Shl:
    return shift(true);
  case BinaryKind::Shr:
    return shift(false);
  case BinaryKind::Prelu: {
    Value zero = arith::ConstantOp::create(b, loc, b.getIntegerAttr(l.getType(), 0));
    Value negative = isUnsigned
                         ? Value(arith::ConstantOp::create(b, loc, b.getBoolAttr(false)))
                         : Value(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, l, zero));
    return arith::SelectOp::create(b, loc, negative, arith::MulIOp::create(b, loc, l, r), l);
  }
  case BinaryKind::Pow:
    return {};
  }
  return {};
}

Value terse::createBinary(OpBuilder &b, Location loc, BinaryKind kind, Value lhs, Value rhs,
                          Type element, Type rhsElement) {
  if (element.isSignlessInteger(1) && kind != BinaryKind::And && kind != BinaryKind::Or &&
      kind != BinaryKind::Xor && kind != BinaryKind::Min && kind != BinaryKind::Max)
    return {};
  if (kind == BinaryKind::Pow)
    return createPower(b, loc, lhs, rhs, element, rhsElement ? rhsElement : element);
  if (isa<FloatType>(element))
    return createFloatBinary(b, loc, kind, lhs, rhs);
  return createIntBinary(b, loc, kind, lhs, rhs, element);
}

Value terse::createCompare(OpBuilder &b, Location loc, CompareKind kind, Value lhs, Value rhs,
                           Type element) {
  if (isa<FloatType>(element)) {
    using P = arith::CmpFPredicate;
    static constexpr P predicates[] = {P::OEQ, P::UNE, P::OLT, P::OLE, P::OGT, P::OGE};
    return arith::CmpFOp::create(b, loc, predicates[unsigned(kind)], lhs, rhs);
  }
  using P = arith::CmpIPredicate;
  static constexpr P signedOnes[] = {P::eq, P::ne, P::slt, P::sle, P::sgt, P::sge};
  static constexpr P unsignedOnes[] = {P::eq, P::ne, P::ult, P::ule, P::ugt, P::uge};
  P predicate =
      isUnsignedElement(element) ? unsignedOnes[unsigned(kind)] : signedOnes[unsigned(kind)];
  return arith::CmpIOp::create(b, loc, predicate, lhs, rhs);
}

//===----------------------------------------------------------------------===//
// Cast
//===----------------------------------------------------------------------===//

// Truncates toward zero, saturates, NaN to 0. `x` is f32 or f64.
static Value castFloatToInt(OpBuilder &b, Location loc, Value x, Type to) {
  Floats f{b, loc, x.getType()};
  Type type = getComputeType(to);
  bool isUnsigned = isUnsignedElement(to);
  APInt lowest = getIntegerLimit(to, false), highest = getIntegerLimit(to, true);
  // The first values out of range are powers of two (or -1 for unsigned), exact in any float.
  unsigned width = to.getIntOrFloatBitWidth();
  double above = std::ldexp(1.0, isUnsigned ? width : width - 1), below = isUnsigned ? 0 : -above;
  Value inRange = arith::AndIOp::create(
      b, loc, f.lt(x, f.c(above)),
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGE, x, f.c(below)));
  // Out of range the conversion is poison: convert 0 there.
  Value safe = f.select(inRange, x, f.c(0));
  Value n = isUnsigned ? Value(arith::FPToUIOp::create(b, loc, type, safe))
                       : Value(arith::FPToSIOp::create(b, loc, type, safe));
  auto c = [&](const APInt &v) {
    return arith::ConstantOp::create(b, loc, IntegerAttr::get(type, v));
  };
  n = f.select(f.lt(x, f.c(below)), c(lowest), n);
  return f.select(arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGE, x, f.c(above)),
                  c(highest), n);
}

Value terse::createCast(OpBuilder &b, Location loc, Value storage, Type from, Type to,
                        bool saturate, CastRounding rounding) {
  if (from == to)
    return storage;
  auto mode = rounding == CastRounding::Up     ? numerics::E8M0Rounding::Up
              : rounding == CastRounding::Down ? numerics::E8M0Rounding::Down
                                               : numerics::E8M0Rounding::Nearest;
  Value x = loadElement(b, loc, storage, from);
  if (to.isSignlessInteger(1))
    return createCompare(b, loc, CompareKind::Ne, x, createScalarConstant(b, loc, 0, from), from);
  if (isa<FloatType>(from)) {
    if (isa<FloatType>(to))
      return encodeFloat(b, loc, x, to, saturate, mode);
    return castFloatToInt(b, loc, x, to);
  }
  bool isUnsigned = isUnsignedElement(from);
  if (isa<FloatType>(to)) {
    // Wide integers go through f64 unless f32 is the end: two roundings could differ from one.
    bool exactInF32 = from.getIntOrFloatBitWidth() <= 16;
    Type middle =
        to.isF32() || (exactInF32 && !to.isF64()) ? Type(b.getF32Type()) : Type(b.getF64Type());
    Value y = isUnsigned ? Value(arith::UIToFPOp::create(b, loc, middle, x))
                         : Value(arith::SIToFPOp::create(b, loc, middle, x));
    return encodeFloat(b, loc, y, to, saturate, mode);
  }
  Type type = getStorageElementType(to);
  unsigned width = type.getIntOrFloatBitWidth(), have = x.getType().getIntOrFloatBitWidth();
  if (width < have)
    x = arith::TruncIOp::create(b, loc, type, x);
  else if (width > have)
    x = isUnsigned ? Value(arith::ExtUIOp::create(b, loc, type, x))
                   : Value(arith::ExtSIOp::create(b, loc, type, x));
  return storeElement(b, loc, x, to);
}
