//===- VectorResults.h - What becomes of sums in registers -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_VECTORRESULTS_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_VECTORRESULTS_H

#include "ByteResults.h"

namespace terse {

/// The epilogue of a tile whose sums are in vector registers. Results of bytes are stored a row of
/// the tile at a time, which are up to four vectors of sums.
class VectorResults {
public:
  using Value = mlir::Value;

  VectorResults(KernelCode &code, int64_t lanes);

  /// For tiles of at most `rows` rows. Once, at the start of a function.
  void allocate(int64_t rows);

  /// A tile: its panel, its first row of the result, lines and rows along a line, rows of the
  /// result between lines; the index of all along the first dimension (null: not one).
  struct Place {
    Value panel, row;
    int64_t height, width, lineRows;
    Value sample;
  };

  /// `sums`: the vectors of each row, row by row.
  void finish(const Place &place, llvm::ArrayRef<Value> sums);

private:
  using GetSum = llvm::function_ref<Value(int64_t, int64_t)>;
  void finishFromRegisters(const Place &place, llvm::ArrayRef<Value> sums, int64_t valid);
  void finishFromMemory(const Place &place, llvm::ArrayRef<Value> sums, int64_t valid);
  void finishRows(Value panel, llvm::ArrayRef<Value> rows, int64_t valid, GetSum getSum);
  void finishBytes(Value panel, llvm::ArrayRef<Value> rows, int64_t valid, GetSum getSum);
  Value mask(int64_t valid, int64_t lanes);
  bool isSmall();
  bool packs(int64_t valid) const;

  KernelCode &k;
  mlir::OpBuilder &b;
  ByteResults bytes;
  int64_t lanes, columns;
  // Where sums of a tile wait whose code is one for all rows.
  Value sums;
};

} // namespace terse

#endif
