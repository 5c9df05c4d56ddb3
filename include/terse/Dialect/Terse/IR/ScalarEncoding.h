//===- ScalarEncoding.h - Encodings of one element at a time ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_SCALARENCODING_H
#define TERSE_DIALECT_TERSE_IR_SCALARENCODING_H

#include "mlir/IR/Attributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "terse/Support/HostTensor.h"

#include <memory>

namespace terse {

/// What the elements of an encoded tensor can decode to.
class ElementLevels {
public:
  virtual ~ElementLevels();

  /// The largest level of element `element` (of the flattened tensor) that is at most `value`, and
  /// the smallest that is at least `value`. Beyond the outermost level, both are that one.
  struct Neighbours {
    float below, above;
  };
  virtual Neighbours getNeighbours(int64_t element, float value) const = 0;

  /// The nearer neighbour; of equally near ones the one nearer to 0.
  float round(int64_t element, float value) const {
    Neighbours levels = getNeighbours(element, value);
    float down = value - levels.below, up = levels.above - value;
    return down < up || (down == up && value >= 0) ? levels.below : levels.above;
  }
};

void attachScalarEncodings(mlir::MLIRContext *context);

} // namespace terse

#include "terse/Dialect/Terse/IR/ScalarEncoding.h.inc"

#endif // TERSE_DIALECT_TERSE_IR_SCALARENCODING_H
