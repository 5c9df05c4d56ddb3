//===- Chain.h - Kernels that work strip by strip -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_CHAIN_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_CHAIN_H

#include "KernelCode.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace terse {

/// A kernel of a chain: the op, which items compute which rows of its result, its function over
/// ranges of items, and the values of its operands in the chain's function (null: a buffer in
/// between).
struct ChainStage {
  /// Nothing where `op` is no kernel that computes rows of known images in blocks.
  static std::optional<ChainStage> get(ukernel::KernelOpInterface op);

  ukernel::KernelOpInterface op;
  KernelBlocks blocks;
  mlir::func::FuncOp function = nullptr;
  llvm::SmallVector<mlir::Value> operands = {};
};

/// Bytes in which `slots` ranges of strips find room at a time.
int64_t getScratchBytes(llvm::ArrayRef<ChainStage> stages, int64_t rows, int64_t slots);

/// Before the strips: no slot of `scratch` is in use.
void clearSlots(VectorCode &code, mlir::Value scratch, int64_t slots);

/// Code of the strips [begin, end) of a chain, of about `rows` rows of the last result each, and
/// how many there are.
void buildChain(VectorCode &code, llvm::ArrayRef<ChainStage> stages, int64_t rows,
                mlir::Value scratch, int64_t slots, mlir::Value begin, mlir::Value end);
mlir::Value countStrips(VectorCode &code, const ChainStage &last, int64_t rows);

} // namespace terse

#endif
