//===- Evaluation.h - What eval finds out ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_TOOLS_TERSE_EVALUATION_H
#define TERSE_TOOLS_TERSE_EVALUATION_H

#include "Tool.h"
#include "terse/Evaluation/Dataset.h"
#include "terse/Evaluation/Metrics.h"

#include <optional>

namespace terse::tool {

/// A sample for which a model answers otherwise than the first model.
struct ChangedPrediction {
  int64_t index, reference, prediction;
};

struct ModelResult {
  std::string path, kind;
  uint64_t bytes = 0;
  int64_t batch = 1;
  /// Share of samples whose label is among the k best, per metric; by its name.
  std::vector<std::pair<std::string, double>> metrics;
  std::vector<int64_t> predictions;
  /// Compared with the first model; empty for it.
  std::vector<ChangedPrediction> changed;
  std::vector<std::pair<std::string, Distortion>> outputs, tensors;
  Latencies latencies;
};

struct Evaluation {
  std::string data;
  std::vector<int64_t> labels;
  int64_t samples = 0, tracedSamples = 0;
  std::vector<ModelResult> models;

  llvm::json::Value toJSON() const;
  void print(llvm::raw_ostream &os) const;
  void printHTML(llvm::raw_ostream &os) const;
};

} // namespace terse::tool

#endif // TERSE_TOOLS_TERSE_EVALUATION_H
