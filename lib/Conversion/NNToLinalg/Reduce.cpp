//===- Reduce.cpp - Reductions over axes ----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "IndexBuilder.h"

using namespace mlir;
using namespace terse;

namespace {

// The iteration space of a reduction of `rank` axes: the map of the result and the kind of each
// loop.
struct ReductionSpace {
  AffineMap result;
  SmallVector<utils::IteratorType> iterators;
  SmallVector<OpFoldResult> sizes;
};

ReductionSpace describe(OpBuilder &b, Location loc, Value x, ArrayRef<int64_t> axes,
                        bool keepdims) {
  ReductionSpace space;
  int64_t rank = typeOf(x).getRank();
  SmallVector<OpFoldResult> from = getSizes(b, loc, x);
  SmallVector<AffineExpr> exprs;
  for (int64_t i = 0; i < rank; ++i) {
    bool reduced = llvm::is_contained(axes, i);
    space.iterators.push_back(reduced ? utils::IteratorType::reduction
                                      : utils::IteratorType::parallel);
    if (!reduced) {
      exprs.push_back(b.getAffineDimExpr(i));
      space.sizes.push_back(from[i]);
    } else if (keepdims) {
      exprs.push_back(b.getAffineConstantExpr(0));
      space.sizes.push_back(b.getIndexAttr(1));
    }
  }
  space.result = AffineMap::get(rank, 0, exprs, b.getContext());
  return space;
}

struct ReduceLowering : OpConversionPattern<nn::ReduceOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(nn::ReduceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getX();
    Type element = cast<RankedTensorType>(op.getX().getType()).getElementType();
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    Type compute = getComputeType(element), accumulator = compute;
    std::optional<nn::BinaryKind> function;
    Value identity;
    switch (op.getKind()) {
    case nn::ReduceKind::Sum:
      function = nn::BinaryKind::Add;
      accumulator = getWideSumType(element);
      identity = createScalarConstant(rewriter, loc, 0, accumulator);
      break;
    case nn::ReduceKind::Prod:
      function = nn::BinaryKind::Mul;
      identity = createScalarConstant(rewriter, loc, 1, element);
      break;
    case nn::ReduceKind::Max:
      function = nn::BinaryKind::Max;
      identity = createLowest(rewriter, loc, element);
      break;
    case nn::ReduceKind::Min:
      function = nn::BinaryKind::Min;
      identity = createHighest(rewriter, loc, element);
      break;
    default:
      return rewriter.notifyMatchFailure(
          op, "is a composite reduction; nn-decompose makes it simple ones");
    }
    if (op.getAxes().empty())
      return rewriter.replaceOp(op, castTo(rewriter, loc, x, type)), success();

    // Reduce without the kept axes of size 1 and put them back by a reshape: the plainer loop nest
    // vectorizes.
    ReductionSpace space = describe(rewriter, loc, x, op.getAxes(), /*keepdims=*/false);
    Value init = createFilled(rewriter, loc, space.sizes, identity);
    SmallVector<AffineMap> maps{rewriter.getMultiDimIdentityMap(typeOf(x).getRank()), space.result};
    bool unsupported = false;
    auto reduction = linalg::GenericOp::create(
        rewriter, loc, init.getType(), x, init, maps, space.iterators,
        [&](OpBuilder &b, Location loc, ValueRange args) {
          Value v = createCast(b, loc, loadElement(b, loc, args[0], element), compute, accumulator);
          Value next = createBinary(b, loc, *function, args[1], v, element);
          unsupported = !next;
          linalg::YieldOp::create(b, loc, next ? next : args[1]);
        });
    if (unsupported)
      return rewriter.notifyMatchFailure(op, "the reduction has no meaning for this element type");
    Value result = reduction.getResult(0);
    if (accumulator != compute || !storesComputeType(element))
      result = createMap(rewriter, loc, space.sizes, type.getElementType(), result,
                         rewriter.getMultiDimIdentityMap(space.sizes.size()),
                         [&](OpBuilder &b, Location loc, ValueRange args) {
                           Value v = createCast(b, loc, args[0], accumulator, compute);
                           return storeElement(b, loc, v, element);
                         });
    if (op.getKeepdims())
      result = restoreAxes(rewriter, loc, result, x, op.getAxes(), type.getElementType());
    rewriter.replaceOp(op, castTo(rewriter, loc, result, type));
    return success();
  }

  // Expands the reduced axes of `x` back into `result`, with size 1.
  static Value restoreAxes(OpBuilder &b, Location loc, Value result, Value x,
                           ArrayRef<int64_t> axes, Type element) {
    int64_t rank = typeOf(x).getRank();
    SmallVector<ReassociationIndices> groups;
    SmallVector<int64_t> shape;
    SmallVector<OpFoldResult> sizes;
    ReassociationIndices open;
    int64_t kept = 0;
    for (int64_t i = 0; i < rank; ++i) {
      open.push_back(i);
      bool reduced = llvm::is_contained(axes, i);
      shape.push_back(reduced ? 1 : typeOf(result).getDimSize(kept));
      sizes.push_back(reduced ? OpFoldResult(b.getIndexAttr(1)) : getSize(b, loc, result, kept));
      if (reduced)
        continue;
      ++kept;
      groups.push_back(open);
      open.clear();
    }
    // Trailing reduced axes join the last kept one; with none kept, a rank-0 tensor expands from no
    // group at all.
    if (!groups.empty())
      groups.back().append(open);
    return tensor::ExpandShapeOp::create(b, loc, RankedTensorType::get(shape, element), result,
                                         groups, sizes);
  }
};

struct ArgReduceLowering : OpConversionPattern<nn::ArgReduceOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(nn::ArgReduceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getX();
    Type element = cast<RankedTensorType>(op.getX().getType()).getElementType();
    bool maximum = op.getKind() == nn::ReduceKind::Max, last = op.getSelectLast();
    nn::CompareKind wins = maximum ? (last ? nn::CompareKind::Ge : nn::CompareKind::Gt)
                                   : (last ? nn::CompareKind::Le : nn::CompareKind::Lt);
    int64_t axis = op.getAxis();
    ReductionSpace space = describe(rewriter, loc, x, axis, op.getKeepdims());
    IndexBuilder top(rewriter, loc);
    // Index -1 says that nothing was seen yet, so that the first element always wins.
    Value best =
        createFilled(rewriter, loc, space.sizes, createScalarConstant(rewriter, loc, 0, element));
    Value where = createFilled(rewriter, loc, space.sizes,
                               arith::ConstantOp::create(top, rewriter.getI64IntegerAttr(-1)));
    SmallVector<AffineMap> maps{rewriter.getMultiDimIdentityMap(typeOf(x).getRank()), space.result,
                                space.result};
    auto reduction = linalg::GenericOp::create(
        rewriter, loc, TypeRange{best.getType(), where.getType()}, x, ValueRange{best, where}, maps,
        space.iterators, [&](OpBuilder &nested, Location loc, ValueRange args) {
          IndexBuilder b(nested, loc);
          Value v = loadElement(b, loc, args[0], element),
                index = b.fromIndex(b.index(axis), b.getI64Type());
          Value zero = arith::ConstantOp::create(b, b.getI64IntegerAttr(0));
          Value take =
              b.any(b.less(args[2], zero), createCompare(b, loc, wins, v, args[1], element));
          linalg::YieldOp::create(
              b, loc, ValueRange{b.select(take, v, args[1]), b.select(take, index, args[2])});
        });
    rewriter.replaceOp(op, castTo(rewriter, loc, reduction.getResult(1),
                                  getTypeConverter()->convertType(op.getType())));
    return success();
  }
};

} // namespace

void terse::populateReducePatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ReduceLowering, ArgReduceLowering>(converter, patterns.getContext());
}
