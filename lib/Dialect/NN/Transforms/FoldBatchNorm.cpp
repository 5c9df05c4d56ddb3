//===- FoldBatchNorm.cpp - Per-channel factors into weights ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Matching.h"
#include "NNBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Dialect/NN/IR/NNFactors.h"
#include "terse/Dialect/NN/IR/NNQuantization.h"
#include "terse/Dialect/NN/Transforms/Passes.h"

namespace terse::nn {
#define GEN_PASS_DEF_NNFOLDBATCHNORMPASS
#include "terse/Dialect/NN/Transforms/Passes.h.inc"
} // namespace terse::nn

using namespace mlir;
using namespace terse;
using namespace terse::nn;

namespace {

/// A contraction whose weight and bias may be changed because nothing else sees its result, but
/// what moves its elements.
struct FoldTarget {
  ContractionLike op;
  int64_t channels = 0;
  /// The axis of the channels in the value that was asked for; none if the moves mix them.
  std::optional<int64_t> axis;
  explicit operator bool() const { return bool(op); }
};

/// The axis of the result of a move that is axis `axis` of its operand.
std::optional<int64_t> followAxis(FactorSource move, int64_t axis) {
  for (int64_t i = 0, rank = typeOf(move->getResult(0)).getRank(); i < rank; ++i)
    for (const SmallVector<FactorOperand> &operands : move.getFactorOperands(i))
      if (operands.size() == 1 && operands.front().axis == axis)
        return i;
  return std::nullopt;
}

FoldTarget getTarget(Value value) {
  // What is done to every element may as well be done before it is moved.
  SmallVector<Operation *> moves;
  while (isa_and_nonnull<ReshapeOp, TransposeOp, SliceOp>(value.getDefiningOp()) &&
         value.hasOneUse() && !isEncoded(value.getDefiningOp())) {
    moves.push_back(value.getDefiningOp());
    value = moves.back()->getOperand(0);
  }
  auto op = value.getDefiningOp<ContractionLike>();
  if (!op || !value.hasOneUse() || isEncoded(op))
    return {};
  Value weight = op.getWeightOperand().get();
  OpOperand *bias = op.getBiasOperand();
  if (!isConstantExpression(weight) || (bias && !isConstantExpression(bias->get())))
    return {};
  int64_t channels = typeOf(value).getDimSize(op.getResultChannelAxis());
  // Grouped transposed convolutions share slices of the weight between groups of channels.
  if (ShapedType::isDynamic(channels) ||
      typeOf(weight).getDimSize(op.getOutputChannelAxis()) != channels)
    return {};
  std::optional<int64_t> axis = op.getResultChannelAxis();
  for (Operation *move : llvm::reverse(moves))
    if (axis)
      axis = followAxis(cast<FactorSource>(move), *axis);
  return {op, channels, axis};
}

/// Whether `values` is one number, or one per channel of `result`, which comes from `target`.
bool isPerChannel(FoldTarget target, RankedTensorType result, Value values) {
  RankedTensorType type = typeOf(values);
  if (!type.hasStaticShape() || type.getRank() > result.getRank())
    return false;
  int64_t lead = result.getRank() - type.getRank();
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.getDimSize(i) != 1 && i + lead != target.axis)
      return false;
  return true;
}

/// `values`, which is per channel, as `[channels]`.
Value asChannels(NNBuilder &b, FoldTarget target, Value values) {
  RankedTensorType type = typeOf(values);
  if (type.getNumElements() == 1) {
    Value scalar = b.reshape(values, {Dim(1)});
    return BroadcastOp::create(b, RankedTensorType::get({target.channels}, type.getElementType()),
                               scalar, Value());
  }
  return b.reshape(values, {Dim(target.channels)});
}

/// weight * factor, bias * factor + offset; either may be null. Fails if the op takes no bias.
LogicalResult fold(NNBuilder &b, FoldTarget target, Value factor, Value offset) {
  ContractionLike op = target.op;
  OpOperand *biasOperand = op.getBiasOperand();
  auto biased = dyn_cast<Biased>(op.getOperation());
  if (offset && !biased)
    return failure();
  Value bias = biasOperand ? biasOperand->get() : Value();
  if (factor) {
    OpOperand &weight = op.getWeightOperand();
    SmallVector<Dim> shape(typeOf(weight.get()).getRank(), Dim(1));
    shape[op.getOutputChannelAxis()] = Dim(target.channels);
    weight.set(b.mul(weight.get(), b.reshape(factor, shape)));
    if (bias)
      bias = b.mul(bias, factor);
  }
  if (offset)
    bias = bias ? b.add(bias, offset) : offset;
  if (bias)
    biased.setBias(bias);
  return success();
}

/// Moves the constants that `value` is computed from in front of `anchor`, if they stand after it.
bool hoist(Value value, Operation *anchor) {
  Operation *op = value.getDefiningOp();
  if (op->getBlock() != anchor->getBlock())
    return op->getParentOp()->isProperAncestor(anchor);
  if (op->isBeforeInBlock(anchor))
    return true;
  for (Value operand : op->getOperands())
    if (!hoist(operand, anchor))
      return false;
  op->moveBefore(anchor);
  return true;
}

struct FoldBatchNorm : OpRewritePattern<BatchNormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BatchNormOp op, PatternRewriter &rewriter) const override {
    FoldTarget target = getTarget(op.getX());
    if (!target || isEncoded(op))
      return rewriter.notifyMatchFailure(
          op, "is not the only use of a contraction with constant weights");
    if (target.axis != 1 || !isa<Biased>(target.op.getOperation()))
      return rewriter.notifyMatchFailure(
          op, "normalizes another axis, or the contraction takes no bias");
    for (Value parameter : op->getOperands().drop_front())
      if (!isConstantExpression(parameter))
        return rewriter.notifyMatchFailure(op, "parameters are not constant");
    rewriter.setInsertionPoint(target.op);
    // Parameters may stand between the two; constants can be built again.
    if (!llvm::all_of(op->getOperands().drop_front(), [&](Value v) { return hoist(v, target.op); }))
      return rewriter.notifyMatchFailure(op, "parameters stand after the contraction");
    NNBuilder b(op.getLoc(), rewriter);
    Type element = typeOf(op.getScale()).getElementType();
    Value variance = b.add(op.getVariance(), b.scalar(op.getEpsilon().convertToDouble(), element));
    Value factor = b.div(op.getScale(), b.unary(UnaryKind::Sqrt, variance));
    Value offset = b.sub(op.getBias(), b.mul(op.getMean(), factor));
    (void)fold(b, target, factor, offset);
    rewriter.replaceOp(op, op.getX());
    return success();
  }
};

struct FoldArithmetic : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    BinaryKind kind = op.getKind();
    bool isFactor = kind == BinaryKind::Mul || kind == BinaryKind::Div;
    if ((!isFactor && kind != BinaryKind::Add && kind != BinaryKind::Sub) || isEncoded(op))
      return rewriter.notifyMatchFailure(op, "is no linear function of a contraction");
    Value constant = op.getRhs();
    FoldTarget target = getTarget(op.getLhs());
    // c * y and c + y; c - y = c + (-1) y; c / y is not linear.
    Value data = op.getLhs();
    bool swapped = !target;
    if (swapped && kind != BinaryKind::Div) {
      std::swap(data, constant);
      target = getTarget(data);
    }
    if (!target || op.getType() != data.getType())
      return rewriter.notifyMatchFailure(
          op, "is not the only use of a contraction with constant weights");
    if (!isConstantExpression(constant) || (!isFactor && !isa<Biased>(target.op.getOperation())) ||
        (kind == BinaryKind::Sub && swapped && target.op.getBiasOperand() &&
         !isa<Biased>(target.op.getOperation())))
      return rewriter.notifyMatchFailure(
          op, "the other operand is computed, or the contraction takes no bias");
    if (!isPerChannel(target, typeOf(data), constant))
      return rewriter.notifyMatchFailure(op,
                                         "the constant varies along other axes than the channels");
    if (!hoist(constant, target.op))
      return rewriter.notifyMatchFailure(op, "the constant stands after the contraction");
    rewriter.setInsertionPoint(target.op);
    NNBuilder b(op.getLoc(), rewriter);
    Value values = asChannels(b, target, constant);
    Value factor, offset;
    Type element = typeOf(values).getElementType();
    switch (kind) {
    case BinaryKind::Mul:
      factor = values;
      break;
    case BinaryKind::Div:
      factor = b.div(b.scalar(1, element), values);
      break;
    case BinaryKind::Add:
      offset = values;
      break;
    default:
      offset = swapped ? values : b.unary(UnaryKind::Neg, values);
      if (swapped)
        factor = BroadcastOp::create(b, typeOf(values), b.reshape(b.scalar(-1, element), {Dim(1)}),
                                     Value());
    }
    (void)fold(b, target, factor, offset);
    rewriter.replaceOp(op, data);
    return success();
  }
};

struct NNFoldBatchNorm : nn::impl::NNFoldBatchNormPassBase<NNFoldBatchNorm> {
  void runOnOperation() override {
    auto count = [&] {
      unsigned n = 0;
      getOperation().walk([&](Operation *op) {
        n += isa<BatchNormOp, BinaryOp>(op) && !isConstantExpression(op->getResult(0));
      });
      return n;
    };
    unsigned before = count();
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldBatchNorm, FoldArithmetic>(&getContext());
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false).setRegionSimplificationLevel(
        GreedySimplifyRegionLevel::Disabled);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      return signalPassFailure();
    numFolded += before - count();
  }
};

} // namespace
