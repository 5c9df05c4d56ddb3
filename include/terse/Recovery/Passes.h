//===- Passes.h - Passes that recover accuracy -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_RECOVERY_PASSES_H
#define TERSE_RECOVERY_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace terse {

/// Where terse-correct-bias knows means from.
enum class BiasCorrection { Empirical, Analytic };

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "terse/Recovery/Passes.h.inc"

} // namespace terse

#endif // TERSE_RECOVERY_PASSES_H
