//===- Passes.h - Conversions between dialects ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CONVERSION_PASSES_H
#define TERSE_CONVERSION_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace terse {

#define GEN_PASS_DECL
#include "terse/Conversion/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "terse/Conversion/Passes.h.inc"

} // namespace terse

#endif
