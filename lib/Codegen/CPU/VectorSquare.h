//===- VectorSquare.h - Squares of vectors turned in registers -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_VECTORSQUARE_H
#define TERSE_LIB_CODEGEN_CPU_VECTORSQUARE_H

#include "mlir/IR/Builders.h"

namespace terse {

/// The columns of as many vectors as one of them has elements, a power of two.
llvm::SmallVector<mlir::Value> transposeSquare(mlir::OpBuilder &b, mlir::Location loc,
                                               llvm::SmallVector<mlir::Value> rows);

} // namespace terse

#endif
