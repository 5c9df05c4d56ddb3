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
  /// The same for one image whose lines are copied.
  int64_t blocksPerImage() const { return (outHeight + blockHeight - 1) / blockHeight; }
  /// Takes memory. Once, before the loops.
  void prepare();
  /// Sets `first` and `count` to what block `number` has.
  void enter(Value number);
  /// Copies that block to where it is read, if it has to be.
  void copy();
  /// Whether that is done by `copyUntil`: lines pass through the first-level cache while tiles
  /// multiply.
  bool copiesAhead() const { return direct && !k.schedule.getLines(); }
  /// Copies lines from number `copied` on as far as windows up to `position` see them; returns how
  /// many there are then. A block has `countLines`.
  Value copyUntil(Value copied, Value position);
  int64_t countLines() const { return copiesAhead() ? (countSeen() - 1) / lineStep() + 1 : 0; }
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
  /// Whether tiles leave out lines of the window that see nothing but padding.
  bool skipsLines() const { return skips; }
  /// The steps [first, second) that sixteen rows from `position` on need.
  std::pair<Value, Value> getSteps(Value position);
  int64_t getStride() const { return direct ? spread : pitch; }

  /// Whether some positions are dropped.
  bool hasPadding() const { return direct && (positions != outWidth || lead); }
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
  int64_t countSeen() const;
  // With one plane, lines between those of results are not read.
  int64_t lineStep() const { return window.getStrides()[0] / planes; }
  Value place(Value line);
  void fillSides();
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
  // together, elements of a column, positions in front of the first line and per line, columns of
  // padding that a line shares with the next, elements between positions and of a line, lines of a
  // plane.
  bool direct = false, inPlace = false, skips = false;
  int64_t lines = 1, column = 0, outHeight = 0, outWidth = 0, lead = 0, positions = 0, shared = 0,
          spread = 0, lineSize = 0, blockHeight = 0, planes = 1, planeRows = 0, planeSize = 0;
  // The copied rows, lines that wait to be interleaved, where steps read, the rows of positions.
  Value rows, plain, offsets, numbers;
  // The block's image and first line.
  Value image, outY;
};

} // namespace terse

#endif
