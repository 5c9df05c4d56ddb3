//===- Tune.h - Measures schedules of kernels -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CODEGEN_CPU_TUNE_H
#define TERSE_CODEGEN_CPU_TUNE_H

#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Dialect/UKernel/Transforms/Tuning.h"

namespace terse {

struct TuneResult {
  /// Kernels that were measured, and those of them for which another schedule was faster.
  unsigned measured = 0, changed = 0;
  /// The sum of the times of all measured kernels, with the schedules found, over that with those
  /// the compiler chooses itself.
  double ratio = 1;
};

/// Compiles each kernel of `module` that `tuning` does not know on its own, in every schedule that
/// is worth trying, times them in turns on one thread of this machine, and adds the fastest to
/// `tuning`. Another schedule than the compiler's own must be faster by 3 %. Sizes that are not
/// known are 1. Not measured: windows of single channels and kernels that decode weights.
/// `progress` is told what is measured, by index.
llvm::Expected<TuneResult>
tuneKernels(mlir::ModuleOp module, const CompileOptions &options, ukernel::Tuning &tuning,
            llvm::function_ref<void(llvm::StringRef kernel, size_t index, size_t total)> progress);

} // namespace terse

#endif // TERSE_CODEGEN_CPU_TUNE_H
