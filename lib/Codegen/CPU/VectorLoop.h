//===- VectorLoop.h - One linalg op as a loop over vectors ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_VECTORLOOP_H
#define TERSE_LIB_CODEGEN_CPU_VECTORLOOP_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace terse {

/// Which loop of an elementwise op or reduction runs over vectors, and how.
struct VectorLoop {
  unsigned loop;
  /// The loop over whose iterations other inputs lie side by side: squares of both loops are turned
  /// in registers.
  std::optional<unsigned> turned;
  int64_t lanes;
  bool hasFMA;
};

/// The op that joins the result of a reduction so far with a new value, if lanes can do so apart
/// from each other; else null.
mlir::Operation *getCombiner(mlir::linalg::GenericOp op);

/// Items of the range that `buildVectorLoop` runs over: rows or strips of squares, in pieces where
/// the pieces do not meet in one result.
mlir::Value countLoopItems(mlir::OpBuilder &b, mlir::linalg::GenericOp op, const VectorLoop &shape);

/// Iterations of all loops.
mlir::Value countLoopWork(mlir::OpBuilder &b, mlir::linalg::GenericOp op, const VectorLoop &shape);

/// Code of the items [begin, end) of `op`, which stays.
void buildVectorLoop(mlir::OpBuilder &b, mlir::linalg::GenericOp op, const VectorLoop &shape,
                     mlir::Value begin, mlir::Value end);

} // namespace terse

#endif
