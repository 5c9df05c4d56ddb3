//===- Rounding.cpp - Rounding weights with an eye on their inputs -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Rounding.h"

#include "Matrix.h"
#include "mlir/IR/Threading.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace terse;

GroupRounding::GroupRounding(const RecoverableLayer &layer, int64_t group, ArrayRef<float> values,
                             const RoundingOptions &options)
    : layer(layer), group(group), rows(layer.matrix.rows.size()),
      columns(layer.matrix.columns.size()), stride(padRow(columns)), options(options),
      weights(rows * stride), plain(stride * stride), damped(stride * stride), order(columns) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      weights[r * stride + c] = values[getElement(r, c)];
  originals = weights;

  const InputMoments &moments = layer.moments[group];
  double sum = 0;
  for (int64_t i = 0; i < columns; ++i) {
    // Rounding can make a variance negative.
    double variance = std::max(0.0, moments.getProduct(i, i, options.centered));
    plain[i * stride + i] = float(variance);
    sum += variance;
    for (int64_t j = i + 1; j < columns; ++j)
      plain[i * stride + j] = plain[j * stride + i] =
          float(moments.getProduct(i, j, options.centered));
  }
  double lambda = columns ? options.damping * sum / double(columns) : 0;
  // Columns without inputs have nothing to feed back; any positive number keeps the others as they
  // are. Without any input, every rounding is as good.
  damped = plain;
  for (int64_t i = 0; i < columns; ++i)
    damped[i * stride + i] += lambda > 0 ? float(lambda) : plain[i * stride + i] > 0 ? 0.0f : 1.0f;

  std::iota(order.begin(), order.end(), 0);
  if (options.activationOrder)
    llvm::stable_sort(
        order, [&](int64_t a, int64_t b) { return plain[a * stride + a] > plain[b * stride + b]; });
  // A matrix that is indefinite by rounding gets more damping.
  double least = lambda > 0 ? lambda : sum > 0 ? 1e-6 * sum / double(columns) : 1;
  for (double more = 0; factor.empty() && more < 1e6; more = more == 0 ? least : 10 * more) {
    std::vector<double> h(columns * columns);
    for (int64_t i = 0; i < columns; ++i)
      for (int64_t j = i; j < columns; ++j)
        h[i * columns + j] = double(damped[order[i] * stride + order[j]]) + (i == j ? more : 0.0);
    if (!factorUpper(columns, h.data()))
      continue;
    factor.assign(columns * stride, 0.0f);
    for (int64_t i = 0; i < columns; ++i)
      for (int64_t j = i; j < columns; ++j)
        factor[i * stride + j] = float(h[i * columns + j] / h[j * columns + j]);
    if (moments.hasWanted())
      moveWeights(h);
  }
}

void GroupRounding::moveWeights(ArrayRef<double> root) {
  const InputMoments &moments = layer.moments[group];
  std::vector<float> differences(columns * stride, 0.0f), products(weights.size(), 0.0f);
  for (int64_t i = 0; i < columns; ++i)
    for (int64_t j = 0; j < columns; ++j)
      differences[i * stride + j] = float(moments.getDifference(i, j, options.centered));
  multiplyAdd(rows, stride, columns, weights.data(), stride, 1, differences.data(), stride,
              products.data(), stride);
  std::vector<double> row(columns);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t k = 0; k < columns; ++k)
      row[k] = products[r * stride + order[k]];
    solveUpper(columns, root.data(), row.data());
    for (int64_t k = 0; k < columns; ++k)
      if (float moved = float(weights[r * stride + order[k]] + row[k]); std::isfinite(moved))
        weights[r * stride + order[k]] = moved;
  }
}

std::vector<float> GroupRounding::roundToNearest(const ElementLevels &levels) const {
  std::vector<float> q(weights.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      q[r * stride + c] = levels.round(getElement(r, c), originals[r * stride + c]);
  return q;
}

/// Rows do not depend on each other: shares of them run in parallel.
void GroupRounding::forEachShare(llvm::function_ref<void(int64_t, int64_t)> work) const {
  constexpr int64_t kShare = 64;
  parallelFor(layer.weight->type.getContext(), 0, (rows + kShare - 1) / kShare,
              [&](size_t i) { work(i * kShare, std::min(rows, int64_t(i + 1) * kShare)); });
}

std::vector<float> GroupRounding::roundWithFeedback(const ElementLevels &levels) const {
  if (factor.empty())
    return roundToNearest(levels);
  std::vector<float> q(weights.size(), 0.0f);
  forEachShare([&](int64_t begin, int64_t end) { feedBack(levels, q, begin, end); });
  return q;
}

void GroupRounding::feedBack(const ElementLevels &levels, std::vector<float> &q, int64_t begin,
                             int64_t end) const {
  // Transposed, so that a step works on neighbours: errors[k] are those of all rows in the k-th
  // column of the order.
  int64_t width = padRow(end - begin);
  std::vector<float> errors(columns * width), wanted(std::min(options.block, columns) * width);
  for (int64_t first = 0; first < columns; first += options.block) {
    int64_t count = std::min(options.block, columns - first);
    std::fill(wanted.begin(), wanted.end(), 0.0f);
    multiplyAdd(count, width, first, factor.data() + first, 1, stride, errors.data(), width,
                wanted.data(), width);
    for (int64_t k = first; k < first + count; ++k) {
      float *shift = wanted.data() + (k - first) * width;
      for (int64_t j = first; j < k; ++j)
        addScaled(width, factor[j * stride + k], errors.data() + j * width, shift);
      int64_t column = order[k];
      for (int64_t r = begin; r < end; ++r) {
        float w = weights[r * stride + column];
        float level = levels.round(getElement(r, column), w + shift[r - begin]);
        q[r * stride + column] = level;
        errors[k * width + r - begin] = w - level;
      }
    }
  }
}

void GroupRounding::descend(const ElementLevels &levels, std::vector<float> &q,
                            unsigned sweeps) const {
  if (!sweeps)
    return;
  forEachShare([&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      descendRow(levels, r, q.data() + r * stride, sweeps);
  });
}

void GroupRounding::descendRow(const ElementLevels &levels, int64_t r, float *row,
                               unsigned sweeps) const {
  std::vector<float> error(stride), gradient(stride, 0.0f);
  const float *w = weights.data() + r * stride;
  for (int64_t c = 0; c < columns; ++c) {
    error[c] = row[c] - w[c];
    addScaled(stride, error[c], damped.data() + c * stride, gradient.data());
  }
  bool changed = true;
  for (unsigned sweep = 0; sweep < sweeps && changed; ++sweep) {
    changed = false;
    for (int64_t c : order) {
      float curvature = damped[c * stride + c];
      float level = levels.round(getElement(r, c), row[c] - gradient[c] / curvature);
      if (level == row[c])
        continue;
      // In f64: what looks like a gain must be one, or this need not end.
      double step = double(level) - double(row[c]);
      if (!(step * (2 * double(gradient[c]) + step * double(curvature)) < 0))
        continue;
      addScaled(stride, float(step), damped.data() + c * stride, gradient.data());
      row[c] = level;
      changed = true;
    }
  }
}

std::vector<double> GroupRounding::getErrors(const std::vector<float> &q) const {
  std::vector<float> errors(weights.size()), products(weights.size());
  for (size_t i = 0; i < weights.size(); ++i)
    errors[i] = q[i] - weights[i];
  multiplyAdd(rows, stride, columns, errors.data(), stride, 1, plain.data(), stride,
              products.data(), stride);
  std::vector<double> result(rows);
  for (int64_t r = 0; r < rows; ++r)
    result[r] = dot(columns, errors.data() + r * stride, products.data() + r * stride);
  return result;
}

std::vector<double> GroupRounding::fitScales(const std::vector<float> &q, ArrayRef<int32_t> sets,
                                             int64_t numSets) const {
  std::vector<double> factors(rows * numSets, 1.0);
  // The normal equations of |sum over sets of f_s q_s - w|^2 in the norm of H.
  std::vector<float> target(weights.size());
  multiplyAdd(rows, stride, columns, weights.data(), stride, 1, damped.data(), stride,
              target.data(), stride);
  std::vector<float> product(stride);
  for (int64_t r = 0; r < rows; ++r) {
    const float *row = q.data() + r * stride;
    std::vector<double> a(numSets * numSets, 0.0), b(numSets, 0.0);
    for (int64_t s = 0; s < numSets; ++s) {
      std::fill(product.begin(), product.end(), 0.0f);
      for (int64_t c = 0; c < columns; ++c)
        if (sets[c] == s && row[c] != 0)
          addScaled(stride, row[c], damped.data() + c * stride, product.data());
      for (int64_t c = 0; c < columns; ++c)
        a[sets[c] * numSets + s] += double(row[c]) * product[c];
    }
    for (int64_t c = 0; c < columns; ++c)
      b[sets[c]] += double(row[c]) * target[r * stride + c];
    // Sets of zeros only have any factor.
    for (int64_t s = 0; s < numSets; ++s)
      if (a[s * numSets + s] == 0)
        a[s * numSets + s] = b[s] = 1;
    if (!solvePositive(numSets, a, b))
      continue;
    for (int64_t s = 0; s < numSets; ++s)
      if (b[s] > 0 && std::isfinite(b[s]))
        factors[r * numSets + s] = b[s];
  }
  return factors;
}
