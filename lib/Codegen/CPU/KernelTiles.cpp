//===- KernelTiles.cpp - Tiles of contraction kernels ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KernelBuilder.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using cpu::Kernel;

static int64_t sizeOf(linalg::GenericOp op, int64_t dim) {
  return dim < 0 ? 1 : op.getStaticLoopRanges()[dim];
}

// The tile of a dimension of `size`: the largest divisor in the upper half of what registers hold,
// else all of it.
static int64_t chooseTile(int64_t size, int64_t most) {
  if (ShapedType::isDynamic(size))
    return most;
  if (size <= most)
    return std::max<int64_t>(size, 1);
  for (int64_t t = most; 2 * t > most; --t)
    if (size % t == 0)
      return t;
  return most;
}

KernelTiles terse::chooseTiles(linalg::GenericOp op, const ContractionShape &shape,
                               const KernelTarget &target) {
  KernelTiles tiles;
  Type sum = cast<MemRefType>(op.getDpsInits()[0].getType()).getElementType();
  int64_t lanes = std::max<int64_t>(
      1, target.vectorBytes / int64_t(llvm::divideCeil(sum.getIntOrFloatBitWidth(), 8)));
  bool many = target.vectorBytes >= 64; // 32 registers instead of 16.
  int64_t n = sizeOf(op, shape.vectorDim), m = sizeOf(op, shape.scalarDim),
          r = sizeOf(op, shape.rowDim);
  if (shape.kernel == Kernel::Dot) {
    int64_t k = sizeOf(op, shape.reductionDims.front());
    if (!ShapedType::isDynamic(k))
      lanes = std::min<int64_t>(lanes, llvm::PowerOf2Ceil(std::max<int64_t>(k, 1)));
    tiles.lanes = lanes;
    tiles.scalars = chooseTile(m, many ? 4 : 2);
    tiles.vectors = chooseTile(n, 4);
    return tiles;
  }
  if (!ShapedType::isDynamic(n))
    lanes = std::min<int64_t>(lanes, llvm::PowerOf2Ceil(std::max<int64_t>(n, 1)));
  tiles.lanes = lanes;
  int64_t wide = 3;
  tiles.vectors = ShapedType::isDynamic(n)
                      ? 2
                      : std::min<int64_t>(wide, std::max<int64_t>(1, llvm::divideCeil(n, lanes)));
  // Whole vectors with nothing left over are worth more than the third accumulator.
  if (!ShapedType::isDynamic(n) && tiles.vectors == 3 && llvm::divideCeil(n, lanes) % 3 &&
      llvm::divideCeil(n, lanes) % 2 == 0)
    tiles.vectors = 2;
  tiles.rows = shape.rowDim < 0 ? 1 : chooseTile(r, std::max<int64_t>(1, wide / tiles.vectors));
  int64_t most = std::min<int64_t>(8, (many ? 24 : 12) / (tiles.vectors * tiles.rows));
  tiles.scalars = chooseTile(m, most);
  return tiles;
}
