//===- Passes.h - Passes of calibration ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CALIBRATION_PASSES_H
#define TERSE_CALIBRATION_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "terse/Calibration/Statistics.h"

namespace terse {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "terse/Calibration/Passes.h.inc"

} // namespace terse

#endif // TERSE_CALIBRATION_PASSES_H
