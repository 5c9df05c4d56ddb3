//===- LayerErrors.h - Where a compressed model errs ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_EVALUATION_LAYERERRORS_H
#define TERSE_EVALUATION_LAYERERRORS_H

#include "mlir/IR/BuiltinOps.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Evaluation/Dataset.h"
#include "terse/Evaluation/Metrics.h"

namespace terse {

/// The errors of one layer of a compressed model, over all samples.
struct LayerError {
  std::string name;
  /// Of its result when its inputs are those of the float model: what it adds by itself.
  Distortion local;
  /// Of its result when all layers before it are compressed, too.
  Distortion accumulated;
  /// Of the model's outputs when its result is the compressed layer's and everything else is float.
  Distortion output;
};

/// Measures all layers: the named float values at the top level of both models' entry functions
/// that have the same name and type. An imported layer may be several ops of its name: the last
/// one's result is the layer's. Where the compressed model has batch norms folded, they are folded
/// in a copy of the float one too.
///
/// Four models do it, compiled with `options`: the float one that shows all layers, and the one
/// whose layers take differences to add; the compressed one that shows all layers, and the one cut
/// into layers that are given their inputs. `see` gets every value of the compressed model, and the
/// inputs, by name.
llvm::Expected<std::vector<LayerError>>
measureLayerErrors(mlir::ModuleOp reference, mlir::ModuleOp compressed, const Dataset &data,
                   int64_t samples,
                   llvm::function_ref<void(llvm::StringRef, const HostTensor &)> see = nullptr,
                   const CompileOptions &options = {});

} // namespace terse

#endif // TERSE_EVALUATION_LAYERERRORS_H
