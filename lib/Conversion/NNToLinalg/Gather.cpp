//===- Gather.cpp - Reading by run-time indices ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Indices are data: negative ones count from the end, and every one is clamped into its axis before
// it is used.

#include "IndexBuilder.h"

using namespace mlir;
using namespace terse;

namespace {

struct GatherLowering : OpConversionPattern<nn::GatherOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(nn::GatherOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getX(), indices = adaptor.getIndices();
    int64_t axis = op.getAxis(), rank = typeOf(x).getRank(), inner = typeOf(indices).getRank();
    SmallVector<OpFoldResult> from = getSizes(rewriter, loc, x),
                              sizes(from.begin(), from.begin() + axis);
    llvm::append_range(sizes, getSizes(rewriter, loc, indices));
    sizes.append(from.begin() + axis + 1, from.end());
    SmallVector<AffineExpr> exprs;
    for (int64_t i = 0; i < inner; ++i)
      exprs.push_back(rewriter.getAffineDimExpr(axis + i));
    AffineMap map = AffineMap::get(sizes.size(), 0, exprs, getContext());
    Type type = getTypeConverter()->convertType(op.getType());
    rewriter.replaceOp(
        op, createGenerated(rewriter, loc, sizes, type, indices, map,
                            [&](IndexBuilder &b, ValueRange args) {
                              SmallVector<Value> at;
                              for (int64_t i = 0; i < rank; ++i)
                                at.push_back(i == axis ? b.axisIndex(args[0], b.size(x, axis))
                                                       : b.index(i < axis ? i : i + inner - 1));
                              return extractElement(b, x, at);
                            }));
    return success();
  }
};

struct GatherElementsLowering : OpConversionPattern<nn::GatherElementsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(nn::GatherElementsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getX(), indices = adaptor.getIndices();
    int64_t axis = op.getAxis(), rank = typeOf(x).getRank();
    Type type = getTypeConverter()->convertType(op.getType());
    AffineMap map = rewriter.getMultiDimIdentityMap(rank);
    rewriter.replaceOp(op, createGenerated(rewriter, loc, getSizes(rewriter, loc, indices), type,
                                           indices, map, [&](IndexBuilder &b, ValueRange args) {
                                             SmallVector<Value> at;
                                             for (int64_t i = 0; i < rank; ++i)
                                               at.push_back(
                                                   i == axis ? b.axisIndex(args[0], b.size(x, axis))
                                                             : inside(b, x, indices, i));
                                             return extractElement(b, x, at);
                                           }));
    return success();
  }

  // Indices may cover less of the other axes than x has, never more.
  static Value inside(IndexBuilder &b, Value x, Value indices, int64_t i) {
    int64_t have = typeOf(x).getDimSize(i), want = typeOf(indices).getDimSize(i);
    bool proven = !ShapedType::isDynamic(have) && !ShapedType::isDynamic(want) && want <= have;
    return proven ? b.index(i) : b.clampToAxis(b.index(i), b.size(x, i));
  }
};

struct GatherNDLowering : OpConversionPattern<nn::GatherNDOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(nn::GatherNDOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getX(), indices = adaptor.getIndices();
    int64_t batch = op.getBatchDims(), rank = typeOf(x).getRank(),
            outer = typeOf(indices).getRank() - 1;
    int64_t tuple = typeOf(indices).getShape().back();
    SmallVector<OpFoldResult> sizes = getSizes(rewriter, loc, indices),
                              from = getSizes(rewriter, loc, x);
    sizes.pop_back();
    sizes.append(from.begin() + batch + tuple, from.end());
    Type type = getTypeConverter()->convertType(op.getType());
    rewriter.replaceOp(
        op, createGenerated(rewriter, loc, sizes, type, {}, {}, [&](IndexBuilder &b, ValueRange) {
          SmallVector<Value> at, position;
          for (int64_t i = 0; i < outer; ++i)
            position.push_back(b.index(i));
          for (int64_t i = 0; i < batch; ++i)
            at.push_back(typeOf(x).isDynamicDim(i) ||
                                 typeOf(x).getDimSize(i) != typeOf(indices).getDimSize(i)
                             ? b.clampToAxis(position[i], b.size(x, i))
                             : position[i]);
          position.push_back({});
          for (int64_t i = 0; i < tuple; ++i) {
            position.back() = b.constant(i);
            at.push_back(
                b.axisIndex(tensor::ExtractOp::create(b, indices, position), b.size(x, batch + i)));
          }
          for (int64_t i = batch + tuple; i < rank; ++i)
            at.push_back(b.index(outer + i - batch - tuple));
          return extractElement(b, x, at);
        }));
    return success();
  }
};

} // namespace

void terse::populateGatherPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<GatherLowering, GatherElementsLowering, GatherNDLowering>(converter,
                                                                         patterns.getContext());
}
