//===- Quotient.cpp - Quotients by one divisor, rounded to integers -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Quotient.h"
#include "ByteVectors.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "terse/Support/Matchers.h"

using namespace mlir;
using namespace terse;
using P = arith::CmpFPredicate;

// Whether all that becomes of `v` is to be clamped to small constants and rounded, by name or by
// adding 1.5 * 2^23; NaN may be replaced.
static bool isClampedAndRounded(Value v, unsigned clamps = 0) {
  auto isSmall = [](Value other) {
    std::optional<double> real = getReal(other);
    return real && std::abs(*real) <= 65536;
  };
  return llvm::all_of(v.getUsers(), [&](Operation *user) {
    if (isa<math::RoundEvenOp>(user))
      return true;
    if (auto add = dyn_cast<arith::AddFOp>(user))
      return clamps >= 2 && getReal(add.getRhs()) == 12582912.0;
    if (auto compare = dyn_cast<arith::CmpFOp>(user))
      return compare.getLhs() == v && (compare.getRhs() == v || isSmall(compare.getRhs())) &&
             llvm::all_of(compare->getUsers(),
                          [](Operation *choice) { return isa<arith::SelectOp>(choice); });
    auto select = dyn_cast<arith::SelectOp>(user);
    if (!select || select.getCondition() == v)
      return false;
    bool isTrue = select.getTrueValue() == v;
    if (!isSmall(isTrue ? select.getFalseValue() : select.getTrueValue()))
      return false;
    // A number is kept where it is not beyond the constant.
    auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
    bool isClamp = compare && compare.getLhs() == v && compare.getRhs() != v;
    return isClampedAndRounded(select, clamps + isClamp);
  });
}

bool terse::isRoundedToSmallInteger(arith::DivFOp op, linalg::GenericOp loop) {
  auto type = dyn_cast<IntegerType>(loop.getRegionOutputArgs()[0].getType());
  return type && type.getWidth() <= 16 && op.getType().isF32() && isClampedAndRounded(op);
}

Value Quotient::f32(double value) const {
  return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(float(value)));
}

Value Quotient::splat(Value scalar) const {
  return vector::BroadcastOp::create(b, loc, VectorType::get(lanes, scalar.getType()), scalar);
}

Quotient::Quotient(OpBuilder &b, Location loc, Value scalar, int64_t lanes)
    : b(b), loc(loc), lanes(lanes) {
  Value size = math::AbsFOp::create(b, loc, scalar);
  Value isTiny = arith::CmpFOp::create(b, loc, P::OLT, size, f32(0x1p-40));
  Value isHuge = arith::CmpFOp::create(b, loc, P::OGT, size, f32(0x1p40));
  Value inside = arith::CmpFOp::create(b, loc, P::OGE, size, f32(0x1p-40));
  usual = arith::AndIOp::create(b, loc, inside,
                                arith::CmpFOp::create(b, loc, P::OLE, size, f32(0x1p40)));
  Value power = arith::SelectOp::create(
      b, loc, isTiny, f32(0x1p80), arith::SelectOp::create(b, loc, isHuge, f32(0x1p-80), f32(1)));
  Value near = arith::MulFOp::create(b, loc, scalar, power);
  scale = splat(power), value = splat(near);
  reciprocal = splat(arith::DivFOp::create(b, loc, f32(1), near));
}

// Markstein's theorem (IBM J. Res. Dev. 34, 1990): with the correctly rounded reciprocal, one
// step on the residual rounds a quotient correctly. What that does not hold for, quotients whose
// residual underflows and those that are not finite, is far below a half or beyond 16 bits.
Value Quotient::correct(Value x, Value guess) const {
  Value negative = arith::NegFOp::create(b, loc, guess);
  Value residual = math::FmaOp::create(b, loc, negative, value, x);
  return math::FmaOp::create(b, loc, residual, reciprocal, guess);
}

Value Quotient::divide(Value x) const {
  x = arith::MulFOp::create(b, loc, x, scale);
  Value guess = arith::MulFOp::create(b, loc, x, reciprocal), exact = correct(x, guess);
  Value isSmall = arith::CmpFOp::create(b, loc, P::OLT, math::AbsFOp::create(b, loc, exact),
                                        splat(f32(0x1p30)));
  return arith::SelectOp::create(b, loc, isSmall, exact, guess);
}

Value Quotient::divideToBytes(ArrayRef<Value> four, Value shift, bool isUnsigned) const {
  auto floats = VectorType::get(16, b.getF32Type()), integers = VectorType::get(16, b.getI32Type());
  // By the class of the guess, 4 bits each: quiet and signaling NaN give +0 (8), infinities the
  // largest numbers of their sign (14, 15), all else leaves the quotient (0).
  Value table =
      arith::ConstantOp::create(b, loc, DenseElementsAttr::get(integers, int32_t(0x00EF0088 | 0)));
  Value none = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
  Value all = arith::ConstantOp::create(b, loc, b.getI16IntegerAttr(-1));
  Value mode = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(4));
  auto limit = [&](float v) {
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(floats, v)).getResult();
  };
  auto clamp = [&](Value x, P predicate, Value bound) {
    Value isPast = arith::CmpFOp::create(b, loc, predicate, x, bound);
    return arith::SelectOp::create(b, loc, isPast, bound, x).getResult();
  };
  Value most = limit(32767);
  SmallVector<Value> rounded;
  for (Value x : four) {
    Value guess = arith::MulFOp::create(b, loc, x, reciprocal);
    Value exact = LLVM::CallIntrinsicOp::create(
                      b, loc, floats, b.getStringAttr("llvm.x86.avx512.mask.fixupimm.ps.512"),
                      ValueRange{correct(x, guess), guess, table, none, all, mode})
                      .getResults();
    // Below the least integer, conversion saturates.
    exact = clamp(exact, P::OGT, most);
    if (shift)
      exact = clamp(exact, P::OLT, limit(-32768));
    Value integer = roundToIntegers(b, loc, exact);
    rounded.push_back(shift ? arith::AddIOp::create(b, loc, integer, shift).getResult() : integer);
  }
  Value low = packWords(b, loc, rounded[0], rounded[1]),
        high = packWords(b, loc, rounded[2], rounded[3]);
  return orderPacked(b, loc, packBytes(b, loc, low, high, !isUnsigned));
}
