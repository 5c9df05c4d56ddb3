//===- VectorResults.cpp - What becomes of sums in registers --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "VectorResults.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// Ops of an epilogue that is repeated for each register of sums.
static constexpr int64_t kSmallEpilogue = 24;

VectorResults::VectorResults(KernelCode &code, int64_t lanes)
    : k(code), b(code.b), bytes(code), lanes(lanes), columns(code.schedule.getColumns()) {}

bool VectorResults::isSmall() { return k.countEpilogue() <= kSmallEpilogue; }

// Whether rows of `valid` results are packed: parts of vectors of bytes are stored by AVX-512
// alone.
bool VectorResults::packs(int64_t valid) const {
  return bytes.matches() && (lanes == 16 || valid % lanes == 0);
}

void VectorResults::allocate(int64_t rows) {
  if (!isSmall() || getSizes(k.op).n % columns)
    sums = memref::ViewOp::create(b, k.loc, MemRefType::get({rows, columns}, getSumType(k.op)),
                                  k.allocate(rows * columns * 4), k.c(0), ValueRange());
}

// The first `valid` of `count`; null: all.
Value VectorResults::mask(int64_t valid, int64_t count) {
  if (valid >= count)
    return {};
  return vector::CreateMaskOp::create(b, k.loc, VectorType::get(count, b.getI1Type()), k.c(valid));
}

// The last panel may have fewer columns. It is worth less code.
void VectorResults::finish(const Place &place, ArrayRef<Value> values) {
  int64_t total = getSizes(k.op).n, last = (total - 1) / columns, valid = total - last * columns;
  auto whole = [&] {
    if (isSmall())
      finishFromRegisters(place, values, columns);
    else
      finishFromMemory(place, values, columns);
  };
  if (valid == columns)
    return whole();
  auto some = [&] { finishFromMemory(place, values, valid); };
  if (last == 0)
    return some();
  k.branch(k.less(place.panel, k.c(last)), whole, some);
}

void VectorResults::finishFromRegisters(const Place &place, ArrayRef<Value> values, int64_t valid) {
  SmallVector<Value> rows;
  for (int64_t i = 0; i < place.height * place.width; ++i)
    rows.push_back(k.add(place.row, i / place.width * place.lineRows + i % place.width));
  if (place.sample)
    k.holdMagnitudes(place.sample);
  finishRows(place.panel, rows, valid,
             [&](int64_t r, int64_t v) { return values[r * (columns / lanes) + v]; });
  if (place.sample)
    k.releaseMagnitudes();
}

// Code for one row, or for the rows of a vector of bytes, is enough.
void VectorResults::finishFromMemory(const Place &place, ArrayRef<Value> values, int64_t valid) {
  int64_t count = columns / lanes, used = llvm::divideCeil(valid, lanes);
  for (auto [i, value] : llvm::enumerate(values))
    if (int64_t(i) % count < used)
      vector::StoreOp::create(b, k.loc, value, sums,
                              ValueRange{k.c(i / count), k.c(i % count * lanes)});
  int64_t together = packs(valid) ? std::max<int64_t>(4 / used, 1) : 1;
  auto some = [&](Value line, Value pixel, int64_t size) {
    Value row =
        k.add(k.add(place.row, k.mul(line, k.c(place.height > 1 ? place.lineRows : 0))), pixel);
    Value from = k.add(k.mul(line, place.width), pixel);
    SmallVector<Value> rows;
    for (int64_t i = 0; i < size; ++i)
      rows.push_back(k.add(row, i));
    finishRows(place.panel, rows, valid, [&](int64_t r, int64_t v) -> Value {
      return vector::LoadOp::create(b, k.loc, VectorType::get(lanes, getSumType(k.op)), sums,
                                    ValueRange{k.add(from, r), k.c(v * lanes)});
    });
  };
  k.loop(k.c(0), k.c(place.height), 1, [&](Value line) {
    int64_t whole = place.width / together * together;
    k.loop(k.c(0), k.c(whole), together, [&](Value pixel) { some(line, pixel, together); });
    if (whole < place.width)
      some(line, k.c(whole), place.width - whole);
  });
}

void VectorResults::finishRows(Value panel, ArrayRef<Value> rows, int64_t valid, GetSum getSum) {
  if (packs(valid))
    return finishBytes(panel, rows, valid, getSum);
  for (int64_t v = 0; v * lanes < valid; ++v) {
    Value n = k.add(k.mul(panel, columns), v * lanes), some = mask(valid - v * lanes, lanes);
    SmallVector<Value> known = k.readChannelExtras(n, lanes, some);
    for (auto [r, row] : llvm::enumerate(rows))
      k.finish(row, n, getSum(r, v), some, known);
  }
}

// Four vectors of sums become one of bytes: those of one row, or of several.
void VectorResults::finishBytes(Value panel, ArrayRef<Value> rows, int64_t valid, GetSum getSum) {
  int64_t count = llvm::divideCeil(valid, lanes), together = std::max<int64_t>(4 / count, 1);
  Value n = k.mul(panel, columns);
  SmallVector<SmallVector<Value>> known;
  SmallVector<Value> masks;
  for (int64_t v = 0; v < count; ++v) {
    masks.push_back(mask(valid - v * lanes, lanes));
    known.push_back(k.readChannelExtras(k.add(n, v * lanes), lanes, masks.back()));
  }
  int64_t width = count * lanes;
  Value some = mask(valid, width);
  for (size_t first = 0; first < rows.size(); first += together) {
    int64_t here = std::min<int64_t>(together, rows.size() - first);
    SmallVector<Value> four;
    for (int64_t i = 0; i < here; ++i)
      for (int64_t v = 0; v < count; ++v) {
        SmallVector<Value> extras =
            k.readExtras(rows[first + i], k.add(n, v * lanes), lanes, masks[v], known[v]);
        four.push_back(bytes.round(getSum(first + i, v), extras));
      }
    four.resize(4, four.back());
    Value packed = bytes.pack(four, /*interleaved=*/false);
    for (int64_t i = 0; i < here; ++i) {
      Value part = packed;
      if (width < 4 * lanes)
        part =
            vector::ExtractStridedSliceOp::create(b, k.loc, packed, ArrayRef<int64_t>{i * width},
                                                  ArrayRef<int64_t>{width}, ArrayRef<int64_t>{1});
      auto [to, at] = k.locate(rows[first + i], n);
      if (some)
        vector::MaskedStoreOp::create(b, k.loc, to, at, some, part);
      else
        vector::StoreOp::create(b, k.loc, part, to, at);
    }
  }
}
