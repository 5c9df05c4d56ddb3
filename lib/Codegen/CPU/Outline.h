//===- Outline.h - Code as functions over ranges of work ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_OUTLINE_H
#define TERSE_LIB_CODEGEN_CPU_OUTLINE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

namespace terse {

/// What two ops must share to share a function: all but the names of their operands, whose types in
/// the function are `types`. Regions may have one block each and use values of their own and
/// constants.
std::string describeForOutlining(mlir::Operation *op, mlir::TypeRange types);

/// A private function without a body, of which arguments that are always equal can go.
mlir::func::FuncOp createOutlinedFunction(mlir::OpBuilder &b, mlir::Location loc,
                                          llvm::StringRef name, mlir::FunctionType type);

/// A plain buffer without its sizes: ops on long buffers that differ in nothing else share a
/// function. Other values stay.
mlir::Value forgetSizes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value v);

/// The functions of a pass, one for equal ops.
class OutlinedFunctions {
public:
  /// Functions are named `prefix` with a number.
  OutlinedFunctions(mlir::ModuleOp module, llvm::StringRef prefix)
      : module(module), prefix(prefix) {}

  /// Writes the body of a function at the end of its block, which lacks its terminator: all of `op`
  /// for the items [begin, end). `inside` is a copy of the op on the function's arguments, which is
  /// erased afterwards.
  using BuildBody = llvm::function_ref<void(mlir::OpBuilder &, mlir::Operation *inside,
                                            mlir::Value begin, mlir::Value end)>;

  /// `prefixN(types..., begin, end)` for `op`: a new one, or that of an equal op.
  mlir::func::FuncOp get(mlir::Operation *op, mlir::TypeRange types, BuildBody build);

  /// The same for what `text` describes, which takes `types` and runs for the items [begin, end).
  using BuildRange = llvm::function_ref<void(mlir::OpBuilder &, mlir::ValueRange args,
                                             mlir::Value begin, mlir::Value end)>;
  mlir::func::FuncOp get(mlir::Location loc, mlir::TypeRange types, llvm::StringRef text,
                         BuildRange build);

  /// A function around `function` that is marked as parallel: ranges of it run at the same time.
  mlir::func::FuncOp getParallel(mlir::func::FuncOp function);

private:
  mlir::ModuleOp module;
  std::string prefix;
  llvm::StringMap<mlir::func::FuncOp> functions;
  llvm::StringMap<mlir::func::FuncOp> parallel;
};

} // namespace terse

#endif
