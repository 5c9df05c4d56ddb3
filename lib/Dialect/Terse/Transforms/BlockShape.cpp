//===- BlockShape.cpp - The shape of a block of weights ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/Transforms/BlockShape.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace llvm;

namespace {

/// Finds the evenly dividing box whose volume is nearest to the block size.
struct BoxSearch {
  ArrayRef<int64_t> shape, axes;
  int64_t blockSize;
  SmallVector<int64_t> current, best;
  int64_t bestVolume = 0;

  /// Whether the ratio of `a` to the block size is nearer to one than that of `b`; without rounding.
  bool isNearer(int64_t a, int64_t b) const {
    int64_t aHigh = std::max(a, blockSize), aLow = std::min(a, blockSize);
    int64_t bHigh = std::max(b, blockSize), bLow = std::min(b, blockSize);
    return aHigh * bLow < bHigh * aLow;
  }

  void visit(size_t index, int64_t volume) {
    if (volume > 2 * blockSize)
      return;
    if (index == axes.size()) {
      if (volume * 32 >= blockSize * 25 && (bestVolume == 0 || isNearer(volume, bestVolume))) {
        bestVolume = volume;
        best = current;
      }
      return;
    }
    // Innermost axes first and large extents first: among equals, blocks are contiguous.
    int64_t axis = axes[axes.size() - 1 - index];
    for (int64_t extent = std::min(shape[axis], 2 * blockSize); extent >= 1; --extent) {
      if (shape[axis] % extent != 0)
        continue;
      current[axis] = extent;
      visit(index + 1, volume * extent);
    }
    current[axis] = 1;
  }
};

} // namespace

SmallVector<int64_t> terse::getWeightBlock(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes,
                                           int64_t blockSize) {
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

  BoxSearch search{shape, axes, blockSize, block, {}};
  search.visit(0, 1);
  if (search.bestVolume)
    return search.best;

  // Nothing divides: fill up from the innermost axis.
  int64_t room = blockSize;
  for (int64_t axis : reverse(axes)) {
    block[axis] = std::min(shape[axis], room);
    room /= block[axis];
  }
  return block;
}
