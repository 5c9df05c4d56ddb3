//===- ByteLanes.h - Bytes of several vectors in one lane -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_BYTELANES_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_BYTELANES_H

#include "KernelCode.h"

namespace terse {

/// Four vectors of bytes to four whose lanes of 32 bits have a byte of each. Of vectors of 512 bits
/// the first has the elements 0-3, 16-19, 32-35 and 48-51, the second 4-7 and so on; of 256 bits
/// 0-3 and 16-19.
llvm::SmallVector<mlir::Value> interleaveBytes(KernelCode &k, llvm::ArrayRef<mlir::Value> four);

/// Four vectors of 32-bit lanes in the order of interleaved bytes to the order of elements.
llvm::SmallVector<mlir::Value> orderInterleaved(KernelCode &k, llvm::ArrayRef<mlir::Value> four);

/// The reverse.
llvm::SmallVector<mlir::Value> interleaveLanes(KernelCode &k, llvm::ArrayRef<mlir::Value> four);

} // namespace terse

#endif
