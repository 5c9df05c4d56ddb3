//===- CPUDialect.cpp - Attributes of CPU code generation -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Codegen/CPU/IR/CPUDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "terse/Codegen/CPU/IR/CPUDialect.cpp.inc"
#include "terse/Codegen/CPU/IR/CPUEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "terse/Codegen/CPU/IR/CPUAttributes.cpp.inc"

#define GET_OP_CLASSES
#include "terse/Codegen/CPU/IR/CPUOps.cpp.inc"

void terse::cpu::TerseCPUDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "terse/Codegen/CPU/IR/CPUAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "terse/Codegen/CPU/IR/CPUOps.cpp.inc"
      >();
}

LogicalResult terse::cpu::LookupOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getTable().getShapedType());
  if (!type || type.getRank() != 1 || type.getDimSize(0) != 256) // C1
    return emitOpError("expected a table of 256 entries (got ")
           << getTable().getShapedType() << ")";
  if (type.getElementType() != getElementTypeOrSelf(getResult())) // C1
    return emitOpError("expected a result of the table's ")
           << type.getElementType() << " (got " << getResult().getType() << ")";
  return success(); // C2 is Elementwise's.
}
