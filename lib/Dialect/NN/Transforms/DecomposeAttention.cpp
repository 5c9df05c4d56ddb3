//===- DecomposeAttention.cpp - Softmax, attention, rotary embedding *- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "NNBuilder.h"
#include "terse/Dialect/NN/Transforms/Decompose.h"

using namespace mlir;
using namespace terse::nn;

namespace {

Value softmax(NNBuilder &b, Value x, int64_t axis, bool log) {
  Value shifted = b.sub(x, b.reduce(ReduceKind::Max, x, {axis}));
  Value exponential = b.unary(UnaryKind::Exp, shifted);
  Value sum = b.reduce(ReduceKind::Sum, exponential, {axis});
  return log ? b.sub(shifted, b.unary(UnaryKind::Log, sum)) : b.div(exponential, sum);
}

// Softmax along the last axis of scores of which minus infinity means masked: 0 for rows without
// any other score.
Value maskedSoftmax(NNBuilder &b, Value score) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  int64_t axis = typeOf(score).getRank() - 1;
  // With a finite value to subtract, exp gives 0 and not NaN for such a row.
  Value max = b.unary(UnaryKind::Clamp, b.reduce(ReduceKind::Max, score, {axis}),
                      -std::numeric_limits<float>::max(), kInfinity);
  Value exponential = b.unary(UnaryKind::Exp, b.sub(score, max));
  // The largest score contributes 1 to the sum of any other row.
  Value sum =
      b.unary(UnaryKind::Clamp, b.reduce(ReduceKind::Sum, exponential, {axis}), 1.0, kInfinity);
  return b.div(exponential, sum);
}

struct DecomposeSoftmax : DecomposePattern<SoftmaxOp> {
  using DecomposePattern::DecomposePattern;
  SmallVector<Value> decompose(SoftmaxOp op, NNBuilder &b) const override {
    Value x = b.cast(op.getX(), computeType(typeOf(op.getX()).getElementType()));
    return {softmax(b, x, op.getAxis(), op.getLog())};
  }
};

// A mask of scores [B, H, S, T] for those in groups of heads, [B, Hk, H / Hk, S, T]; null where its
// shape does not say which heads it is for.
Value groupMask(NNBuilder &b, Value mask, int64_t keyHeads) {
  int64_t rank = typeOf(mask).getRank();
  if (rank < 3)
    return mask;
  int64_t heads = typeOf(mask).getDimSize(rank - 3);
  if (ShapedType::isDynamic(heads) || (heads != 1 && ShapedType::isDynamic(keyHeads)))
    return {};
  SmallVector<Dim> dims = b.dims(mask);
  Dim outer(heads == 1 ? 1 : keyHeads), inner(heads == 1 ? 1 : heads / keyHeads);
  dims[rank - 3] = outer;
  dims.insert(dims.begin() + rank - 2, inner);
  return b.reshape(mask, dims);
}

struct DecomposeAttention : DecomposePattern<AttentionOp> {
  using DecomposePattern::DecomposePattern;

  SmallVector<Value> decompose(AttentionOp op, NNBuilder &b) const override {
    Type element = computeType(typeOf(op.getQ()).getElementType());
    Value q = b.cast(op.getQ(), element), k = b.cast(op.getK(), element),
          v = b.cast(op.getV(), element);
    Value minusInfinity = b.scalar(-std::numeric_limits<double>::infinity(), element);
    int64_t heads = typeOf(q).getDimSize(1), keyHeads = typeOf(k).getDimSize(1);
    // Grouped heads: [B, Hk, Hq/Hk, S, D] against [B, Hk, 1, T, D], so that keys and values are not
    // repeated in memory.
    bool grouped = heads != keyHeads || ShapedType::isDynamic(heads);
    SmallVector<Dim> qDims = b.dims(q), kDims = b.dims(k), vDims = b.dims(v);
    Dim group(1);
    if (grouped) {
      group = !qDims[1].value && !kDims[1].value
                  ? Dim(heads / keyHeads)
                  : Dim(b.div(b.asTensor(qDims[1]), b.asTensor(kDims[1])));
      q = b.reshape(q, {qDims[0], kDims[1], group, qDims[2], qDims[3]});
      k = b.reshape(k, {kDims[0], kDims[1], Dim(1), kDims[2], kDims[3]});
      v = b.reshape(v, {vDims[0], vDims[1], Dim(1), vDims[2], vDims[3]});
    }
    // Scaling q is cheaper than scaling the scores wherever D < T.
    q = b.unary(UnaryKind::Affine, q, op.getScale().convertToDouble(), 0.0);
    SmallVector<int64_t> swap =
        grouped ? SmallVector<int64_t>{0, 1, 2, 4, 3} : SmallVector<int64_t>{0, 1, 3, 2};
    Value score = b.matmul(q, b.transpose(k, swap));
    Value mask = op.getMask();
    if (grouped && mask)
      mask = groupMask(b, mask, keyHeads);
    bool apart = grouped && bool(mask) == bool(op.getMask()); // Groups stay apart.
    if (grouped && !apart) {
      score = b.reshape(score, {qDims[0], qDims[1], qDims[2], kDims[2]});
      mask = op.getMask();
    }
    if (double cap = op.getSoftcap().convertToDouble(); cap > 0)
      score = b.unary(UnaryKind::ScaledTanh, score, cap, 1.0 / cap);
    if (mask) {
      if (typeOf(mask).getElementType().isInteger(1))
        score = b.select(mask, score, minusInfinity);
      else
        score = b.add(score, b.cast(mask, element));
    }
    if (op.getCausal()) {
      Value row = b.iota({qDims[2], kDims[2]}, 0), column = b.iota({qDims[2], kDims[2]}, 1);
      score = b.select(b.compare(CompareKind::Le, column, row), score, minusInfinity);
    }
    bool mayMask = op.getMask() || op.getCausal();
    Value weights = mayMask ? maskedSoftmax(b, score)
                            : softmax(b, score, typeOf(score).getRank() - 1, /*log=*/false);
    if (grouped && !apart)
      weights = b.reshape(weights, {qDims[0], kDims[1], group, qDims[2], kDims[2]});
    Value result = b.matmul(weights, v);
    if (grouped)
      result = b.reshape(result, {qDims[0], qDims[1], qDims[2], vDims[3]});
    return {result};
  }
};

struct DecomposeRotaryEmbedding : DecomposePattern<RotaryEmbeddingOp> {
  using DecomposePattern::DecomposePattern;

  SmallVector<Value> decompose(RotaryEmbeddingOp op, NNBuilder &b) const override {
    Type element = computeType(typeOf(op.getX()).getElementType());
    int64_t half = typeOf(op.getCos()).getDimSize(2), depth = typeOf(op.getX()).getDimSize(3);
    if (ShapedType::isDynamic(half))
      half = typeOf(op.getSin()).getDimSize(2);
    if (ShapedType::isDynamic(half)) {
      // The tables say how much is rotated; without that, everything.
      if (ShapedType::isDynamic(depth))
        return {};
      half = depth / 2;
    }
    Value x = b.cast(op.getX(), element);
    // [B or 1, S, R/2] as [B or 1, 1, S, R/2].
    auto table = [&](Value t) {
      SmallVector<Dim> d = b.dims(t);
      return b.cast(b.reshape(t, {d[0], Dim(1), d[1], d[2]}), element);
    };
    Value cos = table(op.getCos()), sin = table(op.getSin());
    bool interleaved = op.getInterleaved();
    Value first = b.slice(x, 3, 0, interleaved ? 2 * half : half, interleaved ? 2 : 1);
    Value second = b.slice(x, 3, interleaved ? 1 : half, 2 * half, interleaved ? 2 : 1);
    Value real = b.sub(b.mul(first, cos), b.mul(second, sin));
    Value imaginary = b.add(b.mul(first, sin), b.mul(second, cos));
    SmallVector<Dim> whole = b.dims(x);
    SmallVector<Value> parts{real, imaginary};
    if (interleaved) {
      for (Value &part : parts)
        part = b.reshape(part, {whole[0], whole[1], whole[2], Dim(half), Dim(1)});
      parts = {b.reshape(b.concat(parts, 4), {whole[0], whole[1], whole[2], Dim(2 * half)})};
    }
    if (depth != 2 * half)
      parts.push_back(b.slice(x, 3, 2 * half));
    return {parts.size() == 1 ? parts[0] : b.concat(parts, 3)};
  }
};

struct DecomposeEmbedding : DecomposePattern<EmbeddingOp> {
  using DecomposePattern::DecomposePattern;
  SmallVector<Value> decompose(EmbeddingOp op, NNBuilder &b) const override {
    return {GatherOp::create(b, op.getTable(), op.getIndices(), /*axis=*/0)};
  }
};

} // namespace

void terse::nn::populateDecomposeAttentionPatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeSoftmax, DecomposeAttention, DecomposeRotaryEmbedding, DecomposeEmbedding>(
      patterns.getContext());
}

void terse::nn::populateExpandAttentionPatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeAttention>(patterns.getContext());
}
