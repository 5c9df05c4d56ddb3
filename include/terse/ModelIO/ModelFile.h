//===- ModelFile.h - Models in files ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model is a module in one file and its weights in another: `x.mlirbc` (or the
// text form `x.mlir`) and `x.safetensors` beside it. The module's globals are
// `#ml_program.extern`; each names a tensor of the weights file, from whose
// mapping the loaded module's blobs are views.
//
// docs/ModelFiles.md describes the format.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_MODELIO_MODELFILE_H
#define TERSE_MODELIO_MODELFILE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "terse/Support/HostTensor.h"
#include "terse/Support/TensorSignature.h"
#include "llvm/Support/Error.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace terse {

/// What stands in the weights file under the key `terse_format`. A reader knows one version and all
/// earlier ones.
constexpr int kModelFormat = 1;

struct LoadOptions {
  /// Inputs that become constants: the loaded model does not have them any more, and what follows
  /// from them is folded.
  std::map<std::string, HostTensor> bindings;
  /// Sizes of dynamic dimensions, by their name or as `input[1]`.
  std::map<std::string, int64_t> dims;
  /// If given, keys of both that the model has are added, and the others ignored instead of
  /// refused: for several models that share the options.
  std::set<std::string> *used = nullptr;
};

/// Loads `.onnx`, `.mlir` or `.mlirbc`, told by the contents. Weights are mapped, not copied, and
/// stay mapped as long as the context lives. Parser diagnostics go to the context's handler; the
/// returned error is complete without them otherwise.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
loadModel(mlir::MLIRContext &context, llvm::StringRef path, const LoadOptions &options = {});

struct SavedModel {
  std::string weightsPath;
  uint64_t moduleBytes = 0, weightsBytes = 0;
};

/// Saves a module as `path` (text if it ends in `.mlir`, else bytecode) and its globals as the
/// weights file. The same module gives the same bytes. On failure no file is changed. The globals'
/// values become `#ml_program.extern` during the call and are restored.
llvm::Expected<SavedModel> saveModel(mlir::ModuleOp module, llvm::StringRef path);

/// `x.safetensors` for `x.mlirbc` and `x.mlir`.
std::string getWeightsPath(llvm::StringRef modelPath);

/// Whether saveModel could create both files at `path`; the message says why not.
llvm::Error checkModelPathWritable(llvm::StringRef path);

/// Bytes of a model on disk: the module's file and, where there is one, its weights file.
llvm::Expected<uint64_t> getModelFileBytes(llvm::StringRef path);

struct ModelSignature {
  std::vector<TensorSignature> inputs, outputs;
};

/// The function that a model's users call: `main`, or the only public function with a body.
llvm::Expected<mlir::func::FuncOp> findEntryFunction(mlir::ModuleOp module);

/// Names and types of the entry function. Names come from `nn.name`; `inputN` and `outputN` where
/// there is none.
llvm::Expected<ModelSignature> getSignature(mlir::ModuleOp module);

/// Picks the model's inputs out of named tensors, in the model's order, and converts nothing:
/// missing names, wrong element types and wrong shapes are errors that say what is there and what
/// is needed. `source` names the file in messages.
llvm::Expected<std::vector<HostTensor>>
bindInputs(const ModelSignature &signature,
           llvm::ArrayRef<std::pair<std::string, HostTensor>> tensors, llvm::StringRef source);

/// Whether a tensor can be passed for `expected`.
llvm::Error checkInput(const TensorSignature &expected, const HostTensor &tensor,
                       llvm::StringRef source);

} // namespace terse

#endif // TERSE_MODELIO_MODELFILE_H
