//===- MoveFactors.h - Factors into what makes a value ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Multiplies a computed value with factors per channel by changing constants
// upstream: weights and biases of layers, scales and biases of norms. First it is
// found out which ones; nothing changes until the factors are known.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_RECOVERY_MOVEFACTORS_H
#define TERSE_LIB_RECOVERY_MOVEFACTORS_H

#include "mlir/IR/SymbolTable.h"
#include "terse/Dialect/NN/IR/NNFactors.h"

#include <optional>
#include <string>
#include <vector>

namespace terse {

/// The constants that take the factors of one value.
struct FactorPlan {
  llvm::SmallVector<nn::FactorOperand> constants;
};

/// Whether `op` reads only the shape of its operands.
bool isShapeReader(mlir::Operation *op);

/// How to multiply `value`, all of whose readers will take the product, along `axis`; nothing and
/// `reason` for people if that is not possible.
std::optional<FactorPlan> planFactors(mlir::Value value, int64_t axis, std::string &reason);

/// Multiplies with `factors`, one per channel. Constants are read now, so that plans may follow one
/// another.
void applyFactors(const FactorPlan &plan, llvm::ArrayRef<double> factors,
                  mlir::SymbolTable &symbols);

} // namespace terse

#endif // TERSE_LIB_RECOVERY_MOVEFACTORS_H
