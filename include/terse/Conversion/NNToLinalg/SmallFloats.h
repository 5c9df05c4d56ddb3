//===- SmallFloats.h - Float formats of at most 16 bits, in IR ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CONVERSION_NNTOLINALG_SMALLFLOATS_H
#define TERSE_CONVERSION_NNTOLINALG_SMALLFLOATS_H

#include "mlir/IR/Builders.h"
#include "terse/Numerics/Float.h"
#include "llvm/ADT/TypeSwitch.h"

namespace terse {

/// Nothing for f32, f64 and types that are not floats.
std::optional<numerics::FloatKind> getFloatKind(mlir::Type element);

/// Bit patterns (i8, or i16 for f16) as f32; scalars or vectors.
mlir::Value decodeFloatBits(mlir::OpBuilder &b, mlir::Location loc, mlir::Value pattern,
                            numerics::FloatKind kind);

/// f32 or f64, scalars or vectors, as bit patterns (i8, i16 for the 16-bit formats). From f32, bf16
/// subnormals would be lost: use arith.truncf there.
mlir::Value encodeFloatBits(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                            numerics::FloatKind kind, bool saturate,
                            numerics::E8M0Rounding rounding);

} // namespace terse

#endif
