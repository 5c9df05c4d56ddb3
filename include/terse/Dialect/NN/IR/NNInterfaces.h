//===- NNInterfaces.h - What passes ask an op -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNINTERFACES_H
#define TERSE_DIALECT_NN_IR_NNINTERFACES_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

#include "terse/Dialect/NN/IR/NNInterfaces.h.inc"

#endif
