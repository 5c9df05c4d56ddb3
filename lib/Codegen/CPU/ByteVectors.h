//===- ByteVectors.h - Vectors of floats to vectors of bytes --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Instructions of AVX-512 that round and pack with saturation.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_CODEGEN_CPU_BYTEVECTORS_H
#define TERSE_LIB_CODEGEN_CPU_BYTEVECTORS_H

#include "mlir/IR/Builders.h"

namespace terse {

/// Sixteen floats, rounded to even; the least integer for what is out of range and for NaN.
mlir::Value roundToIntegers(mlir::OpBuilder &b, mlir::Location loc, mlir::Value floats);

/// Two vectors of 16 integers as 32 words, with saturation, by quarters of both in turn.
mlir::Value packWords(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y);

/// Two vectors of 32 words as 64 bytes, with saturation, by quarters of both in turn.
mlir::Value packBytes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y,
                      bool isSigned);

/// What both packings made of four vectors, in the order of these.
mlir::Value orderPacked(mlir::OpBuilder &b, mlir::Location loc, mlir::Value bytes);

} // namespace terse

#endif
