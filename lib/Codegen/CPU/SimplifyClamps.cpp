//===- SimplifyClamps.cpp - Comparisons behind a clamp --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Quantization rounds, clamps to the range of its integers and converts with saturation, each of
// which is right alone. Together they compare every value with the same ends twice; what the clamp
// has decided is known here.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Codegen/CPU/Passes.h"

#include <cmath>

namespace terse {
#define GEN_PASS_DEF_SIMPLIFYCLAMPSPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {
/// What every value is between, if it is a number.
struct Bounds {
  double low = -INFINITY, high = INFINITY;
};
} // namespace

static std::optional<double> getConstant(Value value) {
  FloatAttr attr;
  if (!matchPattern(value, m_Constant(&attr)))
    return std::nullopt;
  return attr.getValueAsDouble();
}

/// Looks through what does not leave the range and through clamps.
static Bounds getBounds(Value value) {
  if (auto round = value.getDefiningOp<math::RoundEvenOp>()) {
    Bounds range = getBounds(round.getOperand());
    return {std::nearbyint(range.low), std::nearbyint(range.high)};
  }
  auto select = value.getDefiningOp<arith::SelectOp>();
  auto compare = select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : arith::CmpFOp();
  if (!compare || compare.getRhs() != select.getTrueValue() ||
      compare.getLhs() != select.getFalseValue())
    return {};
  std::optional<double> end = getConstant(compare.getRhs());
  if (!end)
    return {};
  Bounds range = getBounds(compare.getLhs());
  if (compare.getPredicate() == arith::CmpFPredicate::OLT)
    return {std::max(range.low, *end), std::max(range.high, *end)};
  if (compare.getPredicate() == arith::CmpFPredicate::OGT)
    return {std::min(range.low, *end), std::min(range.high, *end)};
  return {};
}

namespace {
/// `x < C` where a clamp says that it always or never holds for numbers. It does not hold for NaN.
struct CompareClamped : OpRewritePattern<arith::CmpFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::CmpFOp op, PatternRewriter &rewriter) const override {
    std::optional<double> end = getConstant(op.getRhs());
    if (!end || std::isnan(*end))
      return failure();
    Bounds range = getBounds(op.getLhs());
    bool always, never;
    switch (op.getPredicate()) {
    case arith::CmpFPredicate::OLT:
      always = range.high < *end, never = range.low >= *end;
      break;
    case arith::CmpFPredicate::OLE:
      always = range.high <= *end, never = range.low > *end;
      break;
    case arith::CmpFPredicate::OGT:
      always = range.low > *end, never = range.high <= *end;
      break;
    case arith::CmpFPredicate::OGE:
      always = range.low >= *end, never = range.high < *end;
      break;
    default:
      return failure();
    }
    if (never)
      rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, rewriter.getBoolAttr(false));
    else if (always)
      rewriter.replaceOpWithNewOp<arith::CmpFOp>(op, arith::CmpFPredicate::ORD, op.getLhs(),
                                                 op.getLhs());
    else
      return failure();
    return success();
  }
};

/// Both ask whether the same value is a number.
struct JoinEqual : OpRewritePattern<arith::AndIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::AndIOp op, PatternRewriter &rewriter) const override {
    auto left = op.getLhs().getDefiningOp<arith::CmpFOp>(),
         right = op.getRhs().getDefiningOp<arith::CmpFOp>();
    if (!left || !right || left.getPredicate() != right.getPredicate() ||
        left->getOperands() != right->getOperands())
      return failure();
    rewriter.replaceOp(op, left.getResult());
    return success();
  }
};

struct SimplifyClampsPass : terse::impl::SimplifyClampsPassBase<SimplifyClampsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<CompareClamped, JoinEqual>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
