//===- QuantizeRowsOp.cpp - Rounding of floats to bytes -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/UKernel/IR/UKernelOps.h"

using namespace mlir;
using namespace terse::ukernel;

void QuantizeRowsOp::getEffects(
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

LogicalResult QuantizeRowsOp::verify() {
  // C1
  auto x = cast<MemRefType>(getX().getType()), out = cast<MemRefType>(getOut().getType());
  if (!x.getElementType().isF32() || !out.getElementType().isInteger(8) ||
      failed(verifyCompatibleShape(x, out)))
    return emitOpError("expected f32 and i8 of one shape (got ") << x << " and " << out << ")";
  // C2
  for (Value v : {getScale(), getZeroPoint()}) {
    auto type = v ? dyn_cast<MemRefType>(v.getType()) : MemRefType();
    if (!type)
      continue;
    if (!type.getElementType().isF32() || type.getRank() >= x.getRank() ||
        failed(verifyCompatibleShape(type.getShape(), x.getShape().take_front(type.getRank()))))
      return emitOpError("expected an f32 for each index of the first dimensions of ")
             << x << " (got " << type << ")";
  }
  return success();
}
