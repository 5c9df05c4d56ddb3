//===- Constants.h - The tensors behind constant values ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Small constants are attributes of ConstantLike ops, weights are ml_program globals over resource
// blobs. Both are read here as host tensors; blobs of whole-byte elements are not copied.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_SUPPORT_CONSTANTS_H
#define TERSE_SUPPORT_CONSTANTS_H

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/SymbolTable.h"
#include "terse/Support/HostTensor.h"

namespace terse {

/// The tensor of an attribute: elements, or a rank-0 tensor for an integer or float.
llvm::Expected<HostTensor> toConstantTensor(mlir::Attribute attr);

/// The initial value of a global. Fails for external globals and data that do not fit the type.
llvm::Expected<HostTensor> readGlobal(mlir::ml_program::GlobalOp global);

/// The global that `ml_program.global_load_const` reads; null for other values, globals that do not
/// exist and mutable ones. `symbols` saves repeated walks over the module.
mlir::ml_program::GlobalOp getConstantGlobal(mlir::Value value,
                                             mlir::SymbolTableCollection *symbols = nullptr);

/// The value of a constant: the result of a ConstantLike op (nn.constant, arith.constant) or of
/// ml_program.global_load_const. Nothing for other values, and for constants without readable data.
/// The tensor is valid as long as the context.
std::optional<HostTensor> getConstant(mlir::Value value,
                                      mlir::SymbolTableCollection *symbols = nullptr);

} // namespace terse

#endif // TERSE_SUPPORT_CONSTANTS_H
