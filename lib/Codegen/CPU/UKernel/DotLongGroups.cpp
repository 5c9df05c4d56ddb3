//===- DotLongGroups.cpp - Few scales for many weights of few bits --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for groups:
//     one tile of rows:
//       for steps: the codes of the next tiles to bytes, tiles += rows * bytes of this step
//     several:
//       for parts: its codes to bytes                        (first-level cache)
//         for tiles of rows: tiles += rows * bytes, which wait in memory for the next part
//     sums += (tiles + what makes up for unsigned codes) * scales
//
// Codes are unsigned here, as they are for vectors: groups are so long that what this adds to the
// sums costs less than to take it off each code.

#include "DotKernel.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// Tiles of a ring that one tile of rows reads while others are written: no more than a page, or
// stores would hide which of them a load waits for.
static int64_t getRing(int64_t vectors) { return vectors == 3 ? 3 : 4; }

void DotKernel::prepareLongGroups() {
  step = std::min<int64_t>(64, layout.paddedGroup);
  int64_t steps = layout.paddedGroup / step, tile = step / 4;
  partSteps = std::min(std::max<int64_t>(kDotPartBytes / columns / step, 1), steps);
  partSteps = llvm::divideCeil(steps, llvm::divideCeil(steps, partSteps));
  bool isOne = block == tileRows;
  int64_t tiles = isOne ? getRing(layout.vectors) : layout.vectors;
  int64_t height = isOne ? tile : partSteps * tile;
  panelBytes = view(k.allocate(tiles * height * 64), {tiles, height, 64}, b.getI8Type());
  Value bytes = layout.groups == 1 ? sumBytes : k.allocate(block * columns * 4);
  tileSums = view(bytes, {block, columns}, b.getI32Type());
}

// Step `s` of group `g` to rows of tile `tile` from `row` on.
void DotKernel::unpackStep(Value p, int64_t v, Value g, Value s, Value tile, Value row) {
  int64_t units = step / layout.unitCodes;
  Value at = k.add(k.mul(g, layout.groupBytes), layout.tableBytes + layout.getCodeOffset());
  at = k.add(at, k.mul(s, units * layout.unitBytes));
  for (int64_t u = 0; u < units; ++u) {
    Value from = k.add(at, u * layout.unitBytes);
    for (int64_t line = 0; line < layout.unitBytes; line += 64)
      fetch(p, v, k.add(from, line));
    unpackUnit(p, v, from, Value(), tile, k.add(row, u * layout.unitCodes / 4));
  }
}

// accs + the products of a step with a tile of rows, for each vector of columns.
SmallVector<Value> DotKernel::multiplyStep(Value r0, Value g, Value s, ArrayRef<Value> accs,
                                           function_ref<Value(int64_t)> loadWeights) {
  auto rowTile = amx::TileType::get({tileRows, step}, b.getI8Type());
  Value column = k.add(k.mul(g, layout.paddedGroup), k.mul(s, step));
  Value x = amx::TileLoadOp::create(b, k.loc, rowTile, rowBytes,
                                    ValueRange{k.add(k.mul(r0, pitch), column)}, k.c(pitch));
  SmallVector<Value> out;
  for (auto [v, acc] : llvm::enumerate(accs))
    out.push_back(amx::TileMulIOp::create(b, k.loc, acc.getType(), x, loadWeights(v), acc,
                                          /*isZextLhs=*/false, /*isZextRhs=*/true));
  return out;
}

// Group `g` times the only tile of rows, to `tileSums`.
void DotKernel::streamGroup(Value p, Value g) {
  auto sumTile = amx::TileType::get({tileRows, 16}, b.getI32Type()),
       byteTile = amx::TileType::get({step / 4, 64}, b.getI8Type());
  int64_t vectors = layout.vectors, ring = getRing(vectors), ahead = ring / 2;
  int64_t steps = layout.paddedGroup / step;
  Value zero = k.c(0);
  // Tile `t` of those of step `s` and the next ones.
  auto place = [&](Value s, int64_t t) {
    return vectors == ring ? k.c(t % ring) : k.rem(k.add(k.mul(s, vectors), t), k.c(ring));
  };
  auto unpack = [&](Value s, int64_t t) {
    // Behind the last step it is unpacked again, to where nothing reads it.
    Value from = t < vectors ? s : k.min(k.add(s, t / vectors), k.c(steps - 1));
    unpackStep(p, t % vectors, g, from, place(s, t), zero);
  };
  for (int64_t t = 0; t < ahead; ++t)
    unpack(zero, t);
  SmallVector<Value> accs;
  for (int64_t v = 0; v < vectors; ++v)
    accs.push_back(amx::TileZeroOp::create(b, k.loc, sumTile));
  accs = k.loop(zero, k.c(steps), 1, accs, [&](Value s, ValueRange in) {
    return multiplyStep(zero, g, s, SmallVector<Value>(in), [&](int64_t v) -> Value {
      unpack(s, v + ahead);
      return amx::TileLoadOp::create(b, k.loc, byteTile, panelBytes,
                                     ValueRange{place(s, v), zero, zero});
    });
  });
  for (int64_t v = 0; v < vectors; ++v)
    amx::TileStoreOp::create(b, k.loc, tileSums, ValueRange{zero, k.c(v * 16)}, accs[v]);
}

// Group `g` times `count` rows, to `tileSums`.
void DotKernel::multiplyParts(Value p, Value g, Value count) {
  auto sumTile = amx::TileType::get({tileRows, 16}, b.getI32Type()),
       byteTile = amx::TileType::get({step / 4, 64}, b.getI8Type());
  int64_t steps = layout.paddedGroup / step, tile = step / 4;
  Value zero = k.c(0), whole = k.mul(k.ceilDiv(count, tileRows), tileRows);
  k.loop(zero, whole, 1, [&](Value r) {
    for (int64_t v = 0; v < layout.vectors; ++v)
      vector::StoreOp::create(b, k.loc, k.zero(VectorType::get(16, b.getI32Type())), tileSums,
                              ValueRange{r, k.c(v * 16)});
  });
  k.loop(zero, k.c(steps), partSteps, [&](Value s0) {
    Value s1 = k.add(s0, partSteps);
    if (steps % partSteps)
      s1 = k.min(s1, k.c(steps));
    k.loop(s0, s1, 1, [&](Value s) {
      for (int64_t v = 0; v < layout.vectors; ++v)
        unpackStep(p, v, g, s, k.c(v), k.mul(k.sub(s, s0), tile));
    });
    k.loop(zero, count, tileRows, [&](Value r0) {
      SmallVector<Value> accs;
      for (int64_t v = 0; v < layout.vectors; ++v)
        accs.push_back(
            amx::TileLoadOp::create(b, k.loc, sumTile, tileSums, ValueRange{r0, k.c(v * 16)}));
      accs = k.loop(s0, s1, 1, accs, [&](Value s, ValueRange in) {
        return multiplyStep(r0, g, s, SmallVector<Value>(in), [&](int64_t v) -> Value {
          return amx::TileLoadOp::create(b, k.loc, byteTile, panelBytes,
                                         ValueRange{k.c(v), k.mul(k.sub(s, s0), tile), zero});
        });
      });
      for (int64_t v = 0; v < layout.vectors; ++v)
        amx::TileStoreOp::create(b, k.loc, tileSums, ValueRange{r0, k.c(v * 16)}, accs[v]);
    });
  });
}

// The products of group `g` times its scales, added to `sums`.
void DotKernel::scaleLongGroup(Value p, Value g, Value count) {
  auto floats = VectorType::get(16, b.getF32Type()), ints = VectorType::get(16, b.getI32Type());
  Value at = k.add(k.mul(g, layout.groupBytes), layout.tableBytes);
  SmallVector<Value> scales, offs;
  for (int64_t v = 0; v < layout.vectors; ++v) {
    WeightDecoder::Group group = decoder.loadGroup(p, v, at);
    scales.push_back(group.scale);
    offs.push_back(k.splat(-layout.offset, ints));
    if (group.zero)
      offs[v] = arith::SubIOp::create(b, k.loc, offs[v], group.zero);
  }
  k.loop(k.c(0), count, 1, [&](Value r) {
    Value rowSum;
    if (needsRowSums)
      rowSum = vector::BroadcastOp::create(
          b, k.loc, ints, memref::LoadOp::create(b, k.loc, rowSums, ValueRange{r, g}));
    for (int64_t v = 0; v < layout.vectors; ++v) {
      SmallVector<Value> here{r, k.c(v * 16)};
      Value sum = vector::LoadOp::create(b, k.loc, ints, tileSums, here), before = k.zero(floats);
      if (rowSum)
        sum = k.add(sum, k.mul(rowSum, offs[v]));
      if (layout.groups > 1)
        before = vector::LoadOp::create(b, k.loc, floats, sums, here);
      sum = arith::SIToFPOp::create(b, k.loc, floats, sum);
      vector::StoreOp::create(b, k.loc, k.multiplyAdd(sum, scales[v], before), sums, here);
    }
  });
}

void DotKernel::multiplyLongGroups(Value p, Value count) {
  if (layout.groups > 1)
    k.loop(k.c(0), count, 1, [&](Value r) {
      for (int64_t v = 0; v < layout.vectors; ++v)
        vector::StoreOp::create(b, k.loc, k.zero(VectorType::get(16, b.getF32Type())), sums,
                                ValueRange{r, k.c(v * 16)});
    });
  k.loop(k.c(0), k.c(layout.groups), 1, [&](Value g) {
    if (block == tileRows)
      streamGroup(p, g);
    else
      multiplyParts(p, g, count);
    scaleLongGroup(p, g, count);
  });
}
