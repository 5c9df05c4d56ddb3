//===- Elementwise.cpp - Elementwise nn ops to linalg ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "terse/Conversion/NNToLinalg/NNToLinalg.h"

using namespace mlir;
using namespace terse;
using namespace terse::nn;

static Type elementOf(Value v) { return cast<RankedTensorType>(v.getType()).getElementType(); }

namespace {
using Body = llvm::function_ref<Value(OpBuilder &, Location, ValueRange)>;

// Replaces `op` by a map over its broadcast operands; `body` goes from storage scalars to a storage
// scalar. A kind without meaning for the element type makes `body` return null: known before
// anything is built, see `supports`.
LogicalResult replaceByMap(Operation *op, ValueRange operands, const TypeConverter *converter,
                           ConversionPatternRewriter &rewriter, Body body) {
  Location loc = op->getLoc();
  auto type = cast<RankedTensorType>(converter->convertType(op->getResult(0).getType()));
  BroadcastOperands in = broadcastOperands(rewriter, loc, operands);
  Value result =
      createMap(rewriter, loc, in.sizes, type.getElementType(), in.values, in.maps, body);
  rewriter.replaceOp(op, castTo(rewriter, loc, result, type));
  return success();
}

// Builds the scalar code once into a scratch block, to learn whether it exists for this element
// type.
bool supports(MLIRContext *ctx, Location loc, TypeRange types, Body body) {
  Block scratch;
  OpBuilder b(ctx);
  b.setInsertionPointToStart(&scratch);
  SmallVector<Value> args;
  for (Type t : types)
    args.push_back(scratch.addArgument(t, loc));
  return bool(body(b, loc, args));
}

struct UnaryLowering : OpConversionPattern<UnaryOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(UnaryOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type element = elementOf(op.getX());
    auto body = [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
      Value x = loadElement(b, loc, args[0], element);
      Value y = createUnary(b, loc, op.getKind(), x, element, op.getAlpha().convertToDouble(),
                            op.getBeta().convertToDouble());
      return y ? storeElement(b, loc, y, element) : Value();
    };
    if (!supports(op.getContext(), op.getLoc(), getStorageElementType(element), body))
      return rewriter.notifyMatchFailure(op, "kind is not defined for this element type");
    return replaceByMap(op, adaptor.getX(), getTypeConverter(), rewriter, body);
  }
};

struct BinaryLowering : OpConversionPattern<BinaryOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(BinaryOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type lhs = elementOf(op.getLhs()), rhs = elementOf(op.getRhs());
    auto body = [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
      Value x = loadElement(b, loc, args[0], lhs), y = loadElement(b, loc, args[1], rhs);
      Value z = createBinary(b, loc, op.getKind(), x, y, lhs, rhs);
      return z ? storeElement(b, loc, z, lhs) : Value();
    };
    if (!supports(op.getContext(), op.getLoc(),
                  {getStorageElementType(lhs), getStorageElementType(rhs)}, body))
      return rewriter.notifyMatchFailure(op, "kind is not defined for this element type");
    return replaceByMap(op, {adaptor.getLhs(), adaptor.getRhs()}, getTypeConverter(), rewriter,
                        body);
  }
};

struct CompareLowering : OpConversionPattern<CompareOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(CompareOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type element = elementOf(op.getLhs());
    if (elementOf(op.getRhs()) != element)
      return rewriter.notifyMatchFailure(op, "element types differ");
    auto body = [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
      Value x = loadElement(b, loc, args[0], element), y = loadElement(b, loc, args[1], element);
      return createCompare(b, loc, op.getKind(), x, y, element);
    };
    return replaceByMap(op, {adaptor.getLhs(), adaptor.getRhs()}, getTypeConverter(), rewriter,
                        body);
  }
};

struct SelectLowering : OpConversionPattern<SelectOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(SelectOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto body = [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
      return arith::SelectOp::create(b, loc, args[0], args[1], args[2]);
    };
    return replaceByMap(op, {adaptor.getCondition(), adaptor.getOnTrue(), adaptor.getOnFalse()},
                        getTypeConverter(), rewriter, body);
  }
};

struct CastLowering : OpConversionPattern<CastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(CastOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type from = elementOf(op.getX()), to = elementOf(op.getResult());
    if (from == to) {
      Type type = getTypeConverter()->convertType(op.getType());
      rewriter.replaceOp(op, castTo(rewriter, op.getLoc(), adaptor.getX(), type));
      return success();
    }
    auto body = [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
      return createCast(b, loc, args[0], from, to, op.getSaturate(), op.getRounding());
    };
    return replaceByMap(op, adaptor.getX(), getTypeConverter(), rewriter, body);
  }
};

struct BitcastLowering : OpConversionPattern<BitcastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(BitcastOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type from = elementOf(op.getX()), to = elementOf(op.getResult());
    auto body = [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
      Value x = args[0];
      Type storage = getStorageElementType(to);
      unsigned have = x.getType().getIntOrFloatBitWidth(), want = storage.getIntOrFloatBitWidth();
      if (have < want) // From bool: the one bit is the pattern.
        x = arith::ExtUIOp::create(b, loc, storage, x);
      else if (have > want) // To bool.
        x = arith::TruncIOp::create(b, loc, storage, x);
      else if (x.getType() != storage)
        x = arith::BitcastOp::create(b, loc, storage, x);
      // Patterns of less than 8 bits: integers extend, floats keep the high bits clear.
      unsigned width = to.getIntOrFloatBitWidth();
      if (isa<FloatType>(to) && width < 8) {
        Value mask = arith::ConstantOp::create(b, loc, b.getI8IntegerAttr((1 << width) - 1));
        return arith::AndIOp::create(b, loc, x, mask);
      }
      return isa<FloatType>(to) ? x : storeElement(b, loc, x, to);
    };
    return replaceByMap(op, adaptor.getX(), getTypeConverter(), rewriter, body);
  }
};
} // namespace

void terse::populateElementwisePatterns(const TypeConverter &converter,
                                        RewritePatternSet &patterns) {
  patterns.add<UnaryLowering, BinaryLowering, CompareLowering, SelectLowering, CastLowering,
               BitcastLowering>(converter, patterns.getContext());
}
