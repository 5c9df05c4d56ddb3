//===- FloatKernel.cpp - Products of matrices of floats -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for blocks of rows, chunks of panels:                    (one item of the range)
//     for parts of k:                                        (one, unless rows are very long)
//       if rows are copied and the block or the part is a new one: copy them
//       for panels of the chunk, pieces of the part:
//         if weights are not floats: make floats of the piece
//         for tiles of rows:
//           sums += rows * panel along the piece             (in registers, then added)
//           after the last piece: epilogue(sums), store
//
// Rows and weights of bf16 are multiplied as they are, two elements along the contraction at a
// time, where there are instructions for that; else both become floats, rows as they are copied.
//
// VectorTiles says which rows make up a tile. A piece of a panel stays in the first-level cache
// while tiles pass by. That each piece adds up by itself also keeps the error of long sums small.
// Where there is one piece only, sums go from registers through the epilogue.

#include "VectorRows.h"
#include "WeightDecoder.h"
#include "terse/Dialect/UKernel/IR/WeightLayout.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// Steps whose products add up in one register: where they are all, and of a piece; bytes of a
// panel's piece.
static constexpr int64_t kWhole = 320, kLongestPiece = 256, kPieceBytes = 32 << 10;
// The same of pieces of bf16: one unit multiplies, so that weights may come from the second-level
// cache, and sums move less often.
static constexpr int64_t kLongestPairs = 512, kPairsBytes = 128 << 10;
// Columns of a chunk; where rows come part by part, once for each chunk.
static constexpr int64_t kChunkColumns = 256, kWideChunkColumns = 512;
// Rows that are packed together.
static constexpr int64_t kPackedBytes = 1152 << 10;
// Weights beyond this are fetched ahead of their use.
static constexpr int64_t kNearBytes = 512 << 10;
// Ops of an epilogue that is repeated for each register of sums.
static constexpr int64_t kSmallEpilogue = 12;

// A length of pieces of at most `most` that make up `total`.
static int64_t choosePiece(int64_t total, int64_t most) {
  if (total <= most)
    return std::max<int64_t>(total, 1);
  for (int64_t length = most; length >= most / 2; --length)
    if (total % length == 0)
      return length;
  return most;
}

namespace {
class FloatKernel {
public:
  explicit FloatKernel(KernelCode &code)
      : k(code), b(code.b), schedule(code.schedule), sizes(getSizes(code.op)),
        sumType(getSumType(code.op)),
        weightType(cast<MemRefType>(code.op.getRhs().getType()).getElementType()),
        rows(code, VectorTiles(code.op, code.schedule.getRows(), code.schedule.getIsa())),
        tiles(rows.tiles), step(tiles.step), bytes(tiles.bytes),
        lanes(getLanes(schedule.getIsa())) {
    length = tiles.runs * tiles.runLength;
    columns = schedule.getColumns();
    splitDepth();
    chunks = cutPanels(code.op, depth < tiles.runLength ? kWideChunkColumns : kChunkColumns);
    isDirect = step > 1 || weightType.isF32();
    weightBytes = weightType.getIntOrFloatBitWidth() / 8;
    if (code.op.getDecodingAttr())
      decoder.emplace(code);
  }

  Value countItems() { return k.mul(rows.countBlocks(), chunks.count); }
  KernelBlocks getBlocks() const { return rows.getBlocks(chunks.count); }

  void build(Value begin, Value end) {
    rows.allocate();
    if (!onePiece || !isSmallEpilogue()) {
      int64_t most =
          onePiece ? tiles.tileLines * tiles.tileWidth : rows.blockLines * rows.blockWidth;
      if (depth < tiles.runLength)
        most *= chunks.size;
      sums = memref::ViewOp::create(b, k.loc, MemRefType::get({most, columns}, sumType),
                                    k.allocate(most * columns * 4), k.c(0), ValueRange());
    }
    if (mlir::isa<FloatType>(weightType))
      stored = k.collapse(k.op.getRhs());
    weights = stored;
    if (!isDirect)
      allocatePiece();
    k.flatten();
    Value zero = k.c(0);
    k.loop(begin, end, 1, {k.c(-1)}, [&](Value item, ValueRange carried) {
      Value number = k.div(item, k.c(chunks.count));
      Value p0 = k.mul(k.rem(item, k.c(chunks.count)), chunks.size);
      Value count = k.min(k.c(chunks.size), k.sub(k.c(chunks.panels), p0));
      rows.locate(number);
      k.loop(zero, k.c(tiles.runLength), depth, [&](Value from) {
        depthFrom = from;
        rows.enter(from);
        if (depth < tiles.runLength)
          rows.copy();
        else if (tiles.left != VectorTiles::Left::Direct)
          k.branch(k.compare(arith::CmpIPredicate::ne, number, carried[0]), [&] { rows.copy(); });
        k.loop(zero, count, 1, [&](Value s) {
          panel = k.add(p0, s);
          firstSum = k.mul(s, depth < tiles.runLength ? rows.blockWidth : 0);
          forPieces();
        });
      });
      return SmallVector<Value>{number};
    });
    k.release();
  }

private:
  // Pieces of the contraction, and how much of it is at hand together.
  void splitDepth() {
    int64_t most = kWhole;
    if (length > kWhole * step)
      most = step > 1 ? std::clamp<int64_t>(kPairsBytes / (columns * 4), 64, kLongestPairs)
                      : std::clamp<int64_t>(kPieceBytes / (columns * 4), 64, kLongestPiece);
    piece = choosePiece(tiles.runLength / step, most) * step;
    group = std::clamp<int64_t>(most * step / std::max<int64_t>(tiles.runLength, 1), 1, tiles.runs);
    onePiece = piece >= tiles.runLength && group >= tiles.runs;
    depth = std::max<int64_t>(tiles.runLength, step);
    if (tiles.left != VectorTiles::Left::Packed)
      return;
    int64_t pieceRows = kPackedBytes / (rows.blockWidth * piece * bytes);
    depth = std::min(depth, std::max<int64_t>(pieceRows, 1) * piece);
    rows.setPieces(piece, depth);
  }

  // The pieces of a panel that stand in the rows at hand.
  void forPieces() {
    Value zero = k.c(0);
    partTo = k.c(tiles.runLength);
    if (depth < tiles.runLength)
      partTo = k.min(k.add(depthFrom, depth), partTo);
    k.loop(zero, k.c(tiles.runs), group, [&](Value run) {
      runFrom = run;
      runTo = k.min(k.add(run, group), k.c(tiles.runs));
      k.loop(depthFrom, partTo, piece, [&](Value from) {
        pieceFrom = from;
        pieceTo = k.add(from, piece);
        if (tiles.runLength % piece)
          pieceTo = k.min(pieceTo, k.c(tiles.runLength));
        weightsFrom = k.mul(panel, length);
        if (!isDirect)
          weightsFrom = k.sub(k.c(0), decode());
        forTiles();
      });
    });
  }

  VectorType vector() const { return VectorType::get(lanes, sumType); }

  // Room for a piece of a panel as floats.
  void allocatePiece() {
    int64_t count = piece * group, decoded = decoder ? decoder->getDecodedRows(count) : count;
    floats = memref::ViewOp::create(b, k.loc, MemRefType::get({decoded, columns}, sumType),
                                    k.allocate(decoded * columns * 4), k.c(0), ValueRange());
    weights = k.collapse(floats);
  }

  // The piece at hand to `floats`; the element along the contraction that stands first there.
  Value decode() {
    Value from = k.add(k.mul(runFrom, tiles.runLength), pieceFrom);
    Value to = k.add(k.mul(k.sub(runTo, k.c(1)), tiles.runLength), pieceTo);
    if (decoder)
      return decoder->decode(panel, from, to, floats);
    k.loop(from, to, 1, [&](Value i) {
      for (int64_t v = 0; v < columns; v += lanes) {
        Value w = vector::LoadOp::create(b, k.loc, VectorType::get(lanes, weightType),
                                         k.op.getRhs(), ValueRange{panel, i, k.c(v)});
        w = weightType.isBF16()     ? arith::ExtFOp::create(b, k.loc, vector(), w).getResult()
            : k.op.getRhsUnsigned() ? arith::UIToFPOp::create(b, k.loc, vector(), w).getResult()
                                    : arith::SIToFPOp::create(b, k.loc, vector(), w).getResult();
        vector::StoreOp::create(b, k.loc, w, floats, ValueRange{k.sub(i, from), k.c(v)});
      }
    });
    return from;
  }

  bool isSmallEpilogue() { return k.countEpilogue() <= kSmallEpilogue; }

  // Tiles of the block.
  void forTiles() {
    tileRunFrom = runFrom, tileRunTo = runTo;
    firstRun = k.c(0), lastRun = k.c(tiles.runs);
    rows.forLines([&](Value y, int64_t height) {
      auto along = [&] {
        rows.forTiles(/*peelsEnds=*/false,
                      [&](Value x, int64_t width) { tile(y, x, height, width); });
      };
      if (!tiles.skipsLines)
        return along();
      std::tie(firstRun, lastRun) = rows.findRuns(y, height);
      tileRunFrom = arith::MaxSIOp::create(b, k.loc, runFrom, firstRun);
      tileRunTo = k.min(runTo, lastRun);
      if (onePiece)
        return along();
      k.branch(k.less(tileRunFrom, tileRunTo), along);
    });
  }

  void tile(Value y, Value x, int64_t height, int64_t width) {
    int64_t count = columns / lanes, tileRows = height * width;
    Value base = rows.getBase(y, x), row = rows.getRow(y, x);
    offsets.clear();
    for (int64_t i = 0; i < tileRows; ++i)
      offsets.push_back(i / width * rows.lineStep + i % width * rows.pixelStep);
    ahead = findAhead(x);
    SmallVector<Value> accs(tileRows * count, k.zero(vector()));
    accs = multiply(base, accs);

    // Where sums of the tile wait: those of the block lie in its order.
    int64_t sumLine = onePiece ? width : rows.blockWidth;
    Value first = k.c(0);
    if (!onePiece)
      first =
          k.add(firstSum, tiles.lines == 1 ? k.sub(x, rows.x0)
                                           : k.add(k.mul(k.sub(y, rows.y0), rows.blockWidth), x));
    auto getSum = [&](int64_t i) -> SmallVector<Value> {
      int64_t r = i / count;
      return {k.add(first, r / width * sumLine + r % width), k.c(i % count * lanes)};
    };
    auto store = [&] {
      for (auto [i, acc] : llvm::enumerate(accs))
        vector::StoreOp::create(b, k.loc, acc, sums, getSum(i));
    };
    auto addSums = [&] {
      for (auto [i, acc] : llvm::enumerate(accs))
        acc = arith::AddFOp::create(
            b, k.loc, vector::LoadOp::create(b, k.loc, vector(), sums, getSum(i)), acc);
    };
    auto getResultRow = [&](Value line, Value pixel) {
      return k.add(k.add(row, pixel), k.mul(line, k.c(tiles.lines == 1 ? 0 : tiles.width)));
    };
    auto finish = [&] {
      if (isSmallEpilogue())
        return k.forVectors(panel, lanes, [&](int64_t v, Value n, Value mask) {
          for (int64_t i = 0; i < tileRows; ++i)
            k.finish(getResultRow(k.c(i / width), k.c(i % width)), n, accs[i * count + v], mask);
        });
      // Row by row: code for one is enough.
      store();
      k.forVectors(panel, lanes, [&](int64_t v, Value n, Value mask) {
        k.loop(k.c(0), k.c(height), 1, [&](Value line) {
          k.loop(k.c(0), k.c(width), 1, [&](Value pixel) {
            Value from = k.add(first, k.add(k.mul(line, sumLine), pixel));
            Value sum =
                vector::LoadOp::create(b, k.loc, vector(), sums, ValueRange{from, k.c(v * lanes)});
            k.finish(getResultRow(line, pixel), n, sum, mask);
          });
        });
      });
    };
    if (onePiece)
      return finish();
    auto equal = [&](Value x, Value y) { return k.compare(arith::CmpIPredicate::eq, x, y); };
    Value zero = k.c(0);
    Value isFirst =
        arith::AndIOp::create(b, k.loc, equal(tileRunFrom, firstRun), equal(pieceFrom, zero));
    Value isLast = arith::AndIOp::create(b, k.loc, equal(tileRunTo, lastRun),
                                         equal(pieceTo, k.c(tiles.runLength)));
    // Padding may leave lines of one group only, which is one line or more.
    auto begin = [&] {
      if (piece >= tiles.runLength && tiles.skipsLines)
        return k.branch(isLast, finish, store);
      store();
    };
    k.branch(isFirst, begin, [&] {
      addSums();
      k.branch(isLast, finish, store);
    });
  }

  // Adds the products of the piece at hand to `accs`.
  SmallVector<Value> multiply(Value base, ValueRange accs) {
    int64_t count = columns / lanes;
    auto alongRun = [&](Value u, ValueRange in) {
      Value start = k.add(base, rows.getRunOffset(u, pieceFrom));
      Value w0 = k.add(weightsFrom, k.mul(u, tiles.runLength));
      auto add = [&](Value i, ValueRange in, bool isWhole) {
        SmallVector<Value> vectors, out;
        if (ahead && isWhole)
          for (int64_t l = 0; l < aheadLines; ++l) {
            Value at = k.mul(k.add(k.mul(k.sub(u, runFrom), tiles.runLength), k.sub(i, pieceFrom)),
                             aheadStep);
            memref::PrefetchOp::create(b, k.loc, stored,
                                       ValueRange{k.add(k.add(ahead, at), l * 64 / weightBytes)},
                                       /*isWrite=*/false, /*localityHint=*/2,
                                       /*isDataCache=*/true);
          }
        // The next rows follow these: in each step one line of them.
        if (onePiece && tiles.left == VectorTiles::Left::Direct && tiles.lines == 1 && isWhole)
          memref::PrefetchOp::create(b, k.loc, rows.memory,
                                     ValueRange{k.add(k.add(base, k.mul(i, 16)),
                                                      int64_t(offsets.size()) * rows.pixelStep)},
                                     /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
        Value w = k.mul(k.add(w0, i), columns);
        auto type = VectorType::get(lanes * step, step > 1 ? weightType : sumType);
        for (int64_t v = 0; v < columns; v += lanes)
          vectors.push_back(
              vector::LoadOp::create(b, k.loc, type, weights, ValueRange{k.add(w, v * step)}));
        Value from = k.add(start, i);
        for (auto [r, offset] : llvm::enumerate(offsets)) {
          Value x = loadLeft(k.add(from, offset), isWhole);
          for (int64_t v = 0; v < count; ++v) {
            Value acc = in[r * count + v];
            out.push_back(step == 1 ? k.multiplyAdd(x, vectors[v], acc)
                                    : k.intrinsic("llvm.x86.avx512bf16.dpbf16ps.512", acc.getType(),
                                                  {acc, x, vectors[v]}));
          }
        }
        return out;
      };
      auto whole = [&](Value i, ValueRange in) { return add(i, in, true); };
      if (!tiles.isOdd)
        return k.loop(pieceFrom, pieceTo, step, in, whole);
      // No or one step follows.
      Value even = k.min(pieceTo, k.c(tiles.runLength - step));
      SmallVector<Value> sums = k.loop(pieceFrom, even, step, in, whole);
      return k.loop(even, pieceTo, step, sums,
                    [&](Value i, ValueRange in) { return add(i, in, false); });
    };
    if (group == 1)
      return alongRun(runFrom, accs);
    return k.loop(tileRunFrom, tileRunTo, 1, accs,
                  [&](Value u, ValueRange in) { return alongRun(u, in); });
  }

  // A step's elements of a row in all lanes; `isWhole`: not only the first one of two.
  Value loadLeft(Value at, bool isWhole) {
    if (step == 1)
      return vector::BroadcastOp::create(b, k.loc, vector(),
                                         memref::LoadOp::create(b, k.loc, rows.memory, at));
    Value x;
    if (isWhole) {
      x = vector::LoadOp::create(b, k.loc, VectorType::get(2, weightType), rows.memory, at);
      x = vector::BitCastOp::create(b, k.loc, VectorType::get(1, b.getI32Type()), x);
      x = vector::ExtractOp::create(b, k.loc, x, ArrayRef<int64_t>{0});
    } else {
      x = memref::LoadOp::create(b, k.loc, rows.memory, at);
      x = arith::BitcastOp::create(b, k.loc, b.getI16Type(), x);
      x = arith::ExtUIOp::create(b, k.loc, b.getI32Type(), x);
    }
    x = vector::BroadcastOp::create(b, k.loc, VectorType::get(lanes, b.getI32Type()), x);
    return vector::BitCastOp::create(b, k.loc, VectorType::get(2 * lanes, weightType), x);
  }

  // Where the tile at `x` begins to fetch the piece after the one at hand, of which each tile along
  // a line of a block fetches an equal share: a burst of requests would keep the loads of tiles
  // waiting. Null if weights are near.
  Value findAhead(Value x) {
    if (!stored || length * chunks.panels * columns * weightBytes <= kNearBytes)
      return {};
    int64_t steps = piece * group, count = std::max<int64_t>(rows.countTiles(), 1);
    aheadStep = llvm::divideCeil(columns, count);
    aheadLines = llvm::divideCeil(aheadStep * step * weightBytes, 64);
    Value here = k.add(k.mul(panel, length), k.add(k.mul(runFrom, tiles.runLength), pieceFrom));
    here = k.mul(here, columns);
    Value next = k.add(here, steps * columns);
    if (depth < tiles.runLength) {
      // After the last piece of a part comes the first one of the next panel.
      Value other = k.mul(k.add(k.mul(k.add(panel, 1), length), depthFrom), columns);
      next = arith::SelectOp::create(b, k.loc, k.less(pieceTo, partTo), next, other);
    }
    if (count <= 1)
      return next;
    Value number = k.div(k.sub(x, rows.x0), k.c(tiles.tileWidth));
    return k.add(next, k.mul(number, steps * aheadStep));
  }

  KernelCode &k;
  OpBuilder &b;
  ScheduleAttr schedule;
  KernelSizes sizes;
  Type sumType, weightType;
  VectorRows rows;
  const VectorTiles &tiles;
  // Elements along the contraction that are multiplied together, bytes of an element of the rows at
  // hand, elements of weights along the contraction with the zeros behind them, bytes of one.
  int64_t step, bytes, lanes, length, weightBytes;
  int64_t columns, piece, group;
  PanelChunks chunks;
  // Elements of a row that are at hand together.
  int64_t depth;
  // `isDirect`: weights are multiplied as they are stored.
  bool onePiece, isDirect;
  // Of weights in few bits; floats of the piece at hand, where weights are not floats.
  std::optional<WeightDecoder> decoder;
  Value floats;
  // What is multiplied; floats as they are stored.
  Value weights, stored, sums;
  // Where the panel at hand begins in `weights`, had it all elements along the contraction.
  Value weightsFrom;
  // The part of the contraction that the rows at hand have, and the sums of the panel among all.
  Value depthFrom, partTo, firstSum;
  // The panel and the piece of the contraction at hand.
  Value panel, runFrom, runTo, pieceFrom, pieceTo;
  // Of a line of tiles: the runs that it needs, and those of the piece among them.
  Value firstRun, lastRun, tileRunFrom, tileRunTo;
  // Of a tile: its rows, and the weights that it fetches for the next one.
  SmallVector<int64_t> offsets;
  Value ahead;
  int64_t aheadLines = 0, aheadStep = 0;
};
} // namespace

void terse::buildFloatKernel(KernelCode &code, Value begin, Value end) {
  FloatKernel(code).build(begin, end);
}
Value terse::countFloatItems(KernelCode &code) { return FloatKernel(code).countItems(); }
KernelBlocks terse::getFloatBlocks(KernelCode &code) { return FloatKernel(code).getBlocks(); }
