//===- Metrics.h - Numbers that compare outputs -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_EVALUATION_METRICS_H
#define TERSE_EVALUATION_METRICS_H

#include "terse/Support/HostTensor.h"
#include "llvm/Support/JSON.h"

#include <optional>
#include <vector>

namespace terse {

/// Sums of squares of a signal and of its difference from another.
struct Distortion {
  double signal = 0, noise = 0;
  /// Elements where exactly one of the two is no finite number make the distortion infinite, as do
  /// different shapes.
  void add(const HostTensor &reference, const HostTensor &other);
  /// 10 log10(signal / noise) in dB, at least -999; nothing if the two are equal.
  std::optional<double> getSQNR() const;
  /// noise / signal; infinite if there is noise and no signal.
  double getRatio() const;
};

/// Class scores of some samples: [samples, classes].
struct Scores {
  int64_t classes = 0;
  std::vector<float> values;

  /// Of an output whose first axis counts samples, whatever the axes of 1 between and after.
  static Scores from(const HostTensor &output);
  int64_t size() const { return classes ? int64_t(values.size()) / classes : 0; }
  llvm::ArrayRef<float> row(int64_t sample) const {
    return llvm::ArrayRef(values).slice(sample * classes, classes);
  }
};

/// The class with the highest score; the first of equals, NaN counts as lowest.
int64_t getPrediction(llvm::ArrayRef<float> scores);

/// Whether fewer than k classes stand before the label: those of higher scores, and of equal ones
/// those before it.
bool isAmongBest(llvm::ArrayRef<float> scores, int64_t label, int64_t k);

/// Share of samples whose label is among the k best.
double getTopK(const Scores &scores, llvm::ArrayRef<int64_t> labels, int64_t k);

/// Whether every row is a distribution already: not negative, with a sum within 1e-3 of 1.
bool areProbabilities(const Scores &scores);

/// Kullback-Leibler divergence of the distribution `other` from `reference`, in nats: both rows are
/// probabilities, or both are logits, of which the softmax is taken. Probabilities below 1e-12
/// count as that. Scores that are no numbers give the largest value that two such distributions can
/// have, log(1e12).
double getDivergence(llvm::ArrayRef<float> reference, llvm::ArrayRef<float> other,
                     bool probabilities);

/// Times of runs.
struct Latencies {
  std::vector<double> milliseconds;
  /// Nearest rank; 0 without samples.
  double getPercentile(double percent) const;
  double getMean() const;
  llvm::json::Object toJSON() const;
};

} // namespace terse

#endif // TERSE_EVALUATION_METRICS_H
