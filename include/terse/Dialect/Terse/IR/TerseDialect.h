//===- TerseDialect.h - The terse dialect ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_TERSEDIALECT_H
#define TERSE_DIALECT_TERSE_IR_TERSEDIALECT_H

#include "mlir/IR/Dialect.h"

#include "terse/Dialect/Terse/IR/TerseDialect.h.inc"

#endif // TERSE_DIALECT_TERSE_IR_TERSEDIALECT_H
