//===- WeightForm.h - Weights of few bits ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_UKERNEL_IR_WEIGHTFORM_H
#define TERSE_DIALECT_UKERNEL_IR_WEIGHTFORM_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"
#include "terse/Support/HostTensor.h"

#include <optional>
#include <vector>

namespace terse::ukernel {

/// How each element of a tensor is a code, a scale and a table entry.
struct WeightForm {
  /// What a code is: an integer of at most 8 bits or a small float; with `table`, a `uiN` index.
  mlir::Type value;
  /// The extents, one per dimension, of what shares a scale, and a table.
  llvm::SmallVector<int64_t> block, group;
  /// How scales are stored: f32, f16, bf16, f8E8M0FNU or f8E4M3FN; null without scales.
  mlir::Type scale;
  bool zeroPoints = false, table = false;
};

/// The same as data. Scales, zero points and tables are in row-major order of the blocks.
struct WeightParts {
  /// One byte per element.
  HostTensor codes;
  std::vector<float> scales;
  std::vector<int64_t> zeroPoints;
  /// 2^bits entries for each.
  std::vector<float> tables;
};

} // namespace terse::ukernel

#endif
