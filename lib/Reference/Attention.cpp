//===- Attention.cpp - Attention and rotary embedding -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elements.h"
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

  constexpr double kMasked = -std::numeric_limits<double>::infinity();
  double scale = op.getScale().convertToDouble(), softcap = op.getSoftcap().convertToDouble();
  std::vector<double> qs = load<double>(q), ks = load<double>(k), vs = load<double>(v);
  std::vector<double> results(call.result().getNumElements(), 0), scores(columns);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t s = 0; s < rows; ++s) {
        int64_t shared = b * keyHeads + h / (heads / keyHeads);
        const double *query = qs.data() + ((b * heads + h) * rows + s) * depth;
        double max = kMasked, sum = 0;
        for (int64_t t = 0; t < columns; ++t) {
          const double *key = ks.data() + (shared * columns + t) * depth;
          double score = 0;
          for (int64_t d = 0; d < depth; ++d)
            score += query[d] * key[d];
          score *= scale;
          if (softcap > 0)
            score = softcap * std::tanh(score / softcap);
          if (mask) {
            double m = maskValues[b * maskStrides[0] + h * maskStrides[1] + s * maskStrides[2] +
                                  t * maskStrides[3]];
            score = mask->dtype.isBool() ? (m != 0 ? score : kMasked) : score + m;
          }
          if (op.getCausal() && t > s)
            score = kMasked;
          scores[t] = score;
          max = propagatingMax(max, score);
        }
        // A row that is masked as a whole attends to nothing: its weights are 0.
        bool masked = max == kMasked;
        for (double &score : scores) {
          score = masked ? 0 : std::exp(score - max);
          sum += score;
        }
        double *out = results.data() + ((b * heads + h) * rows + s) * width;
        for (int64_t t = 0; t < columns; ++t)
          for (int64_t d = 0; d < width; ++d)
            out[d] += (masked ? 0 : scores[t] / sum) * vs[(shared * columns + t) * width + d];
      }
  store(results, call.result());
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

  std::vector<double> values = load<double>(x);
  std::vector<double> cosines = load<double>(cosine), sines = load<double>(sine);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t s = 0; s < steps; ++s) {
        double *row = values.data() + ((b * heads + h) * steps + s) * depth;
        for (int64_t i = 0; i < half; ++i) {
          double c = cosines[((cosine.shape[0] == 1 ? 0 : b) * steps + s) * half + i];
          double d = sines[((sine.shape[0] == 1 ? 0 : b) * steps + s) * half + i];
          double &first = row[op.getInterleaved() ? 2 * i : i];
          double &second = row[op.getInterleaved() ? 2 * i + 1 : i + half];
          double a = first;
          first = a * c - second * d;
          second = a * d + second * c;
        }
      }
  store(values, call.result());
  return llvm::Error::success();
}

void reference::registerAttention(KernelTable &table) {
  table.add<nn::AttentionOp>(evalAttention);
  table.add<nn::RotaryEmbeddingOp>(evalRotaryEmbedding);
}
