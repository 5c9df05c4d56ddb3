//===- Sizes.h - Which open sizes are the same ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_DIALECT_NN_TRANSFORMS_SIZES_H
#define TERSE_LIB_DIALECT_NN_TRANSFORMS_SIZES_H

#include "mlir/IR/BuiltinTypeInterfaces.h"
#include "mlir/IR/Value.h"

namespace terse::nn {

/// A number, or what stands at `index` of `value`: a dimension of a tensor, or an element of a
/// shape. Equal ones are equal in every run; others may be, too.
struct Size {
  int64_t number = mlir::ShapedType::kDynamic;
  mlir::Value value;
  int64_t index = 0;
  bool isElement = false;

  bool operator==(const Size &other) const {
    return number == other.number && value == other.value && index == other.index &&
           isElement == other.isElement;
  }
};

/// Dimension `d` of `x`, as far back as ops say where it comes from.
Size getSize(mlir::Value x, int64_t d);

} // namespace terse::nn

#endif
