//===- Calibration.h - Runs a model and shows what is inside ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CALIBRATION_CALIBRATION_H
#define TERSE_CALIBRATION_CALIBRATION_H

#include "mlir/IR/BuiltinOps.h"
#include "terse/Support/HostTensor.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>

namespace terse {

/// Samples of an .npz file, one at a time, for the inputs of a model.
class CalibrationData {
public:
  /// Arrays are found by the names of the inputs of the module's entry function; the only array
  /// serves the only input whatever its name, labels apart. Checks everything but the data
  /// themselves.
  static llvm::Expected<std::unique_ptr<CalibrationData>> open(mlir::ModuleOp module,
                                                               llvm::StringRef path);
  ~CalibrationData();

  int64_t size() const;
  /// The inputs of the next sample, in the model's order. NaN and infinities are errors.
  llvm::Expected<std::vector<HostTensor>> next();

private:
  struct Impl;
  explicit CalibrationData(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// A model whose results are followed by the values of `observed`, which are defined at the top
/// level of its entry function. It runs natively or in the interpreter; the module is not changed.
class ObservedModel {
public:
  static llvm::Expected<std::unique_ptr<ObservedModel>>
  create(mlir::ModuleOp module, llvm::ArrayRef<mlir::Value> observed, bool interpret);
  ~ObservedModel();

  /// The observed values for one sample, in order.
  llvm::Expected<std::vector<HostTensor>> run(llvm::ArrayRef<HostTensor> inputs);

private:
  struct Impl;
  explicit ObservedModel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// Runs the entry function of `module` on all samples (at most `limit`, if positive), natively or
/// in the interpreter, and shows the values of `observed`, which are defined at the top level of
/// that function: `see(i, tensor)` for each, in order, sample by sample. The module is not changed.
/// Returns the number of samples.
llvm::Expected<int64_t> observeValues(mlir::ModuleOp module, llvm::ArrayRef<mlir::Value> observed,
                                      CalibrationData &data, int64_t limit, bool interpret,
                                      llvm::function_ref<void(size_t, const HostTensor &)> see);

} // namespace terse

#endif // TERSE_CALIBRATION_CALIBRATION_H
