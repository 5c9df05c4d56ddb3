//===- Passes.h - Passes of CPU code generation ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CODEGEN_CPU_PASSES_H
#define TERSE_CODEGEN_CPU_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "terse/Codegen/CPU/IR/CPUDialect.h"

namespace terse {

/// Name of the function attribute in which terse-plan-arena leaves the bytes of the arena (i64).
inline constexpr llvm::StringLiteral kArenaSizeAttr = "terse.arena_size";
/// Name of the attribute of an allocation that a run may leave to the next one.
inline constexpr llvm::StringLiteral kScratchAttr = "terse.scratch";

/// Name of the attribute of globals that says where in the blob they lie (i64), where that is not
/// behind the one before.
inline constexpr llvm::StringLiteral kWeightOffsetAttr = "terse.weight_offset";

/// Where a weight lies in the blob of all weights.
struct WeightSlot {
  std::string symbol;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  /// The bytes, owned by the MLIR context; empty for external globals.
  llvm::ArrayRef<char> data;
};

/// The layout that terse-bind-weights uses, in the order of the module. Same answer before and
/// after convert-nn-to-linalg. Dense (not resource) values have no `data` unless their storage is
/// raw bytes.
llvm::SmallVector<WeightSlot> computeWeightsLayout(mlir::ModuleOp module);

#define GEN_PASS_DECL
#include "terse/Codegen/CPU/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "terse/Codegen/CPU/Passes.h.inc"

} // namespace terse

#endif
