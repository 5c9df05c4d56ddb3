//===- RuntimeOps.cpp - Ops on run-time values ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "RuntimeOps.h"

#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;
using namespace terse::reference;

std::optional<SmallVector<RankedTensorType>> reference::getRuntimeComponents(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    if (!toDType(tensor.getElementType()))
      return std::nullopt;
    return SmallVector<RankedTensorType>{tensor};
  }
  if (toDType(type))
    return SmallVector<RankedTensorType>{RankedTensorType::get({}, type)};
  return std::nullopt;
}

llvm::Expected<SmallVector<RuntimeValue>>
reference::evaluateRuntimeOp(Operation *op, ArrayRef<RuntimeValue> operands,
                             const InterpreterOptions &options) {
  std::vector<HostTensor> tensors;
  for (const RuntimeValue &operand : operands)
    tensors.push_back(operand.front());

  if (!isEvaluable(op)) {
    llvm::Expected<std::optional<HostTensor>> result = evaluateUpstreamOp(op, tensors);
    if (!result)
      return result.takeError();
    if (*result)
      return SmallVector<RuntimeValue>{RuntimeValue{std::move(**result)}};
  }
  llvm::Expected<std::vector<HostTensor>> results = evaluateOp(op, tensors, options);
  if (!results)
    return results.takeError();
  SmallVector<RuntimeValue> values;
  for (HostTensor &tensor : *results)
    values.push_back({std::move(tensor)});
  return values;
}
