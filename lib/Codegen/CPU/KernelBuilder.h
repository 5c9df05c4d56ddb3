//===- KernelBuilder.h - Vector code of contraction kernels ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_KERNELBUILDER_H
#define TERSE_LIB_CODEGEN_CPU_KERNELBUILDER_H

#include "ContractionShape.h"

namespace terse {

struct KernelTarget {
  int64_t vectorBytes = 32;
  bool hasFMA = true;
};

/// How a kernel is tiled: `scalars` values along scalarDim, `rows` along rowDim, `vectors` vectors
/// of `lanes` along vectorDim (dot: `vectors` rows of single vectors) are accumulated in registers.
struct KernelTiles {
  int64_t lanes = 1, scalars = 1, rows = 1, vectors = 1;
};
KernelTiles chooseTiles(mlir::linalg::GenericOp op, const ContractionShape &shape,
                        const KernelTarget &target);

/// Extents of the outer iterations, whose product is the range that a kernel function runs over:
/// the outer dimensions, then tiles of scalarDim (panel) or vectorDim (dot).
llvm::SmallVector<mlir::Value> getOuterExtents(mlir::OpBuilder &b, mlir::linalg::GenericOp op,
                                               const ContractionShape &shape,
                                               const KernelTiles &tiles);

/// Code for the outer iterations [begin, end) of `op`, before it.
void buildKernel(mlir::OpBuilder &b, mlir::linalg::GenericOp op, const ContractionShape &shape,
                 const KernelTiles &tiles, const KernelTarget &target, mlir::Value begin,
                 mlir::Value end);

} // namespace terse

#endif
