//===- ProductKernel.h - Products of two activations ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_PRODUCTKERNEL_H
#define TERSE_LIB_CODEGEN_CPU_PRODUCTKERNEL_H

#include "KernelBuilder.h"

namespace terse {

/// How many items the range of a kernel `Product` runs over: blocks of rows of one matrix after the
/// other.
mlir::Value countProductItems(mlir::OpBuilder &b, mlir::linalg::GenericOp op,
                              const ContractionShape &shape);

/// Code for the items [begin, end) of `op`, before it.
void buildProductKernel(mlir::OpBuilder &b, mlir::linalg::GenericOp op,
                        const ContractionShape &shape, const KernelTarget &target,
                        mlir::Value begin, mlir::Value end);

} // namespace terse

#endif
