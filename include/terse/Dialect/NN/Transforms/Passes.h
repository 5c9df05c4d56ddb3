//===- Passes.h - Passes of the nn dialect --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_TRANSFORMS_PASSES_H
#define TERSE_DIALECT_NN_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace terse::nn {

/// What equalization does to clamps, which do not commute with scales.
enum class ClampScaling { Keep, PerChannel, Relu };

#define GEN_PASS_DECL
#include "terse/Dialect/NN/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "terse/Dialect/NN/Transforms/Passes.h.inc"

} // namespace terse::nn

#endif
