//===- Scatter.cpp - Writing by run-time indices --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Updates run in row-major order of the index tensor, one after the other: where indices repeat,
// the last one wins and reductions meet in that order. Indices wrap and are clamped as for gathers.

#include "IndexBuilder.h"

using namespace mlir;
using namespace terse;

namespace {

// The new element where `update` meets `old`; all in storage type.
Value combine(IndexBuilder &b, nn::ScatterKind kind, Value old, Value update, Type element) {
  nn::BinaryKind function;
  switch (kind) {
  case nn::ScatterKind::Replace:
    return update;
  case nn::ScatterKind::Add:
    function = nn::BinaryKind::Add;
    break;
  case nn::ScatterKind::Mul:
    function = nn::BinaryKind::Mul;
    break;
  case nn::ScatterKind::Max:
    function = nn::BinaryKind::Max;
    break;
  case nn::ScatterKind::Min:
    function = nn::BinaryKind::Min;
    break;
  }
  Value l = loadElement(b, b.getLoc(), old, element),
        r = loadElement(b, b.getLoc(), update, element);
  return storeElement(b, b.getLoc(), createBinary(b, b.getLoc(), function, l, r, element), element);
}

// `target` with `update` at `at`, unless an axis is empty at run time.
Value updateElement(IndexBuilder &b, nn::ScatterKind kind, Value target, ArrayRef<Value> at,
                    Value update, Type element) {
  Value old =
      kind == nn::ScatterKind::Replace ? Value() : Value(tensor::ExtractOp::create(b, target, at));
  return tensor::InsertOp::create(b, combine(b, kind, old, update, element), target, at);
}

bool isStaticallyEmpty(Value x) { return llvm::is_contained(typeOf(x).getShape(), 0); }

// `bound`, or 0 if `x` has no element: then there is nothing to write to.
Value unlessEmpty(IndexBuilder &b, Value x, Value bound) {
  for (int64_t i = 0; i < typeOf(x).getRank(); ++i)
    if (typeOf(x).isDynamicDim(i))
      bound = b.select(b.less(b.constant(0), b.size(x, i)), bound, b.constant(0));
  return bound;
}

struct ScatterElementsLowering : OpConversionPattern<nn::ScatterElementsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(nn::ScatterElementsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    IndexBuilder b(rewriter, op.getLoc());
    Value x = adaptor.getX(), indices = adaptor.getIndices(), updates = adaptor.getUpdates();
    int64_t axis = op.getAxis(), rank = typeOf(x).getRank();
    Type element = cast<RankedTensorType>(op.getX().getType()).getElementType();
    Type type = getTypeConverter()->convertType(op.getType());
    if (isStaticallyEmpty(x))
      return rewriter.replaceOp(op, castTo(rewriter, op.getLoc(), x, type)), success();
    SmallVector<Value> bounds;
    for (int64_t i = 0; i < rank; ++i) {
      Value bound = b.min(b.size(indices, i), b.size(updates, i));
      bounds.push_back(i == axis ? bound : b.min(bound, b.size(x, i)));
    }
    bounds[0] = unlessEmpty(b, x, bounds[0]);
    Value result =
        createTensorLoops(b, bounds, x, [&](IndexBuilder &b, ValueRange at, ValueRange carried) {
          Value index = tensor::ExtractOp::create(b, indices, at),
                update = tensor::ExtractOp::create(b, updates, at);
          SmallVector<Value> target(at);
          target[axis] = b.axisIndex(index, b.size(x, axis));
          return SmallVector<Value>{
              updateElement(b, op.getKind(), carried[0], target, update, element)};
        })[0];
    rewriter.replaceOp(op, castTo(rewriter, op.getLoc(), result, type));
    return success();
  }
};

struct ScatterNDLowering : OpConversionPattern<nn::ScatterNDOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(nn::ScatterNDOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    IndexBuilder b(rewriter, op.getLoc());
    Value x = adaptor.getX(), indices = adaptor.getIndices(), updates = adaptor.getUpdates();
    int64_t rank = typeOf(x).getRank(), outer = typeOf(indices).getRank() - 1,
            tuple = typeOf(indices).getShape().back();
    if (typeOf(updates).getRank() != outer + rank - tuple)
      return rewriter.notifyMatchFailure(op, "expected updates of one slice per index tuple");
    Type element = cast<RankedTensorType>(op.getX().getType()).getElementType();
    Type type = getTypeConverter()->convertType(op.getType());
    if (isStaticallyEmpty(x))
      return rewriter.replaceOp(op, castTo(rewriter, op.getLoc(), x, type)), success();
    // Loops over the tuples, then over the slice that each of them selects.
    SmallVector<Value> bounds;
    for (int64_t i = 0; i < outer; ++i)
      bounds.push_back(b.min(b.size(indices, i), b.size(updates, i)));
    for (int64_t i = tuple; i < rank; ++i)
      bounds.push_back(b.min(b.size(x, i), b.size(updates, outer + i - tuple)));
    if (bounds.empty())
      bounds.push_back(b.constant(1));
    bool single = outer + rank - tuple == 0;
    bounds[0] = unlessEmpty(b, x, bounds[0]);
    Value result =
        createTensorLoops(b, bounds, x, [&](IndexBuilder &b, ValueRange at, ValueRange carried) {
          ValueRange where = single ? ValueRange() : at;
          Value update = tensor::ExtractOp::create(b, updates, where);
          SmallVector<Value> position(where.take_front(outer)), target;
          position.push_back({});
          for (int64_t i = 0; i < tuple; ++i) {
            position.back() = b.constant(i);
            target.push_back(
                b.axisIndex(tensor::ExtractOp::create(b, indices, position), b.size(x, i)));
          }
          llvm::append_range(target, where.drop_front(outer));
          return SmallVector<Value>{
              updateElement(b, op.getKind(), carried[0], target, update, element)};
        })[0];
    rewriter.replaceOp(op, castTo(rewriter, op.getLoc(), result, type));
    return success();
  }
};

} // namespace

void terse::populateScatterPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ScatterElementsLowering, ScatterNDLowering>(converter, patterns.getContext());
}
