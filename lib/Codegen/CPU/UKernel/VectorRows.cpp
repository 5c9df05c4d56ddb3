//===- VectorRows.cpp - The left operand of vector kernels ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "VectorRows.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// Lines that are not longer have a part of padding that is worth more code.
static constexpr int64_t kPeeledWidth = 64;

static Type getStored(KernelCode &code, const VectorTiles &tiles) {
  Type sum = getSumType(code.op);
  if (code.schedule.getIsa() == ISA::AVX512BF16)
    return BFloat16Type::get(sum.getContext());
  return isa<FloatType>(sum) ? sum : IntegerType::get(sum.getContext(), int(tiles.bytes * 8));
}

static LeftRows getLeft(KernelCode &code, Type element) {
  ISA isa = code.schedule.getIsa();
  int64_t vectorBytes = isa == ISA::Portable                      ? 16
                        : isa == ISA::AVX2 || isa == ISA::AVXVNNI ? 32
                                                                  : 64;
  LeftBytes bytes(code.op, isa);
  bool isByte = mlir::isa<IntegerType>(element);
  return LeftRows(code, element, isByte && bytes.flipped, isByte && bytes.widened, vectorBytes);
}

VectorRows::VectorRows(KernelCode &code, VectorTiles tiles)
    : tiles(tiles), k(code), b(code.b), element(getStored(code, tiles)),
      left(getLeft(code, element)), windows(code, left, element, left.getVectorBytes()) {
  int64_t block = code.schedule.getBlock();
  lineStep = tiles.lineStep;
  pixelStep = tiles.pixelStep;
  // Rows that are copied do not meet in a set of the cache.
  if (tiles.left == VectorTiles::Left::Copied)
    pixelStep = (llvm::divideCeil(tiles.runLength * tiles.bytes, 64) | 1) * 64 / tiles.bytes;
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

bool VectorRows::usesLines() const {
  return tiles.left == VectorTiles::Left::Copied && !tiles.line && windows.isPossible();
}

Value VectorRows::getWidth() {
  return ShapedType::isDynamic(tiles.width) ? k.countRows() : k.c(tiles.width);
}

Value VectorRows::countBlocks() {
  Value perImage = tiles.lines == 1 ? k.ceilDiv(getWidth(), blockWidth)
                                    : k.c(llvm::divideCeil(tiles.lines, blockLines));
  return tiles.images ? k.mul(k.size(k.op.getInit(), 0), perImage) : perImage;
}

int64_t VectorRows::countTiles() const {
  if (tiles.lines == 1 && ShapedType::isDynamic(tiles.width))
    return 0;
  // Lines of tiles fetch the same.
  return llvm::divideCeil(blockWidth, tiles.tileWidth);
}

void VectorRows::setPieces(int64_t piece, int64_t depth) {
  pieceLength = piece;
  this->depth = depth;
  pixelStep = llvm::alignTo(piece, 64 / tiles.bytes);
}

void VectorRows::allocate() {
  Value x = k.op.getLhs();
  if (tiles.left == VectorTiles::Left::Direct) {
    memory = k.collapse(x);
    return;
  }
  int64_t lines = blockWidth, elements = pixelStep;
  if (tiles.left == VectorTiles::Left::Padded) {
    WindowAttr window = k.op.getWindowOrNull();
    lines = (blockLines - 1) * window.getStrides()[0] +
            (window.getKernel()[0] - 1) * window.getDilations()[0] + 1;
    elements = tiles.lineElements;
  } else if (tiles.left == VectorTiles::Left::Packed) {
    lines *= llvm::divideCeil(depth, pieceLength);
  }
  // A vector may be written past the end.
  Value bytes = k.allocate((lines * elements + 64) * tiles.bytes);
  copied = memref::ViewOp::create(b, k.loc, MemRefType::get({lines, elements}, element), bytes,
                                  k.c(0), ValueRange());
  memory = k.collapse(copied);
  if (usesLines())
    windows.prepare();
}

void VectorRows::locate(Value number) {
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

Value VectorRows::getRow(Value y, Value x) {
  if (!tiles.images)
    return x;
  return k.add(k.mul(k.add(k.mul(image, tiles.lines), y), tiles.width), x);
}

Value VectorRows::getBase(Value y, Value x) {
  switch (tiles.left) {
  case VectorTiles::Left::Direct: {
    Value at = k.add(k.mul(y, lineStep), k.mul(x, pixelStep));
    if (!tiles.images)
      return at;
    ArrayRef<int64_t> shape = cast<MemRefType>(k.op.getLhs().getType()).getShape().drop_front();
    return k.add(k.mul(image, ShapedType::getNumElements(shape)), at);
  }
  case VectorTiles::Left::Padded:
    return k.add(k.mul(k.sub(y, y0), lineStep), k.mul(x, pixelStep));
  case VectorTiles::Left::Packed:
  case VectorTiles::Left::Copied:
    return k.mul(k.sub(x, x0), pixelStep);
  }
  llvm_unreachable("unknown place");
}

Value VectorRows::getRunOffset(Value run, Value piece) {
  if (tiles.left == VectorTiles::Left::Packed) {
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

void VectorRows::copy() {
  if (tiles.left == VectorTiles::Left::Padded)
    return copyLines();
  if (tiles.left == VectorTiles::Left::Packed)
    return copyPieces();
  copyRows();
}

void VectorRows::copyRows() {
  Value zero = k.c(0);
  auto type = cast<MemRefType>(k.op.getLhs().getType());
  if (usesLines())
    return windows.copy(copied, getRow(zero, x0), k.sub(x1, x0));
  if (!tiles.line || !type.getLayout().isIdentity())
    return k.loop(x0, x1, 1, [&](Value x) { left.copy(copied, k.sub(x, x0), getRow(zero, x)); });
  SmallVector<ReassociationIndices> groups(2);
  for (int64_t d = 0; d < type.getRank() - 1; ++d)
    groups[0].push_back(d);
  groups[1].push_back(type.getRank() - 1);
  Value rows = k.op.getLhs();
  if (type.getRank() > 2)
    rows = memref::CollapseShapeOp::create(b, k.loc, rows, groups);
  left.rows = copied;
  k.loop(x0, x1, 1, [&](Value x) {
    left.copyElements(rows, {getRow(zero, x), zero}, k.sub(x, x0), zero, type.getShape().back());
  });
}

// A piece of all rows of the block after the other: a tile reads its own from one place.
void VectorRows::copyPieces() {
  left.rows = copied;
  // An odd row ends one element before its last step does.
  int64_t length = tiles.runLength - tiles.isOdd, whole = length / pieceLength * pieceLength;
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
    if (int64_t rest = length - whole)
      k.branch(k.less(k.c(whole), k.add(from, depth)), [&] { copyPiece(k.c(whole), rest); });
  });
}

// The lines of the input that the block covers, each with what stands beside it.
void VectorRows::copyLines() {
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

void VectorRows::forLines(llvm::function_ref<void(Value, int64_t)> body) {
  if (tiles.lines == 1)
    return body(k.c(0), 1);
  int64_t height = tiles.tileLines, rest = tiles.lines % height;
  Value whole = k.add(y0, k.mul(k.div(k.sub(y1, y0), k.c(height)), height));
  k.loop(y0, whole, height, [&](Value y) { body(y, height); });
  if (rest)
    k.loop(whole, y1, rest, [&](Value y) { body(y, rest); });
}

void VectorRows::forTiles(bool peelsEnds, llvm::function_ref<void(Value, int64_t)> body) {
  int64_t most = tiles.tileWidth;
  if (peelsEnds && tiles.skipsColumns && tiles.width <= kPeeledWidth) {
    // Tiles at the ends of a line have code of their own.
    int64_t ends = (tiles.width - 1) / most * most;
    body(k.c(0), std::min(most, tiles.width));
    if (ends > most)
      k.loop(k.c(most), k.c(ends), most, [&](Value x) { body(x, most); });
    if (ends > 0)
      body(k.c(ends), tiles.width - ends);
    return;
  }
  Value at = x0;
  SmallVector<int64_t> widths{most};
  if (!ShapedType::isDynamic(tiles.width))
    widths.push_back(tiles.width % tiles.tileWidth);
  else
    widths.append({4, 1});
  for (size_t i = 0; i < widths.size(); ++i) {
    int64_t width = widths[i];
    if (width == 0 || (i > 0 && width >= widths[i - 1]))
      continue;
    bool last = i + 1 == widths.size();
    Value to = last ? x1 : k.add(at, k.mul(k.div(k.sub(x1, at), k.c(width)), width));
    k.loop(at, to, width, [&](Value x) { body(x, width); });
    at = to;
  }
}

std::pair<Value, Value> VectorRows::findRuns(Value y, int64_t height) {
  WindowAttr window = k.op.getWindowOrNull();
  int64_t stride = window.getStrides()[0], pad = window.getPads()[0],
          step = window.getDilations()[0],
          inside = cast<ShapedType>(k.op.getLhs().getType()).getDimSize(1);
  Value last = k.mul(k.add(y, height - 1), stride), first = k.mul(y, stride);
  Value from = k.ceilDiv(k.sub(k.c(pad), k.min(last, k.c(pad))), step);
  Value to = k.min(k.ceilDiv(k.sub(k.c(inside + pad), first), step), k.c(window.getKernel()[0]));
  return {k.mul(from, tiles.lineRuns), k.mul(to, tiles.lineRuns)};
}

SmallVector<VectorRows::Part> VectorRows::getParts(Value x, int64_t width) const {
  std::optional<int64_t> known = getConstantIntValue(x);
  if (!tiles.skipsColumns || !known || tiles.lineRuns != 1)
    return {{0, tiles.runLength, 0, width}};
  int64_t columns = k.op.getWindowOrNull().getKernel()[1], channels = tiles.runLength / columns;
  SmallVector<Part> parts;
  for (int64_t j = 0; j < columns; ++j) {
    auto [from, to] = tiles.getInside(j, *known, width);
    Part part{j * channels, (j + 1) * channels, from - *known, to - *known};
    if (!parts.empty() && parts.back().first == part.first && parts.back().last == part.last)
      parts.back().to = part.to;
    else if (from < to)
      parts.push_back(part);
  }
  return parts;
}
