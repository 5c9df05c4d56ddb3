//===- Metrics.cpp - Numbers that compare outputs ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Evaluation/Metrics.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <numeric>

using namespace terse;

void Distortion::add(const HostTensor &reference, const HostTensor &other) {
  if (reference.shape != other.shape) {
    noise = INFINITY;
    return;
  }
  auto addOne = [&](double a, double b) {
    signal += std::isfinite(a) ? a * a : 0;
    if (a == b || (std::isnan(a) && std::isnan(b)))
      return;
    noise += std::isfinite(a) && std::isfinite(b) ? (a - b) * (a - b) : INFINITY;
  };
  if (reference.dtype == DType::f32() && other.dtype == DType::f32()) {
    for (auto [a, b] : llvm::zip(reference.getAs<float>(), other.getAs<float>()))
      addOne(a, b);
    return;
  }
  for (int64_t i = 0, n = reference.getNumElements(); i < n; ++i)
    addOne(reference.getAsDouble(i), other.getAsDouble(i));
}

std::optional<double> Distortion::getSQNR() const {
  if (noise == 0)
    return std::nullopt;
  // Not below -999 dB, so that every result can be written as a number.
  double ratio = signal / noise;
  return ratio > 0 ? std::max(10 * std::log10(ratio), -999.0) : -999.0;
}

double Distortion::getRatio() const {
  return noise == 0 ? 0 : signal > 0 ? noise / signal : INFINITY;
}

Scores Scores::from(const HostTensor &output) {
  if (output.shape.empty() || output.shape[0] == 0)
    return {};
  return {output.getNumElements() / output.shape[0], output.toFloats()};
}

int64_t terse::getPrediction(llvm::ArrayRef<float> scores) {
  int64_t best = 0;
  for (size_t i = 1; i < scores.size(); ++i)
    if (scores[i] > scores[best] || (std::isnan(scores[best]) && !std::isnan(scores[i])))
      best = i;
  return best;
}

bool terse::isAmongBest(llvm::ArrayRef<float> scores, int64_t label, int64_t k) {
  if (label < 0 || label >= int64_t(scores.size()) || std::isnan(scores[label]))
    return false;
  int64_t before = 0;
  for (int64_t i = 0, e = scores.size(); i < e; ++i)
    before += scores[i] > scores[label] || (scores[i] == scores[label] && i < label);
  return before < k;
}

double terse::getTopK(const Scores &scores, llvm::ArrayRef<int64_t> labels, int64_t k) {
  int64_t hits = 0;
  for (int64_t sample = 0; sample < scores.size(); ++sample)
    hits += isAmongBest(scores.row(sample), labels[sample], k);
  return double(hits) / double(scores.size());
}

bool terse::areProbabilities(const Scores &scores) {
  for (int64_t sample = 0; sample < scores.size(); ++sample) {
    double sum = 0;
    for (float value : scores.row(sample)) {
      if (!(value >= 0))
        return false;
      sum += value;
    }
    if (!(std::fabs(sum - 1) < 1e-3))
      return false;
  }
  return scores.size() > 0;
}

static constexpr double kLeastProbability = 1e-12;

static std::vector<double> toDistribution(llvm::ArrayRef<float> scores, bool probabilities) {
  std::vector<double> result(scores.begin(), scores.end());
  if (!probabilities) {
    double most = *llvm::max_element(result);
    for (double &value : result)
      value = std::exp(value - most);
    double sum = std::accumulate(result.begin(), result.end(), 0.0);
    for (double &value : result)
      value /= sum;
  }
  for (double &value : result)
    value = std::max(value, kLeastProbability);
  return result;
}

double terse::getDivergence(llvm::ArrayRef<float> reference, llvm::ArrayRef<float> other,
                            bool probabilities) {
  double worst = -std::log(kLeastProbability);
  auto isFinite = [](float value) { return std::isfinite(value); };
  if (reference.size() != other.size() || !llvm::all_of(reference, isFinite) ||
      !llvm::all_of(other, isFinite))
    return worst;
  if (reference.empty())
    return 0;
  std::vector<double> p = toDistribution(reference, probabilities),
                      q = toDistribution(other, probabilities);
  double sum = 0;
  for (auto [a, b] : llvm::zip(p, q))
    sum += a * std::log(a / b);
  // Rounding can leave a little below zero.
  return std::clamp(sum, 0.0, worst);
}

double Latencies::getPercentile(double percent) const {
  if (milliseconds.empty())
    return 0;
  std::vector<double> sorted = milliseconds;
  llvm::sort(sorted);
  size_t rank = static_cast<size_t>(std::ceil(percent / 100 * double(sorted.size())));
  return sorted[std::min(std::max<size_t>(rank, 1), sorted.size()) - 1];
}

double Latencies::getMean() const {
  return milliseconds.empty()
             ? 0
             : std::accumulate(milliseconds.begin(), milliseconds.end(), 0.0) / milliseconds.size();
}

llvm::json::Object Latencies::toJSON() const {
  return llvm::json::Object{{"runs", int64_t(milliseconds.size())},
                            {"mean_ms", getMean()},
                            {"p50_ms", getPercentile(50)},
                            {"p90_ms", getPercentile(90)},
                            {"p99_ms", getPercentile(99)}};
}
