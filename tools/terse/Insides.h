//===- Insides.h - What a page shows of a model's inside --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_TOOLS_TERSE_INSIDES_H
#define TERSE_TOOLS_TERSE_INSIDES_H

#include "ModelOptions.h"
#include "terse/Report/Evaluation.h"

namespace terse::tool {

struct InsideOptions {
  const ModelOptions &model;
  /// Samples that errors of layers are measured on; 0 for none.
  int64_t samples = 1;
  /// Whether histograms are made.
  bool pictures = false;
};

/// The numbers of the array `name`, one per sample.
llvm::Expected<std::vector<int64_t>> readSlices(const Dataset &data, llvm::StringRef name);

/// How the model at `result.path` is stored.
llvm::Error describeStorage(ModelResult &result, const ModelOptions &options);

/// Fills in how a compressed model is stored, and where it errs. Compiled models show nothing of
/// themselves. A model whose layers cannot be measured is left without; a note says why.
llvm::Error lookInside(const ModelResult &reference, ModelResult &result, const Dataset &data,
                       const InsideOptions &options);

/// What terse compress --manifest wrote, without what the report takes from the model itself.
llvm::Expected<llvm::json::Value> readManifest(llvm::StringRef path);

} // namespace terse::tool

#endif // TERSE_TOOLS_TERSE_INSIDES_H
