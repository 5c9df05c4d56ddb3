//===- KnownValue.cpp - Values that follow from constants ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Reference/KnownValue.h"

#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Reference/Interpreter.h"
#include "terse/Support/Constants.h"

using namespace terse;

std::optional<HostTensor> terse::getKnownValue(mlir::Value value) {
  if (std::optional<HostTensor> constant = getConstant(value))
    return constant;
  mlir::Operation *op = value.getDefiningOp();
  if (!llvm::isa_and_nonnull<nn::BinaryOp, nn::CastOp>(op))
    return std::nullopt;
  std::vector<HostTensor> operands;
  for (mlir::Value operand : op->getOperands()) {
    std::optional<HostTensor> known = getKnownValue(operand);
    if (!known)
      return std::nullopt;
    operands.push_back(std::move(*known));
  }
  auto results = evaluateOp(op, operands);
  if (!results) {
    llvm::consumeError(results.takeError());
    return std::nullopt;
  }
  return std::move(results->front());
}
