//===- CountRanges.h - Counters of values beyond ranges ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ranges of static integers are chosen from calibration data. Whether live data
// stay within them is counted by the model itself: its entry function gets one
// more result, three i64 per range.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_DIALECT_TERSE_TRANSFORMS_COUNTRANGES_H
#define TERSE_DIALECT_TERSE_TRANSFORMS_COUNTRANGES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace terse {

/// The name of the result.
inline constexpr llvm::StringLiteral kCountersName = "terse.counters";

/// Set on a module before terse-integer-graph: the pass then marks where a bound is a clamp of the
/// model and no end of a range, and which entries of a table lie beyond the range.
inline constexpr llvm::StringLiteral kCountRangesAttr = "terse.count_ranges";
/// On terse.requantize: whether `low` and `high` are clamps of the model.
inline constexpr llvm::StringLiteral kClampsAttr = "terse.clamps";
/// On the lookup of a table: for each entry 0, 1 where its value is below the range, 2 where above.
inline constexpr llvm::StringLiteral kBeyondAttr = "terse.beyond";

struct CountedRange {
  /// The layer that makes the value, or the argument.
  std::string name;
  double low = 0, high = 0;
};

/// Gives `entry`, after terse-integer-graph, a last result tensor<Rx3xi64>: for each range how many
/// values were rounded to it, how many of them rounding alone would have put below, and above. What
/// the model computes is not changed. Returns the ranges in order; without any, there is no result.
llvm::Expected<std::vector<CountedRange>> countRanges(mlir::func::FuncOp entry);

} // namespace terse

#endif // TERSE_DIALECT_TERSE_TRANSFORMS_COUNTRANGES_H
