//===- RoundedLayers.h - Data in, rounded layers out -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_RECOVERY_ROUNDEDLAYERS_H
#define TERSE_LIB_RECOVERY_ROUNDEDLAYERS_H

#include "Rounding.h"
#include "terse/Dialect/NN/IR/NNInterfaces.h"

namespace terse {

struct RoundedLayersOptions {
  std::string pass, origin;
  GatherOptions gather;
  /// Whether biases take up what the rounding adds to the mean of each output.
  bool correctBias = false;
};

struct RoundedLayersCounts {
  unsigned rounded = 0, skipped = 0;
};

/// What the methods that round layer by layer have in common: gathers the moments of all layers,
/// calls `round` for each, and writes weights, parameters and biases. A remark per layer (category:
/// the pass) tells what it gained.
llvm::Expected<RoundedLayersCounts>
roundLayers(mlir::ModuleOp module, const RoundedLayersOptions &options,
            llvm::function_ref<mlir::FailureOr<RoundedLayer>(const RecoverableLayer &)> round);

/// Whether the op has a constant f32 bias, or can be given one.
bool canCorrectBias(nn::ContractionLike op);

/// Adds to the bias, one number per output channel; creates one if there is none. Biases of layers
/// that are to compute on integers stay integers. Does nothing if canCorrectBias is false.
void addToBias(nn::ContractionLike op, llvm::ArrayRef<double> amounts, mlir::SymbolTable &symbols);

} // namespace terse

#endif // TERSE_LIB_RECOVERY_ROUNDEDLAYERS_H
