//===- Shape.cpp - Reshape, transpose, broadcast, slice, concat -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "IndexBuilder.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace terse;

namespace {

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

SmallVector<ReassociationIndices> allAxes(int64_t rank) {
  SmallVector<ReassociationIndices> one;
  if (rank > 0)
    one.push_back(llvm::to_vector(llvm::seq<int64_t>(0, rank)));
  return one;
}

// Sizes of the result: those of the shape operand, or the one unknown dimension as what remains of
// the elements.
SmallVector<OpFoldResult> reshapedSizes(OpBuilder &b, Location loc, Value x, Value shape,
                                        RankedTensorType type) {
  if (shape)
    return getSizesFromShape(b, loc, shape, type);
  SmallVector<OpFoldResult> sizes;
  int64_t known = 1;
  for (int64_t d : type.getShape()) {
    sizes.push_back(b.getIndexAttr(ShapedType::isDynamic(d) ? 0 : d));
    known *= ShapedType::isDynamic(d) ? 1 : d;
  }
  if (type.hasStaticShape() || known == 0)
    return sizes;
  AffineExpr total = b.getAffineConstantExpr(1);
  SmallVector<OpFoldResult> operands = getSizes(b, loc, x);
  for (unsigned i = 0; i < operands.size(); ++i)
    total = total * b.getAffineSymbolExpr(i);
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes[i] = computeSize(b, loc, total.floorDiv(known), operands);
  return sizes;
}

struct ReshapeLowering : OpConversionPattern<nn::ReshapeOp> {
  using OpConversionPattern::OpConversionPattern;
  // One reshape may become another, of a static type, once.
  void initialize() { setHasBoundedRewriteRecursion(); }
  LogicalResult matchAndRewrite(nn::ReshapeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getX();
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    RankedTensorType from = typeOf(x);
    if (from == type) {
      if (type.hasStaticShape() || type.getRank() == 1)
        return rewriter.replaceOp(op, x), success();
    } else if (from.hasStaticShape() && type.hasStaticShape()) {
      // Groups of axes merge or split on their own where they can: that keeps the rest visible to
      // fusion.
      if (auto groups = getReassociationIndicesForReshape(from, type);
          groups && from.getRank() != type.getRank()) {
        if (from.getRank() > type.getRank())
          rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(op, type, x, *groups);
        else
          rewriter.replaceOpWithNewOp<tensor::ExpandShapeOp>(op, type, x, *groups);
        return success();
      }
    }
    if (from.hasStaticShape() && !adaptor.getShape() && type.getNumDynamicDims() == 1) {
      // What remains is known: reshape to that, and forget it again.
      SmallVector<int64_t> shape(type.getShape());
      int64_t rest = from.getNumElements();
      for (int64_t size : shape)
        rest = ShapedType::isDynamic(size) || size == 0 ? rest : rest / size;
      for (int64_t &size : shape)
        size = ShapedType::isDynamic(size) ? rest : size;
      Value known = nn::ReshapeOp::create(rewriter, loc, type.clone(shape), x, Value());
      rewriter.replaceOpWithNewOp<tensor::CastOp>(op, type, known);
      return success();
    }
    SmallVector<OpFoldResult> sizes = reshapedSizes(rewriter, loc, x, adaptor.getShape(), type);
    if (type.getNumDynamicDims() > 1) {
      // An expansion may have one run-time size per group only.
      SmallVector<Value> values = getValueOrCreateConstantIndexOp(rewriter, loc, sizes);
      Value shape = tensor::FromElementsOp::create(rewriter, loc, values);
      rewriter.replaceOpWithNewOp<tensor::ReshapeOp>(op, type, x, shape);
      return success();
    }
    if (from.getRank() != 1)
      x = from.getRank() == 0
              ? Value(tensor::ExpandShapeOp::create(
                    rewriter, loc, RankedTensorType::get({1}, type.getElementType()), x,
                    ArrayRef<ReassociationIndices>{}))
              : Value(tensor::CollapseShapeOp::create(rewriter, loc, x, allAxes(from.getRank())));
    if (type.getRank() == 0) {
      x = castTo(rewriter, loc, x, RankedTensorType::get({1}, type.getElementType()));
      rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(op, type, x,
                                                           ArrayRef<ReassociationIndices>{});
      return success();
    }
    if (type.getRank() > 1) {
      // A wholly static result fixes the number of elements.
      if (type.hasStaticShape())
        x = castTo(rewriter, loc, x,
                   RankedTensorType::get({type.getNumElements()}, type.getElementType()));
      else
        x = castTo(rewriter, loc, x,
                   RankedTensorType::get({ShapedType::kDynamic}, type.getElementType()));
      x = tensor::ExpandShapeOp::create(rewriter, loc, type, x, allAxes(type.getRank()), sizes);
    }
    rewriter.replaceOp(op, castTo(rewriter, loc, x, type));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Transpose, broadcast, reverse_sequence
//===----------------------------------------------------------------------===//

struct TransposeLowering : OpConversionPattern<nn::TransposeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(nn::TransposeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ArrayRef<int64_t> permutation = op.getPermutation();
    SmallVector<OpFoldResult> from = getSizes(rewriter, op.getLoc(), adaptor.getX()), sizes;
    for (int64_t p : permutation)
      sizes.push_back(from[p]);
    SmallVector<unsigned> axes(permutation.begin(), permutation.end());
    AffineMap map = axes.empty()
                        ? rewriter.getEmptyAffineMap()
                        : inversePermutation(AffineMap::getPermutationMap(axes, getContext()));
    Type type = getTypeConverter()->convertType(op.getType());
    rewriter.replaceOp(op,
                       createGenerated(rewriter, op.getLoc(), sizes, type, adaptor.getX(), map,
                                       [](IndexBuilder &, ValueRange args) { return args[0]; }));
    return success();
  }
};

struct BroadcastLowering : OpConversionPattern<nn::BroadcastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(nn::BroadcastOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getX();
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    RankedTensorType from = typeOf(x);
    int64_t rank = type.getRank(), lead = rank - from.getRank();
    SmallVector<OpFoldResult> sizes;
    if (adaptor.getShape()) {
      sizes = getSizesFromShape(rewriter, loc, adaptor.getShape(), type);
    } else {
      for (int64_t i = 0; i < rank; ++i) {
        if (!type.isDynamicDim(i))
          sizes.push_back(rewriter.getIndexAttr(type.getDimSize(i)));
        else if (i >= lead)
          sizes.push_back(getSize(rewriter, loc, x, i - lead));
        else
          return rewriter.notifyMatchFailure(op,
                                             "a dynamic leading dimension needs a shape operand");
      }
    }
    // Where only the run tells whether an axis stretches, its elements are looked up.
    bool ambiguous = false;
    SmallVector<AffineExpr> exprs;
    for (int64_t i = 0; i < from.getRank(); ++i) {
      bool unit = from.getDimSize(i) == 1;
      ambiguous |= from.isDynamicDim(i) && adaptor.getShape();
      exprs.push_back(unit ? rewriter.getAffineConstantExpr(0)
                           : rewriter.getAffineDimExpr(lead + i));
    }
    Value result;
    if (!ambiguous) {
      AffineMap map = AffineMap::get(rank, 0, exprs, getContext());
      result = createGenerated(rewriter, loc, sizes, type, x, map,
                               [](IndexBuilder &, ValueRange args) { return args[0]; });
    } else {
      result =
          createGenerated(rewriter, loc, sizes, type, {}, {}, [&](IndexBuilder &b, ValueRange) {
            SmallVector<Value> at;
            for (int64_t i = 0; i < from.getRank(); ++i)
              at.push_back(b.clampToAxis(b.index(lead + i), b.size(x, i)));
            return extractElement(b, x, at);
          });
    }
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct ReverseSequenceLowering : OpConversionPattern<nn::ReverseSequenceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(nn::ReverseSequenceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getX();
    Type type = getTypeConverter()->convertType(op.getType());
    int64_t rank = typeOf(x).getRank(), time = op.getTimeAxis(), batch = op.getBatchAxis();
    AffineMap map = AffineMap::get(rank, 0, rewriter.getAffineDimExpr(batch), getContext());
    Value result =
        createGenerated(rewriter, loc, getSizes(rewriter, loc, x), type, adaptor.getLengths(), map,
                        [&](IndexBuilder &b, ValueRange args) -> Value {
                          SmallVector<Value> at;
                          for (int64_t i = 0; i < rank; ++i)
                            at.push_back(b.index(i));
                          Value length =
                              b.max(b.min(b.toIndex(args[0]), b.size(x, time)), b.constant(0));
                          Value mirrored = b.sub(b.sub(length, b.constant(1)), at[time]);
                          at[time] = b.select(b.less(at[time], length), mirrored, at[time]);
                          return tensor::ExtractOp::create(b, x, at);
                        });
    rewriter.replaceOp(op, result);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

struct AxisSlice {
  OpFoldResult start, size;
};

// The first element and the number of elements of `start:end:step` on an axis, by the rules of
// nn.slice. All values are of index type; `step` is not 0.
AxisSlice resolveAtRunTime(IndexBuilder &b, Value n, Value start, Value end, Value step,
                           std::optional<bool> forward) {
  Value zero = b.constant(0), one = b.constant(1), last = b.sub(n, one);
  auto wrap = [&](Value v) { return b.select(b.less(v, zero), b.add(v, n), v); };
  Value first = wrap(start), stop = wrap(end);
  auto upward = [&]() -> std::pair<Value, Value> {
    Value from = b.max(b.min(first, n), zero), to = b.max(b.min(stop, n), zero);
    Value span = b.max(b.sub(to, from), zero);
    return {from, arith::CeilDivSIOp::create(b, span, step)};
  };
  auto downward = [&]() -> std::pair<Value, Value> {
    Value from = b.max(b.min(first, last), b.select(b.less(zero, n), zero, b.constant(-1)));
    Value to = b.max(b.min(stop, last), b.constant(-1));
    Value span = b.max(b.sub(from, to), zero);
    return {from, arith::CeilDivSIOp::create(b, span, b.sub(zero, step))};
  };
  if (forward) {
    auto [from, count] = *forward ? upward() : downward();
    return {from, count};
  }
  Value up = b.less(zero, step);
  auto [upFrom, upCount] = upward();
  auto [downFrom, downCount] = downward();
  return {b.select(up, upFrom, downFrom), b.select(up, upCount, downCount)};
}

// Elements `starts + i * steps` of `x`, looked up one by one: negative or unknown steps.
Value gatherSlice(OpBuilder &b, Location loc, Value x, ArrayRef<OpFoldResult> starts,
                  ArrayRef<OpFoldResult> sizes, ArrayRef<OpFoldResult> steps, Type type) {
  return createGenerated(b, loc, sizes, type, {}, {}, [&](IndexBuilder &ib, ValueRange) -> Value {
    SmallVector<Value> at;
    for (size_t i = 0; i < sizes.size(); ++i)
      at.push_back(ib.add(ib.value(starts[i]), ib.mul(ib.index(i), ib.value(steps[i]))));
    return tensor::ExtractOp::create(ib, x, at);
  });
}

Value stridedSlice(OpBuilder &b, Location loc, Value x, ArrayRef<OpFoldResult> starts,
                   ArrayRef<OpFoldResult> sizes, ArrayRef<OpFoldResult> steps, Type type) {
  return castTo(b, loc, tensor::ExtractSliceOp::create(b, loc, x, starts, sizes, steps), type);
}

struct SliceLowering : OpConversionPattern<nn::SliceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(nn::SliceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    IndexBuilder b(rewriter, loc);
    Value x = adaptor.getX();
    SmallVector<OpFoldResult> starts, sizes, steps;
    bool backward = false;
    for (int64_t i = 0; i < typeOf(x).getRank(); ++i) {
      int64_t start = op.getStarts()[i], end = op.getEnds()[i], step = op.getSteps()[i],
              n = typeOf(x).getDimSize(i);
      if (!ShapedType::isDynamic(n)) {
        int64_t count = nn::resolveSlice(n, start, end, step);
        // A step longer than the axis is never taken; a single element needs none.
        step = count <= 1 ? 1 : step;
        starts.push_back(b.getIndexAttr(count == 0 ? 0 : start));
        sizes.push_back(b.getIndexAttr(count));
      } else if (start == 0 && step == 1 && end == std::numeric_limits<int64_t>::max()) {
        starts.push_back(b.getIndexAttr(0));
        sizes.push_back(getSize(b, loc, x, i));
      } else {
        step = std::max<int64_t>(step, -std::numeric_limits<int64_t>::max());
        AxisSlice slice = resolveAtRunTime(b, b.size(x, i), b.constant(start), b.constant(end),
                                           b.constant(step), step > 0);
        starts.push_back(slice.start);
        sizes.push_back(slice.size);
      }
      backward |= step < 0;
      steps.push_back(b.getIndexAttr(step));
    }
    Type type = getTypeConverter()->convertType(op.getType());
    rewriter.replaceOp(op, backward ? gatherSlice(rewriter, loc, x, starts, sizes, steps, type)
                                    : stridedSlice(rewriter, loc, x, starts, sizes, steps, type));
    return success();
  }
};

struct DynamicSliceLowering : OpConversionPattern<nn::DynamicSliceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(nn::DynamicSliceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    IndexBuilder b(rewriter, loc);
    Value x = adaptor.getX();
    // Steps are nearly always constant; then the direction is known.
    DenseIntElementsAttr known;
    matchPattern(op.getSteps(), m_Constant(&known));
    int64_t rank = typeOf(x).getRank();
    for (Value bounds : {op.getStarts(), op.getEnds(), op.getSteps()})
      if (typeOf(bounds).getDimSize(0) != rank)
        return rewriter.notifyMatchFailure(op, "expected one static bound per axis");
    auto element = [&](Value bounds, int64_t i) {
      return b.toIndex(tensor::ExtractOp::create(b, bounds, b.constant(i)));
    };
    SmallVector<OpFoldResult> starts, sizes, steps;
    bool strided = bool(known);
    for (int64_t i = 0; i < rank; ++i) {
      Value n = b.size(x, i);
      std::optional<bool> forward;
      Value step;
      if (known) {
        int64_t s = known.getValues<APInt>()[i].getSExtValue();
        forward = s > 0;
        strided &= s > 0;
        step = b.constant(s == 0 ? 1 : std::max<int64_t>(s, -std::numeric_limits<int64_t>::max()));
      } else {
        // Longer steps than the axis all select one element; 0 would select endlessly many.
        Value limit = b.add(n, 1);
        step = b.max(b.min(element(adaptor.getSteps(), i), limit), b.sub(b.constant(0), limit));
        step = b.select(b.equal(step, b.constant(0)), b.constant(1), step);
      }
      AxisSlice slice = resolveAtRunTime(b, n, element(adaptor.getStarts(), i),
                                         element(adaptor.getEnds(), i), step, forward);
      starts.push_back(slice.start);
      sizes.push_back(slice.size);
      steps.push_back(step);
    }
    Type type = getTypeConverter()->convertType(op.getType());
    rewriter.replaceOp(op, strided ? stridedSlice(rewriter, loc, x, starts, sizes, steps, type)
                                   : gatherSlice(rewriter, loc, x, starts, sizes, steps, type));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Concat
//===----------------------------------------------------------------------===//

struct ConcatLowering : OpConversionPattern<nn::ConcatOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(nn::ConcatOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t axis = op.getAxis();
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    SmallVector<OpFoldResult> sizes = getSizes(rewriter, loc, adaptor.getInputs().front());
    OpFoldResult offset = rewriter.getIndexAttr(0);
    SmallVector<OpFoldResult> offsets;
    AffineExpr sum = rewriter.getAffineSymbolExpr(0) + rewriter.getAffineSymbolExpr(1);
    for (Value input : adaptor.getInputs()) {
      offsets.push_back(offset);
      offset = computeSize(rewriter, loc, sum, {offset, getSize(rewriter, loc, input, axis)});
    }
    sizes[axis] = offset;
    Value result = createEmpty(rewriter, loc, sizes, type.getElementType());
    SmallVector<OpFoldResult> at(type.getRank(), rewriter.getIndexAttr(0)),
        ones(type.getRank(), rewriter.getIndexAttr(1));
    for (auto [input, start] : llvm::zip(adaptor.getInputs(), offsets)) {
      // An empty part would start at the end of the axis, which is no valid offset.
      if (typeOf(input).getDimSize(axis) == 0)
        continue;
      at[axis] = start;
      // All inputs agree in the other axes: the first one's sizes keep the copy inside of the
      // result.
      SmallVector<OpFoldResult> extent = sizes;
      extent[axis] = getSize(rewriter, loc, input, axis);
      SmallVector<int64_t> shape;
      for (OpFoldResult size : extent)
        shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
      Value part =
          castTo(rewriter, loc, input, RankedTensorType::get(shape, type.getElementType()));
      result = tensor::InsertSliceOp::create(rewriter, loc, part, result, at, extent, ones);
    }
    rewriter.replaceOp(op, castTo(rewriter, loc, result, type));
    return success();
  }
};

} // namespace

void terse::populateShapePatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ReshapeLowering, TransposeLowering, BroadcastLowering, ReverseSequenceLowering,
               SliceLowering, DynamicSliceLowering, ConcatLowering>(converter,
                                                                    patterns.getContext());
}
