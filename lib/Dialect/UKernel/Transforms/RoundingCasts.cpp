//===- RoundingCasts.cpp - Rounding to bytes in few instructions ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `saturate(clamp(roundeven(y) + z))` to 8 bits, as requantization writes it, is mostly
// comparisons. Once y is within the byte's range (minus z), adding 1.5 * 2^23 rounds it to even and
// leaves the integer in the low bits. NaN still gives zero.

#include "Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/PatternMatch.h"
#include "terse/Support/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

namespace {
bool isInteger(Value v, int64_t value) {
  IntegerAttr attr;
  return matchPattern(v, m_Constant(&attr)) && attr.getValue().getSExtValue() == value;
}

// Whether `condition` compares `x` with a constant in this way.
std::optional<double> getLimit(Value condition, arith::CmpFPredicate predicate, Value x) {
  auto compare = condition.getDefiningOp<arith::CmpFOp>();
  if (!compare || compare.getPredicate() != predicate || compare.getLhs() != x)
    return std::nullopt;
  return getReal(compare.getRhs());
}

// The value that `root` saturates to 8 bits, null if it does something else.
Value matchSaturation(arith::SelectOp root, bool &isSigned) {
  using P = arith::CmpFPredicate;
  auto low = root.getFalseValue().getDefiningOp<arith::SelectOp>();
  Operation *convert = low ? low.getFalseValue().getDefiningOp() : nullptr;
  if (!root.getType().isInteger(8) || !isa_and_nonnull<arith::FPToSIOp, arith::FPToUIOp>(convert))
    return nullptr;
  isSigned = isa<arith::FPToSIOp>(convert);
  double least = isSigned ? -128 : 0, past = isSigned ? 128 : 256;
  auto inside = convert->getOperand(0).getDefiningOp<arith::SelectOp>();
  auto both = inside ? inside.getCondition().getDefiningOp<arith::AndIOp>() : nullptr;
  if (!both || getReal(inside.getFalseValue()) != 0)
    return nullptr;
  Value x = inside.getTrueValue();
  bool fits = x.getType().isF32() && getLimit(both.getLhs(), P::OLT, x) == past &&
              getLimit(both.getRhs(), P::OGE, x) == least &&
              getLimit(low.getCondition(), P::OLT, x) == least &&
              getLimit(root.getCondition(), P::OGE, x) == past &&
              isInteger(low.getTrueValue(), isSigned ? -128 : 0) &&
              isInteger(root.getTrueValue(), isSigned ? 127 : -1);
  return fits ? x : nullptr;
}

struct RoundByAdding : OpRewritePattern<arith::SelectOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::SelectOp op, PatternRewriter &rewriter) const override {
    using P = arith::CmpFPredicate;
    bool isSigned = false;
    Value x = matchSaturation(op, isSigned);
    if (!x)
      return rewriter.notifyMatchFailure(op, "no saturating cast to 8 bits");
    double low = isSigned ? -128 : 0, high = isSigned ? 127 : 255, shift = 0;
    // Clamps, then the zero point, then the rounding.
    while (auto select = x.getDefiningOp<arith::SelectOp>()) {
      Value before = select.getFalseValue();
      std::optional<double> limit = getReal(select.getTrueValue());
      if (!limit || *limit != std::nearbyint(*limit))
        break;
      if (getLimit(select.getCondition(), P::OLT, before) == limit)
        low = std::max(low, *limit);
      else if (getLimit(select.getCondition(), P::OGT, before) == limit)
        high = std::min(high, *limit);
      else
        break;
      x = before;
    }
    if (auto add = x.getDefiningOp<arith::AddFOp>()) {
      std::optional<double> z = getReal(add.getRhs());
      if (!z || *z != std::nearbyint(*z) || std::abs(*z) > 255)
        return rewriter.notifyMatchFailure(op, "an addend that is no zero point");
      shift = *z;
      x = add.getLhs();
    }
    auto round = x.getDefiningOp<math::RoundEvenOp>();
    if (!round || low > high)
      return rewriter.notifyMatchFailure(op, "no rounding");
    x = round.getOperand();
    low -= shift, high -= shift;
    // NaN becomes zero: by the cast, or before the rounding.
    bool mayBeNaN = true;
    if (auto select = x.getDefiningOp<arith::SelectOp>())
      if (auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>())
        mayBeNaN =
            !(compare.getLhs() == compare.getRhs() && compare.getLhs() == select.getTrueValue() &&
              (compare.getPredicate() == P::OEQ || compare.getPredicate() == P::ORD) &&
              getReal(select.getFalseValue()));
    if (mayBeNaN && (shift != 0 || low > 0 || high < 0))
      return rewriter.notifyMatchFailure(op, "NaN would not give zero");

    Location loc = op.getLoc();
    auto real = [&](double v) {
      return arith::ConstantOp::create(rewriter, loc, rewriter.getF32FloatAttr(float(v)))
          .getResult();
    };
    auto choose = [&](P predicate, Value left, Value right, Value then, Value otherwise) {
      Value c = arith::CmpFOp::create(rewriter, loc, predicate, left, right);
      x = arith::SelectOp::create(rewriter, loc, c, then, otherwise);
    };
    if (mayBeNaN && low == 0) {
      Value zero = real(0);
      choose(P::OGT, x, zero, x, zero);
    } else {
      if (mayBeNaN)
        choose(P::ORD, x, x, x, real(0));
      Value least = real(low);
      choose(P::OLT, x, least, least, x);
    }
    Value most = real(high);
    choose(P::OGT, x, most, most, x);
    x = arith::AddFOp::create(rewriter, loc, x, real(12582912.0));
    x = arith::BitcastOp::create(rewriter, loc, rewriter.getI32Type(), x);
    if (shift != 0)
      x = arith::AddIOp::create(
          rewriter, loc, x,
          arith::ConstantOp::create(rewriter, loc, rewriter.getI32IntegerAttr(int64_t(shift))));
    rewriter.replaceOpWithNewOp<arith::TruncIOp>(op, rewriter.getI8Type(), x);
    return success();
  }
};
} // namespace

void terse::ukernel::populateRoundingCastPatterns(RewritePatternSet &patterns) {
  patterns.add<RoundByAdding>(patterns.getContext());
}
