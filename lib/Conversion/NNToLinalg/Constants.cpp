//===- Constants.cpp - Constants, weights, shape, iota, range -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Weights.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "terse/Conversion/NNToLinalg/NNToLinalg.h"

using namespace mlir;
using namespace terse;
using namespace terse::nn;

static RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

// Element `linear` of the packed bytes, extended to i8.
static Value unpackElement(OpBuilder &b, Location loc, Value bytes, Value linear, Type element) {
  unsigned width = getPackedWidth(element);
  Type i32 = b.getI32Type();
  auto ci = [&](int64_t v) { return arith::ConstantIndexOp::create(b, loc, v); };
  auto c32 = [&](int64_t v) { return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(v)); };
  auto load = [&](Value at) {
    return arith::ExtUIOp::create(b, loc, i32,
                                  tensor::ExtractOp::create(b, loc, bytes, at).getResult());
  };
  Value bit = arith::MulIOp::create(b, loc, linear, ci(width));
  Value byte = arith::ShRUIOp::create(b, loc, bit, ci(3));
  Value shift = arith::IndexCastOp::create(b, loc, i32, arith::AndIOp::create(b, loc, bit, ci(7)));
  Value window = load(byte);
  if (8 % width) {
    // An element may reach into the next byte; behind the last element there is none to read.
    Value last = ci(typeOf(bytes).getNumElements() - 1);
    Value next = arith::MinUIOp::create(b, loc, arith::AddIOp::create(b, loc, byte, ci(1)), last);
    window =
        arith::OrIOp::create(b, loc, window, arith::ShLIOp::create(b, loc, load(next), c32(8)));
  }
  Value bits = arith::ShRUIOp::create(b, loc, window, shift);
  bits = arith::AndIOp::create(b, loc, bits, c32((1 << width) - 1));
  Value x = arith::TruncIOp::create(b, loc, b.getI8Type(), bits);
  return isa<FloatType>(element) ? x : storeElement(b, loc, x, element);
}

namespace {
struct ConstantLowering : OpConversionPattern<ConstantOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ConstantOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    ElementsAttr value = op.getValue();
    if (auto dense = dyn_cast<DenseElementsAttr>(value))
      value = toStorage(dense);
    else if (value.getElementType() != type.getElementType())
      return rewriter.notifyMatchFailure(op, "expected a dense constant");
    Value result;
    if (auto splat = dyn_cast<SplatElementsAttr>(value);
        splat && getByteSize(typeOf(op.getResult())) > kMaxInlineBytes) {
      // A loop instead of a large array of equal elements.
      Value element =
          arith::ConstantOp::create(rewriter, op.getLoc(), splat.getSplatValue<TypedAttr>());
      Value empty =
          tensor::EmptyOp::create(rewriter, op.getLoc(), type.getShape(), type.getElementType());
      result = linalg::FillOp::create(rewriter, op.getLoc(), element, empty).getResult(0);
    } else {
      result = arith::ConstantOp::create(rewriter, op.getLoc(), value);
    }
    rewriter.replaceOp(op, castTo(rewriter, op.getLoc(), result, type));
    return success();
  }
};

// The global itself already has its storage type; see convertGlobals.
struct GlobalLoadLowering : OpConversionPattern<ml_program::GlobalLoadConstOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ml_program::GlobalLoadConstOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto type = typeOf(op.getResult());
    Location loc = op.getLoc();
    RankedTensorType stored = getWeightStorageType(type);
    Value bytes = ml_program::GlobalLoadConstOp::create(rewriter, loc, stored, op.getGlobalAttr());
    Type element = type.getElementType();
    if (!getPackedWidth(element)) {
      rewriter.replaceOp(op, bytes);
      return success();
    }
    SmallVector<OpFoldResult> sizes =
        getAsIndexOpFoldResult(rewriter.getContext(), type.getShape());
    Value result =
        createMap(rewriter, loc, sizes, getStorageElementType(element), {}, {},
                  [&](OpBuilder &b, Location loc, ValueRange) {
                    Value linear = arith::ConstantIndexOp::create(b, loc, 0);
                    for (auto [i, d] : llvm::enumerate(type.getShape())) {
                      Value scale = arith::ConstantIndexOp::create(b, loc, d);
                      Value at = linalg::IndexOp::create(b, loc, i);
                      linear = i == 0
                                   ? at
                                   : Value(arith::AddIOp::create(
                                         b, loc, arith::MulIOp::create(b, loc, linear, scale), at));
                    }
                    return unpackElement(b, loc, bytes, linear, element);
                  });
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct ShapeLowering : OpConversionPattern<ShapeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ShapeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    SmallVector<Value> dims;
    for (OpFoldResult size : getSizes(rewriter, loc, adaptor.getX())) {
      if (auto attr = dyn_cast<Attribute>(size))
        dims.push_back(arith::ConstantOp::create(
            rewriter, loc, rewriter.getI64IntegerAttr(cast<IntegerAttr>(attr).getInt())));
      else
        dims.push_back(
            arith::IndexCastOp::create(rewriter, loc, rewriter.getI64Type(), cast<Value>(size)));
    }
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    if (dims.empty()) {
      Value empty =
          tensor::EmptyOp::create(rewriter, loc, ArrayRef<int64_t>{0}, rewriter.getI64Type());
      rewriter.replaceOp(op, castTo(rewriter, loc, empty, type));
      return success();
    }
    Value result = tensor::FromElementsOp::create(rewriter, loc, dims);
    rewriter.replaceOp(op, castTo(rewriter, loc, result, type));
    return success();
  }
};

struct IotaLowering : OpConversionPattern<IotaOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(IotaOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    Type element = typeOf(op.getResult()).getElementType();
    SmallVector<OpFoldResult> sizes =
        adaptor.getShape() ? getSizesFromShape(rewriter, loc, adaptor.getShape(), type)
                           : getAsIndexOpFoldResult(rewriter.getContext(), type.getShape());
    Value result =
        createMap(rewriter, loc, sizes, type.getElementType(), {}, {},
                  [&](OpBuilder &b, Location loc, ValueRange) {
                    Value i = linalg::IndexOp::create(b, loc, op.getAxis());
                    return createCast(b, loc, arith::IndexCastOp::create(b, loc, b.getI64Type(), i),
                                      b.getI64Type(), element);
                  });
    rewriter.replaceOp(op, castTo(rewriter, loc, result, type));
    return success();
  }
};

struct RangeLowering : OpConversionPattern<RangeOp> {
  using OpConversionPattern::OpConversionPattern;

  // max(ceil((limit - start) / delta), 0) as i64; 0 for a delta of 0.
  static Value countElements(OpBuilder &b, Location loc, Value start, Value limit, Value delta,
                             Type element) {
    Type i64 = b.getI64Type();
    Value zero = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(0));
    if (isa<FloatType>(element)) {
      Type f64 = b.getF64Type();
      auto widen = [&](Value v) { return createCast(b, loc, v, v.getType(), f64); };
      Value span = arith::SubFOp::create(b, loc, widen(limit), widen(start));
      Value steps = createUnary(b, loc, UnaryKind::Ceil,
                                arith::DivFOp::create(b, loc, span, widen(delta)), f64);
      Value none = createCompare(b, loc, CompareKind::Eq, widen(delta),
                                 createScalarConstant(b, loc, 0, f64), f64);
      Value n = arith::SelectOp::create(b, loc, none, zero, createCast(b, loc, steps, f64, i64));
      return arith::MaxSIOp::create(b, loc, n, zero);
    }
    auto widen = [&](Value v) { return createCast(b, loc, v, element, i64); };
    Value one = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(1));
    Value d = widen(delta), span = arith::SubIOp::create(b, loc, widen(limit), widen(start));
    Value q = createBinary(b, loc, BinaryKind::Div, span, d, i64),
          r = createBinary(b, loc, BinaryKind::Fmod, span, d, i64);
    // Truncation is the ceiling already where the exact quotient is negative.
    Value sameSign = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge,
                                           arith::XOrIOp::create(b, loc, span, d), zero);
    Value inexact = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, r, zero);
    Value up = arith::AndIOp::create(b, loc, sameSign, inexact);
    Value n = arith::SelectOp::create(b, loc, up, arith::AddIOp::create(b, loc, q, one), q);
    return arith::MaxSIOp::create(b, loc, n, zero);
  }

  LogicalResult matchAndRewrite(RangeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    Type element = typeOf(op.getResult()).getElementType();
    auto read = [&](Value v) {
      return loadElement(rewriter, loc, tensor::ExtractOp::create(rewriter, loc, v, ValueRange{}),
                         element);
    };
    Value start = read(adaptor.getStart()), limit = read(adaptor.getLimit()),
          delta = read(adaptor.getDelta());
    Value count = countElements(rewriter, loc, start, limit, delta, element);
    OpFoldResult size =
        arith::IndexCastOp::create(rewriter, loc, rewriter.getIndexType(), count).getResult();
    if (type.hasStaticShape())
      size = rewriter.getIndexAttr(type.getDimSize(0));
    Value result = createMap(
        rewriter, loc, size, type.getElementType(), {}, {},
        [&](OpBuilder &b, Location loc, ValueRange) {
          Value i = linalg::IndexOp::create(b, loc, 0);
          Type compute = getComputeType(element);
          Value n = createCast(b, loc, arith::IndexCastOp::create(b, loc, b.getI64Type(), i),
                               b.getI64Type(), compute);
          Value v = createBinary(b, loc, BinaryKind::Mul, n, delta, element);
          return storeElement(b, loc, createBinary(b, loc, BinaryKind::Add, start, v, element),
                              element);
        });
    rewriter.replaceOp(op, castTo(rewriter, loc, result, type));
    return success();
  }
};
} // namespace

void terse::populateConstantPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ConstantLowering, GlobalLoadLowering, ShapeLowering, IotaLowering, RangeLowering>(
      converter, patterns.getContext());
}
