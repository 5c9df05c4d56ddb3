//===- LinalgToNN.cpp - Raise named linalg ops to the nn dialect ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Conversion/LinalgToNN/LinalgToNN.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Conversion/Passes.h"
#include "terse/Dialect/NN/IR/NNOps.h"

namespace terse {
#define GEN_PASS_DEF_RAISELINALGTONNPASS
#include "terse/Conversion/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {

RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

// The scalar that fills all of `v`, or null.
Attribute splatOf(Value v) {
  if (auto fill = v.getDefiningOp<linalg::FillOp>()) {
    Attribute scalar;
    return matchPattern(fill.getInputs()[0], m_Constant(&scalar)) ? scalar : Attribute();
  }
  DenseElementsAttr elements;
  if (matchPattern(v, m_Constant(&elements)) && elements.isSplat())
    return elements.getSplatValue<Attribute>();
  return {};
}

bool isZero(Attribute scalar) {
  if (auto floating = dyn_cast_or_null<FloatAttr>(scalar))
    return floating.getValue().isZero();
  auto integer = dyn_cast_or_null<IntegerAttr>(scalar);
  return integer && integer.getValue().isZero();
}

// Whether `scalar` is the lowest value of its type: nothing changes by taking the maximum with it.
bool isLowest(Attribute scalar) {
  if (auto floating = dyn_cast_or_null<FloatAttr>(scalar))
    return floating.getValue().isNegative() && floating.getValue().isInfinity();
  auto integer = dyn_cast_or_null<IntegerAttr>(scalar);
  return integer && integer.getValue().isMinSignedValue();
}

// Named ops compute in the element type of their result. Widens `v` where nn would not do it on its
// own.
Value widened(OpBuilder &b, Location loc, Value v, Type result) {
  Type element = typeOf(v).getElementType();
  if (element == result || nn::getAccumulatorType(element) == result)
    return v;
  return nn::CastOp::create(b, loc, RankedTensorType::get(typeOf(v).getShape(), result), v);
}

// Whether two operands can be brought to one type whose product has the result's type.
LogicalResult checkContraction(linalg::LinalgOp op, PatternRewriter &rewriter) {
  if (!op.hasPureTensorSemantics())
    return rewriter.notifyMatchFailure(op, "works on buffers");
  Type l = typeOf(op->getOperand(0)).getElementType(),
       r = typeOf(op->getOperand(1)).getElementType();
  Type result = typeOf(op->getResult(0)).getElementType();
  bool same = l == r && (l == result || nn::getAccumulatorType(l) == result);
  // Casting within floats or within signed integers is what the named op does, too.
  bool widens = l.getIntOrFloatBitWidth() <= result.getIntOrFloatBitWidth() &&
                r.getIntOrFloatBitWidth() <= result.getIntOrFloatBitWidth() &&
                ((isa<FloatType>(l) && isa<FloatType>(r) && isa<FloatType>(result)) ||
                 (isa<IntegerType>(l) && isa<IntegerType>(r) && isa<IntegerType>(result)));
  if (!same && !widens)
    return rewriter.notifyMatchFailure(op, "mixes element types");
  return success();
}

// Both operands in one type.
std::pair<Value, Value> operandsOf(linalg::LinalgOp op, PatternRewriter &rewriter) {
  Value l = op->getOperand(0), r = op->getOperand(1);
  Type result = typeOf(op->getResult(0)).getElementType();
  if (typeOf(l).getElementType() == typeOf(r).getElementType())
    return {widened(rewriter, op.getLoc(), l, result), widened(rewriter, op.getLoc(), r, result)};
  auto wide = [&](Value v) -> Value {
    if (typeOf(v).getElementType() == result)
      return v;
    return nn::CastOp::create(rewriter, op.getLoc(),
                              RankedTensorType::get(typeOf(v).getShape(), result), v);
  };
  return {wide(l), wide(r)};
}

// `value` combined with the init tensor, unless that is neutral, in place of `op`.
void replaceAccumulating(PatternRewriter &rewriter, linalg::LinalgOp op, Value value,
                         nn::BinaryKind kind) {
  Value init = op.getDpsInits()[0];
  Attribute splat = splatOf(init);
  bool neutral = kind == nn::BinaryKind::Max ? isLowest(splat) : isZero(splat);
  if (!neutral)
    value = nn::BinaryOp::create(rewriter, op.getLoc(), kind, init, value);
  Type type = op->getResult(0).getType();
  if (value.getType() != type)
    value = tensor::CastOp::create(rewriter, op.getLoc(), type, value);
  rewriter.replaceOp(op, value);
}

SmallVector<int64_t> numbers(DenseIntElementsAttr attr) {
  return llvm::map_to_vector(attr.getValues<APInt>(),
                             [](const APInt &i) { return i.getSExtValue(); });
}

template <typename OpTy>
struct RaiseMatmul : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    auto linalgOp = cast<linalg::LinalgOp>(op.getOperation());
    if (failed(checkContraction(linalgOp, rewriter)))
      return failure();
    if (op.hasUserDefinedMaps())
      return rewriter.notifyMatchFailure(op, "has maps of its own");
    if (op.getCast() != linalg::TypeFn::cast_signed)
      return rewriter.notifyMatchFailure(op, "casts unsigned");
    auto [l, r] = operandsOf(linalgOp, rewriter);
    replaceAccumulating(rewriter, linalgOp, nn::MatmulOp::create(rewriter, op.getLoc(), l, r),
                        nn::BinaryKind::Add);
    return success();
  }
};

// How a named convolution or pool lays out its tensors: permutations from its axes to those of nn,
// empty if equal.
struct Layout {
  ArrayRef<int64_t> input, weight, output;
};

constexpr int64_t kToChannelsFirst[] = {0, 3, 1, 2}, kToChannelsLast[] = {0, 2, 3, 1};
constexpr int64_t kFromHwcf[] = {3, 2, 0, 1}, kFromHwc[] = {2, 0, 1};
const Layout kChannelsFirst{}, kNhwcHwcf{kToChannelsFirst, kFromHwcf, kToChannelsLast},
    kNhwcHwc{kToChannelsFirst, kFromHwc, kToChannelsLast},
    kNhwc{kToChannelsFirst, {}, kToChannelsLast};

Value permuted(PatternRewriter &rewriter, Location loc, Value v, ArrayRef<int64_t> permutation) {
  return permutation.empty() ? v : Value(nn::TransposeOp::create(rewriter, loc, v, permutation));
}

template <typename OpTy>
struct RaiseConvolution : OpRewritePattern<OpTy> {
  RaiseConvolution(MLIRContext *context, Layout layout, bool depthwise)
      : OpRewritePattern<OpTy>(context), layout(layout), depthwise(depthwise) {}

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    auto linalgOp = cast<linalg::LinalgOp>(op.getOperation());
    if (failed(checkContraction(linalgOp, rewriter)))
      return failure();
    Location loc = op.getLoc();
    if (depthwise && !typeOf(op->getOperand(1)).hasStaticShape())
      return rewriter.notifyMatchFailure(op, "the weight has a dynamic shape");
    auto [x, weight] = operandsOf(linalgOp, rewriter);
    x = permuted(rewriter, loc, x, layout.input);
    weight = permuted(rewriter, loc, weight, layout.weight);
    int64_t groups = 1;
    if (depthwise) {
      // [C, kernel...] as [C, 1, kernel...].
      SmallVector<int64_t> shape(typeOf(weight).getShape());
      groups = shape.front();
      shape.insert(shape.begin() + 1, 1);
      weight = nn::ReshapeOp::create(rewriter, loc,
                                     RankedTensorType::get(shape, typeOf(weight).getElementType()),
                                     weight, Value());
    }
    SmallVector<int64_t> strides = numbers(op.getStrides()), pads(2 * strides.size(), 0);
    Value y = nn::ConvOp::create(rewriter, loc, x, weight, Value(), strides, pads,
                                 numbers(op.getDilations()), groups);
    replaceAccumulating(rewriter, linalgOp, permuted(rewriter, loc, y, layout.output),
                        nn::BinaryKind::Add);
    return success();
  }

  Layout layout;
  bool depthwise;
};

template <typename OpTy>
struct RaiseMaxPool : OpRewritePattern<OpTy> {
  RaiseMaxPool(MLIRContext *context, Layout layout)
      : OpRewritePattern<OpTy>(context), layout(layout) {}

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    auto linalgOp = cast<linalg::LinalgOp>(op.getOperation());
    if (!linalgOp.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "works on buffers");
    // The second operand only gives the window its shape.
    auto window = typeOf(op->getOperand(1));
    if (!window.hasStaticShape() ||
        typeOf(op->getOperand(0)).getElementType() != typeOf(op->getResult(0)).getElementType())
      return rewriter.notifyMatchFailure(op, "the window is dynamic or the element type changes");
    Location loc = op.getLoc();
    Value x = permuted(rewriter, loc, op->getOperand(0), layout.input);
    SmallVector<int64_t> strides = numbers(op.getStrides()), pads(2 * strides.size(), 0);
    Value y = nn::PoolOp::create(rewriter, loc, nn::PoolKind::Max, x, window.getShape(), strides,
                                 pads, numbers(op.getDilations()), /*ceil_mode=*/false,
                                 /*count_include_pad=*/false, /*p=*/2);
    replaceAccumulating(rewriter, linalgOp, permuted(rewriter, loc, y, layout.output),
                        nn::BinaryKind::Max);
    return success();
  }

  Layout layout;
};

struct RaiseLinalgToNN : terse::impl::RaiseLinalgToNNPassBase<RaiseLinalgToNN> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateRaiseLinalgToNNPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

void terse::populateRaiseLinalgToNNPatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<RaiseMatmul<linalg::MatmulOp>, RaiseMatmul<linalg::BatchMatmulOp>>(context);
  patterns.add<RaiseConvolution<linalg::Conv1DNcwFcwOp>>(context, kChannelsFirst,
                                                         /*depthwise=*/false);
  patterns.add<RaiseConvolution<linalg::Conv2DNchwFchwOp>>(context, kChannelsFirst,
                                                           /*depthwise=*/false);
  patterns.add<RaiseConvolution<linalg::Conv2DNhwcHwcfOp>>(context, kNhwcHwcf, /*depthwise=*/false);
  patterns.add<RaiseConvolution<linalg::DepthwiseConv2DNchwChwOp>>(context, kChannelsFirst,
                                                                   /*depthwise=*/true);
  patterns.add<RaiseConvolution<linalg::DepthwiseConv2DNhwcHwcOp>>(context, kNhwcHwc,
                                                                   /*depthwise=*/true);
  patterns.add<RaiseMaxPool<linalg::PoolingNchwMaxOp>>(context, kChannelsFirst);
  patterns.add<RaiseMaxPool<linalg::PoolingNhwcMaxOp>>(context, kNhwc);
}
