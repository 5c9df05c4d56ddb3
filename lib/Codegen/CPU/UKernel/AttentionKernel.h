//===- AttentionKernel.h - Softmax of products, times values --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_ATTENTIONKERNEL_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_ATTENTIONKERNEL_H

#include "VectorCode.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"

namespace terse {

/// Code of the items [begin, end) of `op` on buffers: blocks of rows of one head after the other.
void buildAttentionKernel(VectorCode &code, ukernel::AttentionOp op, int64_t vectorBytes,
                          mlir::Value begin, mlir::Value end);
/// How many items there are.
mlir::Value countAttentionItems(VectorCode &code, ukernel::AttentionOp op, int64_t vectorBytes);
/// Multiply-adds of both products.
mlir::Value countAttentionWork(VectorCode &code, ukernel::AttentionOp op);

} // namespace terse

#endif
