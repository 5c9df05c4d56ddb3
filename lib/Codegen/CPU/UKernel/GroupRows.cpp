//===- GroupRows.cpp - Rows beside weights of few bits --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "GroupRows.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

GroupRows::GroupRows(KernelCode &code, const WeightLayout &layout, Type stored)
    : k(code), b(code.b), layout(layout), stored(stored), length(getSizes(code.op).k),
      left(code, stored, /*flipped=*/false, /*widened=*/false, layout.lanes * 4) {}

void GroupRows::allocate() {
  if (!layout.hasGaps())
    return;
  // The last vector of a row may reach past its end.
  Value bytes = k.allocate(length * stored.getIntOrFloatBitWidth() / 8 + 64);
  packed = memref::ViewOp::create(b, k.loc, MemRefType::get({1, length}, stored), bytes, k.c(0),
                                  ValueRange());
}

void GroupRows::copy(Value rows, Value r, Value row) {
  int64_t from = layout.hasGaps() ? 0 : length;
  left.copy(packed ? packed : rows, packed ? k.c(0) : r, row);
  k.loop(k.c(from), k.c(layout.getDepth()), 1, [&](Value i) {
    memref::StoreOp::create(b, k.loc, k.zero(stored), rows, ValueRange{r, i});
  });
  if (!packed)
    return;
  k.loop(k.c(0), k.c(layout.groups), 1, [&](Value g) {
    Value from = k.mul(g, layout.group), to = k.mul(g, layout.paddedGroup);
    Value count = k.min(k.c(layout.group), k.sub(k.c(length), from));
    k.loop(k.c(0), count, 1, [&](Value i) {
      Value x = memref::LoadOp::create(b, k.loc, packed, ValueRange{k.c(0), k.add(from, i)});
      memref::StoreOp::create(b, k.loc, x, rows, ValueRange{r, k.add(to, i)});
    });
  });
}
