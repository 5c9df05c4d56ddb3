//===- MatrixKernel.cpp - Products of matrices of integers ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for blocks of rows, chunks of panels:                    (one item of the range)
//     if rows are copied and the block is a new one: copy them
//     for panels of the chunk, tiles of the block:
//       sums = start; sums += rows * panel                   (in registers)
//       epilogue(sums), store                                (from registers)
//
// VectorTiles says which rows make up a tile and where they are read. Sums stay in registers along
// the whole contraction: a step reads few bytes, which the second-level cache delivers in time.

#include "VectorResults.h"
#include "VectorRows.h"
#include "terse/Dialect/UKernel/IR/WeightLayout.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// Columns of a chunk.
static constexpr int64_t kChunkColumns = 256;
// Weights beyond this are fetched ahead of their use.
static constexpr int64_t kNearBytes = 512 << 10;

namespace {
class MatrixKernel {
public:
  explicit MatrixKernel(KernelCode &code)
      : k(code), b(code.b), schedule(code.schedule), isa(schedule.getIsa()),
        sizes(getSizes(code.op)), sumType(getSumType(code.op)), bytes(code.op, isa),
        rows(code, VectorTiles(code.op, schedule.getRows(), isa)), tiles(rows.tiles),
        lanes(getLanes(isa)), results(code, lanes), chunks(cutPanels(code.op, kChunkColumns)) {
    columns = schedule.getColumns();
    padded = llvm::alignTo(sizes.k, schedule.getAlign());
  }

  Value countItems() { return k.mul(rows.countBlocks(), chunks.count); }
  KernelBlocks getBlocks() const { return rows.getBlocks(chunks.count); }

  void build(Value begin, Value end) {
    rows.allocate();
    results.allocate(tiles.tileLines * tiles.tileWidth);
    weights = k.collapse(k.op.getRhs());
    k.flatten();
    k.loop(begin, end, 1, {k.c(-1)}, [&](Value item, ValueRange carried) {
      Value number = k.div(item, k.c(chunks.count));
      Value p0 = k.mul(k.rem(item, k.c(chunks.count)), chunks.size);
      rows.locate(number);
      if (tiles.left != VectorTiles::Left::Direct)
        k.branch(k.compare(arith::CmpIPredicate::ne, number, carried[0]), [&] { rows.copy(); });
      k.loop(p0, k.min(k.add(p0, chunks.size), k.c(chunks.panels)), 1, [&](Value p) {
        panel = p;
        rows.forLines([&](Value y, int64_t height) {
          firstRun = k.c(0), lastRun = k.c(tiles.runs);
          if (tiles.skipsLines)
            std::tie(firstRun, lastRun) = rows.findRuns(y, height);
          rows.forTiles(/*peelsEnds=*/true,
                        [&](Value x, int64_t width) { tile(y, x, height, width); });
        });
      });
      return SmallVector<Value>{number};
    });
    k.release();
  }

private:
  void tile(Value y, Value x, int64_t height, int64_t width) {
    base = rows.getBase(y, x);
    parts = rows.getParts(x, width);
    tileWidth = width;
    ahead = findAhead(y, x);
    auto type = VectorType::get(lanes, sumType);
    SmallVector<Value> first, sums;
    for (int64_t v = 0; v < columns; v += lanes)
      first.push_back(k.op.getStart()
                          ? Value(vector::LoadOp::create(b, k.loc, type, k.op.getStart(),
                                                         ValueRange{panel, k.c(v)}))
                          : k.zero(type));
    for (int64_t i = 0; i < height * width; ++i)
      sums.append(first);
    if (tiles.runs == 1)
      sums = multiplyRun(firstRun, sums);
    else
      sums = k.loop(firstRun, lastRun, 1, sums,
                    [&](Value run, ValueRange in) { return multiplyRun(run, in); });
    // What all rows of a tile belong to.
    Value sample;
    if (tiles.images)
      sample = rows.image;
    else if (cast<MemRefType>(k.op.getInit().getType()).getDimSize(0) == 1)
      sample = k.c(0);
    results.finish({panel, rows.getRow(y, x), height, width, tiles.width, sample}, sums);
  }

  // Adds the products of a run of the contraction.
  SmallVector<Value> multiplyRun(Value run, ValueRange in) {
    Value start = k.add(base, rows.getRunOffset(run, k.c(0)));
    Value done = k.mul(run, tiles.runLength);
    SmallVector<Value> sums(in);
    for (const VectorRows::Part &part : parts)
      multiplyPart(part, start, done, sums);
    return sums;
  }

  // Adds the products of a part of a run: `start` is where the run begins in the rows, `done` in
  // the contraction.
  void multiplyPart(const VectorRows::Part &part, Value start, Value done,
                    SmallVectorImpl<Value> &sums) {
    int64_t count = columns / lanes;
    SmallVector<int64_t> used, offsets;
    SmallVector<Value> init;
    for (int64_t r = 0; r < int64_t(sums.size()) / count; ++r) {
      int64_t pixel = r % tileWidth;
      if (pixel < part.first || pixel >= part.last)
        continue;
      used.push_back(r);
      offsets.push_back(r / tileWidth * rows.lineStep + pixel * rows.pixelStep);
      init.append(sums.begin() + r * count, sums.begin() + (r + 1) * count);
    }
    Value w0 = k.mul(k.add(k.mul(panel, padded), done), columns);
    auto type = VectorType::get(lanes * tiles.step,
                                cast<MemRefType>(k.op.getRhs().getType()).getElementType());
    SmallVector<Value> results =
        k.loop(k.c(part.from), k.c(part.to), tiles.step, init, [&](Value i, ValueRange in) {
          SmallVector<Value> vectors, out;
          if (ahead)
            fetch(k.add(done, i));
          Value w = k.add(w0, k.mul(i, columns)), from = k.add(start, i);
          for (int64_t v = 0; v < columns; v += lanes)
            vectors.push_back(widen(vector::LoadOp::create(b, k.loc, type, weights,
                                                           ValueRange{k.add(w, v * tiles.step)})));
          for (int64_t offset : offsets) {
            Value x = loadLeft(k.add(from, offset));
            for (Value weight : vectors)
              out.push_back(multiply(x, weight, in[out.size()]));
          }
          return out;
        });
    for (auto [i, r] : llvm::enumerate(used))
      std::copy_n(results.begin() + i * count, count, sums.begin() + r * count);
  }

  Value widen(Value w) {
    if (tiles.step == 4)
      return w;
    Type element = bytes.widened ? Type(b.getI16Type()) : Type(b.getI32Type());
    auto type = cast<VectorType>(w.getType()).clone(element);
    return k.op.getRhsUnsigned() ? Value(arith::ExtUIOp::create(b, k.loc, type, w))
                                 : Value(arith::ExtSIOp::create(b, k.loc, type, w));
  }

  // The elements of a step from `at` on in every lane.
  Value loadLeft(Value at) {
    Type element = cast<MemRefType>(rows.memory.getType()).getElementType(), i32 = b.getI32Type();
    auto all = VectorType::get(lanes, i32);
    if (tiles.step == 1) {
      Value x = memref::LoadOp::create(b, k.loc, rows.memory, at);
      x = k.op.getLhsUnsigned() ? Value(arith::ExtUIOp::create(b, k.loc, i32, x))
                                : Value(arith::ExtSIOp::create(b, k.loc, i32, x));
      return vector::BroadcastOp::create(b, k.loc, all, x);
    }
    Value x = vector::LoadOp::create(b, k.loc, VectorType::get(tiles.step, element), rows.memory,
                                     ValueRange{at});
    x = vector::BitCastOp::create(b, k.loc, VectorType::get(1, i32), x);
    x = vector::BroadcastOp::create(b, k.loc, all, x);
    return vector::BitCastOp::create(b, k.loc, VectorType::get(lanes * tiles.step, element), x);
  }

  Value multiply(Value x, Value w, Value sum) {
    Type type = sum.getType();
    switch (isa) {
    case ISA::AVX512VNNI:
      return k.intrinsic("llvm.x86.avx512.vpdpbusd.512", type, {sum, x, w});
    case ISA::AVXVNNI:
      return k.intrinsic("llvm.x86.avx512.vpdpbusd.256", type, {sum, x, w});
    case ISA::AVX512:
      return k.add(sum, k.intrinsic("llvm.x86.avx512.pmaddw.d.512", type, {x, w}));
    case ISA::AVX2:
      return k.add(sum, k.intrinsic("llvm.x86.avx2.pmadd.wd", type, {x, w}));
    default:
      return k.add(sum, k.mul(x, w));
    }
  }

  //===--- weights from afar ---===//

  // Where the tile begins to fetch the next panel, of which each tile of the block fetches an equal
  // share: a burst of requests would keep the loads of tiles waiting. Null if weights are near.
  Value findAhead(Value y, Value x) {
    if (padded * chunks.panels * columns <= kNearBytes)
      return {};
    int64_t across = std::max<int64_t>(rows.countTiles(), 1),
            count = across * llvm::divideCeil(rows.blockLines, tiles.tileLines),
            share = llvm::divideCeil(columns, count);
    aheadStep = share, aheadLines = llvm::divideCeil(share * tiles.step, 64);
    Value next = k.mul(k.add(panel, 1), padded * columns);
    if (count == 1)
      return next;
    Value number = k.c(0);
    if (across > 1)
      number = k.div(k.sub(x, rows.x0), k.c(tiles.tileWidth));
    if (tiles.lines > 1)
      number = k.add(number, k.mul(k.div(k.sub(y, rows.y0), k.c(tiles.tileLines)), across));
    return k.add(next, k.mul(number, padded * share));
  }

  // What a step at element `at` of the contraction fetches.
  void fetch(Value at) {
    Value line = k.add(ahead, k.mul(at, aheadStep));
    for (int64_t l = 0; l < aheadLines; ++l)
      memref::PrefetchOp::create(b, k.loc, weights, ValueRange{k.add(line, l * 64)},
                                 /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
  }

  KernelCode &k;
  OpBuilder &b;
  ScheduleAttr schedule;
  ISA isa;
  KernelSizes sizes;
  Type sumType;
  LeftBytes bytes;
  VectorRows rows;
  const VectorTiles &tiles;
  int64_t lanes;
  VectorResults results;
  // `padded`: elements of the contraction in packed weights.
  int64_t columns, padded;
  PanelChunks chunks;
  Value weights;
  // The panel at hand, and the runs of the contraction that a line of tiles needs.
  Value panel, firstRun, lastRun;
  // Of a tile: where it reads what, and what it fetches in each step.
  Value base, ahead;
  SmallVector<VectorRows::Part> parts;
  int64_t tileWidth = 0, aheadStep = 0, aheadLines = 0;
};
} // namespace

void terse::buildMatrixKernel(KernelCode &code, Value begin, Value end) {
  MatrixKernel(code).build(begin, end);
}
Value terse::countMatrixItems(KernelCode &code) { return MatrixKernel(code).countItems(); }
KernelBlocks terse::getMatrixBlocks(KernelCode &code) { return MatrixKernel(code).getBlocks(); }
