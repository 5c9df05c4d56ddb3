//===- PackedColumns.h - Right operands packed at run time ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_PACKEDCOLUMNS_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_PACKEDCOLUMNS_H

#include "VectorCode.h"

namespace terse {

/// Floats (f32, or smaller ones that become f32) in memory that is seen as one dimension: element
/// (i, j) lies at `base + i * rowStep + j * columnStep`. Steps that are not known when the code is
/// made are kDynamic beside their values.
struct FloatMatrix {
  mlir::Value memory, base, rowStep, columnStep;
  int64_t knownRowStep = mlir::ShapedType::kDynamic, knownColumnStep = mlir::ShapedType::kDynamic;
};

/// How many rows and vectors of f32 sums registers hold, for vectors of `vectorBytes`.
struct FloatTile {
  explicit FloatTile(int64_t vectorBytes)
      : lanes(vectorBytes / 4), rows(6), vectors(vectorBytes >= 64 ? 4 : 2) {}
  int64_t lanes, rows, vectors;
  int64_t columns() const { return lanes * vectors; }
};

/// A right operand of `depth` rows and `count` columns that is packed into panels: as many of
/// `tile.columns()` as there are, then panels of one vector. A panel is contiguous; the one that
/// starts with column j starts at element `j * depth`.
class PackedColumns {
public:
  using Value = mlir::Value;

  PackedColumns(VectorCode &k, FloatTile tile, Value depth, Value count)
      : k(k), b(k.b), tile(tile), depth(depth), count(count) {}

  /// Elements of memory that packing may write.
  Value countElements();

  /// Copies `from` to `packed`. Columns past the end hold anything.
  void pack(const FloatMatrix &from, Value packed);

  /// Calls `body` with the first column of each panel, its vectors, and whether its last vector may
  /// reach past the end.
  void forPanels(llvm::function_ref<void(Value first, int64_t vectors, bool partial)> body);

  /// Sums (of `rows` x `vectors`, row by row) plus the products of [from, to) along the depth;
  /// `left` makes the element of a row.
  llvm::SmallVector<Value> multiply(Value packed, Value first, int64_t vectors, int64_t rows,
                                    Value from, Value to, mlir::ValueRange sums,
                                    llvm::function_ref<Value(int64_t row, Value i)> left);

  /// Which lanes of the vector from column `at` on exist.
  Value mask(Value at);

private:
  void packRows(const FloatMatrix &from, Value packed, Value first, int64_t vectors, bool partial);
  void packTransposed(const FloatMatrix &from, Value packed, Value first, int64_t vectors);
  void packElements(const FloatMatrix &from, Value packed, Value first, int64_t vectors);
  /// A square of vectors the other way round.
  llvm::SmallVector<Value> transpose(llvm::SmallVector<Value> rows);
  /// A vector of elements from `where` on, as f32.
  Value load(Value memory, Value where, Value mask);
  Value extend(Value x);
  /// Where the element of `from` lies.
  Value at(const FloatMatrix &from, Value i, Value j);

  VectorCode &k;
  mlir::OpBuilder &b;
  FloatTile tile;
  Value depth, count;
};

} // namespace terse

#endif
