//===- ByteVectors.h - Vectors of floats to vectors of bytes --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Instructions of AVX-512 (vectors of 512 bits) and AVX2 (256) that round and pack with saturation.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_CODEGEN_CPU_BYTEVECTORS_H
#define TERSE_LIB_CODEGEN_CPU_BYTEVECTORS_H

#include "mlir/IR/Builders.h"

namespace terse {

/// Floats, rounded to even; the least integer for what is out of range and for NaN.
mlir::Value roundToIntegers(mlir::OpBuilder &b, mlir::Location loc, mlir::Value floats);

/// Two vectors of integers as one of words, with saturation, by 128 bits of both in turn.
mlir::Value packWords(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y);

/// Two vectors of words as one of bytes, with saturation, by 128 bits of both in turn.
mlir::Value packBytes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y,
                      bool isSigned);

/// What both packings made of four vectors, in the order of these.
mlir::Value orderPacked(mlir::OpBuilder &b, mlir::Location loc, mlir::Value bytes);

} // namespace terse

#endif
