//===- AdaRound.cpp - Learned rounding --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Matrix.h"
#include "RoundedLayers.h"
#include "Rounding.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Recovery/Passes.h"

#include <algorithm>
#include <cmath>

namespace terse {
#define GEN_PASS_DEF_ADAROUNDPASS
#include "terse/Recovery/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {

/// Gradient descent on the choice between the neighbours of each weight of a group.
class AdaRound {
public:
  AdaRound(const GroupRounding &group, const ElementLevels &levels, const AdaRoundOptions &options)
      : group(group), options(options), rows(group.getRows()), columns(group.getColumns()),
        stride(group.getStride()), below(rows * stride), step(rows * stride), v(rows * stride),
        h(rows * stride) {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c) {
        int64_t i = r * stride + c;
        float w = group.getWeight(r, c);
        ElementLevels::Neighbours neighbours = levels.getNeighbours(group.getElement(r, c), w);
        below[i] = neighbours.below;
        step[i] = neighbours.above - neighbours.below;
        if (!(step[i] > 0))
          continue;
        // So that the sigmoid starts where the weight is.
        h[i] = std::clamp((w - below[i]) / step[i], 0.0f, 1.0f);
        v[i] = -std::log(kSpan / (h[i] - kLow) - 1.0f);
      }
  }

  std::vector<float> run() {
    double norm = getNorm();
    std::vector<float> errors(rows * stride), gradients(rows * stride);
    std::vector<float> mean(rows * stride, 0.0f), square(rows * stride, 0.0f);
    for (unsigned t = 1; t <= options.iterations && norm > 0; ++t) {
      const std::vector<float> &w = group.getWeights();
      for (int64_t i = 0; i < rows * stride; ++i)
        errors[i] = below[i] + h[i] * step[i] - w[i];
      std::fill(gradients.begin(), gradients.end(), 0.0f);
      multiplyAdd(rows, stride, columns, errors.data(), stride, 1, group.getDamped().data(), stride,
                  gradients.data(), stride);
      update(t, float(2 / norm), gradients, mean, square);
    }
    std::vector<float> q(rows * stride);
    for (int64_t i = 0; i < rows * stride; ++i)
      q[i] = h[i] >= 0.5f ? below[i] + step[i] : below[i];
    return q;
  }

private:
  // The sigmoid is stretched to [kLow, kLow + kSpan] and clamped, so that it reaches 0 and 1.
  static constexpr float kSpan = 1.2f, kLow = -0.1f;

  /// The mean of what a whole step of one weight adds to the error: makes the regularization a
  /// number without a unit.
  double getNorm() const {
    double sum = 0;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c)
        sum +=
            double(step[r * stride + c]) * step[r * stride + c] * group.getDamped()[c * stride + c];
    return sum / double(std::max<int64_t>(1, rows * columns));
  }

  /// One step of Adam.
  void update(unsigned t, float factor, const std::vector<float> &gradients,
              std::vector<float> &mean, std::vector<float> &square) {
    constexpr float kDecay1 = 0.9f, kDecay2 = 0.999f, kTiny = 1e-8f;
    double progress = double(t) / options.iterations;
    bool isWarm = progress >= options.warmup;
    // From steep to flat: first only the nearly decided weights are drawn to 0 or 1, then all.
    double share = isWarm ? (progress - options.warmup) / std::max(1e-9, 1 - options.warmup) : 0;
    float beta = float(options.betaEnd +
                       0.5 * (options.betaStart - options.betaEnd) * (1 + std::cos(share * M_PI)));
    float weight = isWarm ? float(options.regularization) : 0.0f;
    float rate = float(options.rate * std::sqrt(1 - std::pow(double(kDecay2), t)) /
                       (1 - std::pow(double(kDecay1), t)));
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t i = r * stride; i < r * stride + columns; ++i) {
        if (!(step[i] > 0))
          continue;
        float sigmoid = 1.0f / (1.0f + std::exp(-v[i]));
        float slope = h[i] > 0.0f && h[i] < 1.0f ? kSpan * sigmoid * (1.0f - sigmoid) : 0.0f;
        float gradient = factor * gradients[i] * step[i];
        if (weight != 0) {
          float centered = 2.0f * h[i] - 1.0f;
          float pull = 2.0f * beta * std::pow(std::fabs(centered), beta - 1.0f);
          gradient -= weight * std::copysign(pull, centered);
        }
        gradient *= slope;
        mean[i] = kDecay1 * mean[i] + (1 - kDecay1) * gradient;
        square[i] = kDecay2 * square[i] + (1 - kDecay2) * gradient * gradient;
        v[i] -= rate * mean[i] / (std::sqrt(square[i]) + kTiny);
        h[i] = std::clamp(kSpan / (1.0f + std::exp(-v[i])) + kLow, 0.0f, 1.0f);
      }
  }

  const GroupRounding &group;
  AdaRoundOptions options;
  int64_t rows, columns, stride;
  std::vector<float> below, step, v, h;
};

} // namespace

std::vector<float> terse::learnRounding(const GroupRounding &group, const ElementLevels &levels,
                                        const AdaRoundOptions &options) {
  std::vector<float> q = AdaRound(group, levels, options).run();
  // Exactly the levels, whatever the sums rounded to.
  for (int64_t r = 0; r < group.getRows(); ++r)
    for (int64_t c = 0; c < group.getColumns(); ++c) {
      float &level = q[r * group.getStride() + c];
      level = levels.round(group.getElement(r, c), level);
    }
  return q;
}

namespace {

struct AdaRoundPass : terse::impl::AdaRoundPassBase<AdaRoundPass> {
  using Base::Base;

  void runOnOperation() override {
    if (llvm::Error error = run()) {
      emitError(getOperation().getLoc()) << llvm::toString(std::move(error));
      signalPassFailure();
    }
  }

  llvm::Error run() {
    if (!(rate > 0) || !(regularization >= 0) || !(warmup >= 0 && warmup < 1) || !(damping >= 0))
      return llvm::createStringError("terse-adaround: expected rate > 0, regularization >= 0, 0 <= "
                                     "warmup < 1 and damping >= 0");
    SearchOptions search;
    search.rounding.damping = damping;
    search.rounding.centered = correctBias;
    search.rounding.sweeps = sweeps;
    search.refits = refits;
    AdaRoundOptions learning{iterations, rate, regularization, warmup};
    auto learn = [&](const GroupRounding &group, const ElementLevels &levels) {
      return learnRounding(group, levels, learning);
    };
    RoundedLayersOptions options{
        "terse-adaround", "adaround", {data, samples, positions, interpret, stages}, correctBias};
    auto counts = roundLayers(getOperation(), options, [&](const RecoverableLayer &layer) {
      return roundLayer(layer, search, learn);
    });
    if (!counts)
      return counts.takeError();
    numRounded += counts->rounded;
    numSkipped += counts->skipped;
    return llvm::Error::success();
  }
};

} // namespace
