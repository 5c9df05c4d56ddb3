//===- TerseAttributes.cpp - Attributes of the terse dialect ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "mlir/IR/DialectImplementation.h"
#include "terse/Dialect/Terse/IR/TerseDialect.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace terse;

#include "terse/Dialect/Terse/IR/TerseEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "terse/Dialect/Terse/IR/TerseAttributes.cpp.inc"

void TerseDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "terse/Dialect/Terse/IR/TerseAttributes.cpp.inc"
      >();
}
