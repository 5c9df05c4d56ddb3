//===- Magnitudes.h - Largest magnitudes of a kernel's results ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_MAGNITUDES_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_MAGNITUDES_H

#include "mlir/IR/Value.h"

namespace terse {

class KernelCode;

/// Code that keeps the largest magnitude of the sample at hand in a register and joins it with
/// memory when another sample, or the end, comes. Maxima are the same in every order, so that any
/// number of threads gives the same bits.
class Magnitudes {
public:
  explicit Magnitudes(KernelCode &k) : k(k) {}

  /// `results`, a vector of f32, belong to `sample`, but the lanes that `mask` (may be null) leaves
  /// out.
  void add(mlir::Value sample, mlir::Value results, mlir::Value mask);

  /// Results are those of `sample` alone until `release`, which stands in the same block: a
  /// register keeps what is known of them.
  void hold(mlir::Value sample) { heldSample = sample; }
  void release();
  /// At the end of a function that has added.
  void flush();

private:
  mlir::Value getBits(mlir::Value results, mlir::Value mask);
  void join(mlir::Value sample, llvm::function_ref<mlir::Value()> bits);
  void start(int64_t count);
  void write(mlir::Value sample);

  // While results of one sample are held.
  mlir::Value heldSample, held;

  KernelCode &k;
  // One vector and one index on the stack, which become registers.
  mlir::Value largest, current;
  int64_t lanes = 0;
};

} // namespace terse

#endif
