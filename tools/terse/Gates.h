//===- Gates.h - Promises that are checked ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_TOOLS_TERSE_GATES_H
#define TERSE_TOOLS_TERSE_GATES_H

#include "ModelOptions.h"
#include "terse/MixedPrecision/Search.h"

namespace terse::tool {

/// `--max-size`, `--max-drop`, `--max-latency`, and the data that they are measured on.
struct GateOptions {
  std::string maxSize, maxLatency, data, labels, metric = "top1";
  double maxDrop = -1;

  void addTo(CLI::App &command);
  bool any() const { return !maxSize.empty() || !maxLatency.empty() || maxDrop >= 0; }
  /// Whether they make sense; reads no data.
  llvm::Error check() const;
};

/// What the compressed model was seen to do.
struct GateResult {
  uint64_t bytes = 0, plainBytes = 0;
  std::optional<double> floatMetric, metric;
  int64_t samples = 0;
  std::optional<double> floatMilliseconds, milliseconds;

  double getDrop() const { return 100 * (*floatMetric - *metric); }
  llvm::json::Object toJSON() const;
};

/// What is promised, in absolute numbers, and which of it was not kept; messages say what was
/// reached.
struct GateFailures {
  std::string size, drop, latency;
  bool any() const { return !size.empty() || !drop.empty() || !latency.empty(); }
  std::string getMessage() const;
};

/// Runs the model at `original` and the compressed module natively as far as the gates ask for it.
llvm::Expected<GateResult> measureGates(const GateOptions &options, llvm::StringRef original,
                                        const ModelOptions &model, mlir::ModuleOp compressed);

llvm::Expected<GateFailures> checkGates(const GateOptions &options, const GateResult &result);

} // namespace terse::tool

#endif // TERSE_TOOLS_TERSE_GATES_H
