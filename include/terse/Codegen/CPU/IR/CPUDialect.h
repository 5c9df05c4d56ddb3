//===- CPUDialect.h - Dialect of CPU code generation ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CODEGEN_CPU_IR_CPUDIALECT_H
#define TERSE_CODEGEN_CPU_IR_CPUDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "terse/Codegen/CPU/IR/CPUDialect.h.inc"
#include "terse/Codegen/CPU/IR/CPUEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "terse/Codegen/CPU/IR/CPUAttributes.h.inc"

#define GET_OP_CLASSES
#include "terse/Codegen/CPU/IR/CPUOps.h.inc"

namespace terse::cpu {
/// On a linalg op on buffers: the kernel that terse-expand-kernels makes of it.
inline constexpr llvm::StringLiteral kKernelAttr = "terse_cpu.kernel";
/// On a function whose last two arguments are a range [begin, end): disjoint ranges may run in
/// parallel.
inline constexpr llvm::StringLiteral kParallelAttr = "terse_cpu.parallel";
} // namespace terse::cpu

#endif
