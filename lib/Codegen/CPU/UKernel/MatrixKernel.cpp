//===- MatrixKernel.cpp - Products of matrices of integers ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for chunks of panels, blocks of rows:                    (one item of the range)
//     copy the rows of the left operand, or what their windows cover, into order
//     for panels of the chunk, tiles of rows of the block:
//       sums = start; for k: sums += row * panel             (in registers)
//       for rows of the tile: epilogue(sums), store
//
// Rows are copied once for all columns of a chunk. The copy makes windows, padding, signedness and
// ends of the contraction disappear: the loop over k is the same for every op.

#include "KernelCode.h"
#include "WindowRows.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// A chunk of weights stays in the second-level cache while blocks of rows pass by.
static constexpr int64_t kChunkBytes = 512 << 10;
// Columns per item of plain products, whose few rows would leave threads without work.
static constexpr int64_t kChunkColumns = 256;

namespace {
class MatrixKernel {
public:
  explicit MatrixKernel(KernelCode &code)
      : k(code), b(code.b), schedule(code.schedule), isa(schedule.getIsa()),
        sizes(getSizes(code.op)), sumType(getSumType(code.op)),
        lhsType(cast<MemRefType>(code.op.getLhs().getType())) {
    wide = isa == ISA::AVX512 || isa == ISA::AVX512VNNI;
    lanes = wide ? 16 : isa == ISA::Portable ? 4 : 8;
    depth = schedule.getDepth();
    columns = schedule.getColumns();
    // vpmaddwd works on words.
    widened = isa == ISA::AVX2 || isa == ISA::AVX512;
    flipped = (isa == ISA::AVXVNNI || isa == ISA::AVX512VNNI) && !code.op.getLhsUnsigned();
    storedBytes = widened ? 2 : 1;
    stored = IntegerType::get(b.getContext(), 8 * storedBytes);
    padded = llvm::alignTo(sizes.k, schedule.getAlign());
    panels = llvm::divideCeil(sizes.n, columns);
    weightType = cast<MemRefType>(code.op.getRhs().getType()).getElementType();
    chunk = std::clamp<int64_t>(kChunkBytes / (columns * padded), 1, panels);
    if (lhsType.getRank() == 2)
      chunk = std::min(chunk, std::max<int64_t>(1, kChunkColumns / columns));
  }

  Value countItems() {
    Value blocks = k.ceilDiv(k.countRows(), schedule.getBlock());
    return k.mul(blocks, int64_t(llvm::divideCeil(panels, chunk)));
  }

  void build(Value begin, Value end) {
    int64_t block = schedule.getBlock();
    Value bytes = k.allocate(block * padded * storedBytes + 64);
    Value sumBytes = k.allocate(schedule.getRows() * columns * 4);
    rows = view(bytes, {block, padded}, stored);
    if (depth > 1)
      words = view(bytes, {block, padded * storedBytes / 4}, b.getI32Type());
    sums = view(sumBytes, {schedule.getRows(), columns}, sumType);
    k.flatten();
    bool known = cast<MemRefType>(k.op.getInit().getType()).hasStaticShape();
    Value m = k.countRows(), blocks = k.ceilDiv(m, block);
    int64_t vectorBytes = wide ? 64 : isa == ISA::Portable ? 16 : 32;
    LeftRows left(k, stored, flipped, widened, vectorBytes);
    WindowRows windows(k, left, stored, vectorBytes);
    bool byLines = windows.isPossible();
    if (byLines)
      windows.prepare();
    k.loop(begin, end, 1, [&](Value item) {
      Value first = k.mul(k.rem(item, blocks), block), p0 = k.mul(k.div(item, blocks), chunk);
      Value count = k.min(k.c(block), k.sub(m, first));
      if (byLines)
        windows.copy(rows, first, count);
      else
        k.loop(k.c(0), count, 1, [&](Value r) { left.copy(rows, r, k.add(first, r)); });
      k.loop(p0, k.min(k.add(p0, chunk), k.c(panels)), 1, [&](Value p) {
        k.loop(k.c(0), count, schedule.getRows(), [&](Value r0) {
          Value here = k.min(k.c(schedule.getRows()), k.sub(count, r0));
          if (known || schedule.getRows() == 1 || lhsType.getRank() > 2)
            tile(p, r0, schedule.getRows());
          else
            // One row is what a batch of one leaves.
            k.branch(
                k.less(k.c(1), here), [&] { tile(p, r0, schedule.getRows()); },
                [&] { tile(p, r0, 1); });
          k.loop(k.c(0), here, 1,
                 [&](Value r) { k.finishPanel(p, lanes, sums, r, k.add(k.add(first, r0), r)); });
        });
      });
    });
    k.release();
  }

private:
  Value view(Value bytes, ArrayRef<int64_t> shape, Type element) {
    return memref::ViewOp::create(b, k.loc, MemRefType::get(shape, element), bytes, k.c(0),
                                  ValueRange());
  }

  //===--- sums ---===//

  // `tileRows` rows from `r0` of the block times panel `p`, to `sums`.
  void tile(Value p, Value r0, int64_t tileRows) {
    int64_t count = columns / lanes, steps = padded / depth;
    auto sumVector = VectorType::get(lanes, sumType);
    Value start = k.op.getStart();
    SmallVector<Value> accs;
    for (int64_t r = 0; r < tileRows; ++r)
      for (int64_t v = 0; v < count; ++v) {
        if (!start)
          accs.push_back(k.zero(sumVector));
        else if (r == 0)
          accs.push_back(
              vector::LoadOp::create(b, k.loc, sumVector, start, ValueRange{p, k.c(v * lanes)}));
        else
          accs.push_back(accs[v]);
      }
    accs = multiplyRange(p, r0, tileRows, steps, accs);
    for (auto [i, acc] : llvm::enumerate(accs))
      vector::StoreOp::create(b, k.loc, acc, sums,
                              ValueRange{k.c(i / count), k.c(i % count * lanes)});
  }

  // Adds the products of a tile to the accumulators.
  SmallVector<Value> multiplyRange(Value p, Value r0, int64_t tileRows, int64_t steps,
                                   ArrayRef<Value> accs) {
    int64_t count = columns / lanes;
    return k.loop(k.c(0), k.c(steps), 1, accs, [&](Value i, ValueRange in) {
      SmallVector<Value> panel, out;
      for (int64_t v = 0; v < count; ++v) {
        auto type = VectorType::get(lanes * depth, weightType);
        Value w = vector::LoadOp::create(b, k.loc, type, k.op.getRhs(),
                                         ValueRange{p, i, k.c(v * lanes * depth)});
        panel.push_back(convertWeights(w));
      }
      for (int64_t r = 0; r < tileRows; ++r) {
        Value x = loadScalar(k.add(r0, r), i);
        for (int64_t v = 0; v < count; ++v)
          out.push_back(multiply(x, panel[v], in[r * count + v]));
      }
      return out;
    });
  }

  Value convertWeights(Value w) {
    if (depth == 4)
      return w;
    Type element = widened ? Type(b.getI16Type()) : Type(b.getI32Type());
    auto type = cast<VectorType>(w.getType()).clone(element);
    return k.op.getRhsUnsigned() ? Value(arith::ExtUIOp::create(b, k.loc, type, w))
                                 : Value(arith::ExtSIOp::create(b, k.loc, type, w));
  }

  // `depth` elements of a row in every lane.
  Value loadScalar(Value r, Value i) {
    if (depth == 1) {
      Value x = memref::LoadOp::create(b, k.loc, rows, ValueRange{r, i});
      x = k.op.getLhsUnsigned() ? Value(arith::ExtUIOp::create(b, k.loc, b.getI32Type(), x))
                                : Value(arith::ExtSIOp::create(b, k.loc, b.getI32Type(), x));
      return vector::BroadcastOp::create(b, k.loc, VectorType::get(lanes, sumType), x);
    }
    Value x = memref::LoadOp::create(b, k.loc, words, ValueRange{r, i});
    x = vector::BroadcastOp::create(b, k.loc, VectorType::get(lanes, b.getI32Type()), x);
    return vector::BitCastOp::create(b, k.loc, VectorType::get(lanes * depth, stored), x);
  }

  Value multiply(Value x, Value w, Value acc) {
    Type type = acc.getType();
    switch (isa) {
    case ISA::AVX512VNNI:
      return k.intrinsic("llvm.x86.avx512.vpdpbusd.512", type, {acc, x, w});
    case ISA::AVXVNNI:
      return k.intrinsic("llvm.x86.avx512.vpdpbusd.256", type, {acc, x, w});
    case ISA::AVX512:
      return arith::AddIOp::create(b, k.loc, acc,
                                   k.intrinsic("llvm.x86.avx512.pmaddw.d.512", type, {x, w}));
    case ISA::AVX2:
      return arith::AddIOp::create(b, k.loc, acc,
                                   k.intrinsic("llvm.x86.avx2.pmadd.wd", type, {x, w}));
    default:
      return arith::AddIOp::create(b, k.loc, acc, arith::MulIOp::create(b, k.loc, x, w));
    }
  }

  KernelCode &k;
  OpBuilder &b;
  ScheduleAttr schedule;
  ISA isa;
  KernelSizes sizes;
  Type sumType, stored, weightType;
  MemRefType lhsType;
  bool wide, widened, flipped;
  int64_t lanes, depth, columns, storedBytes, padded, panels, chunk;
  Value rows, words, sums;
};
} // namespace

void terse::buildMatrixKernel(KernelCode &code, Value begin, Value end) {
  MatrixKernel(code).build(begin, end);
}
Value terse::countMatrixItems(KernelCode &code) { return MatrixKernel(code).countItems(); }
