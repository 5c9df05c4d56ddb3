//===- Specialize.h - Fix inputs and sizes of a loaded model ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_MODELIO_SPECIALIZE_H
#define TERSE_LIB_MODELIO_SPECIALIZE_H

#include "terse/ModelIO/ModelFile.h"

namespace terse {

/// Makes the bound inputs constants and the given dimensions static, as the importer does, in a
/// module that is imported already; then folds what follows from them.
llvm::Error specialize(mlir::ModuleOp module, const LoadOptions &options);

} // namespace terse

#endif // TERSE_LIB_MODELIO_SPECIALIZE_H
