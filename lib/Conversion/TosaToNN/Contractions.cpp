//===- Contractions.cpp - TOSA convolutions, products, pools --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Utils.h"
#include "terse/Conversion/TosaToNN/TosaToNN.h"

using namespace mlir;
using namespace terse;

namespace {

constexpr int64_t kToChannelsFirst[] = {0, 3, 1, 2};
constexpr int64_t kToChannelsLast[] = {0, 2, 3, 1};

// TOSA pads are [top, bottom, left, right], those of nn [lows..., highs...].
SmallVector<int64_t> padsOf(ArrayRef<int64_t> pad) { return {pad[0], pad[2], pad[1], pad[3]}; }

// `v` (channels first) in place of the channels-last result of `op`.
void replaceChannelsLast(PatternRewriter &rewriter, Operation *op, Value v) {
  rewriter.replaceOpWithNewOp<nn::TransposeOp>(op, op->getResult(0).getType(), v, kToChannelsLast);
}

// A bias of one element serves all channels.
Value biasOf(PatternRewriter &rewriter, Location loc, Value bias, int64_t channels) {
  auto type = rankedType(bias);
  if (type.getDimSize(0) != 1 || channels == 1)
    return bias;
  return nn::BroadcastOp::create(
      rewriter, loc, RankedTensorType::get({channels}, type.getElementType()), bias, Value());
}

// Conditions of both convolutions.
template <typename OpTy>
LogicalResult checkConvolution(OpTy op, PatternRewriter &rewriter) {
  if (!allRanked(op))
    return rewriter.notifyMatchFailure(op, "unranked");
  if (!isZero(op.getInputZp()) || !isZero(op.getWeightZp()))
    return rewriter.notifyMatchFailure(op, "has a zero point");
  Type accumulator = nn::getAccumulatorType(rankedType(op.getInput()).getElementType());
  if (rankedType(op.getResult()).getElementType() != accumulator ||
      rankedType(op.getWeight()).getElementType() != rankedType(op.getInput()).getElementType())
    return rewriter.notifyMatchFailure(op, "nn.conv has no such result type");
  if (!rankedType(op.getWeight()).hasStaticShape())
    return rewriter.notifyMatchFailure(op, "the weight has a dynamic shape");
  return success();
}

struct ConvertConv2D : OpRewritePattern<tosa::Conv2DOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::Conv2DOp op, PatternRewriter &rewriter) const override {
    if (failed(checkConvolution(op, rewriter)))
      return failure();
    Location loc = op.getLoc();
    Value x = transpose(rewriter, loc, op.getInput(), kToChannelsFirst);
    // OHWI to OIHW.
    Value weight = transpose(rewriter, loc, op.getWeight(), kToChannelsFirst);
    Value bias = biasOf(rewriter, loc, op.getBias(), rankedType(weight).getDimSize(0));
    Value y = nn::ConvOp::create(rewriter, loc, x, weight, bias, op.getStride(),
                                 padsOf(op.getPad()), op.getDilation(), 1);
    replaceChannelsLast(rewriter, op, y);
    return success();
  }
};

struct ConvertDepthwiseConv2D : OpRewritePattern<tosa::DepthwiseConv2DOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::DepthwiseConv2DOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(checkConvolution(op, rewriter)))
      return failure();
    Location loc = op.getLoc();
    Value x = transpose(rewriter, loc, op.getInput(), kToChannelsFirst);
    // HWCM to [C * M, 1, H, W]: output channel c * M + m belongs to group c.
    ArrayRef<int64_t> shape = rankedType(op.getWeight()).getShape();
    int64_t channels = shape[2], outputs = shape[2] * shape[3];
    Value weight = transpose(rewriter, loc, op.getWeight(), {2, 3, 0, 1});
    auto type = RankedTensorType::get({outputs, 1, shape[0], shape[1]},
                                      rankedType(weight).getElementType());
    weight = nn::ReshapeOp::create(rewriter, loc, type, weight, Value());
    Value bias = biasOf(rewriter, loc, op.getBias(), outputs);
    Value y = nn::ConvOp::create(rewriter, loc, x, weight, bias, op.getStride(),
                                 padsOf(op.getPad()), op.getDilation(), channels);
    replaceChannelsLast(rewriter, op, y);
    return success();
  }
};

struct ConvertMatMul : OpRewritePattern<tosa::MatMulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::MatMulOp op, PatternRewriter &rewriter) const override {
    if (!allRanked(op))
      return rewriter.notifyMatchFailure(op, "unranked");
    if (!isZero(op.getAZp()) || !isZero(op.getBZp()))
      return rewriter.notifyMatchFailure(op, "has a zero point");
    Type element = rankedType(op.getA()).getElementType();
    if (element != rankedType(op.getB()).getElementType() ||
        rankedType(op.getResult()).getElementType() != nn::getAccumulatorType(element))
      return rewriter.notifyMatchFailure(op, "nn.matmul has no such result type");
    rewriter.replaceOpWithNewOp<nn::MatmulOp>(op, op.getType(), op.getA(), op.getB());
    return success();
  }
};

template <typename OpTy>
void replaceByPool(OpTy op, PatternRewriter &rewriter, nn::PoolKind kind) {
  Value x = transpose(rewriter, op.getLoc(), op.getInput(), kToChannelsFirst);
  Value y = nn::PoolOp::create(rewriter, op.getLoc(), kind, x, op.getKernel(), op.getStride(),
                               padsOf(op.getPad()), ArrayRef<int64_t>{1, 1}, /*ceil_mode=*/false,
                               /*count_include_pad=*/false, /*p=*/2);
  replaceChannelsLast(rewriter, op, y);
}

struct ConvertAvgPool2d : OpRewritePattern<tosa::AvgPool2dOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::AvgPool2dOp op, PatternRewriter &rewriter) const override {
    if (!allRanked(op))
      return rewriter.notifyMatchFailure(op, "unranked");
    // TOSA rounds integer averages in its own fixed-point way.
    if (!isa<FloatType>(rankedType(op.getInput()).getElementType()))
      return rewriter.notifyMatchFailure(op, "averages integers");
    replaceByPool(op, rewriter, nn::PoolKind::Average);
    return success();
  }
};

struct ConvertMaxPool2d : OpRewritePattern<tosa::MaxPool2dOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::MaxPool2dOp op, PatternRewriter &rewriter) const override {
    if (!allRanked(op))
      return rewriter.notifyMatchFailure(op, "unranked");
    if (op.getNanMode() != tosa::NanPropagationMode::PROPAGATE)
      return rewriter.notifyMatchFailure(op, "ignores NaN");
    replaceByPool(op, rewriter, nn::PoolKind::Max);
    return success();
  }
};

} // namespace

void terse::populateTosaContractionPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertConv2D, ConvertDepthwiseConv2D, ConvertMatMul, ConvertAvgPool2d,
               ConvertMaxPool2d>(patterns.getContext());
}
