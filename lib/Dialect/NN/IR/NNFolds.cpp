//===- NNFolds.cpp - Folders of the nn dialect ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Only what is better at every stage. Arithmetic on constants is folded by the reference
// interpreter (pass `nn-fold-constants`), so that there is one definition of it.

#include "terse/Dialect/NN/IR/NNOps.h"

using namespace mlir;
using namespace terse::nn;

// A fold to an operand must keep the exact type, encoding included.
static OpFoldResult identityOf(Value operand, Type result) {
  return operand.getType() == result ? OpFoldResult(operand) : OpFoldResult();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) {
  return getValue().getType() == getType() ? OpFoldResult(getValue()) : OpFoldResult();
}

OpFoldResult ShapeOp::fold(FoldAdaptor) {
  auto type = cast<RankedTensorType>(getX().getType());
  if (!type.hasStaticShape())
    return {};
  return DenseElementsAttr::get(cast<RankedTensorType>(getType()), type.getShape());
}

OpFoldResult UnaryOp::fold(FoldAdaptor) {
  if (getKind() == UnaryKind::Identity)
    return identityOf(getX(), getType());
  auto producer = getX().getDefiningOp<UnaryOp>();
  // Repeating an idempotent function changes nothing.
  if (producer && producer.getKind() == getKind() &&
      llvm::is_contained({UnaryKind::Relu, UnaryKind::Abs, UnaryKind::Floor, UnaryKind::Ceil,
                          UnaryKind::Round, UnaryKind::Sign},
                         getKind()))
    return identityOf(getX(), getType());
  return {};
}

OpFoldResult CastOp::fold(FoldAdaptor) { return identityOf(getX(), getType()); }

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  auto type = cast<RankedTensorType>(getType());
  if (type.hasStaticShape())
    return identityOf(getX(), getType());
  return {};
}

OpFoldResult BroadcastOp::fold(FoldAdaptor) {
  auto type = cast<RankedTensorType>(getType());
  if (type.hasStaticShape())
    return identityOf(getX(), getType());
  return {};
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  for (auto [i, p] : llvm::enumerate(getPermutation()))
    if (int64_t(i) != p)
      return {};
  return identityOf(getX(), getType());
}

OpFoldResult SliceOp::fold(FoldAdaptor) {
  auto type = cast<RankedTensorType>(getType());
  // No memory holds this many elements: exporters write such ends for "to the end".
  constexpr double kTooMany = double(int64_t(1) << 46);
  double others = 1;
  bool isOpen = false;
  for (int64_t size : type.getShape())
    if (ShapedType::isDynamic(size))
      isOpen = !isOpen || (others = 0);
    else
      others *= size;
  // From the first element in unit steps: whole if the size did not change.
  for (auto [size, start, end, step] :
       llvm::zip(type.getShape(), getStarts(), getEnds(), getSteps()))
    if (start != 0 || step != 1 || (ShapedType::isDynamic(size) && double(end) * others < kTooMany))
      return {};
  return identityOf(getX(), type);
}

OpFoldResult ConcatOp::fold(FoldAdaptor) {
  return getInputs().size() == 1 ? identityOf(getInputs().front(), getType()) : OpFoldResult();
}
