//===- SmallFloats.h - Float formats of at most 16 bits, in IR ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CONVERSION_NNTOLINALG_SMALLFLOATS_H
#define TERSE_LIB_CONVERSION_NNTOLINALG_SMALLFLOATS_H

#include "mlir/IR/Builders.h"
#include "terse/Numerics/Float.h"
#include "llvm/ADT/TypeSwitch.h"

namespace terse {

/// Nothing for f32, f64 and types that are not floats.
std::optional<numerics::FloatKind> getFloatKind(mlir::Type element);

/// An i8 bit pattern as f32, for the formats of at most 8 bits.
mlir::Value decodeFloatBits(mlir::OpBuilder &b, mlir::Location loc, mlir::Value pattern, numerics::FloatKind kind);

/// An f32 or f64 as bit pattern (i8, i16 for the 16-bit formats). From f32, bf16 subnormals would be lost: use
/// arith.truncf there.
mlir::Value encodeFloatBits(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, numerics::FloatKind kind,
                            bool saturate, numerics::E8M0Rounding rounding);

} // namespace terse

#endif
