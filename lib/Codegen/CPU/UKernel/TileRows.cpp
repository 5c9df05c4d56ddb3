//===- TileRows.cpp - Where tiles read their rows -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows of a copy lie an odd number of cache lines apart, so that those of a tile never meet in a
// set.

#include "TileRows.h"
#include "WindowPlan.h"
#include "terse/Dialect/UKernel/IR/WindowLines.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// Rows of windows that are copied at a time.
static constexpr int64_t kRowBytes = 24 << 10;

TileRows::TileRows(KernelCode &code, int64_t tileRows)
    : type(cast<MemRefType>(code.op.getLhs().getType())), element(type.getElementType()),
      elementBytes(element.getIntOrFloatBitWidth() / 8), depth(64 / elementBytes), k(code),
      b(code.b), window(code.op.getWindowOrNull()), sizes(getSizes(code.op)), tileRows(tileRows),
      left(code, element, false, false, 64), windows(code, left, element, 64) {
  padded = llvm::alignTo(sizes.k, depth);
  steps = padded / depth;
  pitch = padded + (steps % 2 ? 0 : depth);
  block = llvm::alignTo(code.schedule.getBlock(), tileRows);
  auto init = cast<MemRefType>(code.op.getInit().getType());
  if (int64_t together = code.schedule.getLines()) {
    lines = together;
    LineGroups groups(sizes, code.schedule);
    padded = groups.count * groups.padded;
    depth = code.schedule.getAlign();
    steps = padded / depth;
    planWindows(init);
  } else if (ukernel::fillTiles(code.op)) {
    planWindows(init);
  }
  inPlace = !window && canReadInPlace();
  if (inPlace)
    pitch = sizes.k;
  // Rows that were just written are near.
  if (!direct && linesFirst())
    block = std::clamp<int64_t>(kRowBytes / (pitch * elementBytes) / tileRows * tileRows, tileRows,
                                block);
  findFilled();
}

// Steps between rows, times columns, from which on a copy of the rows pays.
static constexpr int64_t kCopiedOften = 32 * 512;

Value TileRows::view(Value bytes, ArrayRef<int64_t> shape, Type element) {
  return memref::ViewOp::create(b, k.loc, MemRefType::get(shape, element), bytes, k.c(0),
                                ValueRange());
}

// Whether tiles are loaded from the left operand itself: its rows fill steps, and there are enough
// of them that the last tile may begin before the one that it follows ends. Rows that are a large
// power of two apart meet in few sets of the cache: a copy pays if many panels read it.
bool TileRows::canReadInPlace() const {
  int64_t least = 1;
  for (int64_t d : type.getShape().drop_back())
    least *= ShapedType::isDynamic(d) ? 1 : d;
  int64_t apart = std::gcd<int64_t>(sizes.k / depth, 64);
  return sizes.k % depth == 0 && least >= tileRows && type.getLayout().isIdentity() &&
         (apart <= 16 || apart * sizes.n <= kCopiedOften);
}

bool TileRows::linesFirst() const { return windows.isPossible(); }

// Output rows of a convolution per block, and where their input lies.
void TileRows::planWindows(MemRefType init) {
  direct = true;
  int64_t sw = window.getStrides()[1], sh = window.getStrides()[0];
  column = type.getShape()[3];
  if (k.schedule.getLines())
    column = getColumnElements(column, element);
  outHeight = init.getDimSize(1), outWidth = init.getDimSize(2);
  int64_t kernel = window.getKernel()[0], before = window.getPads()[1];
  int64_t reach = (outWidth - 1) * sw + (window.getKernel()[1] - 1) * window.getDilations()[1] + 1;
  // Padding behind a line is that in front of the next one.
  shared = std::clamp<int64_t>(reach - before - type.getShape()[2], 0, before);
  // Products with padding are zero. Weights of several lines are packed together.
  skips = lines == 1 && window.getPadValue() == 0 && window.getDilations()[0] == 1 &&
          element.isInteger(8) && !type.isDynamicDim(1) && kernel > 1 && window.getPads()[0] > 0;
  WindowPlan plan = planWindowTiles(
      {outHeight, outWidth, tileRows,
       std::max<int64_t>(llvm::divideCeil(reach - shared, sw), outWidth), block / outWidth, skips,
       type.getShape()[1], kernel, sh, window.getPads()[0]});
  positions = plan.positions, lead = plan.lead, blockHeight = plan.height;
  spread = sw * lines * column;
  lineSize = positions * spread;
  planes = countPlanes(window, lines);
  // Where the last group of lines begins.
  int64_t last = (kernel - 1) / lines * lines * window.getDilations()[0];
  planeRows = blockHeight + last / sh;
  // A tile may read past the last position, a copy write.
  planeSize = llvm::alignTo(lead * spread + planeRows * lineSize + tileRows * spread + 64, 64);
}

void TileRows::findFilled() {
  auto init = cast<MemRefType>(k.op.getInit().getType());
  auto count = [&](int64_t height) { return lead + (height - 1) * positions + outWidth; };
  if (direct) {
    int64_t last = outHeight % blockHeight ? outHeight % blockHeight : blockHeight;
    filled = count(last) >= tileRows;
    if (!*filled && count(blockHeight) >= tileRows)
      filled = std::nullopt;
    return;
  }
  if (!init.hasStaticShape())
    return;
  int64_t m = 1;
  for (int64_t d : init.getShape().drop_back())
    m *= d;
  int64_t last = m % block ? m % block : block;
  if (last >= tileRows)
    filled = true;
  else if (m < block)
    filled = false;
}

Value TileRows::countBlocks() {
  if (direct)
    return k.mul(k.size(k.op.getInit(), 0), blocksPerImage());
  return k.ceilDiv(k.countRows(), block);
}

void TileRows::prepare() {
  if (inPlace) {
    ReassociationIndices all(llvm::to_vector(llvm::seq<int64_t>(0, type.getRank())));
    memory = memref::CollapseShapeOp::create(b, k.loc, k.op.getLhs(),
                                             SmallVector<ReassociationIndices>{all});
    return;
  }
  int64_t copied = direct ? planeSize * planes + 64 * spread : block * pitch;
  Value bytes = k.allocate(copied * elementBytes + windows.getSlack());
  memory = view(bytes, {copied + 64 / elementBytes}, element);
  if (direct) {
    rows = view(bytes, {1, planeSize * planes}, element);
    if (lines > 1) {
      // Also what stands below the window in its last group, which weights of zero drop.
      int64_t count = (planeRows - 1) * window.getStrides()[0] + planes + lines;
      plain =
          view(k.allocate(count * plainPitch() * elementBytes), {1, count * plainPitch()}, element);
      // The line before one that stands below reads its padding.
      left.rows = plain;
      for (int64_t i = countSeen(); shared && i < count; ++i)
        left.fill(k.c(0), k.c(i * plainPitch()), window.getPads()[1] * column);
    }
    if (copiesAhead())
      fillSides();
    fillOffsets();
    fillNumbers();
    return;
  }
  rows = view(bytes, {block, pitch}, element);
  if (linesFirst())
    windows.prepare();
  clearEnds();
}

// Zeros behind rows of floats that do not fill their last step.
void TileRows::clearEnds() {
  if (!isa<FloatType>(element) || sizes.k == padded)
    return;
  Value zeros = k.zero(VectorType::get(depth, element));
  k.loop(k.c(0), k.c(block), 1, [&](Value r) {
    vector::StoreOp::create(b, k.loc, zeros, rows, ValueRange{r, k.c(padded - depth)});
  });
}

void TileRows::enter(Value number) {
  if (!direct) {
    first = k.mul(number, block);
    count = k.min(k.c(block), k.sub(k.countRows(), first));
    return;
  }
  Value perImage = k.c(blocksPerImage());
  image = k.div(number, perImage);
  outY = k.mul(k.rem(number, perImage), blockHeight);
  Value height = k.min(k.c(blockHeight), k.sub(k.c(outHeight), outY));
  count = k.add(k.mul(height, positions), lead + outWidth - positions);
  first = k.mul(k.add(k.mul(image, outHeight), outY), outWidth);
}

void TileRows::copy() {
  if (inPlace)
    return;
  if (direct)
    return copyLines();
  if (linesFirst())
    return windows.copy(rows, first, count);
  k.loop(k.c(0), count, 1, [&](Value r) { left.copy(rows, r, k.add(first, r)); });
}

// Line `y` of the input to element `to` of `left.rows`, with what stands beside it.
void TileRows::copyLine(Value to, Value y) {
  int64_t channels = type.getShape()[3], width = type.getShape()[2], before = window.getPads()[1];
  bool widened = column != channels;
  int64_t pixels = positions * window.getStrides()[1];
  before = std::min(before, pixels);
  // Columns that windows reach.
  int64_t inside = std::min(width, pixels - before), after = pixels - before - inside;
  Value zero = k.c(0), x = k.op.getLhs();
  bool flat = type.getLayout().isIdentity();
  if (flat)
    x = memref::CollapseShapeOp::create(b, k.loc, x,
                                        SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}});
  k.branch(
      k.compare(arith::CmpIPredicate::ult, y, k.size(k.op.getLhs(), 1)),
      [&] {
        if (before && !copiesAhead())
          left.fill(zero, to, before * column);
        Value from = k.add(to, before * column);
        if (flat && widened)
          widenColumns(x, y, from, inside);
        else if (flat)
          left.copyElements(x, {image, y, zero}, zero, from, inside * channels);
        else
          k.loop(zero, k.c(inside), 1, [&](Value xx) {
            left.copyElements(x, {image, y, xx, zero}, zero, k.add(from, k.mul(xx, column)),
                              channels);
          });
        if (after && !copiesAhead())
          left.fill(zero, k.add(from, inside * column), after * column);
      },
      [&] { left.fill(zero, to, pixels * column); });
}

// `count` columns of line `y` of `x` to element `to` of the copy, with a zero behind the channels
// of each. Vectors reach past them: what is wrong there is overwritten next.
void TileRows::widenColumns(Value x, Value y, Value to, int64_t count) {
  int64_t channels = type.getShape()[3], vectorElements = 64 / elementBytes,
          together = vectorElements / column;
  auto vector = VectorType::get(vectorElements, element);
  Value zeros = k.zero(vector);
  SmallVector<int64_t> order(vectorElements, vectorElements);
  for (int64_t i = 0; i < together * column; ++i)
    if (i % column < channels)
      order[i] = i / column * channels + i % column;
  auto some = [&](Value from, int64_t columns) {
    Value mask = vector::CreateMaskOp::create(
        b, k.loc, VectorType::get(vectorElements, b.getI1Type()), k.c(columns * channels));
    Value v = vector::MaskedLoadOp::create(
        b, k.loc, vector, x, ValueRange{image, y, k.mul(from, channels)}, mask, zeros);
    v = vector::ShuffleOp::create(b, k.loc, v, zeros, order);
    vector::StoreOp::create(b, k.loc, v, left.rows,
                            ValueRange{k.c(0), k.add(to, k.mul(from, column))});
  };
  int64_t whole = count / together * together;
  k.loop(k.c(0), k.c(whole), together, [&](Value from) { some(from, together); });
  if (whole < count)
    some(k.c(whole), count - whole);
}

// Lines of the input that a block sees.
int64_t TileRows::countSeen() const {
  return (blockHeight - 1) * window.getStrides()[0] +
         (window.getKernel()[0] - 1) * window.getDilations()[0] + 1;
}

// Element of line `i` of its plane, of copied lines.
Value TileRows::place(Value i) {
  int64_t sh = window.getStrides()[0];
  Value line = k.add(k.mul(k.rem(i, k.c(sh)), planeSize), k.mul(k.div(i, k.c(sh)), lineSize));
  return k.add(line, lead * spread);
}

// The padding beside all lines, and in front of the line behind the last one, which stays.
void TileRows::fillSides() {
  int64_t pixels = positions * window.getStrides()[1],
          before = std::min(window.getPads()[1], pixels),
          after = std::max<int64_t>(pixels - before - type.getShape()[2], 0);
  left.rows = rows;
  if (before + after == 0)
    return;
  for (int64_t plane = 0; plane < planes; ++plane)
    k.loop(k.c(0), k.c(planeRows + 1), 1, [&](Value line) {
      Value to = k.add(k.mul(line, lineSize), plane * planeSize + lead * spread);
      left.fill(k.c(0), to, before * column);
      left.fill(k.c(0), k.add(to, (pixels - after) * column), after * column);
    });
}

Value TileRows::copyUntil(Value copied, Value position) {
  if (!copiesAhead())
    return copied;
  int64_t sh = window.getStrides()[0];
  // Positions in front of the first line see no more than that.
  Value line = k.div(k.add(position, positions - lead), k.c(positions));
  int64_t below = (window.getKernel()[0] - 1) * window.getDilations()[0] - sh;
  Value end = k.add(k.div(k.add(k.mul(line, sh), below), k.c(lineStep())), 1);
  end = k.min(end, k.c(countLines()));
  Value y0 = k.sub(k.mul(outY, sh), k.c(window.getPads()[0]));
  left.rows = rows;
  k.loop(copied, end, 1, [&](Value i) {
    Value at = k.mul(i, lineStep());
    copyLine(place(at), k.add(y0, at));
  });
  return arith::MaxSIOp::create(b, k.loc, copied, end);
}

void TileRows::copyLines() {
  int64_t sh = window.getStrides()[0];
  Value y0 = k.sub(k.mul(outY, sh), k.c(window.getPads()[0]));
  int64_t seen = countSeen();
  left.rows = lines > 1 ? plain : rows;
  k.loop(k.c(0), k.c(seen), lines > 1 ? 1 : lineStep(),
         [&](Value i) { copyLine(lines > 1 ? k.mul(i, plainPitch()) : place(i), k.add(y0, i)); });
  if (lines > 1)
    k.loop(k.c(0), k.c(planeRows * sh), lineStep(),
           [&](Value i) { interleave(k.mul(i, plainPitch()), place(i)); });
  // What stands in front of the line behind the last one.
  if (shared == 0)
    return;
  left.rows = rows;
  for (int64_t plane = 0; plane < planes; ++plane) {
    int64_t copied = lines > 1 ? planeRows : llvm::divideCeil(seen - plane, sh);
    left.fill(k.c(0), k.c(plane * planeSize + lead * spread + copied * lineSize),
              shared * lines * column);
  }
}

// Lines from element `from` of `plain` on to element `to` of the copy. Vectors may reach past what
// they hold: what is wrong there is overwritten next.
void TileRows::interleave(Value from, Value to) {
  int64_t channels = type.getShape()[3], columns = 64 / (lines * channels);
  auto vector = VectorType::get(64, element);
  k.loop(k.c(0), k.c(positions * window.getStrides()[1]), columns, [&](Value x) {
    Value all, at = k.add(from, k.mul(x, channels));
    for (int64_t l = 0; l < lines; ++l) {
      Value line = vector::LoadOp::create(b, k.loc, vector, plain,
                                          ValueRange{k.c(0), k.add(at, l * plainPitch())});
      // The first two lines are brought into order, the others join what is in order.
      SmallVector<int64_t> order(64, 0);
      for (int64_t i = 0; i < columns * lines * channels; ++i) {
        int64_t column = i / (lines * channels), source = i / channels % lines,
                element = column * channels + i % channels;
        order[i] = source == l ? 64 + element : l == 1 ? element : i;
      }
      all = l ? Value(vector::ShuffleOp::create(b, k.loc, all, line, order)) : line;
    }
    vector::StoreOp::create(b, k.loc, all, rows,
                            ValueRange{k.c(0), k.add(to, k.mul(x, lines * channels))});
  });
}

// Elements from a position to what step `i` of its window reads.
void TileRows::fillOffsets() {
  int64_t sh = window.getStrides()[0];
  int64_t kh = window.getKernel()[0], kw = window.getKernel()[1];
  offsets = view(k.allocate(steps * 8), {steps}, b.getIndexType());
  // Runs of a group of lines: all of it, or the channels of each column.
  bool whole = k.schedule.getLines() != 0;
  int64_t groups = llvm::divideCeil(kh, lines), runs = whole ? 1 : kw,
          perRun = steps / groups / runs;
  k.loop(k.c(0), k.c(groups), 1, [&](Value i) {
    Value y = k.mul(i, lines * window.getDilations()[0]);
    Value line = k.mul(k.div(y, k.c(sh)), lineSize);
    if (planes > 1)
      line = k.add(line, k.mul(k.rem(y, k.c(sh)), planeSize));
    k.loop(k.c(0), k.c(runs), 1, [&](Value j) {
      Value run = k.add(line, k.mul(j, window.getDilations()[1] * column));
      Value at = k.mul(k.add(k.mul(i, runs), j), perRun);
      k.loop(k.c(0), k.c(perRun), 1, [&](Value c) {
        memref::StoreOp::create(b, k.loc, k.add(run, k.mul(c, depth)), offsets,
                                ValueRange{k.add(at, c)});
      });
    });
  });
}

// Rows of a block for its positions: a load takes less than a division.
void TileRows::fillNumbers() {
  if (!hasPadding())
    return;
  numbers = view(k.allocate((lead + blockHeight * positions) * 4), {lead + blockHeight * positions},
                 b.getI32Type());
  auto store = [&](Value row, Value at) {
    memref::StoreOp::create(b, k.loc, arith::IndexCastOp::create(b, k.loc, b.getI32Type(), row),
                            numbers, ValueRange{at});
  };
  for (int64_t i = 0; i < lead; ++i)
    store(k.c(0), k.c(i));
  k.loop(k.c(0), k.c(blockHeight), 1, [&](Value y) {
    k.loop(k.c(0), k.c(positions), 1, [&](Value x) {
      store(k.add(k.mul(y, outWidth), k.min(x, k.c(outWidth))),
            k.add(k.mul(y, positions), k.add(x, lead)));
    });
  });
}

std::pair<Value, Value> TileRows::getSteps(Value position) {
  // One line more, so that nothing is negative.
  auto lineOf = [&](Value p) {
    Value line = k.div(p, k.c(positions));
    return std::make_pair(line, k.sub(p, k.mul(line, positions)));
  };
  Value at = k.add(position, positions - lead);
  auto [line, x] = lineOf(at);
  Value isPast = k.compare(arith::CmpIPredicate::sge, x, k.c(outWidth));
  Value begin = arith::MaxSIOp::create(
      b, k.loc, k.add(line, arith::IndexCastUIOp::create(b, k.loc, b.getIndexType(), isPast)),
      k.c(1));
  Value end = lineOf(k.add(at, 15)).first;
  int64_t kernel = window.getKernel()[0], sh = window.getStrides()[0], pad = window.getPads()[0];
  auto clamp = [&](Value v) {
    v = arith::MaxSIOp::create(b, k.loc, k.min(v, k.c(kernel)), k.c(0));
    return k.mul(v, steps / kernel);
  };
  auto above = [&](Value l, int64_t size) {
    return clamp(k.sub(k.c(size + pad + sh), k.mul(k.add(outY, l), sh)));
  };
  return {above(end, 0), above(begin, type.getShape()[1])};
}

Value TileRows::getBase(Value position, bool full, Value &skipped) {
  skipped = k.c(0);
  if (!inPlace)
    return k.mul(position, getStride());
  Value row = k.add(first, position);
  if (!full) {
    Value begin = k.min(row, k.sub(k.countRows(), k.c(tileRows)));
    skipped = k.sub(row, begin);
    row = begin;
  }
  return k.mul(row, pitch);
}

Value TileRows::getOffset(Value i) {
  return direct ? memref::LoadOp::create(b, k.loc, offsets, ValueRange{i}).getResult()
                : k.mul(i, depth);
}

Value TileRows::isPadding(Value position) {
  Value isPast = k.compare(arith::CmpIPredicate::uge,
                           k.rem(k.add(position, positions - lead), k.c(positions)), k.c(outWidth));
  if (!lead)
    return isPast;
  return arith::OrIOp::create(b, k.loc, isPast, k.less(position, k.c(lead)));
}

Value TileRows::getRow(Value position) {
  if (!hasPadding())
    return k.add(first, position);
  Value row = memref::LoadOp::create(b, k.loc, numbers, ValueRange{position});
  return k.add(first, arith::IndexCastUIOp::create(b, k.loc, b.getIndexType(), row));
}
