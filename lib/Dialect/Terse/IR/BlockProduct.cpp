//===- BlockProduct.cpp - Integer products of blocks ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/IR/BlockProduct.h"

using namespace mlir;
using namespace terse;

#define GET_OP_CLASSES
#include "terse/Dialect/Terse/IR/BlockProduct.cpp.inc"

std::string BlockProductOp::explainWeight(RankedTensorType weight, bool transposed) {
  auto encoding = dyn_cast_or_null<UniformEncodingAttr>(terse::getEncoding(weight));
  // C1
  if (weight.getRank() != 2 || !weight.hasStaticShape() || weight.getNumElements() == 0)
    return "expected a weight of static shape and rank 2";
  if (!encoding || encoding.getValueType().getWidth() < 2 || encoding.getValueType().getWidth() > 8)
    return "expected a weight encoded as integers of 2 to 8 bits";
  // C4
  bool wide = encoding.getAsymmetric() || !encoding.isSigned();
  int64_t largest = int64_t(1) << (encoding.getValueType().getWidth() - (wide ? 0 : 1));
  SmallVector<int64_t> extents = encoding.getBlockExtents(weight.getShape());
  if (extents[transposed ? 0 : 1] > std::numeric_limits<int32_t>::max() / (128 * largest))
    return "expected blocks whose sums fit i32";
  return "";
}

LogicalResult BlockProductOp::verify() {
  RankedTensorType x = getInput().getType(), w = getWeight().getType(), y = getType();
  if (std::string reason = explainWeight(w, getTransposed()); !reason.empty())
    return emitOpError(reason) << " (got " << w << ")";
  // C2
  int64_t k = w.getDimSize(getContracted()), n = w.getDimSize(1 - getContracted());
  if (x.getRank() < 2 || x.getShape().back() != k)
    return emitOpError("expected an input of rank 2 or more with ")
           << k << " channels (got " << x << ")";
  // C3
  if (y.getRank() != x.getRank() || y.getShape().back() != n ||
      y.getShape().drop_back() != x.getShape().drop_back())
    return emitOpError("expected a result of the input's shape with ")
           << n << " channels (got " << y << ")";
  return success();
}
