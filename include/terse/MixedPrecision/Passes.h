//===- Passes.h - Passes of mixed precision --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_MIXEDPRECISION_PASSES_H
#define TERSE_MIXEDPRECISION_PASSES_H

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "terse/MixedPrecision/Search.h"

namespace terse {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "terse/MixedPrecision/Passes.h.inc"

} // namespace terse

#endif // TERSE_MIXEDPRECISION_PASSES_H
