//===- Quotient.h - Quotients by one divisor, rounded to integers ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rounding a row of numbers to bytes divides all of them by one scale, and a division takes as long
// as a dozen multiplications. The integers are those of a division in every bit.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_CODEGEN_CPU_QUOTIENT_H
#define TERSE_LIB_CODEGEN_CPU_QUOTIENT_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace terse {

/// Whether `op` in the body of `loop` is a quotient of which only the integer of at most 16 bits
/// that it is rounded to matters.
bool isRoundedToSmallInteger(mlir::arith::DivFOp op, mlir::linalg::GenericOp loop);

/// Code that divides by one number of f32, for targets with fused multiply-adds.
class Quotient {
public:
  using Value = mlir::Value;

  /// Outside of the loops that divide by `scalar`, vectors of `lanes`.
  Quotient(mlir::OpBuilder &b, mlir::Location loc, Value scalar, int64_t lanes);

  /// `x` divided, right as far as the integer of at most 16 bits goes that it is rounded to.
  Value divide(Value x) const;

  /// Whether the divisor is of a usual size, so that `divideToBytes` holds.
  Value isUsual() const { return usual; }
  /// Four vectors of 16, divided, rounded, with `shift` added (a vector of bytes' values, or null)
  /// and saturated to 64 bytes, by instructions of AVX-512.
  Value divideToBytes(llvm::ArrayRef<Value> four, Value shift, bool isUnsigned) const;

private:
  Value f32(double value) const;
  Value splat(Value scalar) const;
  // The quotient of numbers near 1 and of those that are not finite, from a first guess.
  Value correct(Value x, Value guess) const;

  mlir::OpBuilder &b;
  mlir::Location loc;
  int64_t lanes;
  // A power of two that brings the divisor near 1, what it is then, its reciprocal.
  Value usual, scale, value, reciprocal;
};

} // namespace terse

#endif
