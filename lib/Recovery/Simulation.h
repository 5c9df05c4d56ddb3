//===- Simulation.h - What a model is going to compute ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_RECOVERY_SIMULATION_H
#define TERSE_LIB_RECOVERY_SIMULATION_H

#include "terse/Calibration/Calibration.h"
#include "terse/Dialect/NN/IR/NNInterfaces.h"
#include "llvm/ADT/SmallVector.h"

#include <memory>
#include <vector>

namespace terse {

/// The model with its choices carried out, whose biases can be changed between runs: they are
/// inputs, so that one compilation serves all. Weights are rounded and stay floats, activations are
/// encoded where that is chosen; biases stay floats. It shows the mean of each layer's output per
/// channel.
class Simulation {
public:
  /// `layers` are ops at the top level of the entry function for which canCorrectBias holds. The
  /// module is not changed.
  static llvm::Expected<std::unique_ptr<Simulation>>
  create(mlir::ModuleOp module, llvm::ArrayRef<nn::ContractionLike> layers, bool interpret);
  ~Simulation();

  /// Adds to the bias of a layer.
  void addToBias(size_t layer, llvm::ArrayRef<double> amounts);
  /// What has been added so far.
  llvm::ArrayRef<double> getAdded(size_t layer) const;

  /// The means over samples and positions, per layer and channel.
  llvm::Expected<std::vector<std::vector<double>>>
  run(llvm::ArrayRef<std::vector<HostTensor>> samples);

private:
  struct Impl;
  explicit Simulation(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// Drops the choices for weights and biases, which stay floats, and carries out (`apply`) or drops
/// all others.
llvm::Error carryOutActivations(mlir::ModuleOp module, bool apply);

} // namespace terse

#endif // TERSE_LIB_RECOVERY_SIMULATION_H
