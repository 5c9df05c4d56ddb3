//===- Evaluation.h - What eval finds out ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_REPORT_EVALUATION_H
#define TERSE_REPORT_EVALUATION_H

#include "terse/Evaluation/LayerErrors.h"
#include "terse/Evaluation/Metrics.h"
#include "terse/Report/ModelReport.h"
#include "terse/Report/Picture.h"

#include <optional>

namespace terse {

/// A sample for which a model answers otherwise than the first model.
struct ChangedPrediction {
  int64_t index, reference, prediction;
};

/// How many samples of a class or slice a model gets right.
struct GroupAccuracy {
  int64_t group = 0, samples = 0, reference = 0, hits = 0;
  double getDrop() const {
    return samples ? 100.0 * double(reference - hits) / double(samples) : 0;
  }
};

/// A value between layers that is stored as integers, as the data were seen to use it.
struct ActivationUse {
  std::string name;
  /// Values seen, and those that rounding would have put below and above the range.
  uint64_t seen = 0, below = 0, above = 0;
  double getSaturation() const { return seen ? double(below + above) / double(seen) : 0; }
};

/// A weight before and after encoding.
struct WeightError {
  std::string name;
  Distortion distortion;
};

struct ModelResult {
  std::string path, kind;
  uint64_t bytes = 0;
  /// Of machine code; 0 for the interpreter.
  uint64_t codeBytes = 0;
  int64_t batch = 1;
  /// Share of samples whose label is among the k best, per metric; by its name.
  std::vector<std::pair<std::string, double>> metrics;
  std::vector<int64_t> predictions;
  /// Compared with the first model; empty for it.
  std::vector<ChangedPrediction> changed;
  std::vector<std::pair<std::string, Distortion>> outputs;
  std::vector<LayerError> layers;
  Latencies latencies;
  /// Per class, and per value of the array that names slices; worst first.
  std::vector<GroupAccuracy> classes, slices;

  /// Of models whose inside is known: what is stored how.
  std::optional<ModelReport> storage;
  std::vector<WeightError> weights;
  std::vector<ActivationUse> activations;
  std::vector<HistogramPicture> activationHistograms, weightHistograms;
  /// What made it, as its manifest says; null if none was given.
  llvm::json::Value manifest = nullptr;
};

struct Evaluation {
  std::string data, sliceName;
  std::vector<int64_t> labels, slices;
  int64_t samples = 0, tracedSamples = 0;
  std::vector<ModelResult> models;

  llvm::json::Value toJSON() const;
  void print(llvm::raw_ostream &os) const;
  /// One page that needs nothing else.
  void printHTML(llvm::raw_ostream &os) const;
};

/// Of the samples' groups, how many each model gets right; the largest losses first, and of equal
/// ones the lower number.
std::vector<GroupAccuracy> compareGroups(llvm::ArrayRef<int64_t> groups,
                                         llvm::ArrayRef<int64_t> labels,
                                         llvm::ArrayRef<int64_t> reference,
                                         llvm::ArrayRef<int64_t> predictions);

/// A layer's share of the noise that all layers, each alone, bring to the outputs.
std::vector<double> getLossShares(llvm::ArrayRef<LayerError> layers);

} // namespace terse

#endif // TERSE_REPORT_EVALUATION_H
