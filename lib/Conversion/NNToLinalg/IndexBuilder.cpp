//===- IndexBuilder.cpp - Arithmetic on indices while lowering ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "IndexBuilder.h"

using namespace mlir;
using namespace terse;

Value terse::extractElement(IndexBuilder &b, Value x, ValueRange indices) {
  RankedTensorType type = typeOf(x);
  Value occupied;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (type.isDynamicDim(i)) {
      Value some = b.less(b.constant(0), b.size(x, i));
      occupied = occupied ? b.all(occupied, some) : some;
    } else if (type.getDimSize(i) == 0) {
      return arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
    }
  }
  if (!occupied)
    return tensor::ExtractOp::create(b, x, indices);
  auto choice = scf::IfOp::create(
      b, occupied,
      [&](OpBuilder &nested, Location loc) {
        scf::YieldOp::create(nested, loc,
                             Value(tensor::ExtractOp::create(nested, loc, x, indices)));
      },
      [&](OpBuilder &nested, Location loc) {
        scf::YieldOp::create(nested, loc,
                             Value(arith::ConstantOp::create(
                                 nested, loc, nested.getZeroAttr(type.getElementType()))));
      });
  return choice.getResult(0);
}

Value terse::createGenerated(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes, Type type,
                             ValueRange inputs, ArrayRef<AffineMap> maps,
                             llvm::function_ref<Value(IndexBuilder &, ValueRange)> body) {
  Value made = createMap(b, loc, sizes, cast<RankedTensorType>(type).getElementType(), inputs, maps,
                         [&](OpBuilder &nested, Location loc, ValueRange args) {
                           IndexBuilder ib(nested, loc);
                           return body(ib, args);
                         });
  return castTo(b, loc, made, type);
}

SmallVector<Value> terse::createTensorLoops(
    IndexBuilder &b, ValueRange bounds, ValueRange tensors,
    llvm::function_ref<SmallVector<Value>(IndexBuilder &, ValueRange, ValueRange)> body) {
  SmallVector<Value> lower(bounds.size(), b.constant(0)), step(bounds.size(), b.constant(1));
  auto nest =
      scf::buildLoopNest(b, b.getLoc(), lower, bounds, step, tensors,
                         [&](OpBuilder &nested, Location loc, ValueRange ivs, ValueRange carried) {
                           IndexBuilder ib(nested, loc);
                           SmallVector<Value> next = body(ib, ivs, carried);
                           return scf::ValueVector(next.begin(), next.end());
                         });
  return SmallVector<Value>(nest.results.begin(), nest.results.end());
}

bool terse::storesComputeType(Type element) {
  Type storage = getStorageElementType(element);
  if (getComputeType(element) != storage)
    return false;
  // A sub-byte integer wraps at its own width, below that of its storage.
  return !isa<IntegerType>(element) ||
         element.getIntOrFloatBitWidth() == storage.getIntOrFloatBitWidth();
}
