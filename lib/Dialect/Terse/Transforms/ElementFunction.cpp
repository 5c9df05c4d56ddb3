//===- ElementFunction.cpp - Functions of one element -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/Transforms/ElementFunction.h"

#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/NN/IR/NNQuantization.h"
#include "terse/Reference/Interpreter.h"
#include "terse/Support/Constants.h"
#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;

bool terse::isElementFunction(Operation *op) {
  auto quantizable = dyn_cast<nn::Quantizable>(op);
  if (!quantizable || isa<nn::ContractionLike>(op) || op->getNumResults() != 1 ||
      quantizable.getIntegerForm() != nn::IntegerForm::Table ||
      quantizable.getDataOperands().size() != 1)
    return false;
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  return type && type.getElementType().isF32() && !type.getEncoding();
}

Operation *terse::getNextFunction(Operation *op) {
  Value result = op->getResult(0);
  if (!result.hasOneUse())
    return nullptr;
  OpOperand &use = *result.use_begin();
  Operation *user = use.getOwner();
  bool isNext = user->getBlock() == op->getBlock() && isElementFunction(user) &&
                cast<nn::Quantizable>(user).getDataOperands().front() == &use;
  return isNext ? user : nullptr;
}

/// op(values) for 1-D `values`.
static llvm::Expected<HostTensor> evaluateOn(Operation *op, const HostTensor &values) {
  OpOperand &data = *cast<nn::Quantizable>(op).getDataOperands().front();
  OpBuilder builder(op);
  auto type = RankedTensorType::get(values.shape, builder.getF32Type());
  auto x = nn::ConstantOp::create(builder, op->getLoc(), toDenseElements(values, op->getContext()));
  Operation *copy = op->clone();
  copy->setOperand(data.getOperandNumber(), x);
  copy->getResult(0).setType(type);
  std::vector<HostTensor> operands;
  for (Value operand : copy->getOperands()) {
    std::optional<HostTensor> constant = getConstant(operand);
    if (constant && constant->getNumElements() == 1 && operand != x.getResult())
      constant = constant->reshaped({}); // A number, of whatever rank.
    operands.push_back(constant.value_or(HostTensor()));
  }
  auto results = evaluateOp(copy, operands);
  copy->destroy();
  x.erase();
  if (!results)
    return results.takeError();
  return results->front();
}

llvm::Expected<HostTensor> terse::evaluateFunctions(ArrayRef<Operation *> chain,
                                                    const HostTensor &values) {
  HostTensor current = values;
  for (Operation *op : chain) {
    auto results = evaluateOn(op, current);
    if (!results)
      return results.takeError();
    current = std::move(*results);
  }
  return current;
}
