//===- Attention.cpp - Attention and rotary embedding -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elements.h"
#include "Functions.h"
#include "OpCall.h"

#include "terse/Dialect/NN/IR/NNOps.h"

#include <cmath>

using namespace terse;
using namespace terse::reference;

static llvm::Error evalAttention(nn::AttentionOp op, OpCall &call) {
  const HostTensor &q = call[op.getQ()], &k = call[op.getK()], &v = call[op.getV()];
  const HostTensor *mask = call.find(op.getMask());
  if (!q.dtype.isFloat() || !k.dtype.isFloat() || !v.dtype.isFloat())
    return call.fail("is not defined on integers");
  int64_t batch = q.shape[0], heads = q.shape[1], rows = q.shape[2], depth = q.shape[3];
  int64_t keyHeads = k.shape[1], columns = k.shape[2], width = v.shape[3];
  if (llvm::Error error = call.checkShape(k, {batch, keyHeads, columns, depth}, "k"))
    return error;
  if (llvm::Error error = call.checkShape(v, {batch, keyHeads, columns, width}, "v"))
    return error;
  std::vector<int64_t> maskStrides(4, 0);
  std::vector<double> maskValues;
  if (mask) {
    std::vector<int64_t> scores{batch, heads, rows, columns};
    if (llvm::Error error = call.checkBroadcastable(*mask, scores, "mask"))
      return error;
    if (!mask->dtype.isFloat() && !mask->dtype.isBool())
      return call.fail("expected a float or boolean mask (got " + mask->getTypeString() + ")");
    maskStrides = getBroadcastStrides(mask->shape, scores);
    maskValues = load<double>(*mask);
  }

  // Every step is rounded to the type that floats compute in, sums once.
  bool mayMask = mask || op.getCausal();
  visitFloat(q.dtype, [&](auto zero) {
    using T = decltype(zero);
    constexpr T kMasked = -std::numeric_limits<T>::infinity();
    T scale = static_cast<T>(op.getScale().convertToDouble());
    double softcap = op.getSoftcap().convertToDouble();
    std::vector<T> qs = load<T>(q), ks = load<T>(k), vs = load<T>(v), scores(columns);
    std::vector<double> sums(width);
    std::vector<T> results(call.result().getNumElements(), 0);
    for (T &element : qs)
      element *= scale;
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t h = 0; h < heads; ++h)
        for (int64_t s = 0; s < rows; ++s) {
          int64_t shared = b * keyHeads + h / (heads / keyHeads);
          const T *query = qs.data() + ((b * heads + h) * rows + s) * depth;
          T max = kMasked;
          for (int64_t t = 0; t < columns; ++t) {
            const T *key = ks.data() + (shared * columns + t) * depth;
            double product = 0;
            for (int64_t d = 0; d < depth; ++d)
              product += static_cast<double>(query[d]) * static_cast<double>(key[d]);
            T score = static_cast<T>(product);
            if (softcap > 0)
              score =
                  static_cast<T>(softcap) * reference::tanh(static_cast<T>(1.0 / softcap) * score);
            if (mask) {
              double m = maskValues[b * maskStrides[0] + h * maskStrides[1] + s * maskStrides[2] +
                                    t * maskStrides[3]];
              score = mask->dtype.isBool() ? (m != 0 ? score : kMasked) : score + static_cast<T>(m);
            }
            if (op.getCausal() && t > s)
              score = kMasked;
            scores[t] = score;
            max = propagatingMax(max, score);
          }
          // A row that is masked as a whole attends to nothing: its weights are 0.
          if (mayMask && max < std::numeric_limits<float>::lowest())
            max = std::numeric_limits<float>::lowest();
          double sum = 0;
          for (T &score : scores) {
            score = reference::exp(score - max);
            sum += score;
          }
          T total = static_cast<T>(sum);
          if (mayMask && total < 1)
            total = 1;
          std::fill(sums.begin(), sums.end(), 0);
          for (int64_t t = 0; t < columns; ++t) {
            double weight = scores[t] / total;
            for (int64_t d = 0; d < width; ++d)
              sums[d] += weight * vs[(shared * columns + t) * width + d];
          }
          T *out = results.data() + ((b * heads + h) * rows + s) * width;
          for (int64_t d = 0; d < width; ++d)
            out[d] = static_cast<T>(sums[d]);
        }
    store(results, call.result());
  });
  return llvm::Error::success();
}

static llvm::Error evalRotaryEmbedding(nn::RotaryEmbeddingOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()], &cosine = call[op.getCos()], &sine = call[op.getSin()];
  if (!x.dtype.isFloat() || !cosine.dtype.isFloat() || !sine.dtype.isFloat())
    return call.fail("is not defined on integers");
  int64_t batch = x.shape[0], heads = x.shape[1], steps = x.shape[2], depth = x.shape[3];
  int64_t half = cosine.shape[2];
  if (2 * half > depth)
    return call.fail("expected cos to have at most " + llvm::Twine(depth / 2) + " columns (got " +
                     llvm::Twine(half) + ")");
  for (const HostTensor *table : {&cosine, &sine})
    if (llvm::Error error =
            call.checkShape(*table, {table->shape[0] == 1 ? 1 : batch, steps, half}, "cos and sin"))
      return error;

  visitFloat(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> values = load<T>(x), cosines = load<T>(cosine), sines = load<T>(sine);
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t h = 0; h < heads; ++h)
        for (int64_t s = 0; s < steps; ++s) {
          T *row = values.data() + ((b * heads + h) * steps + s) * depth;
          for (int64_t i = 0; i < half; ++i) {
            T c = cosines[((cosine.shape[0] == 1 ? 0 : b) * steps + s) * half + i];
            T d = sines[((sine.shape[0] == 1 ? 0 : b) * steps + s) * half + i];
            T &first = row[op.getInterleaved() ? 2 * i : i];
            T &second = row[op.getInterleaved() ? 2 * i + 1 : i + half];
            T products[] = {first * c, second * d, first * d, second * c};
            first = products[0] - products[1];
            second = products[2] + products[3];
          }
        }
    store(values, call.result());
  });
  return llvm::Error::success();
}

void reference::registerAttention(KernelTable &table) {
  table.add<nn::AttentionOp>(evalAttention);
  table.add<nn::RotaryEmbeddingOp>(evalRotaryEmbedding);
}
