//===- AttentionOp.cpp - Attention as one kernel --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"

using namespace mlir;
using namespace terse::ukernel;

static ShapedType shaped(Value v) { return cast<ShapedType>(v.getType()); }

void AttentionOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpOperand &operand : getOperation()->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

LogicalResult AttentionOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &dims) {
  if (!getResult())
    return failure();
  dims.push_back(tensor::getMixedSizes(b, getLoc(), getInit()));
  return success();
}

LogicalResult AttentionOp::verify() {
  int64_t rank = shaped(getInit()).getRank();
  if (isa<TensorType>(getInit().getType())
          ? !getResult() || getResult().getType() != getInit().getType()
          : bool(getResult()))
    return emitOpError("expected a result of the type of a tensor destination, none for a buffer");
  // C1
  for (Value v : {getQ(), getK(), getV(), getInit()})
    if (!shaped(v).getElementType().isF32() || shaped(v).getRank() != rank || rank < 2)
      return emitOpError(
                 "expected operands and destination of f32 and of one rank, at least 2 (got ")
             << v.getType() << ")";
  for (Value v : getExtras())
    if (shaped(v).getRank() > rank)
      return emitOpError("expected extras of at most ")
             << rank << " dimensions (got " << v.getType() << ")";
  // C2
  for (ArrayRef<int64_t> order : {getQOrder(), getKOrder(), getVOrder(), getResultOrder()})
    if (int64_t(order.size()) != rank || !isPermutationVector(order))
      return emitOpError("expected orders of the ") << rank << " dimensions";
  // C3
  Block &block = getScores().front();
  if (block.getNumArguments() != getExtras().size() + 1 || !block.getArgument(0).getType().isF32())
    return emitOpError("expected the sum and an element of each extra as arguments of the scores");
  for (auto [arg, extra] : llvm::zip(block.getArguments().drop_front(), getExtras()))
    if (arg.getType() != shaped(extra).getElementType())
      return emitOpError("expected an argument of type ")
             << shaped(extra).getElementType() << " (got " << arg.getType() << ")";
  auto yield = dyn_cast<YieldOp>(block.back());
  if (!yield || !yield.getValue().getType().isF32())
    return emitOpError("expected the scores to be f32");
  // C4
  if (getResultOrder().back() != rank - 1)
    return emitOpError("expected values along the last dimension of the result");
  return success();
}
