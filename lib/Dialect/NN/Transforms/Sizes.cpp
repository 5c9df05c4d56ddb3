//===- Sizes.cpp - Which open sizes are the same --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Sizes.h"
#include "NNBuilder.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace terse::nn;

/// How many ops are looked through.
static constexpr unsigned kDepth = 48;

static Size getSize(Value x, int64_t d, unsigned depth);

// Element `i` of a shape, or of another list of at most one dimension.
static Size getElement(Value v, int64_t i, unsigned depth) {
  Size itself{ShapedType::kDynamic, v, i, true};
  DenseIntElementsAttr numbers;
  if (matchPattern(v, m_Constant(&numbers)))
    return {numbers.getValues<APInt>()[i].getSExtValue()};
  Operation *op = v.getDefiningOp();
  if (!op || !depth)
    return itself;
  if (auto shape = dyn_cast<ShapeOp>(op))
    return getSize(shape.getX(), i, depth - 1);
  if (isa<CastOp, ReshapeOp>(op)) {
    RankedTensorType from = typeOf(op->getOperand(0));
    if (from.getRank() <= 1 && from.hasStaticShape() && from.getElementType().isInteger())
      return getElement(op->getOperand(0), i, depth - 1);
  } else if (auto slice = dyn_cast<SliceOp>(op)) {
    int64_t start = slice.getStarts()[0], length = typeOf(slice.getX()).getDimSize(0);
    if (slice.getSteps()[0] == 1 && !ShapedType::isDynamic(length))
      return getElement(slice.getX(), std::min(start < 0 ? start + length : start, length) + i,
                        depth - 1);
  } else if (auto concat = dyn_cast<ConcatOp>(op)) {
    for (Value input : concat.getInputs()) {
      int64_t length = typeOf(input).getDimSize(0);
      if (ShapedType::isDynamic(length))
        return itself;
      if (i < length)
        return getElement(input, i, depth - 1);
      i -= length;
    }
  } else if (auto gather = dyn_cast<GatherOp>(op)) {
    DenseIntElementsAttr indices;
    int64_t length = typeOf(gather.getX()).getDimSize(0);
    if (typeOf(gather.getX()).getRank() == 1 && !ShapedType::isDynamic(length) &&
        matchPattern(gather.getIndices(), m_Constant(&indices))) {
      int64_t at = indices.getValues<APInt>()[i].getSExtValue();
      return getElement(gather.getX(), at < 0 ? at + length : at, depth - 1);
    }
  }
  return itself;
}

// Dimension `d` of the result of operands that stretch where they are 1.
static std::optional<Size> getBroadcast(ValueRange operands, int64_t d, int64_t rank,
                                        unsigned depth) {
  std::optional<Size> found;
  for (Value v : operands) {
    int64_t at = d - (rank - typeOf(v).getRank());
    if (at < 0 || typeOf(v).getDimSize(at) == 1)
      continue;
    Size size = getSize(v, at, depth);
    if (found && !(*found == size))
      return std::nullopt;
    found = size;
  }
  return found;
}

static Size getSize(Value x, int64_t d, unsigned depth) {
  RankedTensorType type = typeOf(x);
  if (!type.isDynamicDim(d))
    return {type.getDimSize(d)};
  Size itself{ShapedType::kDynamic, x, d, false};
  Operation *op = x.getDefiningOp();
  if (!op || !depth)
    return itself;
  if (isa<UnaryOp, CastOp, SoftmaxOp, LayerNormOp>(op))
    return getSize(op->getOperand(0), d, depth - 1);
  if (isa<BinaryOp, CompareOp, SelectOp>(op))
    return getBroadcast(op->getOperands(), d, type.getRank(), depth - 1).value_or(itself);
  if (auto transpose = dyn_cast<TransposeOp>(op))
    return getSize(transpose.getX(), transpose.getPermutation()[d], depth - 1);
  if (auto reshape = dyn_cast<ReshapeOp>(op); reshape && reshape.getShape())
    return getElement(reshape.getShape(), d, depth - 1);
  if (auto product = dyn_cast<MatmulOp>(op)) {
    Value lhs = product.getLhs(), rhs = product.getRhs();
    int64_t rank = type.getRank();
    if (typeOf(lhs).getRank() != rank || typeOf(rhs).getRank() != rank)
      return itself;
    if (d >= rank - 2)
      return getSize(d == rank - 1 ? rhs : lhs, d, depth - 1);
    return getBroadcast({lhs, rhs}, d, rank, depth - 1).value_or(itself);
  }
  return itself;
}

Size terse::nn::getSize(Value x, int64_t d) { return ::getSize(x, d, kDepth); }
