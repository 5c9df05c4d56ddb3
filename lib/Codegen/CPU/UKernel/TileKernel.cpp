//===- TileKernel.cpp - Products in tile registers ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for blocks of rows, chunks of panels:                    (one item of the range)
//     if the block of rows is a new one: copy it
//     for panels of the chunk, tiles of rows of the block:   (or the other way round)
//       for k: sums += tile of rows * tile of panel          (in tile registers)
//         a few rows of the tile before: epilogue, store
//     the last tile's epilogue
//
// Tile registers work beside the vector unit: a tile's epilogue runs under the products of the
// next. Its sums go to memory between the first products of the next tile, each as late as its
// register is needed again: stored at once, they would keep the tile unit waiting.
//
// The last tile of a block begins early enough to have all rows; what two tiles compute is the
// same. Only blocks of few rows have tiles that are cut off.

#include "DecodedPanel.h"
#include "TileResults.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "terse/Codegen/CPU/IR/CPUDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// Weights that stay in the second-level cache while tiles of rows pass by.
static constexpr int64_t kChunkBytes = 512 << 10;
// Columns per item at most, for the threads.
static constexpr int64_t kChunkColumns = 512;
// Items that an image has at least, unless that leaves them single panels.
static constexpr int64_t kItems = 4;
// A panel that stays in the first-level cache beside the windows of a tile.
static constexpr int64_t kNearestBytes = 24 << 10;
// What the first-level cache keeps while something else passes through it.
static constexpr int64_t kFirstBytes = 40 << 10;
// Weights beyond this are fetched ahead of their use.
static constexpr int64_t kNearBytes = 1 << 20;
// Steps that are written out.
static constexpr int64_t kUnrolledSteps = 5;

namespace {
class TileKernel {
  using Waiting = TileResults::Waiting;
  using StepRange = std::pair<Value, Value>;

public:
  explicit TileKernel(KernelCode &code)
      : k(code), b(code.b), tileRows(code.schedule.getRows()), columns(code.schedule.getColumns()),
        down(tileRows / 16), across(columns / 16), rows(code, tileRows),
        results(code, rows, columns), steps(rows.steps) {
    KernelSizes sizes = getSizes(code.op);
    sumTile = amx::TileType::get({16, 16}, getSumType(code.op));
    quad = 4 / rows.elementBytes;
    tileType = amx::TileType::get({16, rows.depth}, rows.element);
    panelType = amx::TileType::get({rows.depth / quad, 16 * quad}, rows.element);
    panels = llvm::divideCeil(sizes.n, columns);
    panelBytes = columns * rows.padded * rows.elementBytes;
    if (code.op.getDecodingAttr()) {
      decoded.emplace(code, steps);
      panelBytes = decoded->getBytes();
    }
    chunk = std::clamp<int64_t>(kChunkBytes / panelBytes, 1, panels);
    chunk = std::min(chunk, kChunkColumns / columns);
    // Threads share the panels of images that are few blocks. Where one block is all, there are so
    // many channels that their panels are several chunks.
    if (rows.isDirect() && rows.blocksPerImage() > 1 && rows.blocksPerImage() < kItems)
      chunk = std::min(chunk, std::max<int64_t>(panels * rows.blocksPerImage() / kItems, 2));
    chunk = llvm::divideCeil(panels, llvm::divideCeil(panels, chunk));
    chunks = llvm::divideCeil(panels, chunk);
    choosePasses();
  }

  Value countItems() { return k.mul(rows.countBlocks(), chunks); }

  void build(Value begin, Value end) {
    rows.prepare();
    if (decoded)
      decoded->allocate();
    results.sums =
        memref::ViewOp::create(b, k.loc, MemRefType::get({tileRows, columns}, getSumType(k.op)),
                               k.allocate(tileRows * columns * 4), k.c(0), ValueRange());
    k.flatten();
    k.loop(begin, end, 1, {k.c(-1)}, [&](Value item, ValueRange carried) {
      Value number = k.div(item, k.c(chunks)), p0 = k.mul(k.rem(item, k.c(chunks)), chunk);
      Value pEnd = panels % chunk ? k.min(k.add(p0, chunk), k.c(panels)) : k.add(p0, chunk);
      rows.enter(number);
      Value isNew = k.compare(arith::CmpIPredicate::ne, number, carried[0]);
      copied = arith::SelectOp::create(b, k.loc, isNew, k.c(0), k.c(rows.countLines()));
      if (!rows.isInPlace() && !rows.copiesAhead())
        k.branch(isNew, [&] { rows.copy(); });
      std::optional<bool> filled = rows.fillTiles();
      if (filled)
        multiplyBlock(p0, pEnd, *filled);
      else
        k.branch(
            k.less(rows.count, k.c(tileRows)), [&] { multiplyBlock(p0, pEnd, false); },
            [&] { multiplyBlock(p0, pEnd, true); });
      return SmallVector<Value>{number};
    });
    k.release();
  }

private:
  // The tile before: its sums, still in registers, what it is, and lines that are copied so far.
  struct Before {
    SmallVector<Value> sums;
    Waiting waiting;
    Value copied;
    SmallVector<Value> values() const {
      SmallVector<Value> all(sums);
      all.append({waiting.panel, waiting.position, waiting.rows, waiting.skipped, copied});
      return all;
    }
    static Before from(ValueRange v) {
      ValueRange tile = v.take_back(5);
      return {llvm::to_vector(v.drop_back(5)), {tile[0], tile[1], tile[2], tile[3]}, tile[4]};
    }
  };

  // Which operand stays in the first-level cache while the other passes by: a tile of rows while
  // panels do, or a panel while rows do. What passes by and is not used again soon is loaded around
  // that cache; else it would displace what stays, and the tiles would wait for both.
  void choosePasses() {
    int64_t tileBytes = tileRows * rows.padded * rows.elementBytes;
    // Panels that come from afar should not come twice.
    panelsInside = !fetchesAhead() && !decoded;
    // Windows share most of what they read.
    if (rows.isDirect() && panelBytes <= kNearestBytes)
      panelsInside = false;
    // Of a panel that is somewhat too large the half that was read last is found again.
    int64_t stays = rows.isDirect() ? kFirstBytes : kFirstBytes / 2 * 5;
    streamsPanels =
        panelsInside ? tileBytes + chunk * panelBytes > kFirstBytes : panelBytes > stays;
    streamsRows = !panelsInside && !rows.isDirect();
  }

  // `full`: the block has as many rows as a tile, or more.
  void multiplyBlock(Value p0, Value pEnd, bool full) {
    Value zero = k.c(0);
    Before none{{}, {p0, zero, zero, zero}, copied};
    for (int64_t i = 0; i < down * across; ++i)
      none.sums.push_back(amx::TileZeroOp::create(b, k.loc, sumTile));
    SmallVector<Value> state = none.values();
    auto body = [&](Value p, Value r0, ValueRange carried) {
      Before before = Before::from(carried);
      // What the next tile reads, too, so that no tile waits for what has just been written.
      before.copied = rows.copyUntil(before.copied, k.add(r0, 2 * tileRows - 1));
      if (!rows.skipsLines())
        return tile(p, r0, before, full, {}).values();
      // Most tiles lie inside of the image: those need no branches.
      Value position = getPosition(r0, full), isEdge;
      SmallVector<StepRange> seen;
      for (int64_t d = 0; d < down; ++d) {
        seen.push_back(rows.getSteps(k.add(position, d * 16)));
        Value isPart =
            k.compare(arith::CmpIPredicate::ne, k.sub(seen[d].second, seen[d].first), k.c(steps));
        isEdge = d ? arith::OrIOp::create(b, k.loc, isEdge, isPart) : isPart;
      }
      return k.choose(
          isEdge, [&] { return tile(p, r0, before, full, seen).values(); },
          [&] { return tile(p, r0, before, full, {}).values(); });
    };
    if (panelsInside)
      state = k.loop(zero, rows.count, tileRows, state, [&](Value r0, ValueRange in) {
        return k.loop(p0, pEnd, 1, in,
                      [&](Value p, ValueRange carried) { return body(p, r0, carried); });
      });
    else
      state = k.loop(p0, pEnd, 1, state, [&](Value p, ValueRange in) {
        if (decoded)
          decoded->decode(p);
        return k.loop(zero, rows.count, tileRows, in,
                      [&](Value r0, ValueRange carried) { return body(p, r0, carried); });
      });
    Before last = Before::from(state);
    for (int64_t d = 0; d < down; ++d)
      for (int64_t j = 0; j < across; ++j)
        storeTile(last.sums[d * across + j], d, j);
    finish(last.waiting, zero, tileRows, full);
  }

  void finish(Waiting waiting, Value from, int64_t count, bool full) {
    if (full)
      results.finishFull(waiting, from, count);
    else
      results.finish(waiting, from, count);
  }

  bool fetchesAhead() const { return !decoded && panels * panelBytes > kNearBytes; }

  // Fetches lines of the next panel at step `i` of the tile at row `r0`: the tiles of a block
  // together fetch it once.
  void fetchAhead(Value p, Value r0, Value i) {
    if (!fetchesAhead())
      return;
    int64_t lines = std::clamp<int64_t>(columns * tileRows / rows.block, 1, 32);
    Value flat = k.collapse(k.op.getRhs());
    Value step = k.add(k.mul(k.div(r0, k.c(tileRows)), steps), i);
    Value at = k.add(k.mul(k.add(p, 1), columns * rows.padded), k.mul(step, lines * rows.depth));
    for (int64_t l = 0; l < lines; ++l)
      memref::PrefetchOp::create(b, k.loc, flat, ValueRange{k.add(at, l * rows.depth)},
                                 /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
  }

  // A tile that the first-level cache keeps, or one that passes it by.
  Value load(bool streams, amx::TileType type, Value memory, ValueRange at, Value stride) {
    if (streams)
      return cpu::StreamTileOp::create(b, k.loc, type, memory, at, stride);
    return amx::TileLoadOp::create(b, k.loc, type, memory, at, stride);
  }

  void storeTile(Value tile, int64_t d, int64_t j) {
    amx::TileStoreOp::create(b, k.loc, results.sums, ValueRange{k.c(d * 16), k.c(j * 16)}, tile);
  }

  Value getPosition(Value r0, bool full) {
    return full ? k.min(r0, k.sub(rows.count, k.c(tileRows))) : r0;
  }

  // The sums of the tile at row `r0` times panel `p`. Those of the tile before go to memory and
  // through the epilogue. Each sixteen of its rows need `seen` of the steps (none given: all).
  Before tile(Value p, Value r0, Before before, bool full, ArrayRef<StepRange> seen) {
    Value zero = k.c(0), skipped, stride = k.c(rows.getStride()), position = getPosition(r0, full);
    Value base = rows.getBase(position, full, skipped);
    // Every other tile goes through the contraction from its end: what the one before has read last
    // is still in the nearest cache.
    Value start, turn;
    if (steps > 1 && !rows.isDirect()) {
      Value odd = k.compare(arith::CmpIPredicate::ne,
                            k.rem(k.add(p, k.div(r0, k.c(tileRows))), k.c(2)), zero);
      start = arith::SelectOp::create(b, k.loc, odd, k.c(steps - 1), zero);
      turn = arith::SelectOp::create(b, k.loc, odd, k.c(-1), k.c(1));
    }
    // Products of step `i`, added to `in` or, after storing those, to zero.
    auto multiply = [&](Value i, ValueRange in, bool isFirst) {
      SmallVector<Value> panel, out;
      if (turn)
        i = k.add(start, k.mul(i, turn));
      if (decoded)
        return multiplyDecoded(i, k.add(base, rows.getOffset(i)), in, isFirst);
      for (int64_t j = 0; j < across; ++j)
        panel.push_back(load(streamsPanels, panelType, k.op.getRhs(),
                             {p, k.mul(i, rows.depth / quad), k.c(j * 16 * quad)},
                             k.c(columns * quad)));
      Value at = k.add(base, rows.getOffset(i));
      for (int64_t d = 0; d < down; ++d) {
        // The sums of the tile before leave their registers where those are needed.
        auto start = [&](int64_t j) -> Value {
          Value sum = in[d * across + j];
          if (!isFirst)
            return sum;
          storeTile(sum, d, j);
          return amx::TileZeroOp::create(b, k.loc, sumTile);
        };
        auto products = [&] {
          SmallVector<Value> sums;
          Value x = load(streamsRows, tileType, rows.memory, {k.add(at, d * 16 * rows.getStride())},
                         stride);
          for (int64_t j = 0; j < across; ++j) {
            Value sum = start(j);
            sums.push_back(multiplyTiles(x, panel[j], sum));
          }
          return sums;
        };
        auto none = [&] {
          SmallVector<Value> sums;
          for (int64_t j = 0; j < across; ++j)
            sums.push_back(start(j));
          return sums;
        };
        if (!seen.empty()) {
          auto [from, to] = seen[d];
          Value isSeen = k.compare(arith::CmpIPredicate::ult, k.sub(i, from), k.sub(to, from));
          llvm::append_range(out, k.choose(isSeen, products, none));
        } else {
          llvm::append_range(out, products());
        }
      }
      return out;
    };
    // Products, then rows of the epilogue, which take less long.
    auto step = [&](Value i, ValueRange in, Value from, int64_t count) {
      fetchAhead(p, r0, i);
      SmallVector<Value> out = multiply(i, in, /*isFirst=*/false);
      if (count)
        finish(before.waiting, from, count, full);
      return out;
    };
    fetchAhead(p, r0, zero);
    SmallVector<Value> sums = multiply(zero, before.sums, /*isFirst=*/true);
    int64_t together = results.rowsAtOnce(), busy = steps - 1;
    if (steps == 1) {
      finish(before.waiting, zero, tileRows, full);
    } else if (steps <= kUnrolledSteps) {
      auto begin = [&](int64_t i) { return tileRows * i / busy / together * together; };
      for (int64_t i = 0; i < busy; ++i)
        sums = step(k.c(i + 1), sums, k.c(begin(i)), begin(i + 1) - begin(i));
    } else {
      // Equal numbers of rows per step; steps that have some.
      int64_t count =
          std::max<int64_t>(together, llvm::PowerOf2Ceil(llvm::divideCeil(tileRows, busy)));
      busy = tileRows / count;
      sums = k.loop(k.c(1), k.c(1 + busy), 1, sums, [&](Value i, ValueRange in) {
        return step(i, in, k.mul(k.sub(i, k.c(1)), count), count);
      });
      if (1 + busy < steps)
        sums = k.loop(k.c(1 + busy), k.c(steps), 1, sums,
                      [&](Value i, ValueRange in) { return step(i, in, Value(), 0); });
    }
    Value count = full ? k.c(tileRows) : k.min(k.c(tileRows), k.sub(rows.count, r0));
    return {sums, {p, position, count, skipped}, before.copied};
  }

  // The same with both parts of weights of few bits, for which the rows stay in registers: no more
  // than eight tiles are there at a time.
  SmallVector<Value> multiplyDecoded(Value i, Value at, ValueRange in, bool isFirst) {
    SmallVector<Value> sums(in), x;
    for (int64_t d = 0; d < down; ++d)
      x.push_back(load(streamsRows, tileType, rows.memory, {k.add(at, d * 16 * rows.getStride())},
                       k.c(rows.getStride())));
    for (int64_t j = 0; j < across; ++j)
      for (int64_t part : {0, 1}) {
        Value w = load(streamsPanels, panelType, decoded->tiles,
                       {decoded->getRow(i, j, part), k.c(0)}, k.c(32));
        for (int64_t d = 0; d < down; ++d) {
          Value &sum = sums[d * across + j];
          if (isFirst && part == 0) {
            storeTile(sum, d, j);
            sum = amx::TileZeroOp::create(b, k.loc, sumTile);
          }
          sum = multiplyTiles(x[d], w, sum);
        }
      }
    return sums;
  }

  Value multiplyTiles(Value x, Value w, Value sum) {
    if (isa<FloatType>(rows.element))
      return amx::TileMulFOp::create(b, k.loc, sum.getType(), x, w, sum);
    return amx::TileMulIOp::create(b, k.loc, sum.getType(), x, w, sum, k.op.getLhsUnsigned(),
                                   k.op.getRhsUnsigned());
  }

  KernelCode &k;
  OpBuilder &b;
  int64_t tileRows, columns, down, across;
  TileRows rows;
  TileResults results;
  // Of weights of few bits.
  std::optional<DecodedPanel> decoded;
  // Elements that one product of a lane adds up.
  int64_t quad;
  int64_t steps, panels, panelBytes, chunk, chunks;
  bool panelsInside, streamsRows, streamsPanels;
  amx::TileType sumTile, tileType, panelType;
  // Lines that the block at hand has when it begins.
  Value copied;
};
} // namespace

void terse::buildTileKernel(KernelCode &code, Value begin, Value end) {
  TileKernel(code).build(begin, end);
}
Value terse::countTileItems(KernelCode &code) { return TileKernel(code).countItems(); }
