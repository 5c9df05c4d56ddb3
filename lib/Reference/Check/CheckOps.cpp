//===- CheckOps.cpp - Expectations about values -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Reference/Check/CheckOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace terse::check;

#include "terse/Reference/Check/CheckDialect.cpp.inc"

#define GET_OP_CLASSES
#include "terse/Reference/Check/CheckOps.cpp.inc"

void CheckDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "terse/Reference/Check/CheckOps.cpp.inc"
      >();
}

static Type elementTypeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}

LogicalResult ExpectEqOp::verify() {
  if (elementTypeOf(getActual()) != elementTypeOf(getExpected())) // C1
    return emitOpError("expected equal element types (got ")
           << elementTypeOf(getActual()) << " and " << elementTypeOf(getExpected()) << ")";
  return success();
}

LogicalResult ExpectCloseOp::verify() {
  Type actual = elementTypeOf(getActual()), expected = elementTypeOf(getExpected());
  if (actual != expected || !isa<FloatType>(actual)) // C1
    return emitOpError("expected equal float element types (got ")
           << actual << " and " << expected << ")";
  return success();
}
