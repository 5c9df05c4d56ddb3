//===- FloatKernel.cpp - Products of matrices of floats -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for blocks of rows, chunks of panels:                    (one item of the range)
//     if the block of rows is a new one: copy it
//     for blocks of k, panels of the chunk, tiles of rows:
//       sums += row * panel along the block of k             (in registers, then added)
//     for rows, panels: epilogue(sums), store
//
// A block of a panel stays in the first-level cache while tiles of rows pass by. That each block of
// k adds up by itself also keeps the error of long sums small.

#include "KernelCode.h"
#include "LeftRows.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// Products that add up in one register.
static constexpr int64_t kFloatBlock = 128;
// Columns whose sums wait in memory.
static constexpr int64_t kChunkColumns = 256;
// Weights beyond this are fetched ahead of their use.
static constexpr int64_t kNearBytes = 1 << 20;

namespace {
class FloatKernel {
public:
  explicit FloatKernel(KernelCode &code)
      : k(code), b(code.b), schedule(code.schedule), sizes(getSizes(code.op)),
        sumType(getSumType(code.op)) {
    ISA isa = schedule.getIsa();
    lanes = isa == ISA::AVX512 ? 16 : isa == ISA::Portable ? 4 : 8;
    columns = schedule.getColumns();
    panels = llvm::divideCeil(sizes.n, columns);
    block = llvm::alignTo(schedule.getBlock(), schedule.getRows());
    chunk = std::clamp<int64_t>(kChunkColumns / columns, 1, panels);
    chunks = llvm::divideCeil(panels, chunk);
    // Halves for two threads.
    if (chunks % 2 && chunks < 8 && panels > chunks)
      ++chunks;
    chunk = llvm::divideCeil(panels, chunks);
    chunks = llvm::divideCeil(panels, chunk);
    // Rows do not meet in a set of the cache.
    pitch = (llvm::divideCeil(sizes.k, 16) | 1) * 16;
    steps = kFloatBlock;
    for (int64_t length = kFloatBlock; length >= kFloatBlock / 2; --length)
      if (sizes.k % length == 0) {
        steps = length;
        break;
      }
  }

  Value countItems() { return k.mul(k.ceilDiv(k.countRows(), block), chunks); }

  void build(Value begin, Value end) {
    rows = view(k.allocate(block * pitch * 4 + 64), {block, pitch});
    sums = view(k.allocate(chunk * block * columns * 4), {chunk, block, columns});
    k.flatten();
    LeftRows left(k, sumType, false, false, lanes * 4);
    Value zero = k.c(0), total = k.countRows();
    k.loop(begin, end, 1, {k.c(-1)}, [&](Value item, ValueRange carried) {
      Value number = k.div(item, k.c(chunks)), p0 = k.mul(k.rem(item, k.c(chunks)), chunk);
      Value count = k.min(k.c(chunk), k.sub(k.c(panels), p0)), first = k.mul(number, block);
      Value here = k.min(k.c(block), k.sub(total, first));
      k.branch(k.compare(arith::CmpIPredicate::ne, number, carried[0]), [&] {
        k.loop(zero, here, 1, [&](Value r) { left.copy(rows, r, k.add(first, r)); });
        // What happens to lie there may be numbers that are slow to multiply.
        k.loop(here, roundUp(here), 1, [&](Value r) {
          k.loop(zero, k.c(pitch), lanes, [&](Value i) {
            vector::StoreOp::create(b, k.loc, k.zero(vector()), rows, ValueRange{r, i});
          });
        });
      });
      if (sizes.k > steps)
        clear(count, here);
      k.loop(zero, k.c(sizes.k), steps, [&](Value i) {
        Value to = k.add(i, steps);
        if (sizes.k % steps)
          to = k.min(to, k.c(sizes.k));
        k.loop(zero, count, 1, [&](Value s) {
          k.loop(zero, here, schedule.getRows(), [&](Value r0) {
            bool known = cast<MemRefType>(k.op.getInit().getType()).hasStaticShape();
            if (known || schedule.getRows() == 1)
              return tile(p0, s, r0, i, to, schedule.getRows());
            // One row is what a batch of one leaves.
            k.branch(
                k.less(k.c(1), k.sub(here, r0)),
                [&] { tile(p0, s, r0, i, to, schedule.getRows()); },
                [&] { tile(p0, s, r0, i, to, 1); });
          });
        });
      });
      k.loop(zero, here, 1, [&](Value r) {
        k.loop(zero, count, 1, [&](Value s) { finish(k.add(p0, s), s, r, k.add(first, r)); });
      });
      return SmallVector<Value>{number};
    });
    k.release();
  }

private:
  Value view(Value bytes, ArrayRef<int64_t> shape) {
    return memref::ViewOp::create(b, k.loc, MemRefType::get(shape, sumType), bytes, k.c(0),
                                  ValueRange());
  }
  VectorType vector() const { return VectorType::get(lanes, sumType); }

  // Whole tiles of rows.
  Value roundUp(Value here) {
    return k.mul(k.ceilDiv(here, schedule.getRows()), schedule.getRows());
  }

  void clear(Value count, Value here) {
    Value zeros = k.zero(vector()), whole = roundUp(here);
    k.loop(k.c(0), count, 1, [&](Value s) {
      k.loop(k.c(0), whole, 1, [&](Value r) {
        for (int64_t v = 0; v < columns; v += lanes)
          vector::StoreOp::create(b, k.loc, zeros, sums, ValueRange{s, r, k.c(v)});
      });
    });
  }

  void tile(Value p0, Value s, Value r0, Value from, Value to, int64_t tileRows) {
    int64_t count = columns / lanes;
    Value p = k.add(p0, s), weights = k.op.getRhs();
    auto type = cast<MemRefType>(weights.getType());
    bool far = type.getNumElements() * 4 > kNearBytes;
    Value flat = memref::CollapseShapeOp::create(b, k.loc, weights,
                                                 SmallVector<ReassociationIndices>{{0, 1, 2}});
    SmallVector<Value> accs(tileRows * count, k.zero(vector()));
    accs = k.loop(from, to, 1, accs, [&](Value i, ValueRange in) {
      SmallVector<Value> panel, out;
      // What the next block of k will read of this panel.
      if (far) {
        Value at = k.add(k.mul(k.add(k.mul(p, sizes.k), i), columns), steps * columns);
        for (int64_t l = 0; l < columns; l += 16)
          memref::PrefetchOp::create(b, k.loc, flat, ValueRange{k.add(at, l)}, /*isWrite=*/false,
                                     /*localityHint=*/2, /*isDataCache=*/true);
      }
      for (int64_t v = 0; v < columns; v += lanes)
        panel.push_back(
            vector::LoadOp::create(b, k.loc, vector(), weights, ValueRange{p, i, k.c(v)}));
      for (int64_t r = 0; r < tileRows; ++r) {
        Value x = memref::LoadOp::create(b, k.loc, rows, ValueRange{k.add(r0, r), i});
        x = vector::BroadcastOp::create(b, k.loc, vector(), x);
        for (int64_t v = 0; v < count; ++v)
          out.push_back(k.multiplyAdd(x, panel[v], in[r * count + v]));
      }
      return out;
    });
    for (auto [i, acc] : llvm::enumerate(accs)) {
      SmallVector<Value> at{s, k.add(r0, i / count), k.c(i % count * lanes)};
      Value sum = acc;
      if (sizes.k > steps)
        sum = arith::AddFOp::create(b, k.loc, vector::LoadOp::create(b, k.loc, vector(), sums, at),
                                    sum);
      vector::StoreOp::create(b, k.loc, sum, sums, at);
    }
  }

  void finish(Value p, Value s, Value r, Value row) {
    auto all = [&](bool masked) {
      for (int64_t v = 0; v < columns; v += lanes) {
        Value n = k.add(k.mul(p, columns), v), mask;
        if (masked)
          mask = vector::CreateMaskOp::create(b, k.loc, VectorType::get(lanes, b.getI1Type()),
                                              k.sub(k.c(sizes.n), n));
        Value sum = vector::LoadOp::create(b, k.loc, vector(), sums, ValueRange{s, r, k.c(v)});
        k.finish(row, n, sum, mask);
      }
    };
    if (sizes.n % columns == 0)
      return all(false);
    if (panels == 1)
      return all(true);
    k.branch(
        k.less(p, k.c(panels - 1)), [&] { all(false); }, [&] { all(true); });
  }

  KernelCode &k;
  OpBuilder &b;
  ScheduleAttr schedule;
  KernelSizes sizes;
  Type sumType;
  int64_t lanes, columns, panels, block, chunk, chunks, pitch, steps;
  Value rows, sums;
};
} // namespace

void terse::buildFloatKernel(KernelCode &code, Value begin, Value end) {
  FloatKernel(code).build(begin, end);
}
Value terse::countFloatItems(KernelCode &code) { return FloatKernel(code).countItems(); }
