//===- Dataset.h - Labelled data for eval ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_TOOLS_TERSE_DATASET_H
#define TERSE_TOOLS_TERSE_DATASET_H

#include "Tool.h"

namespace terse::tool {

/// The arrays of an .npz file whose first axis counts samples.
class Dataset {
public:
  /// `labels` names the array of class numbers; empty for data without labels.
  static llvm::Expected<Dataset> open(llvm::StringRef path, llvm::StringRef labels);

  llvm::StringRef getPath() const { return path; }
  int64_t size() const { return count; }
  bool hasLabels() const { return !labelKey.empty(); }
  llvm::ArrayRef<int64_t> getLabels() const { return labels; }

  /// The arrays for a model's inputs, in its order: for each input the array of its name; or, for a
  /// model with one input, the only array that is not the labels. Element types are converted
  /// where that loses nothing (8- and 16-bit integers to f32). Checks everything but the first axis.
  llvm::Expected<std::vector<HostTensor>> bind(const ModelSignature &signature) const;

  /// Samples `first` to `first + size - 1` of bound arrays; the last sample is repeated beyond the
  /// end.
  static std::vector<HostTensor> slice(llvm::ArrayRef<HostTensor> arrays, int64_t first,
                                       int64_t size);

private:
  std::string path, labelKey;
  std::vector<std::pair<std::string, HostTensor>> arrays;
  std::vector<int64_t> labels;
  int64_t count = 0;
};

/// Samples per run of a model: its own first dimension, or `wanted` if that is dynamic. 1 for models
/// without inputs.
int64_t getBatchSize(const ModelSignature &signature, int64_t wanted);

/// Times of runs.
struct Latencies {
  std::vector<double> milliseconds;
  /// Nearest rank; 0 without samples.
  double getPercentile(double percent) const;
  double getMean() const;
  llvm::json::Object toJSON() const;
};

} // namespace terse::tool

#endif // TERSE_TOOLS_TERSE_DATASET_H
