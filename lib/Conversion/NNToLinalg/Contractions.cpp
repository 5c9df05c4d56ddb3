//===- Contractions.cpp - Matrix products and lookups to linalg -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Contract.h"
#include "IndexBuilder.h"

using namespace mlir;
using namespace terse;
using namespace terse::nn;
using utils::IteratorType;

Type terse::getSumType(Type element) { return getComputeType(getAccumulatorType(element)); }

Value terse::createContraction(OpBuilder &b, Location loc, Value lhs, Type lhsElement, Value rhs,
                               Type rhsElement, Value init, ArrayRef<AffineMap> maps,
                               ArrayRef<IteratorType> iterators) {
  Type sum = typeOf(init).getElementType();
  auto body = [&](OpBuilder &b, Location loc, ValueRange args) {
    // Through createCast, so that the signedness is that of the nn types.
    Value x = createCast(b, loc, args[0], lhsElement, sum),
          y = createCast(b, loc, args[1], rhsElement, sum);
    Value product = createBinary(b, loc, BinaryKind::Mul, x, y, sum);
    linalg::YieldOp::create(b, loc, createBinary(b, loc, BinaryKind::Add, args[2], product, sum));
  };
  return linalg::GenericOp::create(b, loc, init.getType(), ValueRange{lhs, rhs}, init, maps,
                                   iterators, body)
      .getResult(0);
}

Value terse::createSumInit(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes, Type sumType,
                           Value bias, Type biasElement, int64_t biasDim) {
  if (!bias)
    return createFilled(b, loc, sizes, createScalarConstant(b, loc, 0, sumType));
  AffineMap map = AffineMap::get(sizes.size(), 0, b.getAffineDimExpr(biasDim));
  return createMap(b, loc, sizes, sumType, bias, map,
                   [&](OpBuilder &b, Location loc, ValueRange args) {
                     return createCast(b, loc, args[0], biasElement, sumType);
                   });
}

Value terse::finishSums(OpBuilder &b, Location loc, Value sums, Type sumType, Type element) {
  if (sumType == getStorageElementType(element))
    return sums;
  return createMap(b, loc, getSizes(b, loc, sums), getStorageElementType(element), sums,
                   b.getMultiDimIdentityMap(typeOf(sums).getRank()),
                   [&](OpBuilder &b, Location loc, ValueRange args) {
                     return createCast(b, loc, args[0], sumType, element);
                   });
}

namespace {
Type elementOf(Value v) { return typeOf(v).getElementType(); }

// The leading dimensions of `x` made one: [lead..., K] as [M, K].
Value flattenLead(OpBuilder &b, Location loc, Value x) {
  auto type = typeOf(x);
  if (type.getRank() == 2)
    return x;
  if (type.getRank() == 1) {
    auto flat = RankedTensorType::get({1, type.getDimSize(0)}, type.getElementType());
    SmallVector<OpFoldResult> sizes{b.getIndexAttr(1), getSize(b, loc, x, 0)};
    return tensor::ExpandShapeOp::create(b, loc, flat, x, SmallVector<ReassociationIndices>{{0, 1}},
                                         sizes);
  }
  SmallVector<ReassociationIndices> groups(2);
  for (int64_t i = 0; i < type.getRank(); ++i)
    groups[i == type.getRank() - 1].push_back(i);
  return tensor::CollapseShapeOp::create(b, loc, x, groups);
}

struct LinearLowering : OpConversionPattern<LinearOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(LinearOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    Type element = elementOf(op.getResult()), sum = getSumType(elementOf(op.getX()));
    Value x = adaptor.getX(), w = adaptor.getWeight();
    SmallVector<OpFoldResult> sizes = getSizes(rewriter, loc, x);
    sizes.back() = getSize(rewriter, loc, w, 0);
    Value flat = flattenLead(rewriter, loc, x);
    SmallVector<OpFoldResult> flatSizes{getSize(rewriter, loc, flat, 0), sizes.back()};
    Value init = createSumInit(rewriter, loc, flatSizes, sum, adaptor.getBias(),
                               op.getBias() ? elementOf(op.getBias()) : Type(), 1);
    AffineExpr m, n, k;
    bindDims(rewriter.getContext(), m, n, k);
    SmallVector<AffineMap> maps;
    for (auto [a, b] : {std::pair(m, k), std::pair(n, k), std::pair(m, n)})
      maps.push_back(AffineMap::get(3, 0, {a, b}, rewriter.getContext()));
    Value sums = createContraction(
        rewriter, loc, flat, elementOf(op.getX()), w, elementOf(op.getWeight()), init, maps,
        {IteratorType::parallel, IteratorType::parallel, IteratorType::reduction});
    Value result = finishSums(rewriter, loc, sums, sum, element);
    int64_t rank = type.getRank();
    if (rank == 1) {
      result = tensor::CollapseShapeOp::create(rewriter, loc, result,
                                               SmallVector<ReassociationIndices>{{0, 1}});
    } else if (rank > 2) {
      SmallVector<ReassociationIndices> groups(2);
      SmallVector<int64_t> shape;
      for (int64_t i = 0; i < rank; ++i) {
        groups[i == rank - 1].push_back(i);
        shape.push_back(getConstantIntValue(sizes[i]).value_or(ShapedType::kDynamic));
      }
      auto wide = RankedTensorType::get(shape, type.getElementType());
      if (llvm::count_if(ArrayRef<int64_t>(shape).drop_back(), ShapedType::isDynamic) > 1) {
        // An expansion may have one run-time size per group only.
        SmallVector<Value> values = getValueOrCreateConstantIndexOp(rewriter, loc, sizes);
        Value extents = tensor::FromElementsOp::create(rewriter, loc, values);
        result = tensor::ReshapeOp::create(rewriter, loc, wide, result, extents);
      } else {
        result = tensor::ExpandShapeOp::create(rewriter, loc, wide, result, groups, sizes);
      }
    }
    rewriter.replaceOp(op, castTo(rewriter, loc, result, type));
    return success();
  }
};

struct MatmulLowering : OpConversionPattern<MatmulOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(MatmulOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    Type element = elementOf(op.getResult()), sum = getSumType(elementOf(op.getLhs()));
    BroadcastOperands in =
        broadcastOperands(rewriter, loc, {adaptor.getLhs(), adaptor.getRhs()}, /*trailing=*/2);
    Value lhs = in.values[0], rhs = in.values[1];
    int64_t batch = in.sizes.size();
    SmallVector<OpFoldResult> sizes = in.sizes;
    sizes.push_back(getSize(rewriter, loc, lhs, typeOf(lhs).getRank() - 2));
    sizes.push_back(getSize(rewriter, loc, rhs, typeOf(rhs).getRank() - 1));
    AffineExpr m = rewriter.getAffineDimExpr(batch), n = rewriter.getAffineDimExpr(batch + 1),
               k = rewriter.getAffineDimExpr(batch + 2);
    auto mapOf = [&](ArrayRef<AffineExpr> lead, AffineExpr a, AffineExpr b) {
      SmallVector<AffineExpr> exprs(lead);
      exprs.append({a, b});
      return AffineMap::get(batch + 3, 0, exprs, rewriter.getContext());
    };
    SmallVector<AffineExpr> batchDims;
    for (int64_t i = 0; i < batch; ++i)
      batchDims.push_back(rewriter.getAffineDimExpr(i));
    SmallVector<AffineMap> maps{mapOf(in.maps[0].getResults(), m, k),
                                mapOf(in.maps[1].getResults(), k, n), mapOf(batchDims, m, n)};
    SmallVector<IteratorType> iterators(batch + 2, IteratorType::parallel);
    iterators.push_back(IteratorType::reduction);
    Value init = createSumInit(rewriter, loc, sizes, sum, {}, {}, 0);
    Value sums = createContraction(rewriter, loc, lhs, elementOf(op.getLhs()), rhs,
                                   elementOf(op.getRhs()), init, maps, iterators);
    rewriter.replaceOp(op,
                       castTo(rewriter, loc, finishSums(rewriter, loc, sums, sum, element), type));
    return success();
  }
};

struct EmbeddingLowering : OpConversionPattern<EmbeddingOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(EmbeddingOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type type = getTypeConverter()->convertType(op.getType());
    Value table = adaptor.getTable(), indices = adaptor.getIndices();
    int64_t rank = typeOf(indices).getRank();
    SmallVector<OpFoldResult> sizes = getSizes(rewriter, loc, indices);
    sizes.push_back(getSize(rewriter, loc, table, 1));
    IndexBuilder outer(rewriter, loc);
    Value rows = outer.size(table, 0);
    AffineMap map =
        AffineMap::getMultiDimIdentityMap(rank + 1, rewriter.getContext()).dropResult(rank);
    Value result = createGenerated(
        rewriter, loc, sizes, type, indices, map, [&](IndexBuilder &b, ValueRange args) {
          return extractElement(b, table, {b.axisIndex(args[0], rows), b.index(rank)});
        });
    rewriter.replaceOp(op, result);
    return success();
  }
};
} // namespace

void terse::populateContractionPatterns(const TypeConverter &converter,
                                        RewritePatternSet &patterns) {
  patterns.add<LinearLowering, MatmulLowering, EmbeddingLowering>(converter, patterns.getContext());
  populateConvolutionPatterns(converter, patterns);
}
