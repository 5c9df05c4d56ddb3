//===- BlockShape.cpp - The shape of a block of weights ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/IR/BlockShape.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace llvm;

namespace {

/// Finds the evenly dividing box whose volume is nearest to the block size.
struct BoxSearch {
  ArrayRef<int64_t> shape, axes;
  int64_t blockSize;
  /// The volumes that are acceptable.
  int64_t smallest, largest;
  SmallVector<int64_t> current, best;
  int64_t bestVolume = 0;

  /// Whether the ratio of `a` to the block size is nearer to one than that of `b`; without
  /// rounding.
  bool isNearer(int64_t a, int64_t b) const {
    int64_t aHigh = std::max(a, blockSize), aLow = std::min(a, blockSize);
    int64_t bHigh = std::max(b, blockSize), bLow = std::min(b, blockSize);
    return aHigh * bLow < bHigh * aLow;
  }

  void visit(size_t index, int64_t volume) {
    if (volume > largest)
      return;
    if (index == axes.size()) {
      if (volume >= smallest && (bestVolume == 0 || isNearer(volume, bestVolume))) {
        bestVolume = volume;
        best = current;
      }
      return;
    }
    // Innermost axes first and large extents first: among equals, blocks are contiguous.
    int64_t axis = axes[axes.size() - 1 - index];
    for (int64_t extent = std::min(shape[axis], largest); extent >= 1; --extent) {
      if (shape[axis] % extent != 0)
        continue;
      current[axis] = extent;
      visit(index + 1, volume * extent);
    }
    current[axis] = 1;
  }
};

/// Boxes filled up from the innermost axis; the last ones may be shorter.
SmallVector<int64_t> fillBlock(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes, int64_t blockSize) {
  SmallVector<int64_t> block(shape.size(), 1);
  for (int64_t axis : reverse(axes)) {
    block[axis] = std::min(shape[axis], blockSize);
    blockSize /= block[axis];
  }
  return block;
}

int64_t countBlocks(ArrayRef<int64_t> shape, ArrayRef<int64_t> block) {
  int64_t count = 1;
  for (auto [size, extent] : zip(shape, block))
    count *= divideCeil(size, extent);
  return count;
}

} // namespace

SmallVector<int64_t> terse::getWeightBlock(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes,
                                           int64_t blockSize, BlockFit fit) {
  SmallVector<int64_t> block(shape.size(), 1);
  if (axes.empty())
    return block;
  int64_t volume = 1;
  for (int64_t axis : axes)
    volume = SaturatingMultiply<uint64_t>(volume, std::max<int64_t>(shape[axis], 1));

  int64_t first = axes.front();
  if (volume <= blockSize) {
    for (int64_t axis : axes)
      block[axis] = std::max<int64_t>(shape[axis], 1);
    return block;
  }
  if (axes.size() == 1 || shape[first] % blockSize == 0) {
    block[first] = blockSize;
    return block;
  }

  bool atMost = fit == BlockFit::AtMost;
  BoxSearch search{shape,
                   axes,
                   blockSize,
                   atMost ? 1 : int64_t(divideCeil(blockSize * 25, 32)),
                   atMost ? blockSize : 2 * blockSize,
                   block,
                   {}};
  search.visit(0, 1);
  SmallVector<int64_t> filled = fillBlock(shape, axes, blockSize);
  if (!search.bestVolume ||
      (atMost && countBlocks(shape, filled) < countBlocks(shape, search.best)))
    return filled;
  return search.best;
}
