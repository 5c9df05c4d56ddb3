//===- DepthwiseDotKernel.cpp - A window for each channel, by dot products -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// vpdpbusd adds up four products per lane. A lane is a channel, so its four bytes are four columns
// of the input, side by side:
//
//   for blocks of rows of the result:                             (one item of the range)
//     for vectors of channels, steps along the row:
//       for rows of the input: x = the columns of the step, interleaved
//         for rows of the result that see them: sums += dot(x, weights of the row)
//       epilogue(sums), store
//
// Where a window has at most three columns and they step by one, the same four columns serve two
// results: with weights (w0, w1, w2, 0) and (0, w0, w1, w2).

#include "KernelCode.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

namespace {
class DepthwiseDotKernel {
public:
  explicit DepthwiseDotKernel(KernelCode &code)
      : k(code), b(code.b), window(code.op.getWindowOrNull()), channels(getSizes(code.op).n),
        kh(window.getKernel()[0]), kw(window.getKernel()[1]), sh(window.getStrides()[0]),
        sw(window.getStrides()[1]), dh(window.getDilations()[0]), dw(window.getDilations()[1]),
        groups(llvm::divideCeil(kw, 4)), results(kw <= 3 && sw == 1 && dw == 1 ? 2 : 1),
        taps(results == 2 ? 4 : kw), rows(chooseRows()),
        sums(VectorType::get(kLanes, b.getI32Type())),
        bytes(VectorType::get(4 * kLanes, b.getI8Type())),
        column(VectorType::get(kLanes, b.getI8Type())) {}

  Value countItems() {
    return k.mul(k.size(k.op.getInit(), 0), k.ceilDiv(k.size(k.op.getInit(), 1), rows));
  }

  void build(Value begin, Value end) {
    Value outHeight = k.size(k.op.getInit(), 1), blocks = k.ceilDiv(outHeight, rows);
    k.loop(begin, end, 1, [&](Value item) {
      Value batch = k.div(item, blocks), y = k.mul(k.rem(item, blocks), rows);
      Value isWhole = k.compare(arith::CmpIPredicate::sle, k.add(y, rows), outHeight);
      k.branch(
          isWhole, [&] { band(batch, y, rows); },
          [&] { k.loop(y, outHeight, 1, [&](Value row) { band(batch, row, 1); }); });
    });
  }

private:
  static constexpr int64_t kLanes = 16;

  // Rows of the result that share rows of the input; such that none is left if the height is known.
  int64_t chooseRows() {
    auto type = cast<MemRefType>(k.op.getInit().getType());
    if (type.isDynamicDim(1))
      return 4;
    int64_t height = type.getDimSize(1);
    for (int64_t candidate : {4, 5, 3, 7, 2})
      if (height % candidate == 0)
        return candidate;
    return height < 4 ? std::max<int64_t>(height, 1) : 4;
  }

  Value dot(Value acc, Value x, Value w) {
    return k.intrinsic("llvm.x86.avx512.vpdpbusd.512", sums, {acc, x, w});
  }

  // Four vectors of 16 bytes to one whose lanes have a byte of each.
  Value interleave(ArrayRef<Value> four) {
    Value all = k.zero(bytes);
    for (auto [i, v] : llvm::enumerate(four))
      if (v)
        all = vector::InsertStridedSliceOp::create(
            b, k.loc, v, all, ArrayRef<int64_t>{int64_t(i) * kLanes}, ArrayRef<int64_t>{1});
    // First words between the quarters of the register, then bytes inside of each.
    SmallVector<int64_t> words(kLanes), within(4 * kLanes);
    for (int64_t i = 0; i < kLanes; ++i)
      words[i] = i % 4 * 4 + i / 4;
    for (int64_t i = 0; i < 4 * kLanes; ++i)
      within[i] = i / 16 * 16 + i % 4 * 4 + i % 16 / 4;
    Value asWords = vector::BitCastOp::create(b, k.loc, sums, all);
    asWords = vector::ShuffleOp::create(b, k.loc, asWords, asWords, words);
    all = vector::BitCastOp::create(b, k.loc, bytes, asWords);
    return vector::ShuffleOp::create(b, k.loc, all, all, within);
  }

  Value load(Value memory, ValueRange at, Value mask) {
    if (mask)
      return vector::MaskedLoadOp::create(b, k.loc, column, memory, at, mask, k.zero(column));
    return vector::LoadOp::create(b, k.loc, column, memory, at);
  }

  struct Weights {
    SmallVector<Value> at; // [row][result][group]
    Value start;
  };

  Weights loadWeights(Value n, Value mask) {
    Weights weights;
    weights.start = k.zero(sums);
    for (int64_t i = 0; i < kh; ++i) {
      SmallVector<Value> row;
      for (int64_t g = 0; g < groups; ++g) {
        SmallVector<Value, 4> four(4);
        for (int64_t j = 4 * g; j < std::min(kw, 4 * g + 4); ++j)
          four[j - 4 * g] = load(k.op.getRhs(), {k.c(i), k.c(j), n}, mask);
        row.push_back(interleave(four));
      }
      llvm::append_range(weights.at, row);
      if (results == 2) {
        Value words = vector::BitCastOp::create(b, k.loc, sums, row[0]);
        words = arith::ShLIOp::create(b, k.loc, words, k.splat(8, sums));
        weights.at.push_back(vector::BitCastOp::create(b, k.loc, bytes, words));
      }
      // Signed bytes are read with 128 added, which the sums start without.
      if (!k.op.getLhsUnsigned())
        for (Value w : row)
          weights.start = dot(weights.start, k.splat(-128, bytes), w);
    }
    if (!k.op.getLhsUnsigned())
      weights.start = arith::SubIOp::create(b, k.loc, k.zero(sums), weights.start);
    return weights;
  }

  // `count` rows of the result from y on.
  void band(Value batch, Value y, int64_t count) {
    Value width = k.size(k.op.getLhs(), 2), outWidth = k.size(k.op.getInit(), 2), zero = k.c(0);
    int64_t pad = window.getPads()[1];
    // Steps from `first` to `limit` read columns of the input only.
    Value first = k.min(k.c(llvm::alignTo(llvm::divideCeil(pad, sw), results)), outWidth);
    Value room = k.sub(k.add(width, pad), k.c((taps - 1) * dw + 1));
    Value limit = k.min(k.add(arith::DivSIOp::create(b, k.loc, room, k.c(sw)), 1), outWidth);
    limit = arith::SelectOp::create(b, k.loc, k.less(room, zero), first, limit);
    if (results == 2)
      limit = k.min(limit, k.sub(outWidth, k.c(1)));
    limit = arith::MaxSIOp::create(b, k.loc, limit, first);
    Value steps = k.ceilDiv(k.sub(limit, first), results);
    Value middle = k.add(first, k.mul(steps, results));
    auto block = [&](Value n, Value mask) {
      Weights weights = loadWeights(n, mask);
      auto edge = [&](Value x) { step(batch, y, x, n, mask, weights, count, true); };
      k.loop(zero, first, results, edge);
      k.loop(first, middle, results,
             [&](Value x) { step(batch, y, x, n, mask, weights, count, false); });
      k.loop(middle, outWidth, results, edge);
    };
    int64_t whole = channels / kLanes * kLanes;
    if (whole)
      k.loop(zero, k.c(whole), kLanes, [&](Value n) { block(n, Value()); });
    if (whole < channels)
      block(k.c(whole),
            vector::CreateMaskOp::create(b, k.loc, VectorType::get(kLanes, b.getI1Type()),
                                         k.c(channels - whole)));
  }

  SmallVector<Value> conditional(Value condition, TypeRange types,
                                 llvm::function_ref<SmallVector<Value>(bool)> body) {
    auto branch = scf::IfOp::create(b, k.loc, types, condition, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    for (bool then : {true, false}) {
      b.setInsertionPointToStart(then ? branch.thenBlock() : branch.elseBlock());
      scf::YieldOp::create(b, k.loc, body(then));
    }
    return SmallVector<Value>(branch.getResults());
  }

  Value inside(Value v, Value limit) { return k.compare(arith::CmpIPredicate::ult, v, limit); }

  // The columns of the step at input row `y`, interleaved; `edge`: some may lie outside.
  SmallVector<Value> readColumns(Value batch, Value y, Value x0, Value n, Value mask, bool edge) {
    Value height = k.size(k.op.getLhs(), 1), width = k.size(k.op.getLhs(), 2);
    int64_t pad = window.getPadValue(), flip = k.op.getLhsUnsigned() ? 0 : 0x80;
    auto make = [&](int64_t value, VectorType type) { return k.splat(int8_t(value), type); };
    SmallVector<Type> types(groups, bytes);
    return conditional(inside(y, height), types, [&](bool rowInside) {
      SmallVector<Value> read;
      for (int64_t g = 0; g < groups; ++g) {
        if (!rowInside) {
          read.push_back(make(pad ^ flip, bytes));
          continue;
        }
        SmallVector<Value, 4> four(4);
        for (int64_t t = 4 * g; t < std::min(taps, 4 * g + 4); ++t) {
          Value x = k.add(x0, t * dw);
          auto get = [&] { return load(k.op.getLhs(), {batch, y, x, n}, mask); };
          four[t - 4 * g] =
              edge ? conditional(inside(x, width), Type(column),
                                 [&](bool then) {
                                   return SmallVector<Value>{then ? get() : make(pad, column)};
                                 })[0]
                   : get();
        }
        Value all = interleave(four);
        if (flip)
          all = arith::XOrIOp::create(b, k.loc, all, make(flip, bytes));
        read.push_back(all);
      }
      return read;
    });
  }

  // `results` results from x on in `count` rows.
  void step(Value batch, Value y, Value x, Value n, Value mask, const Weights &weights,
            int64_t count, bool edge) {
    Value y0 = k.sub(k.mul(y, sh), k.c(window.getPads()[0]));
    Value x0 = k.sub(k.mul(x, sw), k.c(window.getPads()[1]));
    SmallVector<Value> accs(count * results, weights.start);
    for (int64_t row = 0; row <= (count - 1) * sh + (kh - 1) * dh; ++row) {
      SmallVector<Value> read;
      for (int64_t r = 0; r < count; ++r) {
        int64_t i = row - r * sh;
        if (i < 0 || i % dh || i / dh >= kh)
          continue;
        if (read.empty())
          read = readColumns(batch, k.add(y0, row), x0, n, mask, edge);
        for (int64_t result = 0; result < results; ++result)
          for (int64_t g = 0; g < groups; ++g)
            accs[r * results + result] = dot(
                accs[r * results + result], read[g],
                weights.at[(i / dh) * (results == 2 ? 2 : groups) + (results == 2 ? result : g)]);
      }
    }
    Value outWidth = k.size(k.op.getInit(), 2);
    for (int64_t result = 0; result < results; ++result) {
      auto store = [&] {
        for (int64_t r = 0; r < count; ++r)
          k.finish({batch, k.add(y, r), k.add(x, result)}, n, accs[r * results + result], mask);
      };
      if (result && edge)
        k.branch(k.less(k.add(x, result), outWidth), store);
      else
        store();
    }
  }

  KernelCode &k;
  OpBuilder &b;
  WindowAttr window;
  int64_t channels, kh, kw, sh, sw, dh, dw;
  // Vectors of four columns per window, results per step, columns that a step reads.
  int64_t groups, results, taps, rows;
  VectorType sums, bytes, column;
};
} // namespace

void terse::buildDepthwiseDotKernel(KernelCode &code, Value begin, Value end) {
  DepthwiseDotKernel(code).build(begin, end);
}
Value terse::countDepthwiseDotItems(KernelCode &code) {
  return DepthwiseDotKernel(code).countItems();
}
