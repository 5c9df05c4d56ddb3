//===- StaticTensor.h - Integers with known scales ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_DIALECT_TERSE_TRANSFORMS_STATICTENSOR_H
#define TERSE_LIB_DIALECT_TERSE_TRANSFORMS_STATICTENSOR_H

#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Numerics/Quantize.h"

#include <vector>

namespace terse {

/// A tensor that is stored as `#terse.uniform` with parameters that are known ahead of time.
struct StaticTensor {
  mlir::Value encoded;
  UniformEncodingAttr encoding;
  std::vector<float> scales;
  std::vector<int64_t> zeroPoints; ///< One per scale.

  explicit operator bool() const { return encoded != nullptr; }
  bool isPerTensor() const { return scales.size() == 1; }
  float scale() const { return scales.front(); }
  int64_t zeroPoint() const { return zeroPoints.front(); }
  bool hasZeroPoints() const {
    return llvm::any_of(zeroPoints, [](int64_t zero) { return zero != 0; });
  }
  mlir::RankedTensorType getType() const {
    return llvm::cast<mlir::RankedTensorType>(encoded.getType());
  }
  numerics::QuantRange getRange() const { return {encoding.getQMin(), encoding.getQMax()}; }
  bool hasParametersOf(const StaticTensor &other) const {
    return isPerTensor() && other.isPerTensor() && scale() == other.scale() &&
           zeroPoint() == other.zeroPoint() &&
           encoding.getValueType() == other.encoding.getValueType();
  }
  /// The stored integer of a number.
  int64_t quantize(double x) const {
    return numerics::quantize(static_cast<float>(x), scale(), zeroPoint(), getRange());
  }
};

/// What `value` is, or has been decoded from, if that is such a tensor; null otherwise.
StaticTensor getStaticTensor(mlir::Value value);

/// What `encode` makes, if its parameters are known ahead of time; null otherwise.
StaticTensor getStaticTensor(EncodeOp encode);

/// The stored integers; builds `terse.components` where they have no value yet.
mlir::Value getStoredValues(mlir::OpBuilder &builder, mlir::Location loc,
                            const StaticTensor &tensor);

} // namespace terse

#endif // TERSE_LIB_DIALECT_TERSE_TRANSFORMS_STATICTENSOR_H
