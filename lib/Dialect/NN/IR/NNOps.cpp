//===- NNOps.cpp - Generated definitions of the nn ops --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kept apart so that editing verifiers, folders or inference does not compile the generated code
// again.

#include "terse/Dialect/NN/IR/NNOps.h"

#define GET_OP_CLASSES
#include "terse/Dialect/NN/IR/NNOps.cpp.inc"
