//===- FloatRows.cpp - The left operand of products of floats -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "FloatRows.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

static Value flattenMemory(KernelCode &k, Value v) {
  ReassociationIndices all;
  for (int64_t d = 0; d < cast<MemRefType>(v.getType()).getRank(); ++d)
    all.push_back(d);
  if (all.size() == 1)
    return v;
  return memref::CollapseShapeOp::create(k.b, k.loc, v, SmallVector<ReassociationIndices>{all});
}

FloatRows::FloatRows(KernelCode &code, FloatTiles tiles)
    : tiles(tiles), k(code), b(code.b), element(getSumType(code.op)) {
  int64_t block = code.schedule.getBlock();
  lineStep = tiles.lineStep;
  pixelStep = tiles.pixelStep;
  // Rows that are copied do not meet in a set of the cache.
  if (tiles.left == FloatTiles::Left::Copied)
    pixelStep = (llvm::divideCeil(tiles.runLength, 16) | 1) * 16;
  if (tiles.lines == 1) {
    blockLines = 1;
    blockWidth = ShapedType::isDynamic(tiles.width) ? block : std::min(block, tiles.width);
    blockWidth = llvm::alignTo(std::max<int64_t>(blockWidth, 1), tiles.tileWidth);
  } else {
    blockWidth = tiles.width;
    blockLines = llvm::alignTo(
        std::clamp<int64_t>(block / std::max<int64_t>(tiles.width, 1), 1, tiles.lines),
        tiles.tileLines);
  }
}

Value FloatRows::getWidth() {
  return ShapedType::isDynamic(tiles.width) ? k.countRows() : k.c(tiles.width);
}

Value FloatRows::countBlocks() {
  Value perImage = tiles.lines == 1 ? k.ceilDiv(getWidth(), blockWidth)
                                    : k.c(llvm::divideCeil(tiles.lines, blockLines));
  return tiles.images ? k.mul(k.size(k.op.getInit(), 0), perImage) : perImage;
}

int64_t FloatRows::countTiles() const {
  if (tiles.lines == 1 && ShapedType::isDynamic(tiles.width))
    return 0;
  // Lines of tiles fetch the same.
  return llvm::divideCeil(blockWidth, tiles.tileWidth);
}

void FloatRows::setPieces(int64_t piece, int64_t depth) {
  pieceLength = piece;
  this->depth = depth;
  pixelStep = llvm::alignTo(piece, 16);
}

void FloatRows::allocate() {
  Value x = k.op.getLhs();
  if (tiles.left == FloatTiles::Left::Direct) {
    memory = flattenMemory(k, x);
    return;
  }
  int64_t lines = blockWidth, elements = pixelStep;
  if (tiles.left == FloatTiles::Left::Padded) {
    WindowAttr window = k.op.getWindowOrNull();
    lines = (blockLines - 1) * window.getStrides()[0] +
            (window.getKernel()[0] - 1) * window.getDilations()[0] + 1;
    elements = tiles.lineElements;
  } else if (tiles.left == FloatTiles::Left::Packed) {
    lines *= llvm::divideCeil(depth, pieceLength);
  }
  // A vector may be written past the end.
  Value bytes = k.allocate(lines * elements * 4 + 64);
  copied = memref::ViewOp::create(b, k.loc, MemRefType::get({lines, elements}, element), bytes,
                                  k.c(0), ValueRange());
  memory = flattenMemory(k, copied);
}

void FloatRows::locate(Value number) {
  Value zero = k.c(0);
  bool line = tiles.lines == 1;
  Value width = getWidth();
  Value perImage =
      line ? k.ceilDiv(width, blockWidth) : k.c(llvm::divideCeil(tiles.lines, blockLines));
  image = tiles.images ? k.div(number, perImage) : zero;
  Value at = tiles.images ? k.rem(number, perImage) : number;
  y0 = line ? zero : k.mul(at, blockLines);
  y1 = line ? k.c(1) : k.min(k.add(y0, blockLines), k.c(tiles.lines));
  x0 = line ? k.mul(at, blockWidth) : zero;
  x1 = line ? k.min(k.add(x0, blockWidth), width) : width;
}

Value FloatRows::getRow(Value y, Value x) {
  if (!tiles.images)
    return x;
  return k.add(k.mul(k.add(k.mul(image, tiles.lines), y), tiles.width), x);
}

Value FloatRows::getBase(Value y, Value x) {
  switch (tiles.left) {
  case FloatTiles::Left::Direct: {
    Value at = k.add(k.mul(y, lineStep), k.mul(x, pixelStep));
    if (!tiles.images)
      return at;
    ArrayRef<int64_t> shape = cast<MemRefType>(k.op.getLhs().getType()).getShape().drop_front();
    return k.add(k.mul(image, ShapedType::getNumElements(shape)), at);
  }
  case FloatTiles::Left::Padded:
    return k.add(k.mul(k.sub(y, y0), lineStep), k.mul(x, pixelStep));
  case FloatTiles::Left::Packed:
  case FloatTiles::Left::Copied:
    return k.mul(k.sub(x, x0), pixelStep);
  }
  llvm_unreachable("unknown place");
}

Value FloatRows::getRunOffset(Value run, Value piece) {
  if (tiles.left == FloatTiles::Left::Packed) {
    Value number = k.div(k.sub(piece, depthFrom), k.c(pieceLength));
    return k.sub(k.mul(number, blockWidth * pixelStep), piece);
  }
  if (tiles.runs == 1)
    return k.c(0);
  if (tiles.lineRuns == 1)
    return k.mul(run, tiles.runLineStep);
  return k.add(k.mul(k.div(run, k.c(tiles.lineRuns)), tiles.runLineStep),
               k.mul(k.rem(run, k.c(tiles.lineRuns)), tiles.runStep));
}

void FloatRows::copy() {
  if (tiles.left == FloatTiles::Left::Padded)
    return copyLines();
  if (tiles.left == FloatTiles::Left::Packed)
    return copyPieces();
  int64_t vectorBytes = k.schedule.getIsa() == ISA::AVX512     ? 64
                        : k.schedule.getIsa() == ISA::Portable ? 16
                                                               : 32;
  LeftRows left(k, element, false, false, vectorBytes);
  k.loop(x0, x1, 1, [&](Value x) { left.copy(copied, k.sub(x, x0), getRow(k.c(0), x)); });
}

// A piece of all rows of the block after the other: a tile reads its own from one place.
void FloatRows::copyPieces() {
  int64_t vectorBytes = k.schedule.getIsa() == ISA::AVX512     ? 64
                        : k.schedule.getIsa() == ISA::Portable ? 16
                                                               : 32;
  LeftRows left(k, element, false, false, vectorBytes);
  left.rows = copied;
  int64_t whole = tiles.runLength / pieceLength * pieceLength;
  Value from = depthFrom, to = k.min(k.add(from, depth), k.c(whole));
  k.loop(x0, x1, 1, [&](Value x) {
    SmallVector<Value> lead = k.unflatten(getRow(k.c(0), x));
    auto copyPiece = [&](Value at, int64_t count) {
      SmallVector<Value> source(lead);
      source.push_back(at);
      Value number = k.div(k.sub(at, from), k.c(pieceLength));
      left.copyElements(k.op.getLhs(), source, k.add(k.mul(number, blockWidth), k.sub(x, x0)),
                        k.c(0), count);
    };
    k.loop(from, to, pieceLength, [&](Value at) { copyPiece(at, pieceLength); });
    if (int64_t rest = tiles.runLength - whole)
      k.branch(k.less(k.c(whole), k.add(from, depth)), [&] { copyPiece(k.c(whole), rest); });
  });
}

// The lines of the input that the block covers, each with what stands beside it.
void FloatRows::copyLines() {
  int64_t vectorBytes = k.schedule.getIsa() == ISA::AVX512     ? 64
                        : k.schedule.getIsa() == ISA::Portable ? 16
                                                               : 32;
  LeftRows left(k, element, false, false, vectorBytes);
  left.rows = copied;
  WindowAttr window = k.op.getWindowOrNull();
  Value x = k.op.getLhs();
  ArrayRef<int64_t> shape = cast<MemRefType>(x.getType()).getShape();
  int64_t channels = shape[3], across = tiles.lineElements / channels;
  int64_t from = std::min(window.getPads()[1], across);
  int64_t to = std::clamp(shape[2] + window.getPads()[1], from, across);
  bool plain = cast<MemRefType>(x.getType()).getLayout().isIdentity();
  Value flat = x;
  if (plain)
    flat = memref::CollapseShapeOp::create(b, k.loc, x,
                                           SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}});
  int64_t more = (window.getKernel()[0] - 1) * window.getDilations()[0] + 1;
  Value count = k.add(k.mul(k.sub(k.sub(y1, y0), k.c(1)), window.getStrides()[0]), more);
  Value first = k.sub(k.mul(y0, window.getStrides()[0]), k.c(window.getPads()[0]));
  Value zero = k.c(0);
  k.loop(zero, count, 1, [&](Value i) {
    Value y = k.add(first, i);
    k.branch(
        k.compare(arith::CmpIPredicate::ult, y, k.c(shape[1])),
        [&] {
          left.fill(i, zero, from * channels);
          if (plain)
            left.copyElements(flat, {image, y, zero}, i, k.c(from * channels),
                              (to - from) * channels);
          else
            k.loop(zero, k.c(to - from), 1, [&](Value column) {
              left.copyElements(x, {image, y, column, zero}, i,
                                k.mul(k.add(column, from), channels), channels);
            });
          left.fill(i, k.c(to * channels), (across - to) * channels);
        },
        [&] { left.fill(i, zero, across * channels); });
  });
}
