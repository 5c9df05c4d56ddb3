//===- TileRows.h - Where tiles read their rows ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_TILEROWS_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_TILEROWS_H

#include "WindowRows.h"

namespace terse {

/// The left operand of a product in tile registers, a block of rows at a time. Rows are numbered by
/// their *positions* in the block; what a step of the contraction reads of them lies at fixed
/// distances.
///
/// A convolution whose channels fill tiles copies the lines of its input once, not once for each
/// tap of the window: positions go through padded lines, so that the windows of neighbours lie a
/// fixed number of bytes apart. Positions in the padding are computed and dropped. Lines of the
/// input that differ by less than the stride lie in separate planes. With `schedule.lines` above 1,
/// each copied line holds that many lines of the input, column by column in turn.
class TileRows {
public:
  using Value = mlir::Value;

  /// For tiles of `tileRows` rows.
  TileRows(KernelCode &code, int64_t tileRows);

  Value countBlocks();
  /// Takes memory. Once, before the loops.
  void prepare();
  /// Sets `first` and `count` to what block `number` has.
  void enter(Value number);
  /// Copies that block to where it is read, if it has to be.
  void copy();
  bool isInPlace() const { return inPlace; }
  /// Whether windows are read in copied lines.
  bool isDirect() const { return direct; }

  /// Whether all blocks have as many positions as a tile: yes, no, or that shows at run time.
  std::optional<bool> fillTiles() const { return filled; }

  /// Where the tile that begins at `position` reads. Of a tile that would reach past all rows and
  /// that is read in place, `skipped` is how many rows before `position` it begins.
  Value getBase(Value position, bool full, Value &skipped);
  /// What step `i` adds to that.
  Value getOffset(Value i);
  int64_t getStride() const { return direct ? spread : pitch; }

  /// Whether some positions are dropped.
  bool hasPadding() const { return direct && positions != outWidth; }
  Value isPadding(Value position);
  /// The row of the result at `position`; of one in the padding that of the position behind it.
  Value getRow(Value position);

  mlir::MemRefType type;
  mlir::Type element;
  /// Elements of a row of a tile, of all steps of the contraction; how many there are.
  int64_t elementBytes, depth, padded, steps;
  /// Rows of a block.
  int64_t block;
  /// What tiles are loaded from; the block's first row of the result, its positions.
  Value memory, first, count;

private:
  bool canReadInPlace() const;
  bool linesFirst() const;
  void planWindows(mlir::MemRefType init);
  void findFilled();
  void copyLine(Value to, Value y);
  void widenColumns(Value x, Value y, Value to, int64_t count);
  void copyLines();
  void interleave(Value from, Value to);
  int64_t plainPitch() const { return lineSize / lines + 64; }
  void fillOffsets();
  void fillNumbers();
  void clearEnds();
  Value view(Value bytes, llvm::ArrayRef<int64_t> shape, mlir::Type element);

  KernelCode &k;
  mlir::OpBuilder &b;
  ukernel::WindowAttr window;
  ukernel::KernelSizes sizes;
  int64_t tileRows, pitch;
  LeftRows left;
  WindowRows windows;
  std::optional<bool> filled;
  // Of convolutions that read windows of the copy in place (`direct`): lines that are taken
  // together, elements of a column, positions per line, elements between them and of a line, lines
  // of a plane.
  bool direct = false, inPlace = false;
  int64_t lines = 1, column = 0, outHeight = 0, outWidth = 0, positions = 0, spread = 0,
          lineSize = 0, blockHeight = 0, planes = 1, planeRows = 0, planeSize = 0;
  // The copied rows, lines that wait to be interleaved, where steps read, the rows of positions.
  Value rows, plain, offsets, numbers;
  // The block's image and first line.
  Value image, outY;
};

} // namespace terse

#endif
