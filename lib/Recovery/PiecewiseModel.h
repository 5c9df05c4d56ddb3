//===- PiecewiseModel.h - A model that runs piece by piece ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Methods that decide about layers one after another need the inputs of a layer
// after the layers before have been decided about. What these compute does not
// change any more then: it is kept for all samples at a place where it is small, and
// only the ops behind it are compiled and run.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_RECOVERY_PIECEWISEMODEL_H
#define TERSE_LIB_RECOVERY_PIECEWISEMODEL_H

#include "SampleFile.h"
#include "mlir/IR/BuiltinOps.h"
#include "terse/Dialect/NN/IR/NNInterfaces.h"

#include <memory>

namespace terse {

class PiecewiseModel {
public:
  struct Options {
    /// Whether the choices for activations are carried out or dropped.
    bool encodeActivations = false;
    bool interpret = false;
    /// How many samples there will be.
    int64_t samples = 0;
  };

  /// `module` outlives this, its ops at the top level of the entry function stay the same ones.
  /// Constants may change.
  static llvm::Expected<std::unique_ptr<PiecewiseModel>> create(mlir::ModuleOp module,
                                                                const Options &options);
  ~PiecewiseModel();

  /// Compiles what leads from the values that are kept to the activations of `layers`. All ops
  /// before `boundary` (null: none) are final: if what crosses it is small, it is kept from now on.
  llvm::Error prepare(mlir::Operation *boundary, llvm::ArrayRef<nn::ContractionLike> layers);

  struct Result {
    std::vector<HostTensor> activations; ///< Of the layers, decoded.
    std::vector<HostTensor> kept;        ///< For keep().
  };
  /// `inputs` are those of the model. May be called from several threads.
  llvm::Expected<Result> run(size_t sample, llvm::ArrayRef<HostTensor> inputs);
  /// Takes over what run() gave, in the order of the samples.
  llvm::Error keep(const Result &result);
  /// After the last sample.
  void finish();

  /// Whether run() needs the inputs.
  bool needsInputs() const;

private:
  struct Impl;
  explicit PiecewiseModel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace terse

#endif // TERSE_LIB_RECOVERY_PIECEWISEMODEL_H
