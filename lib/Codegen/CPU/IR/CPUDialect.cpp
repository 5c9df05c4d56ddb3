//===- CPUDialect.cpp - Attributes of CPU code generation -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Codegen/CPU/IR/CPUDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "terse/Codegen/CPU/IR/CPUDialect.cpp.inc"
#include "terse/Codegen/CPU/IR/CPUEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "terse/Codegen/CPU/IR/CPUAttributes.cpp.inc"

void terse::cpu::TerseCPUDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "terse/Codegen/CPU/IR/CPUAttributes.cpp.inc"
      >();
}
