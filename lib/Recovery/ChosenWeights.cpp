//===- ChosenWeights.cpp - Weights with a chosen encoding -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Recovery/ChosenWeights.h"

#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/NN/Transforms/ConstantBuilder.h"
#include "terse/Support/Constants.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/ADT/MapVector.h"

#include <cmath>

using namespace mlir;
using namespace terse;

InFlightDiagnostic ChosenWeight::emitError() const {
  return getOp()->emitError() << "cannot encode operand " << operands.front()->getOperandNumber()
                              << ": ";
}

FailureOr<SmallVector<HostTensor>> ChosenWeight::getParameters() const {
  SmallVector<HostTensor> parameters;
  if (given) {
    for (Attribute attr : given.getValues()) {
      llvm::Expected<HostTensor> tensor = toHostTensor(cast<ElementsAttr>(attr));
      if (!tensor)
        return emitError() << llvm::toString(tensor.takeError());
      parameters.push_back(std::move(*tensor));
    }
    return parameters;
  }
  auto components = encoding.encodeHost(value, type, {}, [&] { return emitError(); });
  if (failed(components))
    return failure();
  for (auto [info, component] : llvm::zip_equal(encoding.getComponents(type), *components))
    if (info.isParameter)
      parameters.push_back(component);
  return parameters;
}

FailureOr<HostTensor> ChosenWeight::round(ArrayRef<HostTensor> parameters) const {
  auto error = [&] { return emitError(); };
  auto components = encoding.encodeHost(value, type, parameters, error);
  if (failed(components))
    return failure();
  return encoding.decodeHost(*components, type, error);
}

FailureOr<std::vector<ChosenWeight>> terse::collectChosenWeights(ModuleOp module) {
  SymbolTableCollection symbols;
  llvm::MapVector<std::pair<Operation *, Attribute>, ChosenWeight> found;
  bool legal = true;
  module.walk([&](Operation *op) {
    ChoiceAttr choice = ChoiceAttr::get(op);
    if (!choice)
      return;
    for (auto [number, value] : llvm::zip(choice.getOperands(), choice.getValues())) {
      auto given = dyn_cast<StaticAttr>(value);
      auto encoding = given ? given.getEncoding() : dyn_cast<EncodingAttrInterface>(value);
      if (!encoding || number >= op->getNumOperands() || encoding.hasRunTimeParameters())
        continue;
      OpOperand &operand = op->getOpOperand(number);
      auto type = dyn_cast<RankedTensorType>(operand.get().getType());
      if (!type || type.getEncoding() || !type.hasStaticShape() || type.getNumElements() == 0)
        continue;
      std::optional<HostTensor> tensor = getConstant(operand.get(), &symbols);
      if (!tensor || !isa<FloatType>(type.getElementType()))
        continue;
      ml_program::GlobalOp global = getConstantGlobal(operand.get(), &symbols);
      Operation *holder = global ? global.getOperation() : operand.get().getDefiningOp();
      auto [it, isNew] = found.try_emplace({holder, value});
      it->second.operands.push_back(&operand);
      if (!isNew)
        continue;
      if (!llvm::all_of(tensor->toFloats(), [](float w) { return std::isfinite(w); })) {
        found.pop_back();
        continue;
      }
      ChosenWeight &weight = it->second;
      weight.encoding = encoding;
      weight.given = given;
      weight.type = type;
      weight.value = std::move(*tensor);
      weight.global = global;
      legal &= succeeded(encoding.verifyEncoding(type.getShape(), type.getElementType(),
                                                 [&] { return weight.emitError(); }));
    }
  });
  if (!legal)
    return failure();
  std::vector<ChosenWeight> weights;
  for (auto &entry : found)
    weights.push_back(std::move(entry.second));
  return weights;
}

void terse::setParameters(ChosenWeight &weight, ArrayRef<HostTensor> parameters, StringRef origin) {
  MLIRContext *context = weight.type.getContext();
  SmallVector<Attribute> values;
  for (auto [info, tensor] :
       llvm::zip_equal(getParameterComponents(weight.encoding, weight.type), parameters))
    values.push_back(toDenseElements(tensor, context, info.type));
  weight.given =
      StaticAttr::get(context, weight.encoding, values, StringAttr::get(context, origin));
  for (OpOperand *operand : weight.operands)
    ChoiceAttr::set(*operand, weight.given);
}

void terse::replaceConstant(OpOperand &operand, const HostTensor &value, StringRef name,
                            SymbolTable &symbols) {
  Value old = operand.get();
  OpBuilder builder(operand.getOwner());
  auto type =
      RankedTensorType::get(value.shape, cast<RankedTensorType>(old.getType()).getElementType());
  operand.set(
      nn::createConstant(builder, operand.getOwner()->getLoc(), value, type, name, symbols));
  ml_program::GlobalOp global = getConstantGlobal(old);
  if (!old.use_empty() || !old.getDefiningOp())
    return;
  old.getDefiningOp()->erase();
  if (global && global.isPrivate() && SymbolTable::symbolKnownUseEmpty(global, symbols.getOp()))
    symbols.erase(global);
}

void terse::replaceWeight(ChosenWeight &weight, const HostTensor &value, SymbolTable &symbols) {
  weight.value = value.convertTo(weight.value.dtype);
  // One constant per place where the old one is loaded.
  std::string name = weight.global ? weight.global.getSymName().str() : std::string("weight");
  for (OpOperand *operand : weight.operands)
    replaceConstant(*operand, weight.value, name, symbols);
  SymbolTableCollection collection;
  weight.global = getConstantGlobal(weight.operands.front()->get(), &collection);
}
