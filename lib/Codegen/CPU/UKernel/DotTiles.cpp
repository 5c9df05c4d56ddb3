//===- DotTiles.cpp - Weights of few bits in tile registers ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for parts of the panel along the contraction:
//     its codes to bytes, in the order of tiles              (first-level cache)
//     for tiles of rows, vectors of columns:
//       for groups of the part: tile = rows * bytes          (tile registers)
//         sums += tile * scales                              (vector registers)
//
// The tile of the next group is computed while vectors scale that of the last.

#include "DotKernel.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// Of a part: beside the rows it stays in the first-level cache.
static constexpr int64_t kPartBytes = 24 << 10;

void DotKernel::prepareTiles() {
  // Steps of equal length, of whole quads, that fill the tiles best.
  step = 64;
  while (layout.paddedGroup % step)
    step -= 4;
  int64_t most = std::max<int64_t>(kPartBytes / columns, step);
  if (layout.paddedGroup <= most) {
    partGroups = std::min(most / layout.paddedGroup, layout.groups);
    partGroups = llvm::divideCeil(layout.groups, llvm::divideCeil(layout.groups, partGroups));
  } else {
    partGroups = 1;
  }
  int64_t depth = partGroups * layout.paddedGroup;
  panelBytes = view(k.allocate(depth * columns), {layout.vectors, depth / 4, 64}, b.getI8Type());
  tileSums = view(k.allocate(2 * 16 * 16 * 4), {2, 16, 16}, b.getI32Type());
}

// Codes of groups [g0, g1) of panel `p` as signed bytes.
void DotKernel::unpackPart(Value p, Value g0, Value g1) {
  auto bytes = VectorType::get(64, b.getI8Type()), ints = VectorType::get(16, b.getI32Type());
  int64_t quads = layout.unitCodes / 4, units = layout.paddedGroup / layout.unitCodes;
  int64_t ahead = partGroups * layout.groupBytes;
  k.loop(g0, g1, 1, [&](Value g) {
    Value at = k.add(k.mul(g, layout.groupBytes), layout.tableBytes);
    Value codes = k.add(at, layout.getCodeOffset());
    Value first = k.mul(k.sub(g, g0), layout.paddedGroup / 4);
    for (int64_t v = 0; v < layout.vectors; ++v) {
      // What makes signed weights of codes, in every byte.
      Value off = k.splat(int8_t(layout.offset), bytes);
      if (layout.zeroBytes) {
        Value zero = decoder.loadGroup(p, v, at).zero;
        zero = arith::AndIOp::create(b, k.loc, zero, k.splat(255, ints));
        zero = arith::MulIOp::create(b, k.loc, zero, k.splat(0x01010101, ints));
        zero = vector::BitCastOp::create(b, k.loc, bytes, zero);
        off = arith::AddIOp::create(b, k.loc, off, zero);
      }
      k.loop(k.c(0), k.c(units), 1, [&](Value u) {
        Value from = k.add(codes, k.mul(u, layout.unitBytes));
        SmallVector<Value> loaded = decoder.loadPlanes(p, v, from);
        for (int64_t line = 0; line < layout.unitBytes; line += 64)
          memref::PrefetchOp::create(b, k.loc, k.op.getRhs(),
                                     ValueRange{p, k.c(v), k.add(from, ahead + line)},
                                     /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
        for (int64_t q = 0; q < quads; ++q) {
          Value w = vector::BitCastOp::create(b, k.loc, bytes, decoder.quad(loaded, q));
          if (layout.offset || layout.zeroBytes)
            w = arith::SubIOp::create(b, k.loc, w, off);
          Value row = k.add(k.add(first, k.mul(u, quads)), q);
          vector::StoreOp::create(b, k.loc, w, panelBytes, ValueRange{k.c(v), row, k.c(0)});
        }
      });
    }
  });
}

// A tile of rows from `r0` times groups [g0, g1) of vector `v`, added to `sums`.
void DotKernel::multiplyTile(Value p, int64_t v, Value r0, Value g0, Value g1) {
  auto floats = VectorType::get(16, b.getF32Type()), ints = VectorType::get(16, b.getI32Type());
  auto sumTile = amx::TileType::get({tileRows, 16}, b.getI32Type()),
       rowTile = amx::TileType::get({tileRows, step}, b.getI8Type()),
       byteTile = amx::TileType::get({step / 4, 64}, b.getI8Type());
  SmallVector<Value> accs;
  for (int64_t r = 0; r < tileRows; ++r)
    accs.push_back(
        vector::LoadOp::create(b, k.loc, floats, sums, ValueRange{k.add(r0, r), k.c(v * 16)}));
  Value base = k.mul(r0, pitch), stride = k.c(pitch);
  int64_t steps = layout.paddedGroup / step;
  accs = k.loop(g0, g1, 1, accs, [&](Value g, ValueRange before) {
    Value column = k.add(base, k.mul(g, layout.paddedGroup));
    Value quad = k.mul(k.sub(g, g0), layout.paddedGroup / 4);
    auto add = [&](Value s, Value acc) -> Value {
      Value x = amx::TileLoadOp::create(b, k.loc, rowTile, rowBytes,
                                        ValueRange{k.add(column, k.mul(s, step))}, stride);
      Value w =
          amx::TileLoadOp::create(b, k.loc, byteTile, panelBytes,
                                  ValueRange{k.c(v), k.add(quad, k.mul(s, step / 4)), k.c(0)});
      return amx::TileMulIOp::create(b, k.loc, sumTile, x, w, acc, /*isZextLhs=*/false,
                                     /*isZextRhs=*/false);
    };
    Value tile = amx::TileZeroOp::create(b, k.loc, sumTile);
    if (steps <= 4)
      for (int64_t s = 0; s < steps; ++s)
        tile = add(k.c(s), tile);
    else
      tile = k.loop(k.c(0), k.c(steps), 1, {tile},
                    [&](Value s, ValueRange in) { return SmallVector<Value>{add(s, in[0])}; })[0];
    Value which = k.rem(g, k.c(2)), zero = k.c(0);
    amx::TileStoreOp::create(b, k.loc, tileSums, ValueRange{which, zero, zero}, tile);
    Value at = k.add(k.mul(g, layout.groupBytes), layout.tableBytes);
    Value scale = decoder.loadGroup(p, v, at).scale;
    SmallVector<Value> after;
    for (int64_t r = 0; r < tileRows; ++r) {
      Value sum = vector::LoadOp::create(b, k.loc, ints, tileSums, ValueRange{which, k.c(r), zero});
      sum = arith::SIToFPOp::create(b, k.loc, floats, sum);
      after.push_back(k.multiplyAdd(sum, scale, before[r]));
    }
    return after;
  });
  for (int64_t r = 0; r < tileRows; ++r)
    vector::StoreOp::create(b, k.loc, accs[r], sums, ValueRange{k.add(r0, r), k.c(v * 16)});
}

void DotKernel::multiplyTiles(Value p, Value count) {
  Value zero = k.c(0), whole = k.mul(k.ceilDiv(count, tileRows), tileRows);
  k.loop(zero, whole, 1, [&](Value r) {
    for (int64_t v = 0; v < layout.vectors; ++v)
      vector::StoreOp::create(b, k.loc, k.zero(VectorType::get(16, b.getF32Type())), sums,
                              ValueRange{r, k.c(v * 16)});
  });
  k.loop(zero, k.c(layout.groups), partGroups, [&](Value g0) {
    Value g1 = k.add(g0, partGroups);
    if (layout.groups % partGroups)
      g1 = k.min(g1, k.c(layout.groups));
    unpackPart(p, g0, g1);
    k.loop(zero, count, tileRows, [&](Value r0) {
      for (int64_t v = 0; v < layout.vectors; ++v)
        multiplyTile(p, v, r0, g0, g1);
    });
  });
}
