//===- VectorRows.h - The left operand of vector kernels --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_VECTORROWS_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_VECTORROWS_H

#include "WindowRows.h"
#include "terse/Dialect/UKernel/IR/VectorTiles.h"

namespace terse {

/// Rows of a left operand, read in place or copied, in blocks of the schedule's size.
class VectorRows {
public:
  using Value = mlir::Value;

  VectorRows(KernelCode &code, ukernel::VectorTiles tiles);

  /// Blocks of the whole operand.
  Value countBlocks();
  /// Which rows a block of `items` items computes.
  KernelBlocks getBlocks(int64_t items) const {
    return {blockLines * blockWidth, tiles.images ? tiles.lines * tiles.width : 0, items};
  }
  /// Tiles of a full block, 0 if that is not known.
  int64_t countTiles() const;

  /// Once, at the start of a function.
  void allocate();
  /// Sets the bounds below to those of a block.
  void locate(Value number);
  /// Packed: elements from `from` in the contraction are at hand.
  void enter(Value from) { depthFrom = from; }
  /// Copies the rows of the block.
  void copy();

  /// Packed: elements of a piece, and of what is copied at a time.
  void setPieces(int64_t piece, int64_t depth);

  /// Where the result at (y, x) begins to read `memory`, and its row among all.
  Value getBase(Value y, Value x);
  Value getRow(Value y, Value x);
  /// From there to the begin of a run of the contraction, if the piece from `piece` is read.
  Value getRunOffset(Value run, Value piece);

  /// Lines of tiles of the block, the last ones perhaps lower: the first line, how many they are.
  void forLines(llvm::function_ref<void(Value, int64_t)> body);
  /// Tiles along such lines, the last ones smaller, of known size where the result's is known: the
  /// first result, how many along a line. `peelsEnds`: the first and last one stand by themselves
  /// if they see columns of the padding.
  void forTiles(bool peelsEnds, llvm::function_ref<void(Value, int64_t)> body);

  /// The runs of the contraction [first, second) that lines [y, y + height) need: not those of
  /// lines of the window that are in the padding for all of them.
  std::pair<Value, Value> findRuns(Value y, int64_t height);

  /// Elements [from, to) of a run, and the results [first, last) of a tile's line that need them.
  struct Part {
    int64_t from, to, first, last;
  };
  /// The parts of a run that a tile at `x` needs: less than all where it begins or ends in the
  /// padding, if `x` is known.
  llvm::SmallVector<Part> getParts(Value x, int64_t width) const;

  const ukernel::VectorTiles tiles;
  /// Lines and results along a line of a block.
  int64_t blockLines, blockWidth;
  /// Elements between neighbouring lines and results of a tile in `memory`, which is flat.
  int64_t lineStep, pixelStep;
  Value memory;
  /// The block: lines [y0, y1), results [x0, x1) along a line.
  Value image, y0, y1, x0, x1;

private:
  Value getWidth();
  bool usesLines() const;
  void copyRows();
  void copyLines();
  void copyPieces();

  KernelCode &k;
  mlir::OpBuilder &b;
  // What is read.
  mlir::Type element;
  LeftRows left;
  WindowRows windows;
  // What is copied, as a matrix.
  Value copied;
  int64_t pieceLength = 0, depth = 0;
  // Where the pieces that are copied begin in the contraction.
  Value depthFrom;
};

} // namespace terse

#endif
