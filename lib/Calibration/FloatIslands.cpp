//===- FloatIslands.cpp - What is left in float -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "StaticActivations.h"

#include "terse/Dialect/NN/IR/NNInterfaces.h"
#include "terse/Dialect/NN/IR/NNOps.h"

using namespace mlir;
using namespace terse;

nn::IntegerForm terse::getForm(Operation *op) {
  auto quantizable = dyn_cast<nn::Quantizable>(op);
  if (isa<nn::ContractionLike>(op))
    return nn::IntegerForm::Sum;
  return quantizable ? quantizable.getIntegerForm() : nn::IntegerForm::None;
}

llvm::DenseSet<Operation *> terse::findSensitive(Block &block) {
  llvm::DenseSet<Operation *> sensitive;
  for (Operation &op : llvm::reverse(block)) {
    auto quantizable = dyn_cast<nn::Quantizable>(op);
    if (!quantizable || isa<nn::ContractionLike>(op))
      continue;
    bool servesOnlySensitive = !op.use_empty() && llvm::all_of(op.getUsers(), [&](Operation *user) {
      return sensitive.contains(user);
    });
    if (quantizable.amplifiesErrors() || servesOnlySensitive)
      sensitive.insert(&op);
  }
  return sensitive;
}

/// What `value` was before ops that only move its elements.
static Value stripMoves(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    SmallVector<OpOperand *> data = getDataOperands(op);
    SmallVector<OpOperand *> computed = llvm::filter_to_vector(
        data, [](OpOperand *operand) { return isFloatActivation(operand->get()); });
    if (getForm(op) != nn::IntegerForm::Move || computed.size() != 1 || op->getNumResults() != 1)
      break;
    value = computed.front()->get();
  }
  return value;
}

llvm::DenseSet<Operation *> terse::findResiduals(Block &block) {
  auto getSum = [](Value value) {
    auto sum = stripMoves(value).getDefiningOp<nn::BinaryOp>();
    bool isSum = sum &&
                 (sum.getKind() == nn::BinaryKind::Add || sum.getKind() == nn::BinaryKind::Sub) &&
                 llvm::all_of(sum->getOperands(), isFloatActivation);
    return isSum ? sum : nn::BinaryOp();
  };
  llvm::DenseSet<Operation *> residuals;
  SmallVector<Value> pending;
  for (Operation &op : block)
    if (isa<nn::LayerNormOp, nn::RmsNormOp>(op) && getSum(op.getOperand(0))) {
      residuals.insert(&op);
      pending.push_back(op.getOperand(0));
    }
  while (!pending.empty())
    if (nn::BinaryOp sum = getSum(pending.pop_back_val()); sum && residuals.insert(sum).second)
      llvm::append_range(pending, sum->getOperands());
  for (Operation &op : block)
    if (op.getNumResults() == 1 && isa<nn::BinaryOp>(op) && getSum(op.getResult(0)) == &op &&
        llvm::any_of(op.getOperands(), [&](Value value) {
          nn::BinaryOp sum = getSum(value);
          return sum && residuals.contains(sum);
        }))
      residuals.insert(&op);
  return residuals;
}
