//===- DecomposeRequantize.cpp - Requantization as nn ops -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"

#include <cmath>

using namespace mlir;
using namespace terse;

namespace {

/// Builds elementwise nn ops at one place; results have the shape of the requantized tensor as soon
/// as an operand has it.
class Builder {
public:
  Builder(OpBuilder &builder, RequantizeOp op)
      : builder(builder), loc(op.getLoc()), shape(op.getResult().getType().getShape()) {}

  static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

  Value castTo(Value x, Type element) {
    if (typeOf(x).getElementType() == element)
      return x;
    return nn::CastOp::create(builder, loc, RankedTensorType::get(typeOf(x).getShape(), element),
                              x);
  }
  Value binary(nn::BinaryKind kind, Value lhs, Value rhs) {
    auto joined = nn::broadcastShapes(typeOf(lhs).getShape(), typeOf(rhs).getShape());
    // What the result's type knows beyond the operands' is kept.
    bool isWhole =
        joined->size() == shape.size() && llvm::all_of(llvm::zip(*joined, shape), [](auto pair) {
          return std::get<0>(pair) == std::get<1>(pair) || ShapedType::isDynamic(std::get<0>(pair));
        });
    auto type = RankedTensorType::get(isWhole ? shape : ArrayRef<int64_t>(*joined),
                                      typeOf(lhs).getElementType());
    return nn::BinaryOp::create(builder, loc, type, kind, lhs, rhs);
  }
  Value unary(nn::UnaryKind kind, Value x, double alpha = 0, double beta = 0) {
    return nn::UnaryOp::create(builder, loc, kind, x, alpha, beta);
  }
  Value constant(Type element, int64_t value) {
    auto type = RankedTensorType::get({}, element);
    if (isa<FloatType>(element))
      return nn::ConstantOp::create(
          builder, loc,
          DenseElementsAttr::get(type, builder.getFloatAttr(element, double(value)).getValue()));
    return nn::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(type, builder.getIntegerAttr(element, value).getValue()));
  }
  Value orZero(Value x) {
    Value isNumber = nn::CompareOp::create(builder, loc, nn::CompareKind::Eq, x, x);
    return nn::SelectOp::create(builder, loc, isNumber, x, constant(typeOf(x).getElementType(), 0));
  }
  Type getI64() { return builder.getI64Type(); }

private:
  OpBuilder &builder;
  Location loc;
  ArrayRef<int64_t> shape;
};

/// Whether products with any i32 are finite, so that no sum can be NaN.
bool isSmallConstant(Value multiplier) {
  DenseElementsAttr values;
  if (!matchPattern(multiplier, m_Constant(&values)))
    return false;
  return llvm::all_of(values.getValues<float>(),
                      [](float value) { return std::fabs(value) < 0x1p64f; });
}

struct DecomposeRequantize : OpRewritePattern<RequantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RequantizeOp op, PatternRewriter &rewriter) const override {
    Builder b(rewriter, op);
    Value q = op.getShift() ? emitFixed(op, b) : emitFloat(op, b, rewriter.getF32Type());
    rewriter.replaceOp(op, b.castTo(q, op.getResult().getType().getElementType()));
    return success();
  }

  static Value emitFloat(RequantizeOp op, Builder &b, Type f32) {
    Value sum;
    for (auto [input, multiplier] : llvm::zip(op.getInputs(), op.getMultipliers())) {
      Value product = b.binary(nn::BinaryKind::Mul, b.castTo(input, f32), multiplier);
      sum = sum ? b.binary(nn::BinaryKind::Add, sum, product) : product;
    }
    // NaN becomes the zero point; without one the cast to integers does it.
    if (op.getZeroPoint() && !llvm::all_of(op.getMultipliers(), isSmallConstant))
      sum = b.orZero(sum);
    sum = b.unary(nn::UnaryKind::Round, sum);
    if (op.getZeroPoint())
      sum = b.binary(nn::BinaryKind::Add, sum, b.castTo(op.getZeroPoint(), f32));
    return b.unary(nn::UnaryKind::Clamp, sum, double(int64_t(op.getLow())),
                   double(int64_t(op.getHigh())));
  }

  static Value emitFixed(RequantizeOp op, Builder &b) {
    Type i64 = b.getI64();
    Value sum;
    for (auto [input, multiplier] : llvm::zip(op.getInputs(), op.getMultipliers())) {
      Value product =
          b.binary(nn::BinaryKind::Mul, b.castTo(input, i64), b.castTo(multiplier, i64));
      sum = sum ? b.binary(nn::BinaryKind::Add, sum, product) : product;
    }
    // Shifts of nn are logical: an offset of 2^62, a multiple of every 2^right, makes the sum
    // positive. With u = floor(sum / 2^right), rne is (sum + 2^(right-1) - 1 + (u & 1)) >> right.
    Value offset = b.constant(i64, int64_t(1) << 62), one = b.constant(i64, 1);
    Value right = b.binary(nn::BinaryKind::Sub, b.constant(i64, 31), b.castTo(op.getShift(), i64));
    Value half = b.binary(nn::BinaryKind::Shl, one, b.binary(nn::BinaryKind::Sub, right, one));
    Value shifted = b.binary(nn::BinaryKind::Add, sum, offset);
    Value odd = b.binary(nn::BinaryKind::And, b.binary(nn::BinaryKind::Shr, shifted, right), one);
    Value q = b.binary(
        nn::BinaryKind::Add,
        b.binary(nn::BinaryKind::Add, shifted, b.binary(nn::BinaryKind::Sub, half, one)), odd);
    q = b.binary(nn::BinaryKind::Shr, q, right);
    q = b.binary(nn::BinaryKind::Sub, q, b.binary(nn::BinaryKind::Shr, offset, right));
    if (op.getZeroPoint())
      q = b.binary(nn::BinaryKind::Add, q, b.castTo(op.getZeroPoint(), i64));
    q = b.binary(nn::BinaryKind::Max, q, b.constant(i64, int64_t(op.getLow())));
    return b.binary(nn::BinaryKind::Min, q, b.constant(i64, int64_t(op.getHigh())));
  }
};

} // namespace

void terse::populateDecomposeRequantizePatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeRequantize>(patterns.getContext());
}
