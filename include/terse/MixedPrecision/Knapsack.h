//===- Knapsack.h - One option per group under budgets ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The multiple-choice knapsack problem: pick exactly one option of each group so
// that the sum of losses is least while the sums of two costs stay within their
// budgets. Solved by dynamic programming over costs in whole units (Kellerer,
// Pferschy and Pisinger, "Knapsack Problems", 2004, section 11.5).
//
// Where a budget has more units than the table has cells, a cell is g units and
// costs are rounded up to cells. Then
//
//   * every answer keeps the budgets, and
//   * with n groups it loses no more than the best choice for budgets that are
//     smaller by n (g - 1) units; with g = 1 it is the best choice.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_MIXEDPRECISION_KNAPSACK_H
#define TERSE_MIXEDPRECISION_KNAPSACK_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace terse::mixed {

struct KnapsackOption {
  uint64_t size = 0, time = 0;
  /// Not negative; infinite for what is never to be picked unless nothing else fits.
  double loss = 0;
};

struct KnapsackBudget {
  static constexpr uint64_t kNone = std::numeric_limits<uint64_t>::max();
  uint64_t size = kNone, time = kNone;
};

struct KnapsackTable {
  /// Cells per budget: with one budget, and with both.
  uint64_t cells = 1 << 16, sizeCells = 1024, timeCells = 256;
};

struct KnapsackChoice {
  /// The number of the option that is picked in each group.
  std::vector<unsigned> picks;
  uint64_t size = 0, time = 0;
  double loss = 0;
};

/// The choice of least loss, and among equal ones the smaller size. Nothing if no choice keeps the
/// budgets. Each group has from 1 to 255 options.
std::optional<KnapsackChoice> solveKnapsack(llvm::ArrayRef<std::vector<KnapsackOption>> groups,
                                            const KnapsackBudget &budget,
                                            const KnapsackTable &table = {});

/// Adds up what is picked.
KnapsackChoice sumChoice(llvm::ArrayRef<std::vector<KnapsackOption>> groups,
                         std::vector<unsigned> picks);

} // namespace terse::mixed

#endif // TERSE_MIXEDPRECISION_KNAPSACK_H
