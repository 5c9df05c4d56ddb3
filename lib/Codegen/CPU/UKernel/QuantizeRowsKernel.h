//===- QuantizeRowsKernel.h - Rounding of floats to bytes -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_QUANTIZEROWSKERNEL_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_QUANTIZEROWSKERNEL_H

#include "VectorCode.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"

namespace terse {

/// Code of the items [begin, end) of `op`: pieces of lines of the innermost dimension.
void buildQuantizeRows(VectorCode &code, ukernel::QuantizeRowsOp op, int64_t vectorBytes,
                       mlir::Value begin, mlir::Value end);
/// How many items there are.
mlir::Value countQuantizeRowsItems(VectorCode &code, ukernel::QuantizeRowsOp op);
/// How many numbers are rounded.
mlir::Value countQuantizeRowsWork(VectorCode &code, ukernel::QuantizeRowsOp op);

} // namespace terse

#endif
