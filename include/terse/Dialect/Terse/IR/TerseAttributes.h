//===- TerseAttributes.h - Encodings of the terse dialect ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_TERSEATTRIBUTES_H
#define TERSE_DIALECT_TERSE_IR_TERSEATTRIBUTES_H

#include "mlir/IR/BuiltinAttributes.h"
#include "terse/Dialect/Terse/IR/EncodingInterface.h"
#include "terse/Dialect/Terse/IR/Granularity.h"

#include "terse/Dialect/Terse/IR/TerseEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "terse/Dialect/Terse/IR/TerseAttributes.h.inc"

#endif // TERSE_DIALECT_TERSE_IR_TERSEATTRIBUTES_H
