//===- RuntimeOps.h - Ops on run-time values --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an SSA value is at run time, and the ops without regions over such values.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_REFERENCE_RUNTIMEOPS_H
#define TERSE_LIB_REFERENCE_RUNTIMEOPS_H

#include "mlir/IR/BuiltinTypes.h"
#include "terse/Reference/Interpreter.h"
#include "llvm/ADT/SmallVector.h"

namespace terse {
class BlockProductOp;
class RequantizeOp;
} // namespace terse

namespace terse::reference {

/// A tensor, a scalar (as a tensor of rank 0), or the components of an encoded tensor.
using RuntimeValue = llvm::SmallVector<HostTensor, 1>;

/// The types of the tensors that a value of `type` is made of; nothing for unknown types.
std::optional<llvm::SmallVector<mlir::RankedTensorType>> getRuntimeComponents(mlir::Type type);

/// Results of an op without regions. Encoded operands of ops on plain tensors are decoded, their
/// results encoded where their types say so.
llvm::Expected<llvm::SmallVector<RuntimeValue>>
evaluateRuntimeOp(mlir::Operation *op, llvm::ArrayRef<RuntimeValue> operands,
                  const InterpreterOptions &options);

/// The integers that terse.requantize yields for its operands.
llvm::Expected<HostTensor> evaluateRequantize(RequantizeOp op, llvm::ArrayRef<HostTensor> tensors);

/// The sums of terse.block_product for an input and the components of its weight.
llvm::Expected<HostTensor> evaluateBlockProduct(BlockProductOp op, const HostTensor &x,
                                                llvm::ArrayRef<HostTensor> weight);

/// The scalar and tensor ops of upstream dialects that stand between nn ops (index arithmetic,
/// tensor.extract and so on); nothing for other ops.
llvm::Expected<std::optional<HostTensor>> evaluateUpstreamOp(mlir::Operation *op,
                                                             llvm::ArrayRef<HostTensor> operands);

} // namespace terse::reference

#endif // TERSE_LIB_REFERENCE_RUNTIMEOPS_H
