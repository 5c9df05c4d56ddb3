//===- KnownValue.h - Values that follow from constants --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_REFERENCE_KNOWNVALUE_H
#define TERSE_REFERENCE_KNOWNVALUE_H

#include "mlir/IR/Value.h"
#include "terse/Support/HostTensor.h"

#include <optional>

namespace terse {

/// The value of a constant, or of casts and elementwise functions of constants, such as the scale
/// of a bias, which is the product of two others. Nothing for other values. Meant for parameters:
/// everything is computed again at each call.
std::optional<HostTensor> getKnownValue(mlir::Value value);

} // namespace terse

#endif // TERSE_REFERENCE_KNOWNVALUE_H
