//===- ByteLanes.cpp - Bytes of several vectors in one lane ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ByteLanes.h"

using namespace mlir;
using namespace terse;

// The low (or high) halves of quarters of `x` and `y`, element by element in turn.
static Value unpack(KernelCode &k, Value x, Value y, bool high) {
  auto type = cast<VectorType>(x.getType());
  int64_t quarter = type.getNumElements() / 4;
  SmallVector<int64_t> order;
  for (int64_t q = 0; q < 4; ++q)
    for (int64_t i = 0; i < quarter / 2; ++i) {
      int64_t at = q * quarter + high * quarter / 2 + i;
      order.append({at, type.getNumElements() + at});
    }
  return vector::ShuffleOp::create(k.b, k.loc, x, y, order);
}

SmallVector<Value> terse::interleaveBytes(KernelCode &k, ArrayRef<Value> four) {
  auto words = VectorType::get(32, k.b.getI16Type()), bytes = VectorType::get(64, k.b.getI8Type());
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

SmallVector<Value> terse::transposeQuarters(KernelCode &k, ArrayRef<Value> four) {
  auto pick = [&](Value x, Value y, ArrayRef<int64_t> quarters) {
    SmallVector<int64_t> order;
    for (int64_t q : quarters)
      for (int64_t i = 0; i < 4; ++i)
        order.push_back(q * 4 + i);
    return Value(vector::ShuffleOp::create(k.b, k.loc, x, y, order));
  };
  Value a = pick(four[0], four[1], {0, 4, 2, 6}), c = pick(four[2], four[3], {0, 4, 2, 6});
  Value d = pick(four[0], four[1], {1, 5, 3, 7}), e = pick(four[2], four[3], {1, 5, 3, 7});
  return {pick(a, c, {0, 1, 4, 5}), pick(d, e, {0, 1, 4, 5}), pick(a, c, {2, 3, 6, 7}),
          pick(d, e, {2, 3, 6, 7})};
}
