//===- Search.h - Which layer gets which format -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_MIXEDPRECISION_SEARCH_H
#define TERSE_MIXEDPRECISION_SEARCH_H

#include "terse/MixedPrecision/Knapsack.h"
#include "terse/MixedPrecision/Sensitivity.h"

namespace terse::mixed {

/// A limit as people write it: `500000`, `500KiB`, `1.5MB`, `0.15x` for sizes; `3ms`, `800us`,
/// `0.9x` for times.
struct Budget {
  bool given = false, isRatio = false;
  /// Bytes, nanoseconds, or the ratio to the float model.
  double value = 0;

  static llvm::Expected<Budget> parseSize(llvm::StringRef text);
  static llvm::Expected<Budget> parseTime(llvm::StringRef text);
  /// In whole units, where the float model has `whole`; kNone if not given.
  uint64_t resolve(uint64_t whole) const;
};

/// What measures how much a format hurts a layer.
enum class LossKind { Divergence, Noise, Metric };

/// How long a layer takes in a format.
enum class TimeKind { Operations, Measured };

struct SearchOptions {
  LossKind loss = LossKind::Divergence;
  TimeKind time = TimeKind::Operations;
  Budget size, latency;
  /// Points of the metric that may be lost; negative for no limit.
  double maxDrop = -1;
  /// Whether a layer may stay in float.
  bool keepFloat = true;
};

/// What the units are part of.
struct WholeModel {
  /// Bytes of all weights in float, and of those that no unit has.
  uint64_t plainBytes = 0, otherBytes = 0;
  /// Of one run of the float model; in operations or nanoseconds, as the search counts.
  uint64_t time = 0;
};

/// What happens to one unit.
struct Decision {
  /// The candidate's number; nothing for float.
  std::optional<size_t> candidate;
  uint64_t bytes = 0, time = 0;
  double loss = 0;
  /// Why this and not more or less.
  std::string reason;
  /// What stands in the model as the reason of float.
  std::string kept;
};

struct SearchResult {
  std::vector<Decision> decisions;
  uint64_t bytes = 0, time = 0;
  /// Sum of the losses of the units, each alone.
  double predictedLoss = 0;
  /// Of the float model and of the result with decoded weights, where it was evaluated.
  std::optional<double> floatMetric;
  std::optional<OutputMeasure> measured;
  /// Choices that were evaluated as a whole.
  unsigned evaluations = 0;
};

/// The loss of one option: its mean divergence, its noise over signal, or the share of right
/// answers that it loses, not below 0, plus a hundredth of the divergence, so that few samples do
/// not make all options equal.
double getLoss(const OptionSensitivity &option, LossKind kind);

/// Picks a format for each unit: least loss within the budgets for size and latency; with
/// `maxDrop`, the smallest size whose measured drop is within it. `evaluate` measures the whole
/// model with the formats that are given, in float where nothing is; it is called with `maxDrop`
/// only. Fails if the budgets cannot be kept, and says what can be reached.
llvm::Expected<SearchResult> searchFormats(
    const SensitivityTable &table, const WholeModel &whole, const SearchOptions &options,
    llvm::function_ref<llvm::Expected<OutputMeasure>(llvm::ArrayRef<std::optional<size_t>>)>
        evaluate,
    std::optional<double> floatMetric);

} // namespace terse::mixed

#endif // TERSE_MIXEDPRECISION_SEARCH_H
