//===- TileKernel.cpp - Products in tile registers ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for blocks of rows, chunks of panels:                    (one item of the range)
//     if the block of rows is a new one: copy it
//     for panels of the chunk, tiles of rows of the block:   (or the other way round)
//       for k: sums += tile of rows * tile of panel          (in tile registers)
//         a few rows of the tile before: epilogue, store
//       sums to one of two buffers
//     the last tile's epilogue
//
// Tile registers work beside the vector unit: a tile's epilogue runs under the products of the
// next. Rows lie an odd number of cache lines apart, so that those of a tile never meet in a set.
//
// A convolution whose channels fill tiles copies the rows of its input once, not once for each tap
// of the window: output positions are numbered through padded rows, so that the windows of
// neighbours lie a fixed number of bytes apart. Positions in the padding are computed and dropped.
// Rows of the input that differ by less than the stride lie in separate planes.

#include "ByteResults.h"
#include "WindowRows.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// Weights that stay in the second-level cache while tiles of rows pass by.
static constexpr int64_t kChunkBytes = 512 << 10;
// Columns per item at most, for the threads.
static constexpr int64_t kChunkColumns = 512;
// A panel that stays in the first-level cache beside the windows of a tile.
static constexpr int64_t kNearestBytes = 24 << 10;
// Rows of windows that are copied at a time.
static constexpr int64_t kRowBytes = 24 << 10;
// Weights beyond this are fetched ahead of their use.
static constexpr int64_t kNearBytes = 1 << 20;

namespace {
class TileKernel {
public:
  explicit TileKernel(KernelCode &code)
      : k(code), b(code.b), schedule(code.schedule), window(code.op.getWindowOrNull()),
        sizes(getSizes(code.op)), lhsType(cast<MemRefType>(code.op.getLhs().getType())),
        element(lhsType.getElementType()), elementBytes(element.getIntOrFloatBitWidth() / 8),
        tileDepth(64 / elementBytes), left(code, element, false, false, 64),
        windows(code, left, element, 64), results(code) {
    tileRows = schedule.getRows();
    columns = schedule.getColumns();
    padded = llvm::alignTo(sizes.k, tileDepth);
    steps = padded / tileDepth;
    panels = llvm::divideCeil(sizes.n, columns);
    chunk = std::clamp<int64_t>(kChunkBytes / (columns * padded * elementBytes), 1, panels);
    chunk = std::min(chunk, kChunkColumns / columns);
    chunk = llvm::divideCeil(panels, llvm::divideCeil(panels, chunk));
    chunks = llvm::divideCeil(panels, chunk);
    pitch = padded + (steps % 2 ? 0 : tileDepth);
    block = llvm::alignTo(schedule.getBlock(), tileRows);
    auto init = cast<MemRefType>(code.op.getInit().getType());
    if (window && lhsType.getShape().back() % tileDepth == 0 && !init.isDynamicDim(1) &&
        !init.isDynamicDim(2) && !lhsType.isDynamicDim(2))
      planWindows(init);
    inPlace = !window && canReadInPlace();
    if (inPlace)
      pitch = sizes.k;
    // Rows that were just written are near.
    if (!direct && linesFirst())
      block = std::clamp<int64_t>(kRowBytes / (pitch * elementBytes) / tileRows * tileRows, tileRows,
                                  block);
  }

  Value countItems() { return k.mul(countBlocks(), chunks); }

  void build(Value begin, Value end) {
    Value bytes;
    int64_t copied = direct ? planeSize * window.getStrides()[0] + 64 * spread : block * pitch;
    if (!inPlace)
      bytes = k.allocate(copied * elementBytes + windows.getSlack());
    Value sumBytes = k.allocate(2 * tileRows * columns * 4);
    sums = view(sumBytes, {2, tileRows, columns}, getSumType(k.op));
    if (inPlace) {
      ReassociationIndices all(llvm::to_vector(llvm::seq<int64_t>(0, lhsType.getRank())));
      memory = memref::CollapseShapeOp::create(b, k.loc, k.op.getLhs(),
                                               SmallVector<ReassociationIndices>{all});
    } else {
      memory = view(bytes, {copied + tileDepth}, element);
      if (direct) {
        left.rows = view(bytes, {1, planeSize * window.getStrides()[0]}, element);
        fillOffsets();
      } else {
        rows = view(bytes, {block, pitch}, element);
        if (linesFirst())
          windows.prepare();
        clearEnds();
      }
    }
    k.flatten();
    k.loop(begin, end, 1, {k.c(-1)}, [&](Value item, ValueRange carried) {
      Value number = k.div(item, k.c(chunks)), p0 = k.mul(k.rem(item, k.c(chunks)), chunk);
      Value pEnd = panels % chunk ? k.min(k.add(p0, chunk), k.c(panels)) : k.add(p0, chunk);
      enterBlock(number);
      if (!inPlace)
        k.branch(k.compare(arith::CmpIPredicate::ne, number, carried[0]), [&] { copyBlock(); });
      multiplyBlock(p0, pEnd);
      return SmallVector<Value>{number};
    });
    k.release();
  }

private:
  Value view(Value bytes, ArrayRef<int64_t> shape, Type element) {
    return memref::ViewOp::create(b, k.loc, MemRefType::get(shape, element), bytes, k.c(0),
                                  ValueRange());
  }

  //===--- blocks of rows ---===//

  // Whether tiles are loaded from the left operand itself: its rows fill steps, and there are
  // enough of them that the last tile may begin before the one that it follows ends. Rows that are
  // a large power of two apart would meet in few sets of the cache.
  bool canReadInPlace() const {
    int64_t least = 1;
    for (int64_t d : lhsType.getShape().drop_back())
      least *= ShapedType::isDynamic(d) ? 1 : d;
    return sizes.k % tileDepth == 0 && least >= tileRows && lhsType.getLayout().isIdentity() &&
           std::gcd<int64_t>(sizes.k / tileDepth, 64) <= 16;
  }

  bool linesFirst() const { return windows.isPossible(); }

  // Zeros behind rows of floats that do not fill their last step.
  void clearEnds() {
    if (!isa<FloatType>(element) || sizes.k == padded)
      return;
    Value zeros = k.zero(VectorType::get(tileDepth, element));
    k.loop(k.c(0), k.c(block), 1, [&](Value r) {
      vector::StoreOp::create(b, k.loc, zeros, rows, ValueRange{r, k.c(padded - tileDepth)});
    });
  }

  // Output rows of a convolution per block, and where their input lies.
  void planWindows(MemRefType init) {
    direct = true;
    int64_t sw = window.getStrides()[1], sh = window.getStrides()[0],
            channels = lhsType.getShape()[3];
    outHeight = init.getDimSize(1), outWidth = init.getDimSize(2);
    int64_t reach =
        (outWidth - 1) * sw + (window.getKernel()[1] - 1) * window.getDilations()[1] + 1;
    positions = llvm::divideCeil(reach, sw);
    spread = sw * channels;
    // Blocks of equal height.
    int64_t high = std::clamp<int64_t>(block / positions, 1, outHeight);
    high = llvm::divideCeil(outHeight, llvm::divideCeil(outHeight, high));
    blockHeight = high;
    planeRows = high + ((window.getKernel()[0] - 1) * window.getDilations()[0]) / sh;
    // A tile may read past the last position.
    planeSize = planeRows * positions * spread + tileRows * spread;
    planeSize = llvm::alignTo(planeSize, tileDepth);
  }

  Value countBlocks() {
    if (direct)
      return k.mul(k.size(k.op.getInit(), 0), int64_t(llvm::divideCeil(outHeight, blockHeight)));
    return k.ceilDiv(k.countRows(), block);
  }

  // Sets what the members below say of block `number`.
  void enterBlock(Value number) {
    if (!direct) {
      first = k.mul(number, block);
      count = k.min(k.c(block), k.sub(k.countRows(), first));
      return;
    }
    Value perImage = k.c(llvm::divideCeil(outHeight, blockHeight));
    image = k.div(number, perImage);
    outY = k.mul(k.rem(number, perImage), blockHeight);
    Value height = k.min(k.c(blockHeight), k.sub(k.c(outHeight), outY));
    count = k.sub(k.mul(height, positions), k.c(positions - outWidth));
    first = k.mul(k.add(k.mul(image, outHeight), outY), outWidth);
  }

  void copyBlock() {
    if (!direct && linesFirst())
      return windows.copy(rows, first, count);
    if (!direct)
      return k.loop(k.c(0), count, 1, [&](Value r) { left.copy(rows, r, k.add(first, r)); });
    int64_t sh = window.getStrides()[0], channels = lhsType.getShape()[3];
    int64_t width = lhsType.getShape()[2], before = window.getPads()[1];
    int64_t lineSize = positions * spread, pixels = lineSize / channels;
    Value height = k.size(k.op.getLhs(), 1), zero = k.c(0), x = k.op.getLhs();
    Value y0 = k.sub(k.mul(outY, sh), k.c(window.getPads()[0]));
    bool flat = lhsType.getLayout().isIdentity();
    if (flat)
      x = memref::CollapseShapeOp::create(b, k.loc, x,
                                          SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}});
    // Columns that windows reach.
    int64_t inside = std::min(width, pixels - before);
    int64_t lines =
        (blockHeight - 1) * sh + (window.getKernel()[0] - 1) * window.getDilations()[0] + 1;
    k.loop(zero, k.c(lines), 1, [&](Value i) {
      Value y = k.add(y0, i);
      Value to = k.add(k.mul(k.rem(i, k.c(sh)), planeSize), k.mul(k.div(i, k.c(sh)), lineSize));
      k.branch(
          k.compare(arith::CmpIPredicate::ult, y, height),
          [&] {
            if (before)
              left.fill(zero, to, before * channels);
            Value from = k.add(to, before * channels);
            if (flat)
              left.copyElements(x, {image, y, zero}, zero, from, inside * channels);
            else
              k.loop(zero, k.c(inside), 1, [&](Value xx) {
                left.copyElements(x, {image, y, xx, zero}, zero, k.add(from, k.mul(xx, channels)),
                                  channels);
              });
            int64_t after = pixels - before - inside;
            if (after)
              left.fill(zero, k.add(from, inside * channels), after * channels);
          },
          [&] { left.fill(zero, to, lineSize); });
    });
  }

  // Elements from a position to what step `i` of its window reads.
  void fillOffsets() {
    int64_t channels = lhsType.getShape()[3], sh = window.getStrides()[0];
    Value bytes = k.allocate(steps * 8);
    offsets = view(bytes, {steps}, b.getIndexType());
    int64_t kw = window.getKernel()[1], perTap = channels / tileDepth;
    k.loop(k.c(0), k.c(window.getKernel()[0]), 1, [&](Value i) {
      Value y = k.mul(i, window.getDilations()[0]);
      Value line =
          k.add(k.mul(k.rem(y, k.c(sh)), planeSize), k.mul(k.div(y, k.c(sh)), positions * spread));
      k.loop(k.c(0), k.c(kw), 1, [&](Value j) {
        Value tap = k.add(line, k.mul(j, window.getDilations()[1] * channels));
        Value at = k.mul(k.add(k.mul(i, kw), j), perTap);
        k.loop(k.c(0), k.c(perTap), 1, [&](Value c) {
          memref::StoreOp::create(b, k.loc, k.add(tap, k.mul(c, tileDepth)), offsets,
                                  ValueRange{k.add(at, c)});
        });
      });
    });
  }

  //===--- sums ---===//

  // What is known of the tile whose sums wait for their epilogue.
  struct Waiting {
    // `skipped`: rows before the first, which another tile had.
    Value panel, row, rows, buffer, skipped;
    static Waiting from(ValueRange v) { return {v[0], v[1], v[2], v[3], v[4]}; }
    SmallVector<Value> values() const { return {panel, row, rows, buffer, skipped}; }
  };

  void multiplyBlock(Value p0, Value pEnd) {
    Value zero = k.c(0);
    SmallVector<Value> waiting = Waiting{p0, zero, zero, zero, zero}.values();
    auto body = [&](Value p, Value r0, ValueRange carried) {
      return tile(p, r0, Waiting::from(carried)).values();
    };
    // A tile of rows stays in the first-level cache while panels pass by, or a panel while rows do.
    // Panels that come from afar should not come twice.
    bool panelsInside = sizes.n * padded * elementBytes <= kNearBytes && !fetchesAhead();
    // Windows share most of what they read.
    if (direct && columns * padded * elementBytes <= kNearestBytes)
      panelsInside = false;
    if (panelsInside)
      waiting = k.loop(zero, count, tileRows, waiting, [&](Value r0, ValueRange in) {
        return k.loop(p0, pEnd, 1, in,
                      [&](Value p, ValueRange carried) { return body(p, r0, carried); });
      });
    else
      waiting = k.loop(p0, pEnd, 1, waiting, [&](Value p, ValueRange in) {
        return k.loop(zero, count, tileRows, in,
                      [&](Value r0, ValueRange carried) { return body(p, r0, carried); });
      });
    Waiting last = Waiting::from(waiting);
    k.loop(zero, last.rows, rowsAtOnce(), [&](Value r) { finishRows(last, r, rowsAtOnce()); });
  }

  bool fetchesAhead() const { return panels * columns * padded * elementBytes > kNearBytes; }

  // Fetches lines of the next panel at step `i` of the tile at row `r0`: the tiles of a block
  // together fetch it once.
  void fetchAhead(Value p, Value r0, Value i) {
    if (!fetchesAhead())
      return;
    int64_t lines = std::clamp<int64_t>(columns * tileRows / block, 1, 32);
    Value flat = memref::CollapseShapeOp::create(b, k.loc, k.op.getRhs(),
                                                 SmallVector<ReassociationIndices>{{0, 1, 2}});
    Value step = k.add(k.mul(k.div(r0, k.c(tileRows)), steps), i);
    Value at = k.add(k.mul(k.add(p, 1), columns * padded), k.mul(step, lines * tileDepth));
    for (int64_t l = 0; l < lines; ++l)
      memref::PrefetchOp::create(b, k.loc, flat, ValueRange{k.add(at, l * tileDepth)},
                                 /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
  }

  Waiting tile(Value p, Value r0, Waiting waiting) {
    int64_t down = tileRows / 16, across = columns / 16;
    auto sumTile = amx::TileType::get({16, 16}, getSumType(k.op)),
         tileType = amx::TileType::get({16, tileDepth}, element);
    Value zero = k.c(0), stride = k.c(direct ? spread : pitch);
    SmallVector<Value> accs;
    for (int64_t i = 0; i < down * across; ++i)
      accs.push_back(amx::TileZeroOp::create(b, k.loc, sumTile));
    Value skipped = zero, base = k.mul(r0, direct ? spread : pitch);
    if (inPlace) {
      Value row = k.add(first, r0), begin = k.min(row, k.sub(k.countRows(), k.c(tileRows)));
      skipped = k.sub(row, begin);
      base = k.mul(begin, pitch);
    }
    Value other = k.sub(k.c(1), waiting.buffer);
    // The tile of rows `d` times the panel at step `i`, added to `in`.
    auto multiply = [&](Value i, ValueRange in, ArrayRef<Value> panel, int64_t d) {
      SmallVector<Value> out;
      Value at =
          k.add(base, direct ? memref::LoadOp::create(b, k.loc, offsets, ValueRange{i}).getResult()
                             : k.mul(i, tileDepth));
      Value x = amx::TileLoadOp::create(b, k.loc, tileType, memory,
                                        ValueRange{k.add(at, d * 16 * (direct ? spread : pitch))},
                                        stride);
      for (int64_t j = 0; j < across; ++j)
        out.push_back(multiplyTiles(x, panel[j], in[d * across + j]));
      return out;
    };
    auto loadPanel = [&](Value i) {
      SmallVector<Value> panel;
      for (int64_t j = 0; j < across; ++j)
        panel.push_back(amx::TileLoadOp::create(b, k.loc, tileType, k.op.getRhs(),
                                                ValueRange{p, k.mul(i, 16), k.c(j * tileDepth)}));
      return panel;
    };
    auto storeTiles = [&](ArrayRef<Value> tiles, int64_t d) {
      for (int64_t j = 0; j < across; ++j)
        amx::TileStoreOp::create(b, k.loc, sums, ValueRange{other, k.c(d * 16), k.c(j * 16)},
                                 tiles[j]);
    };
    // The epilogue stands behind products, which take longer than it takes to give them to the tile
    // unit.
    if (steps == 1) {
      fetchAhead(p, r0, zero);
      SmallVector<Value> panel = loadPanel(zero);
      for (int64_t d = 0; d < down; ++d) {
        SmallVector<Value> tiles = multiply(zero, accs, panel, d);
        finishRows(waiting, k.c(d * 16), 16);
        storeTiles(tiles, d);
      }
    } else {
      // Rows of the epilogue per step; steps that have some.
      int64_t rowsPerStep = llvm::alignTo(llvm::divideCeil(tileRows, steps), rowsAtOnce());
      int64_t busy = llvm::divideCeil(tileRows, rowsPerStep);
      auto step = [&](bool epilogue) {
        return [&, epilogue](Value i, ValueRange in) {
          fetchAhead(p, r0, i);
          SmallVector<Value> panel = loadPanel(i), out;
          for (int64_t d = 0; d < down; ++d)
            llvm::append_range(out, multiply(i, in, panel, d));
          if (epilogue)
            finishRows(waiting, k.mul(i, rowsPerStep), rowsPerStep);
          return out;
        };
      };
      accs = k.loop(zero, k.c(busy), 1, accs, step(true));
      if (busy < steps)
        accs = k.loop(k.c(busy), k.c(steps), 1, accs, step(false));
      for (int64_t d = 0; d < down; ++d)
        storeTiles(ArrayRef(accs).slice(d * across, across), d);
    }
    return {p, r0, k.min(k.c(tileRows), k.sub(count, r0)), other, skipped};
  }

  Value multiplyTiles(Value x, Value w, Value sum) {
    if (isa<FloatType>(element))
      return amx::TileMulFOp::create(b, k.loc, sum.getType(), x, w, sum);
    return amx::TileMulIOp::create(b, k.loc, sum.getType(), x, w, sum, k.op.getLhsUnsigned(),
                                   k.op.getRhsUnsigned());
  }

  //===--- results ---===//

  // Rows whose results of bytes fill a vector.
  int64_t rowsAtOnce() const { return results.matches() ? 64 / columns : 1; }

  void finishRows(Waiting waiting, Value from, int64_t rows) {
    int64_t together = rowsAtOnce();
    auto some = [&](Value r) {
      if (together == 1)
        return k.branch(k.less(r, waiting.rows), [&] { finishRow(waiting, r); });
      k.branch(
          k.compare(arith::CmpIPredicate::sle, k.add(r, together), waiting.rows),
          [&] { finishTogether(waiting, r); },
          [&] {
            k.loop(r, k.min(k.add(r, together), waiting.rows), 1,
                   [&](Value one) { finishRow(waiting, one); });
          });
    };
    if (rows == together)
      return some(from);
    k.loop(from, k.min(k.add(from, rows), waiting.rows), together, some);
  }

  Value loadSums(Waiting waiting, Value r, int64_t v) {
    if (inPlace)
      r = k.add(waiting.skipped, r);
    return vector::LoadOp::create(b, k.loc, VectorType::get(16, getSumType(k.op)), sums,
                                  ValueRange{waiting.buffer, r, k.c(v)});
  }

  // Rows of results from `r` on that make up a vector of bytes.
  void finishTogether(Waiting waiting, Value r) {
    Value n = k.mul(waiting.panel, columns);
    auto all = [&](bool masked) {
      SmallVector<Value> four, rows, dropped;
      for (int64_t i = 0; i < rowsAtOnce(); ++i) {
        Value row = k.add(waiting.row, k.add(r, i)), isDropped;
        if (direct) {
          Value y = k.div(row, k.c(positions)), x = k.rem(row, k.c(positions));
          isDropped = k.compare(arith::CmpIPredicate::sge, x, k.c(outWidth));
          // Extras are read for rows in the padding too.
          row = k.add(k.mul(y, outWidth), k.min(x, k.c(outWidth - 1)));
        }
        rows.push_back(k.add(first, row));
        dropped.push_back(isDropped);
        for (int64_t v = 0; v < columns; v += 16) {
          Value column = k.add(n, v), mask = masked ? columnMask(column, 16) : Value();
          four.push_back(results.round(loadSums(waiting, k.add(r, i), v),
                                       k.readExtras(rows.back(), column, 16, mask)));
        }
      }
      Value bytes = results.pack(four, /*interleaved=*/false);
      for (int64_t i = 0; i < rowsAtOnce(); ++i) {
        auto store = [&] {
          Value part = bytes;
          if (columns < 64)
            part = vector::ExtractStridedSliceOp::create(
                b, k.loc, bytes, ArrayRef<int64_t>{i * columns}, ArrayRef<int64_t>{columns},
                ArrayRef<int64_t>{1});
          auto [to, at] = k.locate(rows[i], n);
          if (masked)
            vector::MaskedStoreOp::create(b, k.loc, to, at, columnMask(n, columns), part);
          else
            vector::StoreOp::create(b, k.loc, part, to, at);
        };
        if (dropped[i])
          k.branch(
              dropped[i], [] {}, store);
        else
          store();
      }
    };
    if (sizes.n % columns == 0)
      return all(false);
    if (panels == 1)
      return all(true);
    k.branch(
        k.less(waiting.panel, k.c(panels - 1)), [&] { all(false); }, [&] { all(true); });
  }

  // Which of `lanes` columns from `n` on there are.
  Value columnMask(Value n, int64_t lanes) {
    return vector::CreateMaskOp::create(b, k.loc, VectorType::get(lanes, b.getI1Type()),
                                        k.sub(k.c(sizes.n), n));
  }

  void finishRow(Waiting waiting, Value r) {
    Value row = k.add(waiting.row, r);
    auto all = [&](Value to) {
      for (int64_t v = 0; v < columns; v += 16) {
        Value n = k.add(k.mul(waiting.panel, columns), v);
        k.finish(to, n, loadSums(waiting, r, v), sizes.n % columns ? columnMask(n, 16) : Value());
      }
    };
    if (!direct)
      return all(k.add(first, row));
    Value y = k.div(row, k.c(positions)), x = k.rem(row, k.c(positions));
    k.branch(k.less(x, k.c(outWidth)), [&] { all(k.add(first, k.add(k.mul(y, outWidth), x))); });
  }

  KernelCode &k;
  OpBuilder &b;
  ScheduleAttr schedule;
  WindowAttr window;
  KernelSizes sizes;
  MemRefType lhsType;
  // Bytes or bf16, and how many of them a row of a tile holds.
  Type element;
  int64_t elementBytes, tileDepth;
  LeftRows left;
  WindowRows windows;
  ByteResults results;
  int64_t tileRows, columns, padded, steps, panels, chunk, chunks, pitch, block;
  // Of convolutions that read windows of the copy in place (`direct`): positions per line, elements
  // between them, lines of a plane.
  bool direct = false, inPlace = false;
  int64_t outHeight = 0, outWidth = 0, positions = 0, spread = 0, blockHeight = 0, planeRows = 0,
          planeSize = 0;
  // The copied rows, the two buffers of sums, and where steps read.
  Value memory, rows, sums, offsets;
  // The block: its first row of the result, its rows (positions); of a convolution also its image
  // and first line.
  Value first, count, image, outY;
};
} // namespace

void terse::buildTileKernel(KernelCode &code, Value begin, Value end) {
  TileKernel(code).build(begin, end);
}
Value terse::countTileItems(KernelCode &code) { return TileKernel(code).countItems(); }
