//===- DotKernel.h - Bytes times weights of few bits ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_DOTKERNEL_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_DOTKERNEL_H

#include "GroupRows.h"
#include "WeightDecoder.h"

namespace terse {

/// Rows of bytes times a matrix of few bits whose blocks share scales: the products of a block add
/// up in integers.
class DotKernel {
public:
  using Value = mlir::Value;

  explicit DotKernel(KernelCode &code);

  Value countItems();
  void build(Value begin, Value end);

private:
  Value view(Value bytes, llvm::ArrayRef<int64_t> shape, mlir::Type element);
  void storeRow(GroupRows &left, Value r, Value row);

  Value dot(Value acc, Value codes, Value r, Value at);
  void multiply(Value p, Value r0, int64_t count);

  // In tile registers (DotTiles.cpp): `count` rows of the block times panel `p`, to `sums`.
  void prepareTiles();
  void multiplyTiles(Value p, Value count);
  void unpackPart(Value p, Value g0, Value g1);
  void fetchAhead(Value p, int64_t v, Value g, Value r0);
  void multiplyGroups(Value r0, int64_t v, Value g0, Value g, int64_t tiles, bool across,
                      Value buffer);
  llvm::SmallVector<Value> scaleGroup(Value p, int64_t v, Value g, Value buffer,
                                      llvm::ArrayRef<Value> accs);
  void multiplyTile(Value p, Value r0, Value g0, Value g1);

  KernelCode &k;
  mlir::OpBuilder &b;
  WeightDecoder decoder;
  const ukernel::WeightLayout &layout;
  ukernel::KernelSizes sizes;
  // Of the vectors, where `tiles` multiply, too.
  ukernel::ISA isa;
  bool tiles, needsRowSums = false;
  int64_t tileRows, columns, block, padded, pitch, chunk, chunks;
  // Of tiles: elements of the contraction per step, groups of a part and of a turn; the part's
  // bytes, and what tile registers held.
  int64_t step = 0, partGroups = 0, groupsAtOnce = 0;
  Value panelBytes, tileSums;
  // The block of rows as bytes and words, the sums of their groups, the sums of products.
  Value rowBytes, rows, words, rowSums, sums;
};

} // namespace terse

#endif
