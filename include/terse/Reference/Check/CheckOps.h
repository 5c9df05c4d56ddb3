//===- CheckOps.h - Expectations about values -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_REFERENCE_CHECK_CHECKOPS_H
#define TERSE_REFERENCE_CHECK_CHECKOPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"

#include "terse/Reference/Check/CheckDialect.h.inc"

#define GET_OP_CLASSES
#include "terse/Reference/Check/CheckOps.h.inc"

#endif // TERSE_REFERENCE_CHECK_CHECKOPS_H
