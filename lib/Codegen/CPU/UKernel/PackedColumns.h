//===- PackedColumns.h - Right operands packed at run time ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_PACKEDCOLUMNS_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_PACKEDCOLUMNS_H

#include "VectorCode.h"

namespace terse {

/// Floats (f32, or smaller ones that become f32) or bytes in memory that is seen as one dimension:
/// element (i, j) lies at `base + i * rowStep + j * columnStep`. Steps that are not known when the
/// code is made are kDynamic beside their values.
struct RightMatrix {
  mlir::Value memory, base, rowStep, columnStep;
  int64_t knownRowStep = mlir::ShapedType::kDynamic, knownColumnStep = mlir::ShapedType::kDynamic;
};

/// How many rows and vectors of 32-bit sums registers hold, for vectors of `vectorBytes`.
struct SumTile {
  explicit SumTile(int64_t vectorBytes)
      : lanes(vectorBytes / 4), rows(6), vectors(vectorBytes >= 64 ? 4 : 2) {}
  int64_t lanes, rows, vectors;
  int64_t columns() const { return lanes * vectors; }
};

/// Bytes that are multiplied as words: two neighbours along the depth in 16 bits each, the second
/// one zero past the end.
struct BytePairs {
  /// Along the depth.
  mlir::Value bytes;
  bool isUnsigned = false;
  /// `count` words from bytes that are neighbours in memory; those that `mask` leaves out are zero.
  mlir::Value load(VectorCode &k, mlir::Value memory, mlir::Value at, int64_t count,
                   mlir::Value mask) const;
  /// Word `i` of bytes from `at` on that lie `step` apart.
  mlir::Value gather(VectorCode &k, mlir::Value memory, mlir::Value at, mlir::Value step,
                     mlir::Value i) const;
  mlir::Value extend(VectorCode &k, mlir::Value bytes) const;
  /// The word of two bytes, or words of two vectors.
  mlir::Value join(VectorCode &k, mlir::Value low, mlir::Value high) const;
};

/// A right operand of `depth` rows and `count` columns that is packed into panels: as many of
/// `tile.columns()` as there are, then panels of one vector. A panel is contiguous; the one that
/// starts with column j starts at element `j * depth`. Of bytes, `depth` counts pairs, which are
/// packed as words.
class PackedColumns {
public:
  using Value = mlir::Value;

  PackedColumns(VectorCode &k, SumTile tile, Value depth, Value count,
                std::optional<BytePairs> pairs = std::nullopt)
      : k(k), b(k.b), tile(tile), depth(depth), count(count), pairs(pairs) {}

  mlir::Type getElementType() const;

  /// Elements of memory that packing may write.
  Value countElements();

  /// Copies `from` to `packed`. Columns past the end hold anything.
  void pack(const RightMatrix &from, Value packed);

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
  void packRows(const RightMatrix &from, Value packed, Value first, int64_t vectors, bool partial);
  void packTransposed(const RightMatrix &from, Value packed, Value first, int64_t vectors);
  void packElements(const RightMatrix &from, Value packed, Value first, int64_t vectors);
  /// acc + x * y.
  Value multiplyAdd(Value x, Value y, Value acc);
  /// A vector of elements from `where` on: floats as f32, bytes as they are.
  Value load(Value memory, Value where, Value mask);
  Value extend(Value x);
  /// Where the element of `from` lies.
  Value at(const RightMatrix &from, Value i, Value j);

  VectorCode &k;
  mlir::OpBuilder &b;
  SumTile tile;
  Value depth, count;
  std::optional<BytePairs> pairs;
};

} // namespace terse

#endif
