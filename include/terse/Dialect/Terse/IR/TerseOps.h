//===- TerseOps.h - Ops of the terse dialect -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_TERSEOPS_H
#define TERSE_DIALECT_TERSE_IR_TERSEOPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/IR/TerseDialect.h"

#define GET_OP_CLASSES
#include "terse/Dialect/Terse/IR/TerseOps.h.inc"

namespace terse {

/// Every reader of an observed value reads the value itself.
void removeObservers(mlir::ModuleOp module);

} // namespace terse

#endif // TERSE_DIALECT_TERSE_IR_TERSEOPS_H
