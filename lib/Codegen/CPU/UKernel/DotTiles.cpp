//===- DotTiles.cpp - Weights of few bits in tile registers ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for parts of the panel along the contraction:
//     its codes to bytes, in the order of tiles              (first-level cache)
//     for tiles of rows, vectors of columns:
//       for groups of the part, some at once: tiles = rows * bytes
//         sums += tiles of the groups before * scales        (vector registers)
//
// Long groups have code of their own (DotLongGroups.cpp).

#include "DotKernel.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// Tiles of sums that are stored: two turns of two groups, or one of all vectors of a panel. More
// than a page would hide which of them a load waits for.
static constexpr int64_t kTiles = 4;

void DotKernel::prepareTiles() {
  if (isLong)
    return prepareLongGroups();
  // Steps of equal length, of whole quads, that fill the tiles best.
  step = 64;
  while (layout.paddedGroup % step)
    step -= 4;
  partGroups = std::min(kDotPartBytes / columns / layout.paddedGroup, layout.groups);
  partGroups = llvm::divideCeil(layout.groups, llvm::divideCeil(layout.groups, partGroups));
  for (groupsAtOnce = kTiles / 2; layout.groups % groupsAtOnce; groupsAtOnce /= 2)
    ;
  partGroups = llvm::alignTo(partGroups, groupsAtOnce);
  int64_t depth = partGroups * layout.paddedGroup;
  panelBytes = view(k.allocate(depth * columns), {layout.vectors, depth / 4, 64}, b.getI8Type());
  tileSums = view(k.allocate(kTiles * 1024), {kTiles, 16, 16}, b.getI32Type());
}

// Codes of the unit at byte `at`, less `off` (may be null), to rows of tile `tile` from `row` on.
void DotKernel::unpackUnit(Value p, int64_t v, Value at, Value off, Value tile, Value row) {
  auto bytes = VectorType::get(64, b.getI8Type());
  SmallVector<Value> loaded = decoder.loadPlanes(p, v, at);
  for (int64_t q = 0; q < layout.unitCodes / 4; ++q) {
    Value w = vector::BitCastOp::create(b, k.loc, bytes, decoder.quad(loaded, q));
    if (off)
      w = arith::SubIOp::create(b, k.loc, w, off);
    vector::StoreOp::create(b, k.loc, w, panelBytes, ValueRange{tile, k.add(row, q), k.c(0)});
  }
}

// Codes of groups [g0, g1) of panel `p` as signed bytes.
void DotKernel::unpackPart(Value p, Value g0, Value g1) {
  auto bytes = VectorType::get(64, b.getI8Type()), ints = VectorType::get(16, b.getI32Type());
  int64_t quads = layout.unitCodes / 4, units = layout.paddedGroup / layout.unitCodes;
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
      if (!layout.offset && !layout.zeroBytes)
        off = Value();
      k.loop(k.c(0), k.c(units), 1, [&](Value u) {
        unpackUnit(p, v, k.add(codes, k.mul(u, layout.unitBytes)), off, k.c(v),
                   k.add(first, k.mul(u, quads)));
      });
    }
  });
}

// One product of tiles for each of `tiles`: a tile of rows from `r0` times group `g` + i of vector
// `v`, or vector i of group `g` if `across`. Sums go to `tileSums` from tile `buffer` on. Products
// that do not wait for each other hide their latency.
void DotKernel::multiplyGroups(Value r0, int64_t v, Value g0, Value g, int64_t tiles, bool across,
                               Value buffer) {
  auto sumTile = amx::TileType::get({tileRows, 16}, b.getI32Type()),
       rowTile = amx::TileType::get({tileRows, step}, b.getI8Type()),
       byteTile = amx::TileType::get({step / 4, 64}, b.getI8Type());
  Value zero = k.c(0), stride = k.c(pitch), base = k.mul(r0, pitch);
  int64_t steps = layout.paddedGroup / step;
  auto at = [&](int64_t i) { return across ? g : k.add(g, i); };
  auto add = [&](Value s, ValueRange in) {
    SmallVector<Value> out;
    Value x;
    for (int64_t i = 0; i < tiles; ++i) {
      Value column = k.add(k.mul(at(i), layout.paddedGroup), k.mul(s, step));
      if (!x || !across)
        x = amx::TileLoadOp::create(b, k.loc, rowTile, rowBytes, ValueRange{k.add(base, column)},
                                    stride);
      Value quad = k.add(k.mul(k.sub(at(i), g0), layout.paddedGroup / 4), k.mul(s, step / 4));
      Value w = amx::TileLoadOp::create(b, k.loc, byteTile, panelBytes,
                                        ValueRange{k.c(across ? i : v), quad, zero});
      out.push_back(amx::TileMulIOp::create(b, k.loc, sumTile, x, w, in[i], /*isZextLhs=*/false,
                                            /*isZextRhs=*/false));
    }
    return out;
  };
  SmallVector<Value> accs;
  for (int64_t i = 0; i < tiles; ++i)
    accs.push_back(amx::TileZeroOp::create(b, k.loc, sumTile));
  if (steps <= 4)
    for (int64_t s = 0; s < steps; ++s)
      accs = add(k.c(s), accs);
  else
    accs = k.loop(zero, k.c(steps), 1, accs, add);
  for (int64_t i = 0; i < tiles; ++i)
    amx::TileStoreOp::create(b, k.loc, tileSums, ValueRange{k.add(buffer, i), zero, zero}, accs[i]);
}

// Fetches group `g` of vector `v` of the next part, under the products of the first tile of rows.
void DotKernel::fetchAhead(Value p, int64_t v, Value g, Value r0) {
  Value at = k.add(k.mul(g, layout.groupBytes), layout.tableBytes + partGroups * layout.groupBytes);
  k.branch(k.compare(arith::CmpIPredicate::eq, r0, k.c(0)), [&] {
    for (int64_t byte = 0; byte < layout.groupBytes; byte += 64)
      memref::PrefetchOp::create(b, k.loc, k.op.getRhs(), ValueRange{p, k.c(v), k.add(at, byte)},
                                 /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
  });
}

// accs + the sums of group `g` of vector `v`, in tile `buffer`, times its scales.
SmallVector<Value> DotKernel::scaleGroup(Value p, int64_t v, Value g, Value buffer,
                                         ArrayRef<Value> accs) {
  auto floats = VectorType::get(16, b.getF32Type()), ints = VectorType::get(16, b.getI32Type());
  Value at = k.add(k.mul(g, layout.groupBytes), layout.tableBytes);
  Value scale = decoder.loadGroup(p, v, at).scale;
  SmallVector<Value> after;
  for (int64_t r = 0; r < tileRows; ++r) {
    Value sum =
        vector::LoadOp::create(b, k.loc, ints, tileSums, ValueRange{buffer, k.c(r), k.c(0)});
    sum = arith::SIToFPOp::create(b, k.loc, floats, sum);
    after.push_back(k.multiplyAdd(sum, scale, accs[r]));
  }
  return after;
}

// A tile of rows from `r0` times groups [g0, g1) of the panel, added to `sums`. Vectors read what
// tiles have stored as late as possible: it cannot be forwarded to them.
void DotKernel::multiplyTile(Value p, Value r0, Value g0, Value g1) {
  auto floats = VectorType::get(16, b.getF32Type());
  auto load = [&](int64_t v) {
    SmallVector<Value> accs;
    for (int64_t r = 0; r < tileRows; ++r)
      accs.push_back(
          vector::LoadOp::create(b, k.loc, floats, sums, ValueRange{k.add(r0, r), k.c(v * 16)}));
    return accs;
  };
  auto store = [&](ArrayRef<Value> accs, int64_t v) {
    for (int64_t r = 0; r < tileRows; ++r)
      vector::StoreOp::create(b, k.loc, accs[r], sums, ValueRange{k.add(r0, r), k.c(v * 16)});
  };
  if (groupsAtOnce == 1) {
    k.loop(g0, g1, 1, [&](Value g) {
      for (int64_t v = 0; v < layout.vectors; ++v)
        fetchAhead(p, v, g, r0);
      multiplyGroups(r0, 0, g0, g, layout.vectors, /*across=*/true, k.c(0));
      for (int64_t v = 0; v < layout.vectors; ++v)
        store(scaleGroup(p, v, g, k.c(v), load(v)), v);
    });
    return;
  }
  auto scale = [&](int64_t v, Value g, Value buffer, ValueRange before) {
    SmallVector<Value> accs(before);
    for (int64_t i = 0; i < groupsAtOnce; ++i)
      accs = scaleGroup(p, v, k.add(g, i), k.add(buffer, i), accs);
    return accs;
  };
  for (int64_t v = 0; v < layout.vectors; ++v) {
    multiplyGroups(r0, v, g0, g0, groupsAtOnce, /*across=*/false, k.c(0));
    SmallVector<Value> carried = load(v);
    carried.push_back(k.c(0));
    carried =
        k.loop(k.add(g0, groupsAtOnce), g1, groupsAtOnce, carried, [&](Value g, ValueRange in) {
          Value buffer = in.back(), other = k.sub(k.c(groupsAtOnce), buffer);
          for (int64_t i = 0; i < groupsAtOnce; ++i)
            fetchAhead(p, v, k.add(g, i), r0);
          multiplyGroups(r0, v, g0, g, groupsAtOnce, /*across=*/false, other);
          SmallVector<Value> out = scale(v, k.sub(g, k.c(groupsAtOnce)), buffer, in.drop_back());
          out.push_back(other);
          return out;
        });
    store(scale(v, k.sub(g1, k.c(groupsAtOnce)), carried.back(), ArrayRef(carried).drop_back()), v);
  }
}

void DotKernel::multiplyTiles(Value p, Value count) {
  if (isLong)
    return multiplyLongGroups(p, count);
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
    k.loop(zero, count, tileRows, [&](Value r0) { multiplyTile(p, r0, g0, g1); });
  });
}
