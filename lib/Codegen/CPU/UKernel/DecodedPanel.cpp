//===- DecodedPanel.cpp - Weights of few bits as tiles of bf16 -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for pieces of the contraction:
//     codes to f32                                   (first-level cache)
//     for steps, vectors of columns, pairs of rows:
//       both rows to bf16, what that leaves to bf16  (tiles, second-level cache)

#include "DecodedPanel.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// Elements of a step, and steps of a piece, of which the floats fit the nearest cache.
static constexpr int64_t kStep = 32, kPieceSteps = 4;

DecodedPanel::DecodedPanel(KernelCode &code, int64_t steps)
    : k(code), b(code.b), decoder(code), layout(decoder.getLayout()), depth(getSizes(code.op).k),
      steps(steps) {}

void DecodedPanel::allocate() {
  auto view = [&](ArrayRef<int64_t> shape, Type element, int64_t bytes) -> Value {
    return memref::ViewOp::create(b, k.loc, MemRefType::get(shape, element), k.allocate(bytes),
                                  k.c(0), ValueRange());
  };
  int64_t rows = decoder.getDecodedRows(kPieceSteps * kStep) + kStep, columns = layout.vectors * 16;
  floats = view({rows, columns}, b.getF32Type(), rows * columns * 4);
  tiles = view({getBytes() / 64, 32}, b.getBF16Type(), getBytes());
}

Value DecodedPanel::getRow(Value i, int64_t j, int64_t part) {
  return k.add(k.mul(i, layout.vectors * 2 * 16), (j * 2 + part) * 16);
}

void DecodedPanel::decode(Value p) {
  k.loop(k.c(0), k.c(steps), kPieceSteps, [&](Value step) { decodePiece(p, step); });
}

void DecodedPanel::decodePiece(Value p, Value step) {
  auto vector = VectorType::get(16, b.getF32Type());
  Value from = k.mul(step, kStep), to = k.min(k.add(from, kPieceSteps * kStep), k.c(depth));
  Value first = k.sub(from, decoder.decode(p, from, to, floats));
  Value count = k.ceilDiv(k.sub(to, from), kStep);
  // Zeros behind the last element.
  k.loop(k.sub(to, from), k.mul(count, kStep), 1, [&](Value r) {
    for (int64_t j = 0; j < layout.vectors; ++j)
      vector::StoreOp::create(b, k.loc, k.zero(vector), floats,
                              ValueRange{k.add(first, r), k.c(j * 16)});
  });
  k.loop(k.c(0), count, 1, [&](Value s) {
    k.loop(k.c(0), k.c(16), 1, [&](Value pair) {
      Value row = k.add(first, k.add(k.mul(s, kStep), k.mul(pair, 2)));
      for (int64_t j = 0; j < layout.vectors; ++j)
        storePairs(row, k.add(getRow(k.add(step, s), j, 0), pair), j);
    });
  });
}

// Rows `from` and the next of vector `j` of `floats` to row `row` of `tiles`, and what is left to
// the tile behind.
void DecodedPanel::storePairs(Value from, Value row, int64_t j) {
  auto vector = VectorType::get(16, b.getF32Type()), words = VectorType::get(16, b.getI32Type()),
       pairs = VectorType::get(32, b.getBF16Type());
  auto load = [&](int64_t r) -> Value {
    return vector::LoadOp::create(b, k.loc, vector, floats,
                                  ValueRange{k.add(from, r), k.c(j * 16)});
  };
  SmallVector<int64_t> order;
  for (int64_t i = 0; i < 16; ++i)
    order.append({i, i + 16});
  auto narrow = [&](Value x, Value y) -> Value {
    Value both = k.intrinsic("llvm.x86.avx512bf16.cvtne2ps2bf16.512", pairs, {y, x});
    return vector::ShuffleOp::create(b, k.loc, both, both, order);
  };
  Value x = load(0), y = load(1), large = narrow(x, y);
  vector::StoreOp::create(b, k.loc, large, tiles, ValueRange{row, k.c(0)});
  Value bits = vector::BitCastOp::create(b, k.loc, words, large);
  auto rest = [&](Value x, Value word) -> Value {
    return arith::SubFOp::create(b, k.loc, x, arith::BitcastOp::create(b, k.loc, vector, word));
  };
  x = rest(x, arith::ShLIOp::create(b, k.loc, bits, k.splat(16, words)));
  y = rest(y, arith::AndIOp::create(b, k.loc, bits, k.splat(int64_t(0xffff0000u), words)));
  vector::StoreOp::create(b, k.loc, narrow(x, y), tiles, ValueRange{k.add(row, 16), k.c(0)});
}
