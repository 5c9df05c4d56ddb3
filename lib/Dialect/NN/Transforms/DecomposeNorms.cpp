//===- DecomposeNorms.cpp - Normalization layers --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "NNBuilder.h"
#include "terse/Dialect/NN/Transforms/Decompose.h"

using namespace mlir;
using namespace terse::nn;

namespace {

// A per-channel parameter `[C]` as `[C, 1, ..., 1]`, so that it broadcasts along axis 1 of a tensor
// of `rank`.
Value perChannel(NNBuilder &b, Value parameter, int64_t rank, Type element) {
  SmallVector<Dim> shape{b.dim(parameter, 0)};
  shape.append(rank - 2, Dim(1));
  return b.cast(b.reshape(parameter, shape), element);
}

SmallVector<int64_t> axesFrom(int64_t first, int64_t rank) {
  return llvm::to_vector(llvm::seq<int64_t>(first, rank));
}

// 1 / sqrt(variance + epsilon), on the small reduced shape, so that the large one is multiplied
// only.
Value inverseDeviation(NNBuilder &b, Value variance, double epsilon) {
  return b.unary(UnaryKind::Reciprocal,
                 b.unary(UnaryKind::Sqrt, b.unary(UnaryKind::Affine, variance, 1.0, epsilon)));
}

// (x - mean) / sqrt(mean((x - mean)^2) + epsilon) over `axes`.
Value standardize(NNBuilder &b, Value x, ArrayRef<int64_t> axes, double epsilon) {
  Value centered = b.sub(x, b.reduce(ReduceKind::Mean, x, axes));
  Value variance = b.reduce(ReduceKind::Mean, b.mul(centered, centered), axes);
  return b.mul(centered, inverseDeviation(b, variance, epsilon));
}

Value scaleAndShift(NNBuilder &b, Value x, Value scale, Value shift) {
  Type element = typeOf(x).getElementType();
  if (scale)
    x = b.mul(x, b.cast(scale, element));
  if (shift)
    x = b.add(x, b.cast(shift, element));
  return x;
}

struct DecomposeBatchNorm : DecomposePattern<BatchNormOp> {
  using DecomposePattern::DecomposePattern;
  SmallVector<Value> decompose(BatchNormOp op, NNBuilder &b) const override {
    Type element = computeType(typeOf(op.getX()).getElementType());
    int64_t rank = std::max<int64_t>(typeOf(op.getX()).getRank(), 2);
    auto parameter = [&](Value v) { return perChannel(b, v, rank, element); };
    Value scale =
        b.mul(b.cast(op.getScale(), element), inverseDeviation(b, b.cast(op.getVariance(), element),
                                                               op.getEpsilon().convertToDouble()));
    Value centered = b.sub(b.cast(op.getX(), element), parameter(op.getMean()));
    return {b.add(b.mul(centered, parameter(scale)), parameter(op.getBias()))};
  }
};

struct DecomposeLayerNorm : DecomposePattern<LayerNormOp> {
  using DecomposePattern::DecomposePattern;
  SmallVector<Value> decompose(LayerNormOp op, NNBuilder &b) const override {
    RankedTensorType type = typeOf(op.getX());
    Value x = b.cast(op.getX(), computeType(type.getElementType()));
    Value y = standardize(b, x, axesFrom(op.getAxis(), type.getRank()),
                          op.getEpsilon().convertToDouble());
    return {scaleAndShift(b, y, op.getScale(), op.getBias())};
  }
};

struct DecomposeRmsNorm : DecomposePattern<RmsNormOp> {
  using DecomposePattern::DecomposePattern;
  SmallVector<Value> decompose(RmsNormOp op, NNBuilder &b) const override {
    RankedTensorType type = typeOf(op.getX());
    Value x = b.cast(op.getX(), computeType(type.getElementType()));
    Value square = b.reduce(ReduceKind::Mean, b.mul(x, x), axesFrom(op.getAxis(), type.getRank()));
    Value y = b.mul(x, inverseDeviation(b, square, op.getEpsilon().convertToDouble()));
    return {scaleAndShift(b, y, op.getScale(), {})};
  }
};

struct DecomposeGroupNorm : DecomposePattern<GroupNormOp> {
  using DecomposePattern::DecomposePattern;
  SmallVector<Value> decompose(GroupNormOp op, NNBuilder &b) const override {
    RankedTensorType type = typeOf(op.getX());
    int64_t groups = op.getGroups(), rank = type.getRank();
    Value x = b.cast(op.getX(), computeType(type.getElementType()));
    // [N, C, ...] as [N, groups, C / groups, ...]; a dynamic C is what remains.
    SmallVector<Dim> whole = b.dims(x), grouped{whole[0], Dim(groups)};
    Dim channels = whole[1];
    if (channels.value)
      grouped.push_back(Dim(b.div(channels.value, b.asTensor(Dim(groups)))));
    else
      grouped.push_back(Dim(channels.size / groups));
    grouped.append(whole.begin() + 2, whole.end());
    Value y = standardize(b, b.reshape(x, grouped), axesFrom(2, rank + 1),
                          op.getEpsilon().convertToDouble());
    Type element = typeOf(x).getElementType();
    return {scaleAndShift(b, b.reshape(y, whole), perChannel(b, op.getScale(), rank, element),
                          perChannel(b, op.getBias(), rank, element))};
  }
};

struct DecomposeInstanceNorm : DecomposePattern<InstanceNormOp> {
  using DecomposePattern::DecomposePattern;
  SmallVector<Value> decompose(InstanceNormOp op, NNBuilder &b) const override {
    RankedTensorType type = typeOf(op.getX());
    int64_t rank = type.getRank();
    Type element = computeType(type.getElementType());
    Value y = standardize(b, b.cast(op.getX(), element), axesFrom(2, rank),
                          op.getEpsilon().convertToDouble());
    return {scaleAndShift(b, y, perChannel(b, op.getScale(), rank, element),
                          perChannel(b, op.getBias(), rank, element))};
  }
};

} // namespace

void terse::nn::populateDecomposeNormPatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeBatchNorm, DecomposeLayerNorm, DecomposeRmsNorm, DecomposeGroupNorm,
               DecomposeInstanceNorm>(patterns.getContext());
}
