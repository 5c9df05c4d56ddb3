//===- ScaledInputs.h - Layers whose input gets factors --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What SmoothQuant and AWQ have in common: the values that layers with chosen
// weights read, statistics of their channels, the error that any factors would
// leave in the layers' outputs, and writing the factors down. They differ in the
// factors that they try.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_RECOVERY_SCALEDINPUTS_H
#define TERSE_LIB_RECOVERY_SCALEDINPUTS_H

#include "LayerInputs.h"
#include "MoveFactors.h"

#include <memory>

namespace terse {

/// What was seen of one channel of an input.
struct ChannelRange {
  double min = 0, max = 0, absSum = 0;
  uint64_t count = 0;
  double getAbsMax() const { return std::max(-min, max); }
  double getAbsMean() const { return count ? absSum / double(count) : 0; }
};

/// A value, the layers that multiply it with weights, and how to give it factors.
struct ScaledInput {
  mlir::Value value;
  int64_t axis;
  std::vector<RecoverableLayer *> layers;
  /// Nothing if it cannot be given factors but by an op of its own.
  std::optional<FactorPlan> plan;
  /// Why not.
  std::string reason;
  std::vector<ChannelRange> channels;

  /// The largest |w| that meets each channel.
  std::vector<double> getWeightMagnitudes() const;
};

/// For each column of a layer's matrix and group, the channel of the input: `[group * columns +
/// column]`.
std::vector<int64_t> getColumnChannels(const RecoverableLayer &layer);

/// What passes that give inputs factors begin with. Each part refers to the one before.
struct ScalableModel {
  std::vector<ChosenWeight> weights;
  std::vector<RecoverableLayer> layers;
  std::vector<ScaledInput> inputs;
};

/// Finds the layers with chosen weights and runs the model on the data, which gives the moments of
/// all layers and the statistics of all inputs. `pass` stands in errors.
llvm::Expected<std::unique_ptr<ScalableModel>>
measureInputs(mlir::ModuleOp module, llvm::StringRef pass, const GatherOptions &options);

/// The summed mean squared errors of the outputs of the layers that read `input`, if its channels
/// are divided by `factors`, the weights multiplied with them and encoded as chosen, and what is
/// read has noise of variance `noise`. Fails with a diagnostic if a weight cannot be encoded.
mlir::FailureOr<double> getOutputError(const ScaledInput &input, llvm::ArrayRef<double> factors,
                                       double noise);

/// trace(D H D^T) for each row of `difference` = W' - W, which is in the weight's layout; H are
/// moments of inputs that have been divided by `factors`, one per channel, or none. `[group * rows
/// + row]`.
std::vector<double> getRowErrors(const RecoverableLayer &layer, llvm::ArrayRef<float> difference,
                                 llvm::ArrayRef<double> factors);

/// Divides the input by the factors and multiplies weights with them. `explicitly`: by an op before
/// the layers.
void scaleInput(ScaledInput &input, llvm::ArrayRef<double> factors, bool explicitly,
                mlir::SymbolTable &symbols);

/// Divides by the geometric mean; factors that are no positive numbers become 1.
void normalizeFactors(std::vector<double> &factors);

/// What became of the layers, for statistics and remarks.
struct ScalingCounts {
  unsigned scaled = 0, kept = 0, blocked = 0;
};

/// For each input: `choose` gives factors or none, and they are written down. `factors` has them
/// per layer afterwards.
llvm::Expected<ScalingCounts>
scaleInputs(mlir::ModuleOp module, std::vector<ScaledInput> &inputs, llvm::StringRef pass,
            bool explicitly,
            llvm::function_ref<mlir::FailureOr<std::vector<double>>(const ScaledInput &)> choose,
            llvm::DenseMap<mlir::Operation *, std::vector<double>> &factors);

} // namespace terse

#endif // TERSE_LIB_RECOVERY_SCALEDINPUTS_H
