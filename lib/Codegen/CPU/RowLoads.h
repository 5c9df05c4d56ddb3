//===- RowLoads.h - Elements of rows that are chosen at run time *- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_ROWLOADS_H
#define TERSE_LIB_CODEGEN_CPU_ROWLOADS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/SetVector.h"

namespace terse {

/// Loads in the body of a linalg op from contiguous elements along one of its loops, of a row that
/// the body computes.
struct RowLoads {
  llvm::SmallVector<mlir::memref::LoadOp> loads;
  /// What computes the rows: the same for all iterations of the loop.
  llvm::SetVector<mlir::Operation *> indices;

  bool contains(mlir::Operation *op) const {
    return indices.contains(op) || llvm::is_contained(loads, op);
  }
};

/// The loads of `op` along loop `loop`; nothing if it has others, or uses loop indices otherwise.
std::optional<RowLoads> findRowLoads(mlir::linalg::GenericOp op, unsigned loop);

} // namespace terse

#endif
