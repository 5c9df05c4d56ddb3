//===- VectorTiles.h - How vector kernels go over their rows ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows of the left operand are read where they stand as far as that is possible: the elements of
// one row lie in runs, and the first elements of neighbouring rows at fixed distances.

#ifndef TERSE_DIALECT_UKERNEL_IR_VECTORTILES_H
#define TERSE_DIALECT_UKERNEL_IR_VECTORTILES_H

#include "terse/Dialect/UKernel/IR/UKernelOps.h"

namespace terse::ukernel {

/// How instructions want bytes of the left operand: `depth` elements side by side, signed ones with
/// 128 added (`flipped`) or as words (`widened`).
struct LeftBytes {
  LeftBytes(KernelOpInterface op, ISA isa);

  bool isConverted() const { return flipped || widened; }

  int64_t depth;
  bool flipped, widened;
};

struct VectorTiles {
  /// For the instructions `isa`: those that multiply bf16 read it in place or as it is copied, two
  /// elements at a time; others want it as f32, which is a copy.
  VectorTiles(KernelOpInterface op, int64_t rows, ISA isa);

  /// Elements along the contraction that are multiplied together, and bytes of an element that is
  /// read.
  int64_t step = 1, bytes = 4;

  enum class Left {
    Direct, // Read in place.
    Padded, // Lines of the input are copied, with what stands outside of it.
    Packed, // Rows are copied, piece by piece of the contraction.
    Copied  // Rows are copied one by one.
  };
  Left left = Left::Copied;

  /// Whether the first dimension of the result counts images of `lines` lines; otherwise all rows
  /// are one line. Sizes may be dynamic if there is one line.
  bool images = false;
  /// Whether rows of the left operand are those of the result.
  bool line = false;
  int64_t lines = 1, width = mlir::ShapedType::kDynamic;

  /// Lines and results along a line of a tile, at most `rows` together.
  int64_t tileLines = 1, tileWidth = 1;

  /// Elements between the first elements of neighbouring results and of neighbouring lines.
  int64_t pixelStep = 0, lineStep = 0;

  /// The contraction: runs of elements side by side, `lineRuns` in each line of the window, and the
  /// distances from line to line and within one.
  int64_t runs = 1, runLength = 0, lineRuns = 1, runLineStep = 0, runStep = 0;
  /// Whether the last step of a run has one element of `runLength` less than the others.
  bool isOdd = false;

  /// Padded: elements of a copied line.
  int64_t lineElements = 0;

  /// Padded: whether lines or columns of the window that see nothing but zeros may be left out.
  bool skipsLines = false, skipsColumns = false;
  /// The lines of the window [first, second) that results [y, y + height) see in the image.
  std::pair<int64_t, int64_t> getWindowLines(int64_t y, int64_t height) const;
  /// The results along a line, of [x, x + width), that see column `j` of the window in the image.
  std::pair<int64_t, int64_t> getInside(int64_t j, int64_t x, int64_t width) const;

private:
  void findPadding(int64_t channels);

  WindowAttr window;
  int64_t inHeight = 0, inWidth = 0;
};

} // namespace terse::ukernel

#endif
