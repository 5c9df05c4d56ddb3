//===- ConstantBuilder.h - Host tensors as constants of the module --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_TRANSFORMS_CONSTANTBUILDER_H
#define TERSE_DIALECT_NN_TRANSFORMS_CONSTANTBUILDER_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"
#include "terse/Support/HostTensor.h"

namespace terse::nn {

/// Larger constants are globals over resource blobs.
inline constexpr uint64_t kInlineBytes = 1024;

/// Bytes of the tensor in a file.
uint64_t getStoredBytes(const HostTensor &tensor);

/// `tensor` as a value of `type`: an nn.constant, or a private global at the top of the module that
/// takes `name` or one like it. `symbols` is the module's.
mlir::Value createConstant(mlir::OpBuilder &b, mlir::Location loc, const HostTensor &tensor,
                           mlir::RankedTensorType type, llvm::StringRef name,
                           mlir::SymbolTable &symbols);

} // namespace terse::nn

#endif
