//===- ByteLanes.h - Bytes of several vectors in one lane -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_BYTELANES_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_BYTELANES_H

#include "KernelCode.h"

namespace terse {

/// Four vectors of 64 bytes to four whose lanes of 32 bits have a byte of each: lanes of elements
/// 0-3, 16-19, 32-35 and 48-51, then 4-7 and so on.
llvm::SmallVector<mlir::Value> interleaveBytes(KernelCode &k, llvm::ArrayRef<mlir::Value> four);

/// Quarters of four vectors of 16 lanes: the first ones of all, the second ones, ... From the order
/// of interleaved vectors to that of elements, and back.
llvm::SmallVector<mlir::Value> transposeQuarters(KernelCode &k, llvm::ArrayRef<mlir::Value> four);

} // namespace terse

#endif
