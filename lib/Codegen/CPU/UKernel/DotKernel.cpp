//===- DotKernel.cpp - Bytes times weights of few bits --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for blocks of rows, chunks of panels:                    (one item of the range)
//     if the block of rows is a new one: copy it, add up each group of each row
//     for panels of the chunk:
//       for tiles of rows:
//         for groups: integers = row * codes of the group    (in registers)
//           sums += integers * scale
//         epilogue(sums), store
//
// Codes are unsigned bytes, as dot products of bytes want them: what was added to signed ones and
// the zero points come off as multiples of the groups' sums of activations. The vectors of a panel
// are streams of memory of their own, read side by side.

#include "DotKernel.h"
#include "llvm/Support/MathExtras.h"

#include <functional>

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// How far ahead of the codes memory is fetched: into the second-level cache, or from there.
static constexpr int64_t kPrefetchBytes = 2048, kNearPrefetchBytes = 512;
// Weights beyond this are not in the second-level cache.
static constexpr int64_t kNearBytes = 1 << 20;
// Vectors of sums that fit registers beside codes and rows.
static constexpr int64_t kSums = 24;
// Columns per item, for the threads.
static constexpr int64_t kChunkColumns = 256;

DotKernel::DotKernel(KernelCode &code, bool isFew)
    : k(code), b(code.b), decoder(code), layout(decoder.getLayout()), sizes(getSizes(code.op)),
      isa(code.schedule.getIsa()) {
  tiles = isa == ISA::AMXInt8;
  if (tiles)
    isa = ISA::AVX512VNNI;
  tileRows = code.schedule.getRows();
  columns = code.schedule.getColumns();
  block = isFew ? tileRows : llvm::alignTo(code.schedule.getBlock(), tileRows);
  for (int64_t height : {1, 2, 4, 6})
    if (isFew && height < tileRows && height * layout.vectors <= kSums)
      fewRows.push_back(height);
  isLong = tiles && layout.isLong();
  padded = layout.getDepth();
  // Rows do not meet in a set of the cache.
  pitch = (llvm::divideCeil(padded, 64) | 1) * 64;
  chunk = std::clamp<int64_t>(kChunkColumns / columns, 1, layout.panels);
  chunks = llvm::divideCeil(layout.panels, chunk);
}

Value DotKernel::countItems() { return k.mul(k.ceilDiv(k.countRows(), block), chunks); }

Value DotKernel::view(Value bytes, ArrayRef<int64_t> shape, Type element) {
  return memref::ViewOp::create(b, k.loc, MemRefType::get(shape, element), bytes, k.c(0),
                                ValueRange());
}

void DotKernel::build(Value begin, Value end) {
  rowBytes = k.allocate(block * pitch + 64);
  rows = view(rowBytes, {block, pitch}, b.getI8Type());
  words = view(rowBytes, {block, pitch / 4}, b.getI32Type());
  needsRowSums = layout.offset || layout.zeroBytes;
  if (needsRowSums)
    rowSums = view(k.allocate(block * layout.groups * 4), {block, layout.groups}, b.getI32Type());
  int64_t height = tiles ? block : tileRows;
  sumBytes = k.allocate(height * columns * 4);
  sums = view(sumBytes, {height, columns}, b.getF32Type());
  if (tiles)
    prepareTiles();
  k.flatten();
  GroupRows left(k, layout, b.getI8Type());
  left.allocate();
  Value zero = k.c(0), total = k.countRows();
  k.loop(begin, end, 1, {k.c(-1)}, [&](Value item, ValueRange carried) {
    Value number = k.div(item, k.c(chunks)), p0 = k.mul(k.rem(item, k.c(chunks)), chunk);
    Value first = k.mul(number, block), here = k.min(k.c(block), k.sub(total, first));
    k.branch(k.compare(arith::CmpIPredicate::ne, number, carried[0]),
             [&] { k.loop(zero, here, 1, [&](Value r) { storeRow(left, r, k.add(first, r)); }); });
    auto finishRows = [&](Value p, Value from, Value r0, Value count) {
      k.loop(zero, count, 1, [&](Value r) {
        k.finishPanel(p, layout.lanes, sums, k.add(from, r), k.add(k.add(first, r0), r));
      });
    };
    k.loop(p0, k.min(k.add(p0, chunk), k.c(layout.panels)), 1, [&](Value p) {
      auto byVectors = [&](int64_t height) {
        k.loop(zero, here, height, [&](Value r0) {
          multiply(p, r0, height);
          finishRows(p, zero, r0, k.min(k.c(height), k.sub(here, r0)));
        });
      };
      auto all = [&] {
        if (!tiles)
          return byVectors(tileRows);
        multiplyTiles(p, here);
        finishRows(p, zero, zero, here);
      };
      // A few rows, the fewest first, wait for the codes and not for products.
      std::function<void(ArrayRef<int64_t>)> choose = [&](ArrayRef<int64_t> heights) {
        if (heights.empty())
          return all();
        int64_t height = heights.front();
        k.branch(
            k.less(k.c(height), here), [&] { choose(heights.drop_front()); },
            [&] { byVectors(height); });
      };
      choose(fewRows);
    });
    return SmallVector<Value>{number};
  });
  k.release();
}

// Row `row` of the left operand as row `r`, and the sums of its groups.
void DotKernel::storeRow(GroupRows &left, Value r, Value row) {
  left.copy(rows, r, row);
  if (!needsRowSums)
    return;
  int64_t width = layout.lanes * 4;
  while (layout.paddedGroup % width)
    width /= 2;
  auto bytes = VectorType::get(width, b.getI8Type()), ints = VectorType::get(width, b.getI32Type());
  k.loop(k.c(0), k.c(layout.groups), 1, [&](Value g) {
    Value from = k.mul(g, layout.paddedGroup);
    Value sum = k.loop(
        from, k.add(from, layout.paddedGroup), width, {k.zero(b.getI32Type())},
        [&](Value i, ValueRange in) -> SmallVector<Value> {
          Value x = vector::LoadOp::create(b, k.loc, bytes, rows, ValueRange{r, i});
          x = arith::ExtSIOp::create(b, k.loc, ints, x);
          return {vector::ReductionOp::create(b, k.loc, vector::CombiningKind::ADD, x, in[0])};
        })[0];
    memref::StoreOp::create(b, k.loc, sum, rowSums, ValueRange{r, g});
  });
}

// acc + the products of the codes' bytes with those of four neighbours of a row, each lane's own.
Value DotKernel::dot(Value acc, Value codes, Value r, Value at) {
  Type type = acc.getType();
  int64_t lanes = layout.lanes;
  auto bytes = VectorType::get(lanes * 4, b.getI8Type()),
       shorts = VectorType::get(lanes * 2, b.getI16Type());
  if (isa == ISA::Portable) {
    auto ints = cast<VectorType>(type);
    Value first = k.mul(at, 4);
    for (int64_t j = 0; j < 4; ++j) {
      Value x = memref::LoadOp::create(b, k.loc, rows, ValueRange{r, k.add(first, j)});
      x = arith::ExtSIOp::create(b, k.loc, b.getI32Type(), x);
      Value w = arith::ShRUIOp::create(b, k.loc, codes, k.splat(8 * j, ints));
      w = arith::AndIOp::create(b, k.loc, w, k.splat(255, ints));
      w = arith::MulIOp::create(b, k.loc, w, vector::BroadcastOp::create(b, k.loc, ints, x));
      acc = arith::AddIOp::create(b, k.loc, acc, w);
    }
    return acc;
  }
  Value x = memref::LoadOp::create(b, k.loc, words, ValueRange{r, at});
  x = vector::BroadcastOp::create(b, k.loc, VectorType::get(lanes, b.getI32Type()), x);
  x = vector::BitCastOp::create(b, k.loc, bytes, x);
  Value w = vector::BitCastOp::create(b, k.loc, bytes, codes);
  if (isa == ISA::AVX512VNNI || isa == ISA::AVXVNNI)
    return k.intrinsic(lanes == 16 ? "llvm.x86.avx512.vpdpbusd.512"
                                   : "llvm.x86.avx512.vpdpbusd.256",
                       type, {acc, w, x});
  // Pairs of products of up to 7 bits fit 16 bits; of 8 bits they do without the highest one.
  auto products = [&](Value w, int64_t factor) {
    Value pairs =
        k.intrinsic(lanes == 16 ? "llvm.x86.avx512.pmaddubs.w.512" : "llvm.x86.avx2.pmadd.ub.sw",
                    shorts, {w, x});
    Value sum = k.intrinsic(lanes == 16 ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd",
                            type, {pairs, k.splat(factor, shorts)});
    acc = arith::AddIOp::create(b, k.loc, acc, sum);
  };
  if (layout.bits < 8) {
    products(w, 1);
    return acc;
  }
  products(arith::AndIOp::create(b, k.loc, w, k.splat(127, bytes)), 1);
  products(arith::ShRUIOp::create(b, k.loc, w, k.splat(7, bytes)), 128);
  return acc;
}

void DotKernel::fetch(Value p, int64_t v, Value at) {
  bool near = layout.panels * layout.vectors * layout.bytes <= kNearBytes;
  at = k.add(at, near ? kNearPrefetchBytes : kPrefetchBytes);
  memref::PrefetchOp::create(b, k.loc, k.op.getRhs(), ValueRange{p, k.c(v), at}, /*isWrite=*/false,
                             /*localityHint=*/near ? 3 : 2, /*isDataCache=*/true);
}

// `count` rows from `r0` of the block times panel `p`, to `sums`.
void DotKernel::multiply(Value p, Value r0, int64_t count) {
  int64_t streams = layout.vectors, lanes = layout.lanes;
  int64_t head = layout.getCodeOffset(), quads = layout.unitCodes / 4;
  auto ints = VectorType::get(lanes, b.getI32Type()),
       floats = VectorType::get(lanes, b.getF32Type());
  // Units of a step.
  int64_t units = layout.paddedGroup / layout.unitCodes, step = 1;
  while (step * 2 <= 8 && units % (step * 2) == 0 && step * quads < 16)
    step *= 2;
  SmallVector<Value> totals(streams * count, k.zero(floats));
  totals = k.loop(k.c(0), k.c(layout.groups), 1, totals, [&](Value g, ValueRange before) {
    Value at = k.add(k.mul(g, layout.groupBytes), layout.tableBytes);
    Value codes = k.add(at, head), column = k.mul(g, layout.paddedGroup / 4);
    SmallVector<WeightDecoder::Group> groups;
    SmallVector<Value> accs(streams * count);
    for (int64_t v = 0; v < streams; ++v)
      groups.push_back(decoder.loadGroup(p, v, at));
    for (int64_t r = 0; r < count; ++r) {
      Value base = k.zero(ints);
      if (needsRowSums) {
        Value sum = memref::LoadOp::create(b, k.loc, rowSums, ValueRange{k.add(r0, r), g});
        base = vector::BroadcastOp::create(b, k.loc, ints, sum);
      }
      for (int64_t v = 0; v < streams; ++v) {
        Value &acc = accs[v * count + r];
        acc = base;
        if (!needsRowSums)
          continue;
        Value off = k.splat(-layout.offset, ints);
        if (groups[v].zero)
          off = arith::SubIOp::create(b, k.loc, off, groups[v].zero);
        acc = arith::MulIOp::create(b, k.loc, base, off);
      }
    }
    accs = k.loop(k.c(0), k.c(units), step, accs, [&](Value u, ValueRange in) {
      SmallVector<Value> sum(in);
      for (int64_t i = 0; i < step; ++i) {
        Value unit = k.add(u, i), from = k.add(codes, k.mul(unit, layout.unitBytes));
        Value quad = k.add(column, k.mul(unit, quads));
        SmallVector<SmallVector<Value>> loaded;
        for (int64_t v = 0; v < streams; ++v) {
          loaded.push_back(decoder.loadPlanes(p, v, from));
          for (int64_t line = 0; line < layout.unitBytes; line += 64)
            if (i * layout.unitBytes % 64 == 0)
              fetch(p, v, k.add(from, line));
        }
        for (int64_t q = 0; q < quads; ++q)
          for (int64_t v = 0; v < streams; ++v) {
            Value w = decoder.quad(loaded[v], q);
            for (int64_t r = 0; r < count; ++r) {
              Value &acc = sum[v * count + r];
              acc = dot(acc, w, k.add(r0, r), k.add(quad, q));
            }
          }
      }
      return sum;
    });
    SmallVector<Value> after;
    for (int64_t i = 0; i < streams * count; ++i) {
      Value sum = arith::SIToFPOp::create(b, k.loc, floats, accs[i]);
      after.push_back(k.multiplyAdd(sum, groups[i / count].scale, before[i]));
    }
    return after;
  });
  for (int64_t r = 0; r < count; ++r)
    for (int64_t v = 0; v < streams; ++v)
      vector::StoreOp::create(b, k.loc, totals[v * count + r], sums,
                              ValueRange{k.c(r), k.c(v * lanes)});
}

void terse::buildDotKernel(KernelCode &code, Value begin, Value end) {
  DotKernel(code).build(begin, end);
}
Value terse::countDotItems(KernelCode &code) { return DotKernel(code).countItems(); }
void terse::buildFewDotKernel(KernelCode &code, Value begin, Value end) {
  DotKernel(code, /*isFew=*/true).build(begin, end);
}
Value terse::countFewDotItems(KernelCode &code) {
  return DotKernel(code, /*isFew=*/true).countItems();
}
