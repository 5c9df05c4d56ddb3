//===- BlockShape.h - The shape of a block of weights ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_BLOCKSHAPE_H
#define TERSE_DIALECT_TERSE_IR_BLOCKSHAPE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace terse {

/// How large blocks may be compared with what was asked for.
enum class BlockFit { Nearest, AtMost };

/// The block sizes, one per dimension of `shape`, of blocks of about `blockSize` elements that
/// run along `axes` only (outermost first); 1 along every other dimension.
///
/// With one axis, or when `blockSize` divides the first one, blocks are `blockSize` long along it.
/// A weight with fewer elements than that along the axes is one block. Otherwise, as for
/// convolution kernels with few input channels:
///
///   Nearest  the box that divides the axes evenly and whose volume is nearest to `blockSize` by
///            ratio, among volumes from 25/32 to 2 times `blockSize`: no tails, and never much more
///            scale bits per element than asked for. Where nothing divides, boxes are filled up
///            from the innermost axis and the last blocks are shorter.
///   AtMost   the evenly dividing box with the largest volume up to `blockSize`, or the filled-up
///   one
///            where that makes fewer blocks.
llvm::SmallVector<int64_t> getWeightBlock(llvm::ArrayRef<int64_t> shape,
                                          llvm::ArrayRef<int64_t> axes, int64_t blockSize,
                                          BlockFit fit = BlockFit::Nearest);

} // namespace terse

#endif // TERSE_DIALECT_TERSE_IR_BLOCKSHAPE_H
