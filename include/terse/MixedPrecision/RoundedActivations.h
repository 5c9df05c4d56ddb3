//===- RoundedActivations.h - Activations that can be rounded ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Trying integer activations must not mean to compile again either. What an
// operand reads is put on a grid whose numbers are inputs of the model,
//
//   x' = min(max(round(x * i[0]), i[1]), i[2]) * i[3]
//
// and with numbers that are fine and wide enough x' is x.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_MIXEDPRECISION_ROUNDEDACTIVATIONS_H
#define TERSE_MIXEDPRECISION_ROUNDEDACTIVATIONS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "terse/Support/HostTensor.h"
#include "llvm/Support/Error.h"

namespace terse::mixed {

/// Whether `choice` for the operand stores a computed f32 tensor as integers with given parameters,
/// in an op at the top level of a function.
bool isRoundable(mlir::OpOperand &operand, mlir::Attribute choice);

/// Puts the operand of an op at the top level of `function` on a grid that a new input at the end
/// describes: four numbers.
llvm::Error insertRounding(mlir::func::FuncOp function, mlir::OpOperand &operand);

/// The grid of a choice for which isRoundable holds; with null one on which numbers stay what they
/// are (to 2^-40, below 2^87).
HostTensor getGrid(mlir::Attribute choice);

} // namespace terse::mixed

#endif // TERSE_MIXEDPRECISION_ROUNDEDACTIVATIONS_H
