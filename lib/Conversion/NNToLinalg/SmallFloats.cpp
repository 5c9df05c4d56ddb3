//===- SmallFloats.cpp - Float formats of at most 16 bits, in IR ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The same arithmetic as terse/Numerics/Float.h, without branches so that it vectorizes. Encoding
// starts from f32 or f64, whichever holds the source exactly, and so rounds once.

#include "terse/Conversion/NNToLinalg/SmallFloats.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace terse;
using numerics::FloatFormat;
using numerics::FloatKind;
using numerics::FloatSpecials;

std::optional<FloatKind> terse::getFloatKind(Type element) {
  return llvm::TypeSwitch<Type, std::optional<FloatKind>>(element)
      .Case<Float16Type>([](auto) { return FloatKind::F16; })
      .Case<BFloat16Type>([](auto) { return FloatKind::BF16; })
      .Case<Float8E5M2Type>([](auto) { return FloatKind::F8E5M2; })
      .Case<Float8E4M3FNType>([](auto) { return FloatKind::F8E4M3FN; })
      .Case<Float8E5M2FNUZType>([](auto) { return FloatKind::F8E5M2FNUZ; })
      .Case<Float8E4M3FNUZType>([](auto) { return FloatKind::F8E4M3FNUZ; })
      .Case<Float6E3M2FNType>([](auto) { return FloatKind::F6E3M2FN; })
      .Case<Float6E2M3FNType>([](auto) { return FloatKind::F6E2M3FN; })
      .Case<Float4E2M1FNType>([](auto) { return FloatKind::F4E2M1FN; })
      .Case<Float8E8M0FNUType>([](auto) { return FloatKind::F8E8M0FNU; })
      .Default([](Type) { return std::nullopt; });
}

// `element`, or a vector of it shaped as `like`.
static Type shapedAs(Type like, Type element) {
  auto vector = dyn_cast<VectorType>(like);
  return vector ? Type(vector.clone(element)) : element;
}

static Value createConstant(OpBuilder &b, Location loc, Type type, TypedAttr value) {
  if (auto vector = dyn_cast<VectorType>(type))
    value = DenseElementsAttr::get(vector, Attribute(value));
  return arith::ConstantOp::create(b, loc, type, value);
}

namespace {
// Short spellings for bit arithmetic on one integer type.
struct Bits {
  OpBuilder &b;
  Location loc;
  Type type;

  Value c(int64_t v) const {
    return createConstant(b, loc, type, b.getIntegerAttr(getElementTypeOrSelf(type), v));
  }
  Value add(Value x, Value y) const { return arith::AddIOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) const { return arith::SubIOp::create(b, loc, x, y); }
  Value band(Value x, Value y) const { return arith::AndIOp::create(b, loc, x, y); }
  Value bor(Value x, Value y) const { return arith::OrIOp::create(b, loc, x, y); }
  Value shl(Value x, Value y) const { return arith::ShLIOp::create(b, loc, x, y); }
  Value shr(Value x, Value y) const { return arith::ShRUIOp::create(b, loc, x, y); }
  Value max(Value x, Value y) const { return arith::MaxSIOp::create(b, loc, x, y); }
  Value min(Value x, Value y) const { return arith::MinSIOp::create(b, loc, x, y); }
  Value select(Value p, Value x, Value y) const { return arith::SelectOp::create(b, loc, p, x, y); }
  Value cmp(arith::CmpIPredicate p, Value x, Value y) const {
    return arith::CmpIOp::create(b, loc, p, x, y);
  }
};
} // namespace

Value terse::decodeFloatBits(OpBuilder &b, Location loc, Value pattern, FloatKind kind) {
  Type f32 = shapedAs(pattern.getType(), b.getF32Type());
  Bits i{b, loc, shapedAs(pattern.getType(), b.getI32Type())};
  Value p = arith::ExtUIOp::create(b, loc, i.type, pattern);
  auto eq = arith::CmpIPredicate::eq;
  if (kind == FloatKind::F8E8M0FNU) {
    Value bits = i.shl(p, i.c(23));
    bits = i.select(i.cmp(eq, p, i.c(0)), i.c(0x00400000), bits);
    bits = i.select(i.cmp(eq, p, i.c(255)), i.c(0x7FC00000), bits);
    return arith::BitcastOp::create(b, loc, f32, bits);
  }
  FloatFormat f = numerics::getFloatFormat(kind);
  int64_t m = f.mantissaBits;
  Value sign = i.shl(i.band(p, i.c(f.signMask())), i.c(32 - int64_t(f.bits())));
  Value magnitude = i.band(p, i.c(f.signMask() - 1));
  Value normal = i.add(i.shl(magnitude, i.c(23 - m)), i.c(int64_t(127 - f.bias) << 23));
  // Subnormal: an integer times a power of two, both exact and the product normal in f32.
  float unit = numerics::f32FromBits(uint32_t(127 + 1 - f.bias - int(m)) << 23);
  Value small = arith::MulFOp::create(b, loc, arith::UIToFPOp::create(b, loc, f32, magnitude),
                                      createConstant(b, loc, f32, b.getF32FloatAttr(unit)));
  Value isSmall = i.cmp(arith::CmpIPredicate::ult, magnitude, i.c(int64_t(1) << m));
  Value bits = i.select(isSmall, arith::BitcastOp::create(b, loc, i.type, small), normal);
  Value nan = i.c(0x7FC00000);
  switch (f.specials) {
  case FloatSpecials::IEEE: {
    Value special =
        i.bor(i.c(0x7F800000), i.shl(i.band(magnitude, i.c((int64_t(1) << m) - 1)), i.c(23 - m)));
    bits =
        i.select(i.cmp(arith::CmpIPredicate::uge, magnitude, i.c(f.exponentMask())), special, bits);
    break;
  }
  case FloatSpecials::NaNAllOnes:
    bits = i.select(i.cmp(eq, magnitude, i.c(f.signMask() - 1)), nan, bits);
    break;
  case FloatSpecials::NaNIsNegZero:
    bits = i.bor(bits, sign);
    bits = i.select(i.cmp(eq, i.band(p, i.c(2 * f.signMask() - 1)), i.c(f.signMask())), nan, bits);
    return arith::BitcastOp::create(b, loc, f32, bits);
  case FloatSpecials::None:
    break;
  }
  return arith::BitcastOp::create(b, loc, f32, i.bor(bits, sign));
}

static Value encodeE8M0Bits(OpBuilder &b, Location loc, Value x, bool saturate,
                            numerics::E8M0Rounding rounding) {
  // f32 subnormals matter here (2^-127 is one); as f64 they are normal.
  Type f64 = shapedAs(x.getType(), b.getF64Type());
  if (x.getType() != f64)
    x = arith::ExtFOp::create(b, loc, f64, x);
  Bits i{b, loc, shapedAs(f64, b.getI64Type())};
  Value bits = arith::BitcastOp::create(b, loc, i.type, x);
  Value fraction = i.band(bits, i.c((int64_t(1) << 52) - 1));
  Value exponent = i.sub(i.band(i.shr(bits, i.c(52)), i.c(0x7FF)), i.c(1023));
  Value biased = i.add(exponent, i.c(127));
  if (rounding != numerics::E8M0Rounding::Down) {
    int64_t limit = rounding == numerics::E8M0Rounding::Up ? 1 : int64_t(1) << 51;
    Value up = i.cmp(arith::CmpIPredicate::uge, fraction, i.c(limit));
    biased = i.add(biased, arith::ExtUIOp::create(b, loc, i.type, up));
  }
  Value over = i.cmp(arith::CmpIPredicate::sgt, biased, i.c(0xFE));
  biased = i.select(over, i.c(saturate ? 0xFE : 0xFF), biased);
  Value under = i.cmp(arith::CmpIPredicate::slt, exponent, i.c(-127));
  biased = i.select(under, i.c(saturate ? 0 : 0xFF), biased);
  Value zero = createConstant(b, loc, f64, b.getF64FloatAttr(0));
  Value bad = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ULT, x, zero);
  biased = i.select(bad, i.c(0xFF), biased);
  return arith::TruncIOp::create(b, loc, shapedAs(f64, b.getI8Type()), biased);
}

Value terse::encodeFloatBits(OpBuilder &b, Location loc, Value x, FloatKind kind, bool saturate,
                             numerics::E8M0Rounding rounding) {
  if (kind == FloatKind::F8E8M0FNU)
    return encodeE8M0Bits(b, loc, x, saturate, rounding);
  FloatFormat f = numerics::getFloatFormat(kind);
  bool wide = getElementTypeOrSelf(x.getType()).isF64();
  Bits i{b, loc, shapedAs(x.getType(), wide ? b.getI64Type() : b.getI32Type())};
  int64_t width = wide ? 64 : 32, sm = wide ? 52 : 23, sourceBias = wide ? 1023 : 127,
          m = f.mantissaBits;
  int64_t minExponent = 1 - f.bias;
  auto one = [](int64_t shift) { return int64_t(1) << shift; };

  Value bits = arith::BitcastOp::create(b, loc, i.type, x);
  Value sign = i.shl(i.shr(bits, i.c(width - 1)), i.c(f.bits() - 1));
  Value fraction = i.band(bits, i.c(one(sm) - 1));
  Value exponent = i.sub(i.band(i.shr(bits, i.c(sm)), i.c(2 * sourceBias + 1)), i.c(sourceBias));
  // Below the normal range each step of the exponent costs one more bit; sm + 2 dropped bits leave
  // nothing.
  Value extra = i.max(i.sub(i.c(minExponent), exponent), i.c(0));
  Value drop = i.min(i.add(extra, i.c(sm - m)), i.c(sm + 2));
  Value significand = i.bor(fraction, i.c(one(sm)));
  Value odd = i.band(i.shr(significand, drop), i.c(1));
  Value half = i.shl(i.c(1), i.sub(drop, i.c(1)));
  Value kept = i.shr(i.add(significand, i.add(i.sub(half, i.c(1)), odd)), drop);
  // The leading one of a normal significand adds one to the exponent field, as does a carry.
  Value field = i.shl(i.max(i.sub(exponent, i.c(minExponent)), i.c(0)), i.c(m));
  Value magnitude = i.add(kept, field);

  int64_t overflow = f.maxFinite();
  bool overflowIsUnsigned = false;
  if (!saturate && f.specials == FloatSpecials::IEEE)
    overflow = f.exponentMask();
  else if (!saturate && f.specials == FloatSpecials::NaNAllOnes)
    overflow = f.signMask() - 1;
  else if (!saturate && f.specials == FloatSpecials::NaNIsNegZero) {
    overflow = f.signMask();
    overflowIsUnsigned = true;
  }
  Value isOver = i.cmp(arith::CmpIPredicate::sgt, magnitude, i.c(f.maxFinite()));
  Value result = i.select(isOver, i.c(overflow), magnitude);
  Value isZero = i.cmp(arith::CmpIPredicate::eq, magnitude, i.c(0));
  result = i.bor(result, sign);
  if (overflowIsUnsigned)
    result = i.select(isOver, i.c(overflow), result);
  if (f.specials == FloatSpecials::NaNIsNegZero)
    result = i.select(isZero, i.c(0), result);

  Value nan;
  switch (f.specials) {
  case FloatSpecials::IEEE:
    nan = i.bor(i.bor(sign, i.c(f.exponentMask() | one(m - 1))), i.shr(fraction, i.c(sm - m)));
    break;
  case FloatSpecials::NaNAllOnes:
    nan = i.bor(sign, i.c(f.signMask() - 1));
    break;
  case FloatSpecials::NaNIsNegZero:
  case FloatSpecials::None:
    nan = i.c(f.signMask());
    break;
  }
  Value isNaN = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
  result = i.select(isNaN, nan, result);
  return arith::TruncIOp::create(b, loc, shapedAs(i.type, b.getIntegerType(f.bits() <= 8 ? 8 : 16)),
                                 result);
}
