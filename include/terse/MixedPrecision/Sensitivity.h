//===- Sensitivity.h - What each format costs each layer --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_MIXEDPRECISION_SENSITIVITY_H
#define TERSE_MIXEDPRECISION_SENSITIVITY_H

#include "terse/Evaluation/Dataset.h"
#include "terse/Evaluation/Metrics.h"
#include "terse/MixedPrecision/Candidates.h"
#include "terse/MixedPrecision/SwappableModel.h"

namespace terse::mixed {

/// How far outputs are from those of the float model, over some samples.
struct OutputMeasure {
  /// Of all outputs together: noise over signal.
  double noise = 0;
  /// Mean Kullback-Leibler divergence of the scores, in nats.
  double divergence = 0;
  /// Share of right answers; absent without labels.
  std::optional<double> metric;
  int64_t samples = 0, changed = 0;
};

struct EvaluatorOptions {
  /// The output with class scores; empty for the first.
  std::string output;
  /// The metric is top-k.
  int64_t k = 1;
  /// Samples per run, where the model leaves that open.
  int64_t batch = 1;
  /// At most so many samples; 0 for all.
  int64_t limit = 0;
};

/// Runs a model natively with one or the other set of weights and compares with the float model.
class Evaluator {
public:
  /// Compiles the model, runs it on the data and keeps its outputs. `rounded` are the operands
  /// that a format may store as integers (isRoundable).
  static llvm::Expected<std::unique_ptr<Evaluator>>
  create(mlir::ModuleOp module, const Inventory &inventory, const Dataset &data,
         const EvaluatorOptions &options, llvm::ArrayRef<mlir::OpOperand *> rounded = {});

  /// Gives the constants of a unit what is left of them in a format, and rounds its activations as
  /// that does; with null, their own values again.
  llvm::Error setUnit(size_t unit, const EncodedUnit *encoded);

  /// Measures the model as it is now on the first `samples` samples; 0 for all.
  llvm::Expected<OutputMeasure> measure(int64_t samples = 0);

  int64_t size() const { return count; }
  bool hasLabels() const { return data.hasLabels(); }
  /// Of the float model, on the first `samples` samples; 0 for all.
  std::optional<double> getFloatMetric(int64_t samples = 0) const;
  /// The inputs of one run.
  std::vector<HostTensor> getInputs() const { return Dataset::slice(arrays, 0, batch); }
  const SwappableModel &getModel() const { return *model; }

private:
  Evaluator(const Inventory &inventory, const Dataset &data, const EvaluatorOptions &options,
            llvm::ArrayRef<mlir::OpOperand *> rounded)
      : inventory(inventory), data(data), options(options), rounded(rounded) {}
  llvm::Error runReference();
  /// Outputs of all batches, computed in parallel.
  llvm::Expected<std::vector<std::vector<HostTensor>>> runAll(int64_t samples);
  llvm::Expected<Scores> getScores(llvm::ArrayRef<HostTensor> outputs) const;

  const Inventory &inventory;
  const Dataset &data;
  EvaluatorOptions options;
  llvm::SmallVector<mlir::OpOperand *> rounded;
  /// For each of them, the grid that it is on.
  std::vector<HostTensor> grids;
  std::unique_ptr<SwappableModel> model;
  std::vector<HostTensor> arrays;
  int64_t count = 0, batch = 1;
  size_t scoreOutput = 0;
  bool probabilities = true;
  /// Per batch.
  std::vector<std::vector<HostTensor>> outputs;
  std::vector<Scores> scores;
};

/// One unit in one format, alone.
struct OptionSensitivity {
  std::string obstacle;
  uint64_t bits = 0, bytes = 0;
  /// Operations of one run: those of its ops, and of decoding.
  uint64_t operations = 0;
  /// Measured time of its ops in this format; 0 where not measured.
  uint64_t nanoseconds = 0;
  double noise = 0, divergence = 0;
  /// Points of the metric that are lost; negative where it gained.
  double drop = 0;
  /// Whether activations are rounded, too.
  bool isInteger = false;
};

struct UnitSensitivity {
  std::string name;
  std::vector<std::string> layers;
  uint64_t elements = 0, plainBytes = 0, operations = 0, nanoseconds = 0;
  std::vector<OptionSensitivity> options;
};

struct SensitivityTable {
  std::vector<std::string> candidates;
  /// The passes that chose for activations.
  std::string activations;
  /// Of the weights it was measured with.
  uint64_t hash = 0;
  int64_t samples = 0;
  std::string data;
  bool hasLabels = false, hasTimes = false;
  std::vector<UnitSensitivity> units;

  llvm::json::Value toJSON() const;
  static llvm::Expected<SensitivityTable> fromJSON(const llvm::json::Value &value);
};

/// Encodes one unit after the other in every format, all others in float. `encoded[c][u]` is unit u
/// in candidate c.
llvm::Expected<SensitivityTable>
measureSensitivities(const Inventory &inventory, llvm::ArrayRef<Candidate> candidates,
                     llvm::ArrayRef<std::vector<EncodedUnit>> encoded, Evaluator &evaluator,
                     int64_t samples, llvm::function_ref<void()> advance = nullptr);

llvm::Error writeSensitivities(llvm::StringRef path, const SensitivityTable &table);
llvm::Expected<SensitivityTable> readSensitivities(llvm::StringRef path);

} // namespace terse::mixed

#endif // TERSE_MIXEDPRECISION_SENSITIVITY_H
