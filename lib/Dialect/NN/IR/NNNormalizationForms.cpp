//===- NNNormalizationForms.cpp - Softmax, norms, recurrent layers --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The integer forms of ops that are islands of float unless asked for. With c = q - zero point, so
// that x = s c:
//
//   softmax      e = round(exp(s (c - max c)) 2^k), from a table; e / sum e
//   layer_norm   (n c - sum c) / sqrt(n sum c^2 - (sum c)^2 + epsilon n^2 / s^2)
//   rms_norm     c / sqrt(sum c^2 / n + epsilon / s^2)
//
// Everything below the quotients is an exact integer but for epsilon; what has to be rounded is
// rounded once, in f32. After Kim et al., "I-BERT: Integer-only BERT Quantization", 2021, whose
// polynomial the table replaces.
//
//===----------------------------------------------------------------------===//

#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/NN/IR/NNQuantization.h"

#include <cmath>

using namespace mlir;
using namespace terse::nn;

static RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

namespace {

/// Integers of at most 8 bits differ by less than this.
constexpr int64_t kLevels = 256;

/// Short forms at one place.
struct Builder {
  OpBuilder &b;
  Location loc;

  Value cast(Value x, Type element) {
    if (typeOf(x).getElementType() == element)
      return x;
    return CastOp::create(b, loc, RankedTensorType::get(typeOf(x).getShape(), element), x);
  }
  /// In the shape of `lhs`.
  Value binary(BinaryKind kind, Value lhs, Value rhs) {
    return BinaryOp::create(b, loc, lhs.getType(), kind, lhs, rhs);
  }
  Value reduce(ReduceKind kind, Value x, ArrayRef<int64_t> axes) {
    return ReduceOp::create(b, loc, kind, x, axes, /*keepdims=*/true);
  }
  Value integer(Type element, int64_t value) {
    return ConstantOp::create(b, loc,
                              DenseElementsAttr::get(RankedTensorType::get({}, element),
                                                     b.getIntegerAttr(element, value).getValue()));
  }
  Value number(double value) {
    return ConstantOp::create(
        b, loc, DenseElementsAttr::get(RankedTensorType::get({}, b.getF32Type()), float(value)));
  }
};

SmallVector<OpOperand *> getFloatOperand(Operation *op) {
  if (op->getNumOperands() == 0 || !isa<FloatType>(typeOf(op->getOperand(0)).getElementType()))
    return {};
  return {&op->getOpOperand(0)};
}

struct SoftmaxForm : Quantizable::ExternalModel<SoftmaxForm, SoftmaxOp> {
  SmallVector<OpOperand *> getDataOperands(Operation *op) const { return getFloatOperand(op); }
  IntegerForm getIntegerForm(Operation *op) const {
    return cast<SoftmaxOp>(op).getLog() ? IntegerForm::None : IntegerForm::Normalize;
  }
  std::string getFloatReason(Operation *) const {
    return "exponentials and their sum are computed in float";
  }
  std::optional<Interval> getResultBounds(Operation *op) const {
    return cast<SoftmaxOp>(op).getLog() ? std::nullopt : std::optional<Interval>(Interval{0, 1});
  }

  Value buildNormalized(Operation *op, OpBuilder &builder, Value centered, float scale) const {
    auto softmax = cast<SoftmaxOp>(op);
    int64_t axis = softmax.getAxis(), size = typeOf(centered).getDimSize(axis);
    Builder b{builder, op->getLoc()};
    // As many bits as the sum has room for: 31 with a known number of summands, otherwise in i64.
    bool isKnown = !ShapedType::isDynamic(size);
    int bits = 22;
    while (isKnown && bits > 8 && size > (int64_t(1) << (30 - bits)))
      --bits;
    Type i32 = builder.getI32Type(), sumType = isKnown ? i32 : Type(builder.getI64Type());
    SmallVector<int32_t> table;
    for (int64_t i = 0; i < kLevels; ++i)
      table.push_back(
          int32_t(std::nearbyint(std::ldexp(std::exp(-double(scale) * double(i)), bits))));
    Value entries = ConstantOp::create(
        builder, op->getLoc(),
        DenseElementsAttr::get(RankedTensorType::get({kLevels}, i32), ArrayRef<int32_t>(table)));
    Value c = b.cast(centered, i32);
    Value below = BinaryOp::create(builder, op->getLoc(), c.getType(), BinaryKind::Sub,
                                   b.reduce(ReduceKind::Max, c, {axis}), c);
    Value e = GatherOp::create(builder, op->getLoc(), c.getType(), entries, below,
                               builder.getI64IntegerAttr(0));
    Value sum = b.reduce(ReduceKind::Sum, b.cast(e, sumType), {axis});
    return b.binary(BinaryKind::Div, b.cast(e, builder.getF32Type()),
                    b.cast(sum, builder.getF32Type()));
  }
};

/// Elements that a norm is taken over; kDynamic if not known.
template <typename OpTy>
int64_t getNormSize(OpTy op) {
  int64_t count = 1;
  for (int64_t size : typeOf(op.getX()).getShape().drop_front(op.getAxis())) {
    if (ShapedType::isDynamic(size))
      return size;
    count *= size;
  }
  return count;
}

template <typename OpTy>
SmallVector<int64_t> getNormAxes(OpTy op) {
  SmallVector<int64_t> axes;
  for (int64_t i = op.getAxis(); i < typeOf(op.getX()).getRank(); ++i)
    axes.push_back(i);
  return axes;
}

template <typename OpTy>
struct NormForm : Quantizable::ExternalModel<NormForm<OpTy>, OpTy> {
  SmallVector<OpOperand *> getDataOperands(Operation *op) const { return getFloatOperand(op); }
  IntegerForm getIntegerForm(Operation *op) const {
    // Squares of 8 bits fit into i32.
    int64_t size = getNormSize(cast<OpTy>(op));
    return size > 0 && size < (int64_t(1) << 15) ? IntegerForm::Normalize : IntegerForm::None;
  }
  std::string getFloatReason(Operation *op) const {
    return ("'" + op->getName().getStringRef() + "' computes in float").str();
  }

  Value buildNormalized(Operation *op, OpBuilder &builder, Value centered, float scale) const {
    auto norm = cast<OpTy>(op);
    Builder b{builder, op->getLoc()};
    Type i32 = builder.getI32Type(), i64 = builder.getI64Type(), f32 = builder.getF32Type();
    SmallVector<int64_t> axes = getNormAxes(norm);
    double n = double(getNormSize(norm)),
           epsilon = norm.getEpsilon().convertToDouble() / (double(scale) * double(scale));
    Value c = b.cast(centered, i32);
    Value squares = b.reduce(ReduceKind::Sum, b.binary(BinaryKind::Mul, c, c), axes);
    Value y, below;
    if constexpr (std::is_same_v<OpTy, LayerNormOp>) {
      Value sum = b.reduce(ReduceKind::Sum, c, axes), wide = b.cast(sum, i64);
      y = b.binary(BinaryKind::Sub, b.binary(BinaryKind::Mul, c, b.integer(i32, int64_t(n))), sum);
      Value variance =
          b.binary(BinaryKind::Sub,
                   b.binary(BinaryKind::Mul, b.cast(squares, i64), b.integer(i64, int64_t(n))),
                   b.binary(BinaryKind::Mul, wide, wide));
      below = b.binary(BinaryKind::Add, b.cast(variance, f32), b.number(epsilon * n * n));
    } else {
      y = c;
      below =
          b.binary(BinaryKind::Add, b.binary(BinaryKind::Div, b.cast(squares, f32), b.number(n)),
                   b.number(epsilon));
    }
    Value root = UnaryOp::create(builder, op->getLoc(), UnaryKind::Sqrt, below);
    y = b.binary(BinaryKind::Div, b.cast(y, f32), root);
    if (norm.getScale())
      y = b.binary(BinaryKind::Mul, y, norm.getScale());
    if constexpr (std::is_same_v<OpTy, LayerNormOp>)
      if (norm.getBias())
        y = b.binary(BinaryKind::Add, y, norm.getBias());
    return y;
  }
};

/// Layers whose hidden state stays within [-1, 1]: that is what its integers stand for.
template <typename OpTy>
struct RecurrentForm : Quantizable::ExternalModel<RecurrentForm<OpTy>, OpTy> {
  SmallVector<OpOperand *> getDataOperands(Operation *op) const { return getFloatOperand(op); }
  IntegerForm getIntegerForm(Operation *op) const {
    bool isBounded = llvm::all_of(cast<OpTy>(op).getActivations(), [](Attribute kind) {
      UnaryKind value = cast<UnaryKindAttr>(kind).getValue();
      return value == UnaryKind::Sigmoid || value == UnaryKind::Tanh;
    });
    return isBounded ? IntegerForm::Recurrent : IntegerForm::None;
  }
  std::string getFloatReason(Operation *op) const {
    return ("'" + op->getName().getStringRef() + "' computes in float").str();
  }
};

} // namespace

void terse::nn::attachNormalizationForms(MLIRContext *context) {
  SoftmaxOp::attachInterface<SoftmaxForm>(*context);
  LayerNormOp::attachInterface<NormForm<LayerNormOp>>(*context);
  RmsNormOp::attachInterface<NormForm<RmsNormOp>>(*context);
  LstmOp::attachInterface<RecurrentForm<LstmOp>>(*context);
  GruOp::attachInterface<RecurrentForm<GruOp>>(*context);
  RnnOp::attachInterface<RecurrentForm<RnnOp>>(*context);
}
