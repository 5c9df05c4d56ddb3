//===- ElementFunction.h - Functions of one element -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ops whose result is a function of one element of one computed tensor (integer form
// Table). Several in a row are one function, too: on integers they are one table, and
// nothing is rounded between them.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_DIALECT_TERSE_TRANSFORMS_ELEMENTFUNCTION_H
#define TERSE_DIALECT_TERSE_TRANSFORMS_ELEMENTFUNCTION_H

#include "mlir/IR/Operation.h"
#include "terse/Support/HostTensor.h"
#include "llvm/Support/Error.h"

namespace terse {

/// Whether `op` is such an op with an f32 result.
bool isElementFunction(mlir::Operation *op);

/// The element function that alone reads the result of `op`, in the same block; or null.
mlir::Operation *getNextFunction(mlir::Operation *op);

/// What `chain`, each op of which reads the one before, makes of 1-D `values`, by the reference
/// interpreter.
llvm::Expected<HostTensor> evaluateFunctions(llvm::ArrayRef<mlir::Operation *> chain,
                                             const HostTensor &values);

} // namespace terse

#endif // TERSE_DIALECT_TERSE_TRANSFORMS_ELEMENTFUNCTION_H
