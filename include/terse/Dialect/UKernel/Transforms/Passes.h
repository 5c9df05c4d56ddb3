//===- Passes.h - Passes of the ukernel dialect ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_UKERNEL_TRANSFORMS_PASSES_H
#define TERSE_DIALECT_UKERNEL_TRANSFORMS_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"

namespace terse::ukernel {

#define GEN_PASS_DECL
#include "terse/Dialect/UKernel/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "terse/Dialect/UKernel/Transforms/Passes.h.inc"

} // namespace terse::ukernel

#endif
