//===- TileResults.cpp - What becomes of sums in tiles --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Positions in the padding of a convolution are computed, too. Their results go to the row of the
// position behind them, whose own come later: cheaper than a branch. Magnitudes must not see them.

#include "TileResults.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// Groups of rows whose code is written out.
static constexpr int64_t kUnrolled = 8;

TileResults::TileResults(KernelCode &code, TileRows &rows, int64_t columns)
    : k(code), b(code.b), rows(rows), bytes(code), sizes(getSizes(code.op)), columns(columns),
      panels(llvm::divideCeil(sizes.n, columns)) {}

// Which of `lanes` columns from `n` on there are.
Value TileResults::mask(Value n, int64_t lanes) {
  return vector::CreateMaskOp::create(b, k.loc, VectorType::get(lanes, b.getI1Type()),
                                      k.sub(k.c(sizes.n), n));
}

Value TileResults::load(Waiting waiting, Value r, int64_t v, int64_t lanes) {
  if (waiting.skipped)
    r = k.add(waiting.skipped, r);
  return vector::LoadOp::create(b, k.loc, VectorType::get(lanes, getSumType(k.op)), sums,
                                ValueRange{r, k.c(v)});
}

// The last panel may have fewer columns.
void TileResults::byPanel(Waiting waiting, llvm::function_ref<void(bool)> body) {
  if (sizes.n % columns == 0)
    return body(false);
  if (panels == 1)
    return body(true);
  k.branch(
      k.less(waiting.panel, k.c(panels - 1)), [&] { body(false); }, [&] { body(true); });
}

void TileResults::finish(Waiting waiting, Value from, int64_t count) {
  int64_t together = rowsAtOnce();
  byPanel(waiting, [&](bool masked) {
    k.loop(from, k.min(k.add(from, count), waiting.rows), together, [&](Value r) {
      if (together == 1)
        return finishRow(waiting, r, masked);
      k.branch(
          k.compare(arith::CmpIPredicate::sle, k.add(r, together), waiting.rows),
          [&] { finishTogether(waiting, r, masked); },
          [&] { k.loop(r, waiting.rows, 1, [&](Value one) { finishRow(waiting, one, masked); }); });
    });
  });
}

void TileResults::finishFull(Waiting waiting, Value from, int64_t count) {
  waiting.skipped = Value();
  int64_t together = rowsAtOnce();
  auto some = [&](Value r, bool masked) {
    if (together == 1)
      finishRow(waiting, r, masked);
    else
      finishTogether(waiting, r, masked);
  };
  k.branch(k.compare(arith::CmpIPredicate::ne, waiting.rows, k.c(0)), [&] {
    byPanel(waiting, [&](bool masked) {
      if (count > kUnrolled * together)
        return k.loop(from, k.add(from, count), together, [&](Value r) { some(r, masked); });
      for (int64_t r = 0; r < count; r += together)
        some(k.add(from, r), masked);
    });
  });
}

// Rows of results from `r` on that make up a vector of bytes.
void TileResults::finishTogether(Waiting waiting, Value r, bool masked) {
  Value n = k.mul(waiting.panel, columns);
  SmallVector<Value> four, results;
  for (int64_t i = 0; i < rowsAtOnce(); ++i) {
    results.push_back(rows.getRow(k.add(waiting.position, k.add(r, i))));
    for (int64_t v = 0; v < columns; v += 16) {
      Value column = k.add(n, v);
      four.push_back(bytes.round(
          load(waiting, k.add(r, i), v, 16),
          k.readExtras(results.back(), column, 16, masked ? mask(column, 16) : Value())));
    }
  }
  Value packed = bytes.pack(four, /*interleaved=*/false);
  for (int64_t i = 0; i < rowsAtOnce(); ++i) {
    Value part = packed;
    if (columns < 64)
      part =
          vector::ExtractStridedSliceOp::create(b, k.loc, packed, ArrayRef<int64_t>{i * columns},
                                                ArrayRef<int64_t>{columns}, ArrayRef<int64_t>{1});
    auto [to, at] = k.locate(results[i], n);
    if (masked)
      vector::MaskedStoreOp::create(b, k.loc, to, at, mask(n, columns), part);
    else
      vector::StoreOp::create(b, k.loc, part, to, at);
  }
}

void TileResults::finishRow(Waiting waiting, Value r, bool masked) {
  Value position = k.add(waiting.position, r);
  // Results of 16 bits in vectors that fill a line of the cache.
  bool isShort =
      cast<ShapedType>(k.op.getInit().getType()).getElementTypeBitWidth() == 16 && !masked;
  int64_t lanes = isShort ? std::min<int64_t>(columns, 32) : 16;
  auto all = [&] {
    Value row = rows.getRow(position);
    for (int64_t v = 0; v < columns; v += lanes) {
      Value n = k.add(k.mul(waiting.panel, columns), v);
      k.finish(row, n, load(waiting, r, v, lanes), masked ? mask(n, lanes) : Value());
    }
  };
  if (rows.hasPadding() && k.op.getMagnitudes())
    return k.branch(
        rows.isPadding(position), [] {}, all);
  all();
}
