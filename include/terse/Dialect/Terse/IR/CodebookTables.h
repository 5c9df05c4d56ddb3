//===- CodebookTables.h - The entries of codebooks --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_CODEBOOKTABLES_H
#define TERSE_DIALECT_TERSE_IR_CODEBOOKTABLES_H

#include "terse/Dialect/Terse/IR/TerseAttributes.h"

namespace terse {

/// The entries of a fixed table for indices of `bits` bits. At most 2^bits of them.
llvm::SmallVector<float> getFixedEntries(FixedTable table, unsigned bits);

/// Whether a fixed table can have indices of `bits` bits.
bool isFixedTableWidth(FixedTable table, unsigned bits);

/// The scale of a block of finite values for a fixed table, or (without one) for a learned one: see
/// `#terse.codebook`. `values` are reordered.
float chooseCodebookScale(std::optional<FixedTable> table, llvm::MutableArrayRef<float> values);

/// Finds the entry nearest to a value, the first one of equally near ones.
class NearestEntry {
public:
  /// `entries` holds vectors of `width` elements one after another.
  NearestEntry(llvm::ArrayRef<float> entries, int64_t width);

  /// The index of the entry for `x`, which has `width` elements. NaN counts as 0.
  int64_t find(llvm::ArrayRef<float> x) const;

private:
  llvm::SmallVector<float> entries;
  int64_t width;
  /// For scalars: distinct values in ascending order, with the first index that has them.
  llvm::SmallVector<std::pair<float, int64_t>> sorted;
};

} // namespace terse

#endif // TERSE_DIALECT_TERSE_IR_CODEBOOKTABLES_H
