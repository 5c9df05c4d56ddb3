//===- Ranges.cpp - Ranges for values that were seen ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Calibration/Statistics.h"

#include <cmath>

using namespace terse;

namespace {

/// The part of a histogram that is not empty, as values with weights.
struct Sketch {
  std::vector<double> values;
  std::vector<double> weights;
  double width;

  explicit Sketch(const TensorStatistics &statistics) : width(statistics.histogram.getWidth()) {
    for (int64_t bin = -Histogram::kBins; bin < Histogram::kBins; ++bin) {
      uint64_t count = statistics.histogram.getCount(bin);
      if (!count)
        continue;
      // Bin 0 holds the exact zeros that functions such as ReLU make: most of it.
      double value = bin == 0 ? 0.0 : (double(bin) + 0.5) * width;
      values.push_back(
          std::clamp(value, std::min(statistics.min, 0.0), std::max(statistics.max, 0.0)));
      weights.push_back(double(count));
    }
  }
};

/// Sum of squared errors of rounding to `steps` steps between low and high.
double getSquaredError(const Sketch &sketch, FloatRange range, int64_t steps) {
  double scale = (range.high - range.low) / double(steps), sum = 0;
  if (!(scale > 0))
    return std::numeric_limits<double>::infinity();
  double zero = std::nearbyint(-range.low / scale);
  for (auto [value, weight] : llvm::zip(sketch.values, sketch.weights)) {
    double q = std::clamp(std::nearbyint(value / scale) + zero, 0.0, double(steps));
    double error = (q - zero) * scale - value;
    sum += weight * error * error;
  }
  return sum;
}

FloatRange minimizeSquaredError(const Sketch &sketch, FloatRange whole, int64_t steps,
                                bool symmetric) {
  constexpr int kSteps = 100;
  FloatRange best = whole;
  double bestError = getSquaredError(sketch, whole, steps);
  auto consider = [&](FloatRange range) {
    double error = getSquaredError(sketch, range, steps);
    if (error < bestError)
      bestError = error, best = range;
  };
  if (symmetric) {
    for (int i = 10; i < kSteps; ++i)
      consider({whole.low * i / kSteps, whole.high * i / kSteps});
    return best;
  }
  // One end after the other, twice: the ends hardly depend on each other.
  for (int round = 0; round < 2; ++round) {
    FloatRange base = best;
    for (int i = 10; whole.high > 0 && i <= kSteps; ++i)
      consider({base.low, whole.high * i / kSteps});
    base = best;
    for (int i = 10; whole.low < 0 && i <= kSteps; ++i)
      consider({whole.low * i / kSteps, base.high});
  }
  return best;
}

/// Divergence of the histogram within the range, with what lies beyond at its ends, from the same
/// histogram spread evenly within each step of the grid.
double getDivergence(const Sketch &sketch, FloatRange range, int64_t steps) {
  double scale = (range.high - range.low) / double(steps + 1);
  if (!(scale > 0))
    return std::numeric_limits<double>::infinity();
  size_t levels = size_t(steps) + 1;
  std::vector<double> inside(levels), bins(levels);
  auto levelOf = [&](double value) {
    return size_t(std::clamp((value - range.low) / scale, 0.0, double(steps)));
  };
  double total = 0, insideTotal = 0;
  for (auto [value, weight] : llvm::zip(sketch.values, sketch.weights)) {
    total += weight;
    if (value < range.low || value > range.high)
      continue;
    inside[levelOf(value)] += weight;
    bins[levelOf(value)] += 1;
    insideTotal += weight;
  }
  if (!(insideTotal > 0))
    return std::numeric_limits<double>::infinity();
  double below = 0, above = 0;
  size_t first = sketch.values.size(), last = 0;
  for (size_t i = 0; i < sketch.values.size(); ++i) {
    if (sketch.values[i] < range.low)
      below += sketch.weights[i];
    else if (sketch.values[i] > range.high)
      above += sketch.weights[i];
    else
      first = std::min(first, i), last = i;
  }
  double divergence = 0;
  for (size_t i = first; i <= last; ++i) {
    double p = sketch.weights[i] + (i == first ? below : 0) + (i == last ? above : 0);
    size_t level = levelOf(sketch.values[i]);
    double q = inside[level] / bins[level];
    p /= total, q /= insideTotal;
    if (p > 0)
      divergence += p * std::log(p / q);
  }
  return divergence;
}

FloatRange minimizeDivergence(Sketch sketch, FloatRange whole, int64_t steps) {
  constexpr int kSteps = 128;
  // Exact zeros are exact on every grid; their number would only outweigh all else.
  for (size_t i = 0; i < sketch.values.size(); ++i)
    if (sketch.values[i] == 0) {
      double before = i ? sketch.weights[i - 1] : 0,
             after = i + 1 < sketch.values.size() ? sketch.weights[i + 1] : 0;
      sketch.weights[i] = std::min(sketch.weights[i], std::max(before, after));
    }
  FloatRange best = whole;
  double bestDivergence = std::numeric_limits<double>::infinity();
  double bound = std::max(-whole.low, whole.high);
  for (int i = kSteps / 16; i <= kSteps; ++i) {
    // One threshold for both sides.
    double threshold = bound * i / kSteps;
    FloatRange range{std::max(whole.low, -threshold), std::min(whole.high, threshold)};
    // Coarser grids than bins diverge more: below `steps` bins every range is without loss.
    if ((range.high - range.low) / sketch.width < double(steps))
      continue;
    double divergence = getDivergence(sketch, range, steps);
    if (divergence < bestDivergence)
      bestDivergence = divergence, best = range;
  }
  return best;
}

/// The value below which `share` of the weight lies, within a bin evenly.
double getQuantile(const TensorStatistics &statistics, double share) {
  double total = double(statistics.elements - statistics.nonFinite), target = share * total,
         seen = 0;
  double width = statistics.histogram.getWidth();
  for (int64_t bin = -Histogram::kBins; bin < Histogram::kBins; ++bin) {
    double count = double(statistics.histogram.getCount(bin));
    if (count > 0 && seen + count >= target)
      return (double(bin) + std::max(0.0, (target - seen) / count)) * width;
    seen += count;
  }
  return statistics.max;
}

} // namespace

llvm::StringRef terse::stringifyRangeMethod(RangeMethod method) {
  switch (method) {
  case RangeMethod::MinMax:
    return "min-max";
  case RangeMethod::MovingAverage:
    return "moving-average";
  case RangeMethod::Percentile:
    return "percentile";
  case RangeMethod::KL:
    return "kl";
  case RangeMethod::MSE:
    return "mse";
  }
  llvm_unreachable("unknown method");
}

FloatRange terse::estimateRange(const TensorStatistics &statistics, const RangeOptions &options) {
  FloatRange whole{std::min(statistics.min, 0.0), std::max(statistics.max, 0.0)};
  if (options.method == RangeMethod::MovingAverage)
    whole = {std::min(statistics.averageMin, 0.0), std::max(statistics.averageMax, 0.0)};
  if (options.method == RangeMethod::Percentile && statistics.hasHistogram) {
    double share = options.percentile / 100;
    whole = {std::clamp(getQuantile(statistics, 1 - share), whole.low, 0.0),
             std::clamp(getQuantile(statistics, share), 0.0, whole.high)};
  }
  if (options.symmetric) {
    double bound = std::max(-whole.low, whole.high);
    whole = {-bound, bound};
  }
  if (whole.low == whole.high || !statistics.hasHistogram)
    return whole;
  if (options.method == RangeMethod::MSE)
    return minimizeSquaredError(Sketch(statistics), whole, options.steps, options.symmetric);
  if (options.method == RangeMethod::KL)
    return minimizeDivergence(Sketch(statistics), whole, options.steps);
  return whole;
}
