//===- TileResults.h - What becomes of sums in tiles -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_TILERESULTS_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_TILERESULTS_H

#include "ByteResults.h"
#include "TileRows.h"

namespace terse {

/// The epilogue of a tile whose sums wait in memory, some rows at a time.
class TileResults {
public:
  using Value = mlir::Value;

  TileResults(KernelCode &code, TileRows &rows, int64_t columns);

  /// A tile: its panel, its first position, how many rows it has (none: there is no tile yet) and
  /// how many rows before them belong to another one.
  struct Waiting {
    Value panel, position, rows, skipped;
  };

  /// Rows [from, from + count) of the tile as far as it has them.
  void finish(Waiting waiting, Value from, int64_t count);
  /// The same for tiles that have all rows or none.
  void finishFull(Waiting waiting, Value from, int64_t count);

  /// Rows whose results of bytes fill a vector.
  int64_t rowsAtOnce() const { return bytes.matches() ? 64 / columns : 1; }

  /// rows x columns.
  Value sums;

private:
  Value load(Waiting waiting, Value r, int64_t v, int64_t lanes);
  Value mask(Value n, int64_t lanes);
  void byPanel(Waiting waiting, llvm::function_ref<void(bool)> body);
  void finishTogether(Waiting waiting, Value r, bool masked);
  void finishRow(Waiting waiting, Value r, bool masked);

  KernelCode &k;
  mlir::OpBuilder &b;
  TileRows &rows;
  ByteResults bytes;
  ukernel::KernelSizes sizes;
  int64_t columns, panels;
};

} // namespace terse

#endif
