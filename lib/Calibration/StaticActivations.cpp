//===- StaticActivations.cpp - Which values can become integers -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "StaticActivations.h"

#include "terse/Dialect/NN/IR/NNInterfaces.h"
#include "terse/Dialect/NN/IR/NNQuantization.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"

using namespace mlir;
using namespace terse;

static bool isWeight(Value value) {
  SymbolTableCollection symbols;
  return getEncoding(value.getType()) || getConstantSource(value, symbols);
}

bool terse::isFloatActivation(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getElementType().isF32() && !type.getEncoding() && !isWeight(value);
}

SmallVector<OpOperand *> terse::getDataOperands(Operation *op) {
  if (auto contraction = dyn_cast<nn::ContractionLike>(op)) {
    SmallVector<OpOperand *> operands{&contraction.getActivationOperand()};
    if (!isWeight(contraction.getWeightOperand().get()))
      operands.push_back(&contraction.getWeightOperand());
    return operands;
  }
  if (auto quantizable = dyn_cast<nn::Quantizable>(op))
    return quantizable.getDataOperands();
  return {};
}

bool terse::hasIntegerForm(Operation *op) {
  if (auto contraction = dyn_cast<nn::ContractionLike>(op))
    return contraction.hasIntegerForm();
  auto quantizable = dyn_cast<nn::Quantizable>(op);
  return quantizable && !quantizable.getDataOperands().empty() &&
         quantizable.getIntegerForm() != nn::IntegerForm::None;
}

bool terse::isFusedClamp(Operation *op) {
  auto quantizable = dyn_cast<nn::Quantizable>(op);
  if (!quantizable || !quantizable.getClampBounds() || !op->getOperand(0).hasOneUse())
    return false;
  Operation *producer = op->getOperand(0).getDefiningOp();
  if (!producer)
    return false;
  if (auto contraction = dyn_cast<nn::ContractionLike>(producer))
    return contraction.hasIntegerForm();
  auto sum = dyn_cast<nn::Quantizable>(producer);
  return (sum && sum.getIntegerForm() == nn::IntegerForm::Sum) || isFusedClamp(producer);
}
