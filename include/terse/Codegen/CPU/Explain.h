//===- Explain.h - Which code a model becomes -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CODEGEN_CPU_EXPLAIN_H
#define TERSE_CODEGEN_CPU_EXPLAIN_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/raw_ostream.h"

namespace terse {

/// Prints a table of what a module computes after the stage "linalg": for every kernel its sizes,
/// instructions, tile, packed weights and estimated cycles, for every other loop what it reads and
/// writes, and at the end what they come to. Sizes are those of one sample where the batch is not
/// known.
void explainKernels(mlir::ModuleOp module, llvm::raw_ostream &os);

/// The last line's sum: cycles of one core for a run.
double estimateCycles(mlir::ModuleOp module);

/// Layers whose input is rounded to integers at run time and that, with the rounding, are estimated
/// to take longer than they would on floats.
std::vector<std::string> findSlowIntegers(mlir::ModuleOp module);

/// How many kernels multiply integers by plain vectors, for want of instructions.
size_t countPlainIntegers(mlir::ModuleOp module);

} // namespace terse

#endif // TERSE_CODEGEN_CPU_EXPLAIN_H
