//===- NNUnfold.h - Contractions as matrix products ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNUNFOLD_H
#define TERSE_DIALECT_NN_IR_NNUNFOLD_H

#include "mlir/IR/OpDefinition.h"

#include <optional>
#include <vector>

namespace terse::nn {

/// A weight as one matrix per group. Element (group, row, column) is element
/// `groups[group] + rows[row] + columns[column]` of the flattened weight; output channel group *
/// rows.size() + row is its row.
struct WeightMatrix {
  std::vector<int64_t> groups, rows, columns;

  int64_t getElement(int64_t group, int64_t row, int64_t column) const {
    return groups[group] + rows[row] + columns[column];
  }
};

void attachUnfoldInterfaces(mlir::MLIRContext *context);

} // namespace terse::nn

#include "terse/Dialect/NN/IR/NNUnfold.h.inc"

#endif
