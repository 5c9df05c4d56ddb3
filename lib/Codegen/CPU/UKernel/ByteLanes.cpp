//===- ByteLanes.cpp - Bytes of several vectors in one lane ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ByteLanes.h"

using namespace mlir;
using namespace terse;

// The low (or high) halves of each 128 bits of `x` and `y`, element by element in turn.
static Value unpack(KernelCode &k, Value x, Value y, bool high) {
  auto type = cast<VectorType>(x.getType());
  int64_t part = 128 / type.getElementTypeBitWidth();
  SmallVector<int64_t> order;
  for (int64_t from = high * part / 2; from < type.getNumElements(); from += part)
    for (int64_t at = from; at < from + part / 2; ++at)
      order.append({at, type.getNumElements() + at});
  return vector::ShuffleOp::create(k.b, k.loc, x, y, order);
}

SmallVector<Value> terse::interleaveBytes(KernelCode &k, ArrayRef<Value> four) {
  auto bytes = cast<VectorType>(four[0].getType());
  auto words = VectorType::get(bytes.getNumElements() / 2, k.b.getI16Type());
  SmallVector<Value> result;
  for (bool high : {false, true}) {
    Value first = unpack(k, four[0], four[1], high), second = unpack(k, four[2], four[3], high);
    first = vector::BitCastOp::create(k.b, k.loc, words, first);
    second = vector::BitCastOp::create(k.b, k.loc, words, second);
    for (bool upper : {false, true})
      result.push_back(
          vector::BitCastOp::create(k.b, k.loc, bytes, unpack(k, first, second, upper)));
  }
  return result;
}

// Of two vectors, parts of 128 bits, as they are counted through both.
static Value pick(KernelCode &k, Value x, Value y, ArrayRef<int64_t> parts) {
  SmallVector<int64_t> order;
  for (int64_t part : parts)
    for (int64_t i = 0; i < 4; ++i)
      order.push_back(part * 4 + i);
  return vector::ShuffleOp::create(k.b, k.loc, x, y, order);
}

// Four vectors of four parts as a matrix, transposed.
static SmallVector<Value> transpose(KernelCode &k, ArrayRef<Value> four) {
  Value a = pick(k, four[0], four[1], {0, 4, 2, 6}), c = pick(k, four[2], four[3], {0, 4, 2, 6});
  Value d = pick(k, four[0], four[1], {1, 5, 3, 7}), e = pick(k, four[2], four[3], {1, 5, 3, 7});
  return {pick(k, a, c, {0, 1, 4, 5}), pick(k, d, e, {0, 1, 4, 5}), pick(k, a, c, {2, 3, 6, 7}),
          pick(k, d, e, {2, 3, 6, 7})};
}

static bool hasFourParts(Value v) { return cast<VectorType>(v.getType()).getNumElements() == 16; }

SmallVector<Value> terse::orderInterleaved(KernelCode &k, ArrayRef<Value> four) {
  if (hasFourParts(four[0]))
    return transpose(k, four);
  return {pick(k, four[0], four[1], {0, 2}), pick(k, four[2], four[3], {0, 2}),
          pick(k, four[0], four[1], {1, 3}), pick(k, four[2], four[3], {1, 3})};
}

SmallVector<Value> terse::interleaveLanes(KernelCode &k, ArrayRef<Value> four) {
  if (hasFourParts(four[0]))
    return transpose(k, four);
  return {pick(k, four[0], four[2], {0, 2}), pick(k, four[0], four[2], {1, 3}),
          pick(k, four[1], four[3], {0, 2}), pick(k, four[1], four[3], {1, 3})};
}
