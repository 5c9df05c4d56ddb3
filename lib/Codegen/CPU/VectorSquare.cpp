//===- VectorSquare.cpp - Squares of vectors turned in registers -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In two parts, each of instructions that exist: elements of two rows take turns inside of lanes of
// 128 bits, then whole lanes change places.

#include "VectorSquare.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace {
class Square {
public:
  Square(OpBuilder &b, Location loc, VectorType type)
      : b(b), loc(loc), n(type.getNumElements()),
        lane(std::min<int64_t>(n, 128 / type.getElementTypeBitWidth())) {}

  SmallVector<Value> transpose(SmallVector<Value> rows) {
    // Of each `size` rows, vector j has, lane by lane, the elements of columns j * lane / size on:
    // those of one column side by side.
    for (int64_t size = 1; size < lane; size *= 2)
      for (int64_t first = 0; first < n; first += 2 * size) {
        SmallVector<Value> next;
        for (int64_t j = first; j < first + size; ++j)
          for (bool high : {false, true})
            next.push_back(interleave(rows[j], rows[j + size], size, high));
        llvm::copy(next, rows.begin() + first);
      }
    // Now vector j of each `lane` rows has column j of every lane.
    SmallVector<Value> columns(n);
    for (int64_t j = 0; j < lane; ++j) {
      SmallVector<Value> lanes;
      for (int64_t i = j; i < n; i += lane)
        lanes.push_back(rows[i]);
      for (auto [i, column] : llvm::enumerate(gatherLanes(lanes)))
        columns[i * lane + j] = column;
    }
    return columns;
  }

private:
  // Groups of `size` elements of x and y in turn, from the first or the second half of each lane.
  Value interleave(Value x, Value y, int64_t size, bool high) {
    SmallVector<int64_t> order;
    for (int64_t from = high ? lane / 2 : 0; from < n; from += lane)
      for (int64_t at = from; at < from + lane / 2; at += size)
        for (int64_t row : {int64_t(0), n})
          for (int64_t i = 0; i < size; ++i)
            order.push_back(row + at + i);
    return vector::ShuffleOp::create(b, loc, x, y, order);
  }

  // Vector i has lane i of each vector.
  SmallVector<Value> gatherLanes(SmallVector<Value> vectors) {
    if (vectors.size() == 1)
      return vectors;
    SmallVector<Value> parts[2], result;
    for (int64_t odd : {0, 1}) {
      SmallVector<int64_t> order;
      for (int64_t from = odd * lane; from < 2 * n; from += 2 * lane)
        for (int64_t i = 0; i < lane; ++i)
          order.push_back(from + i);
      for (size_t i = 0; i < vectors.size(); i += 2)
        parts[odd].push_back(vector::ShuffleOp::create(b, loc, vectors[i], vectors[i + 1], order));
      parts[odd] = gatherLanes(parts[odd]);
    }
    for (auto [even, odd] : llvm::zip(parts[0], parts[1]))
      result.append({even, odd});
    return result;
  }

  OpBuilder &b;
  Location loc;
  int64_t n, lane;
};
} // namespace

SmallVector<Value> terse::transposeSquare(OpBuilder &b, Location loc, SmallVector<Value> rows) {
  return Square(b, loc, cast<VectorType>(rows.front().getType())).transpose(std::move(rows));
}
