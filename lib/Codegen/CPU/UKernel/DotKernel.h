//===- DotKernel.h - Bytes times weights of few bits ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_DOTKERNEL_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_DOTKERNEL_H

#include "GroupRows.h"
#include "WeightDecoder.h"

namespace terse {

/// Unpacked weights that stay in the first-level cache beside the rows.
inline constexpr int64_t kDotPartBytes = 24 << 10;

/// Rows of bytes times a matrix of few bits whose blocks share scales: the products of a block add
/// up in integers.
class DotKernel {
public:
  using Value = mlir::Value;

  /// `isFew`: of no more rows than a tile has.
  explicit DotKernel(KernelCode &code, bool isFew = false);

  Value countItems();
  void build(Value begin, Value end);

private:
  Value view(Value bytes, llvm::ArrayRef<int64_t> shape, mlir::Type element);
  void storeRow(GroupRows &left, Value r, Value row);

  // Fetches the line of codes that will be read a while after that at byte `at`.
  void fetch(Value p, int64_t v, Value at);

  Value dot(Value acc, Value codes, Value r, Value at);
  void multiply(Value p, Value r0, int64_t count);

  // In tile registers (DotTiles.cpp): `count` rows of the block times panel `p`, to `sums`.
  void prepareTiles();
  void multiplyTiles(Value p, Value count);
  void unpackUnit(Value p, int64_t v, Value at, Value off, Value tile, Value row);
  void unpackPart(Value p, Value g0, Value g1);
  void fetchAhead(Value p, int64_t v, Value g, Value r0);
  void multiplyGroups(Value r0, int64_t v, Value g0, Value g, int64_t tiles, bool across,
                      Value buffer);
  llvm::SmallVector<Value> scaleGroup(Value p, int64_t v, Value g, Value buffer,
                                      llvm::ArrayRef<Value> accs);
  void multiplyTile(Value p, Value r0, Value g0, Value g1);

  // The same for groups of many steps (DotLongGroups.cpp).
  void prepareLongGroups();
  void multiplyLongGroups(Value p, Value count);
  void unpackStep(Value p, int64_t v, Value g, Value s, Value tile, Value row);
  llvm::SmallVector<Value> multiplyStep(Value r0, Value g, Value s, llvm::ArrayRef<Value> accs,
                                        llvm::function_ref<Value(int64_t)> loadWeights);
  void streamGroup(Value p, Value g);
  void multiplyParts(Value p, Value g, Value count);
  void scaleLongGroup(Value p, Value g, Value count);

  KernelCode &k;
  mlir::OpBuilder &b;
  WeightDecoder decoder;
  const ukernel::WeightLayout &layout;
  ukernel::KernelSizes sizes;
  // Of the vectors, where `tiles` multiply, too.
  ukernel::ISA isa;
  bool tiles, isLong = false, needsRowSums = false;
  /// Numbers of rows that have code of their own.
  llvm::SmallVector<int64_t> fewRows;
  int64_t tileRows, columns, block, padded, pitch, chunk, chunks;
  // Of tiles: elements of the contraction per step, groups of a part and of a turn, or steps of a
  // part of a long group; the part's bytes, and what tile registers held.
  int64_t step = 0, partGroups = 0, groupsAtOnce = 0, partSteps = 0;
  Value panelBytes, tileSums;
  // The block of rows as bytes and words, the sums of their groups, the sums of products.
  Value rowBytes, rows, words, rowSums, sums, sumBytes;
};

} // namespace terse

#endif
