//===- SwappableModel.h - Native code whose weights change ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Trying a hundred encodings of a weight must not mean to compile a hundred
// times. Code reads its weights from a blob, in an order that compilation chose,
// so other values of the same shape need no other code: they are written where
// the old ones stand.
//
// Which element stands where is found out instead of computed again: the weights
// are laid out a second and a third time with numbers in the place of their
// values that say which weight and which element it is.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_MIXEDPRECISION_SWAPPABLEMODEL_H
#define TERSE_MIXEDPRECISION_SWAPPABLEMODEL_H

#include "mlir/IR/OwningOpRef.h"
#include "terse/Codegen/CPU/Compiler.h"

namespace terse::mixed {

class SwappableModel {
public:
  /// `weights` names f32 globals of the module, which is not changed.
  static llvm::Expected<std::unique_ptr<SwappableModel>> create(mlir::ModuleOp module,
                                                                llvm::ArrayRef<std::string> weights,
                                                                const CompileOptions &options = {});

  /// Whether weights are replaced in the blob. Otherwise, where compilation computes with them, the
  /// next run compiles again: slow, with the same results.
  bool swapsInPlace() const { return inPlace; }

  /// Gives a weight other f32 values of its shape.
  llvm::Error set(size_t weight, const HostTensor &values);

  /// Compiles again if that is what the last changes need.
  llvm::Error refresh();

  /// Runs with the weights of now. After refresh() calls may run concurrently, until the next
  /// set().
  llvm::Expected<std::vector<HostTensor>> run(llvm::ArrayRef<HostTensor> inputs);

  llvm::ArrayRef<TensorSignature> getInputs() const { return model->getInputs(); }
  llvm::ArrayRef<TensorSignature> getOutputs() const { return model->getOutputs(); }

private:
  struct Weight {
    std::string symbol;
    HostTensor values;
    /// Element `elements[i]` stands at the word `words[i]` of the blob.
    std::vector<uint32_t> words, elements;
  };

  /// Fills the places of all weights; false if the blob is not made of their elements.
  llvm::Expected<bool> findPlaces();
  /// The module with other values of all weights.
  mlir::OwningOpRef<mlir::ModuleOp> cloneWith(llvm::function_ref<HostTensor(size_t)> getValues);

  mlir::OwningOpRef<mlir::ModuleOp> module;
  CompileOptions options;
  std::vector<Weight> weights;
  std::unique_ptr<JITModel> model;
  bool inPlace = false, stale = false;
};

} // namespace terse::mixed

#endif // TERSE_MIXEDPRECISION_SWAPPABLEMODEL_H
