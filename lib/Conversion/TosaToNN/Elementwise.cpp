//===- Elementwise.cpp - TOSA elementwise ops -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Utils.h"
#include "terse/Conversion/TosaToNN/TosaToNN.h"

using namespace mlir;
using namespace terse;

namespace {

template <typename OpTy>
struct ConvertUnary : OpRewritePattern<OpTy> {
  ConvertUnary(MLIRContext *context, nn::UnaryKind kind)
      : OpRewritePattern<OpTy>(context), kind(kind) {}
  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    if (!allRanked(op))
      return rewriter.notifyMatchFailure(op, "unranked");
    rewriter.replaceOp(
        op, unary(rewriter, op.getLoc(), op->getResult(0).getType(), kind, op->getOperand(0)));
    return success();
  }
  nn::UnaryKind kind;
};

// Whether an op that may ignore NaN does not; others always propagate.
template <typename OpTy, typename = void>
struct NanMode {
  static bool propagates(OpTy) { return true; }
};
template <typename OpTy>
struct NanMode<OpTy, std::void_t<decltype(std::declval<OpTy>().getNanMode())>> {
  static bool propagates(OpTy op) { return op.getNanMode() == tosa::NanPropagationMode::PROPAGATE; }
};

template <typename OpTy>
struct ConvertBinary : OpRewritePattern<OpTy> {
  ConvertBinary(MLIRContext *context, nn::BinaryKind kind)
      : OpRewritePattern<OpTy>(context), kind(kind) {}
  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    if (!allRanked(op))
      return rewriter.notifyMatchFailure(op, "unranked");
    if (!NanMode<OpTy>::propagates(op))
      return rewriter.notifyMatchFailure(op, "ignores NaN");
    Value l = op->getOperand(0), r = op->getOperand(1);
    Type element = rankedType(l).getElementType();
    if (element != rankedType(r).getElementType() ||
        element != rankedType(op->getResult(0)).getElementType())
      return rewriter.notifyMatchFailure(op, "changes the element type");
    rewriter.replaceOpWithNewOp<nn::BinaryOp>(op, op->getResult(0).getType(), kind, l, r);
    return success();
  }
  nn::BinaryKind kind;
};

template <typename OpTy>
struct ConvertCompare : OpRewritePattern<OpTy> {
  ConvertCompare(MLIRContext *context, nn::CompareKind kind)
      : OpRewritePattern<OpTy>(context), kind(kind) {}
  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    if (!allRanked(op))
      return rewriter.notifyMatchFailure(op, "unranked");
    rewriter.replaceOpWithNewOp<nn::CompareOp>(op, op->getResult(0).getType(), kind,
                                               op->getOperand(0), op->getOperand(1));
    return success();
  }
  nn::CompareKind kind;
};

struct ConvertMul : OpRewritePattern<tosa::MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::MulOp op, PatternRewriter &rewriter) const override {
    if (!allRanked(op))
      return rewriter.notifyMatchFailure(op, "unranked");
    if (!isZero(op.getShift()))
      return rewriter.notifyMatchFailure(op, "shifts the product");
    if (rankedType(op.getInput1()).getElementType() != rankedType(op.getResult()).getElementType())
      return rewriter.notifyMatchFailure(op, "changes the element type");
    rewriter.replaceOpWithNewOp<nn::BinaryOp>(op, op.getType(), nn::BinaryKind::Mul, op.getInput1(),
                                              op.getInput2());
    return success();
  }
};

struct ConvertNegate : OpRewritePattern<tosa::NegateOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::NegateOp op, PatternRewriter &rewriter) const override {
    if (!allRanked(op))
      return rewriter.notifyMatchFailure(op, "unranked");
    if (!isZero(op.getInput1Zp()) || !isZero(op.getOutputZp()))
      return rewriter.notifyMatchFailure(op, "has a zero point");
    // TOSA negates narrow integers in a wider type and saturates: the lowest value would wrap here.
    if (!isa<FloatType>(rankedType(op.getInput1()).getElementType()))
      return rewriter.notifyMatchFailure(op, "negates integers");
    rewriter.replaceOp(
        op, unary(rewriter, op.getLoc(), op.getType(), nn::UnaryKind::Neg, op.getInput1()));
    return success();
  }
};

struct ConvertClamp : OpRewritePattern<tosa::ClampOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::ClampOp op, PatternRewriter &rewriter) const override {
    if (!allRanked(op))
      return rewriter.notifyMatchFailure(op, "unranked");
    if (op.getNanMode() != tosa::NanPropagationMode::PROPAGATE)
      return rewriter.notifyMatchFailure(op, "ignores NaN");
    auto number = [](Attribute attr) {
      if (auto floating = dyn_cast<FloatAttr>(attr))
        return floating.getValueAsDouble();
      return double(cast<IntegerAttr>(attr).getValue().getSExtValue());
    };
    rewriter.replaceOp(op, unary(rewriter, op.getLoc(), op.getType(), nn::UnaryKind::Clamp,
                                 op.getInput(), number(op.getMinValAttr()),
                                 number(op.getMaxValAttr())));
    return success();
  }
};

struct ConvertCast : OpRewritePattern<tosa::CastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::CastOp op, PatternRewriter &rewriter) const override {
    if (!allRanked(op))
      return rewriter.notifyMatchFailure(op, "unranked");
    Value x = op.getInput();
    Type from = rankedType(x).getElementType(), to = rankedType(op.getResult()).getElementType();
    if (isa<FloatType>(from) && isa<IntegerType>(to) && !to.isInteger(1))
      x = unary(rewriter, op.getLoc(), x.getType(), nn::UnaryKind::Round, x);
    rewriter.replaceOpWithNewOp<nn::CastOp>(op, op.getType(), x);
    return success();
  }
};

struct ConvertSelect : OpRewritePattern<tosa::SelectOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::SelectOp op, PatternRewriter &rewriter) const override {
    if (!allRanked(op))
      return rewriter.notifyMatchFailure(op, "unranked");
    rewriter.replaceOpWithNewOp<nn::SelectOp>(op, op.getType(), op.getInput1(), op.getInput2(),
                                              op.getInput3());
    return success();
  }
};

} // namespace

void terse::populateTosaElementwisePatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  using nn::BinaryKind;
  using nn::CompareKind;
  using nn::UnaryKind;
  patterns.add<ConvertUnary<tosa::AbsOp>>(context, UnaryKind::Abs);
  patterns.add<ConvertUnary<tosa::BitwiseNotOp>>(context, UnaryKind::BitNot);
  patterns.add<ConvertUnary<tosa::CeilOp>>(context, UnaryKind::Ceil);
  patterns.add<ConvertUnary<tosa::CosOp>>(context, UnaryKind::Cos);
  patterns.add<ConvertUnary<tosa::ErfOp>>(context, UnaryKind::Erf);
  patterns.add<ConvertUnary<tosa::ExpOp>>(context, UnaryKind::Exp);
  patterns.add<ConvertUnary<tosa::FloorOp>>(context, UnaryKind::Floor);
  patterns.add<ConvertUnary<tosa::LogOp>>(context, UnaryKind::Log);
  patterns.add<ConvertUnary<tosa::LogicalNotOp>>(context, UnaryKind::Not);
  patterns.add<ConvertUnary<tosa::ReciprocalOp>>(context, UnaryKind::Reciprocal);
  patterns.add<ConvertUnary<tosa::RsqrtOp>>(context, UnaryKind::Rsqrt);
  patterns.add<ConvertUnary<tosa::SigmoidOp>>(context, UnaryKind::Sigmoid);
  patterns.add<ConvertUnary<tosa::SinOp>>(context, UnaryKind::Sin);
  patterns.add<ConvertUnary<tosa::TanhOp>>(context, UnaryKind::Tanh);
  patterns.add<ConvertBinary<tosa::AddOp>>(context, BinaryKind::Add);
  patterns.add<ConvertBinary<tosa::BitwiseAndOp>>(context, BinaryKind::And);
  patterns.add<ConvertBinary<tosa::BitwiseOrOp>>(context, BinaryKind::Or);
  patterns.add<ConvertBinary<tosa::BitwiseXorOp>>(context, BinaryKind::Xor);
  patterns.add<ConvertBinary<tosa::IntDivOp>>(context, BinaryKind::Div);
  patterns.add<ConvertBinary<tosa::LogicalAndOp>>(context, BinaryKind::And);
  patterns.add<ConvertBinary<tosa::LogicalLeftShiftOp>>(context, BinaryKind::Shl);
  patterns.add<ConvertBinary<tosa::LogicalOrOp>>(context, BinaryKind::Or);
  patterns.add<ConvertBinary<tosa::LogicalRightShiftOp>>(context, BinaryKind::Shr);
  patterns.add<ConvertBinary<tosa::LogicalXorOp>>(context, BinaryKind::Xor);
  patterns.add<ConvertBinary<tosa::MaximumOp>>(context, BinaryKind::Max);
  patterns.add<ConvertBinary<tosa::MinimumOp>>(context, BinaryKind::Min);
  patterns.add<ConvertBinary<tosa::PowOp>>(context, BinaryKind::Pow);
  patterns.add<ConvertBinary<tosa::SubOp>>(context, BinaryKind::Sub);
  patterns.add<ConvertCompare<tosa::EqualOp>>(context, CompareKind::Eq);
  patterns.add<ConvertCompare<tosa::GreaterOp>>(context, CompareKind::Gt);
  patterns.add<ConvertCompare<tosa::GreaterEqualOp>>(context, CompareKind::Ge);
  patterns.add<ConvertMul, ConvertNegate, ConvertClamp, ConvertCast, ConvertSelect>(context);
}
