//===- ByteResults.cpp - Results of 8 bits, four vectors at once ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RoundingCasts leaves `trunc(bitcast(clamp(x, least, most) + 1.5 * 2^23) + shift)`. Here that
// becomes a conversion, which rounds to even, and packing with saturation: from 32 to 16 bits, from
// 16 to 8. The conversion gives the least integer for floats that are out of its range and for NaN;
// so only the upper bound is taken before it, and none where the kernel promises that floats fit.

#include "ByteResults.h"
#include "../ByteVectors.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "terse/Support/Matchers.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// `v` as select(compare(x, limit), ...), a bound of x: from above or from below.
static Value matchBound(Value v, bool above, double &limit) {
  using P = arith::CmpFPredicate;
  auto select = v.getDefiningOp<arith::SelectOp>();
  auto compare = select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : nullptr;
  std::optional<double> bound = compare ? getReal(compare.getRhs()) : std::nullopt;
  if (!bound)
    return nullptr;
  limit = *bound;
  Value x = compare.getLhs();
  bool first = select.getTrueValue() == compare.getRhs() && select.getFalseValue() == x;
  bool second = select.getTrueValue() == x && select.getFalseValue() == compare.getRhs();
  if (above)
    return first && compare.getPredicate() == P::OGT ? x : Value();
  // Either form; the second makes zero of NaN, which the least integer becomes too.
  if (first && compare.getPredicate() == P::OLT)
    return x;
  return second && compare.getPredicate() == P::OGT && limit == 0 ? x : Value();
}

ByteResults::ByteResults(KernelCode &code) : k(code), b(code.b) {
  if (k.schedule.getIsa() == ISA::Portable)
    return;
  Value v = k.op.getEpilogue().front().getTerminator()->getOperand(0);
  auto trunc = v.getDefiningOp<arith::TruncIOp>();
  if (!trunc || !v.getType().isInteger(8))
    return;
  v = trunc.getIn();
  if (auto add = v.getDefiningOp<arith::AddIOp>()) {
    IntegerAttr attr;
    if (!matchPattern(add.getRhs(), m_Constant(&attr)))
      return;
    shift = attr.getInt();
    v = add.getLhs();
  }
  auto cast = v.getDefiningOp<arith::BitcastOp>();
  auto add = cast ? cast.getIn().getDefiningOp<arith::AddFOp>() : nullptr;
  if (!add || getReal(add.getRhs()) != 12582912.0)
    return;
  double least = 0;
  Value x = matchBound(add.getLhs(), /*above=*/true, most);
  if (x)
    x = matchBound(x, /*above=*/false, least);
  low = int64_t(least) + shift, high = int64_t(most) + shift;
  // NaN becomes the lower bound, which stands for zero in that form alone.
  if (x && low >= -128 && high <= 255 && (low >= 0 || high <= 127) && std::abs(shift) <= 255)
    rounded = x;
}

bool ByteResults::matchesChannels() const {
  if (!matches())
    return false;
  for (Attribute attr : k.op.getExtraMapsAttr()) {
    AffineMap map = cast<AffineMapAttr>(attr).getValue();
    for (unsigned d = 0; d + 1 < map.getNumDims(); ++d)
      if (map.isFunctionOfDim(d))
        return false;
  }
  return true;
}

Value ByteResults::round(Value sums, ArrayRef<Value> extras) {
  Value x = k.evaluate(rounded, sums, extras);
  auto floats = cast<VectorType>(x.getType());
  if (!k.op.getBounded()) {
    Value bound = arith::ConstantOp::create(
        b, k.loc, DenseElementsAttr::get(floats, Attribute(b.getF32FloatAttr(float(most)))));
    Value isPast = arith::CmpFOp::create(b, k.loc, arith::CmpFPredicate::OGT, x, bound);
    x = arith::SelectOp::create(b, k.loc, isPast, bound, x);
  }
  return roundToIntegers(b, k.loc, x);
}

Value ByteResults::pack(ArrayRef<Value> four, bool interleaved) {
  int64_t lanes = cast<VectorType>(four[0].getType()).getNumElements();
  auto words = VectorType::get(2 * lanes, b.getI16Type());
  auto bytes = VectorType::get(4 * lanes, b.getI8Type());
  SmallVector<Value> halves;
  for (int i = 0; i < 4; i += 2) {
    Value half = packWords(b, k.loc, four[i], four[i + 1]);
    if (shift != 0)
      half = LLVM::SAddSat::create(b, k.loc, half, k.splat(shift, words));
    halves.push_back(half);
  }
  bool isSigned = low < 0;
  Value result = packBytes(b, k.loc, halves[0], halves[1], isSigned);
  if (low > (isSigned ? -128 : 0)) {
    Value least = k.splat(int8_t(low), bytes);
    result = isSigned ? Value(arith::MaxSIOp::create(b, k.loc, result, least))
                      : Value(arith::MaxUIOp::create(b, k.loc, result, least));
  }
  // What no bound was taken for before.
  if (k.op.getBounded() && high < (isSigned ? 127 : 255)) {
    Value largest = k.splat(int8_t(high), bytes);
    result = isSigned ? Value(arith::MinSIOp::create(b, k.loc, result, largest))
                      : Value(arith::MinUIOp::create(b, k.loc, result, largest));
  }
  return interleaved ? result : orderPacked(b, k.loc, result);
}
