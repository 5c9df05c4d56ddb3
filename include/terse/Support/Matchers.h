//===- Matchers.h - Numbers in the IR --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_SUPPORT_MATCHERS_H
#define TERSE_SUPPORT_MATCHERS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Matchers.h"

#include <optional>

namespace terse {

/// The number that `v` is, if it is a constant float.
inline std::optional<double> getReal(mlir::Value v) {
  mlir::FloatAttr attr;
  if (!mlir::matchPattern(v, mlir::m_Constant(&attr)))
    return std::nullopt;
  return attr.getValueAsDouble();
}

} // namespace terse

#endif // TERSE_SUPPORT_MATCHERS_H
