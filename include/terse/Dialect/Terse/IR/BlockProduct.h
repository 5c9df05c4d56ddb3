//===- BlockProduct.h - Integer products of blocks --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_BLOCKPRODUCT_H
#define TERSE_DIALECT_TERSE_IR_BLOCKPRODUCT_H

#include "terse/Dialect/Terse/IR/TerseOps.h"

#define GET_OP_CLASSES
#include "terse/Dialect/Terse/IR/BlockProduct.h.inc"

#endif // TERSE_DIALECT_TERSE_IR_BLOCKPRODUCT_H
