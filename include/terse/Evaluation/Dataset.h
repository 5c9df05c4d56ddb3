//===- Dataset.h - Labelled data --------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_EVALUATION_DATASET_H
#define TERSE_EVALUATION_DATASET_H

#include "terse/ModelIO/ModelFile.h"

namespace terse {

/// The arrays of an .npz file whose first axis counts samples.
class Dataset {
public:
  /// `labels` names the array of class numbers; empty for data without labels. Arrays named in
  /// `others` are no inputs either.
  static llvm::Expected<Dataset> open(llvm::StringRef path, llvm::StringRef labels,
                                      llvm::ArrayRef<std::string> others = {});

  llvm::StringRef getPath() const { return path; }
  int64_t size() const { return count; }
  bool hasLabels() const { return !labelKey.empty(); }
  llvm::ArrayRef<int64_t> getLabels() const { return labels; }

  /// The array of that name; null if there is none.
  const HostTensor *find(llvm::StringRef name) const;

  /// The arrays for a model's inputs, in its order: for each input the array of its name; or, for a
  /// model with one input, the only array that is not the labels. Element types are converted
  /// where that loses nothing (8- and 16-bit integers to f32). Checks everything but the first
  /// axis.
  llvm::Expected<std::vector<HostTensor>> bind(const ModelSignature &signature) const;

  /// Samples `first` to `first + size - 1` of bound arrays; the last sample is repeated beyond the
  /// end.
  static std::vector<HostTensor> slice(llvm::ArrayRef<HostTensor> arrays, int64_t first,
                                       int64_t size);

private:
  bool isInput(llvm::StringRef name) const;

  std::string path, labelKey;
  std::vector<std::string> others;
  std::vector<std::pair<std::string, HostTensor>> arrays;
  std::vector<int64_t> labels;
  int64_t count = 0;
};

/// Samples per run of a model: its own first dimension, or `wanted` if that is dynamic. 1 for
/// models without inputs.
int64_t getBatchSize(const ModelSignature &signature, int64_t wanted);

} // namespace terse

#endif // TERSE_EVALUATION_DATASET_H
