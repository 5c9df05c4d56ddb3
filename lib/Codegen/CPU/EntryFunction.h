//===- EntryFunction.h - The function that becomes terse_entry ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_ENTRYFUNCTION_H
#define TERSE_LIB_CODEGEN_CPU_ENTRYFUNCTION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace terse {

/// `main`, or the only public function with a body, or null.
mlir::func::FuncOp getEntryFunction(mlir::ModuleOp module);

} // namespace terse

#endif
