//===- Signature.cpp - Inputs and outputs of models -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/ModelIO/ModelFile.h"
#include "terse/Support/Error.h"
#include "terse/Support/MLIRBridge.h"
#include "terse/Support/Npy.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace terse;

llvm::Expected<func::FuncOp> terse::findEntryFunction(ModuleOp module) {
  if (auto main = module.lookupSymbol<func::FuncOp>("main"))
    if (!main.isExternal())
      return main;
  func::FuncOp found;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isExternal() || function.isPrivate())
      continue;
    if (found)
      return makeError("the module has no function 'main' but several public ones, '{0}' and '{1}'",
                       found.getSymName(), function.getSymName());
    found = function;
  }
  if (!found)
    return makeError("the module has no function 'main'");
  return found;
}

static llvm::Expected<TensorSignature> describe(Type type, Attribute name, const char *kind,
                                                unsigned index) {
  TensorSignature signature;
  if (auto text = dyn_cast_or_null<StringAttr>(name))
    signature.name = text.str();
  else
    signature.name = kind + std::to_string(index);
  auto tensor = dyn_cast<RankedTensorType>(type);
  std::optional<DType> dtype = tensor ? toDType(tensor.getElementType()) : std::nullopt;
  if (!dtype)
    return makeError("{0} '{1}' has type {2}, which no file can hold", kind, signature.name, type);
  signature.dtype = *dtype;
  for (int64_t size : tensor.getShape())
    signature.shape.push_back(ShapedType::isDynamic(size) ? -1 : size);
  return signature;
}

llvm::Expected<ModelSignature> terse::getSignature(ModuleOp module) {
  auto entry = findEntryFunction(module);
  if (!entry)
    return entry.takeError();
  ModelSignature signature;
  FunctionType type = entry->getFunctionType();
  for (auto [index, input] : llvm::enumerate(type.getInputs())) {
    auto described = describe(input, entry->getArgAttr(index, "nn.name"), "input", index);
    if (!described)
      return described.takeError();
    if (auto names = entry->getArgAttrOfType<ArrayAttr>(index, "nn.dims"))
      for (Attribute name : names)
        described->dimNames.push_back(isa<StringAttr>(name) ? cast<StringAttr>(name).str() : "");
    signature.inputs.push_back(std::move(*described));
  }
  for (auto [index, output] : llvm::enumerate(type.getResults())) {
    auto described = describe(output, entry->getResultAttr(index, "nn.name"), "output", index);
    if (!described)
      return described.takeError();
    signature.outputs.push_back(std::move(*described));
  }
  return signature;
}

llvm::Error terse::checkInput(const TensorSignature &expected, const HostTensor &tensor,
                              StringRef source) {
  bool fits = tensor.dtype == expected.dtype && tensor.shape.size() == expected.shape.size();
  for (size_t axis = 0; fits && axis < expected.shape.size(); ++axis)
    fits = expected.shape[axis] < 0 || expected.shape[axis] == tensor.shape[axis];
  if (fits)
    return llvm::Error::success();
  return makeError("'{0}': array '{1}' is {2}, but the model's input of that name is {3}", source,
                   expected.name, tensor.getTypeString(), expected.getTypeString());
}

llvm::Expected<std::vector<HostTensor>>
terse::bindInputs(const ModelSignature &signature,
                  llvm::ArrayRef<std::pair<std::string, HostTensor>> tensors, StringRef source) {
  std::vector<HostTensor> inputs;
  for (const TensorSignature &input : signature.inputs) {
    auto it = llvm::find_if(tensors, [&](const auto &named) { return named.first == input.name; });
    if (it == tensors.end()) {
      std::string names;
      for (const auto &named : tensors)
        names += (names.empty() ? "" : ", ") + named.first;
      return makeError(
          "'{0}': there is no array for the model's input '{1}' ({2}); the file has {3}", source,
          input.name, input.getTypeString(), names.empty() ? "none" : names);
    }
    // Files of NumPy have no elements of less than a byte; narrower integers come widened.
    HostTensor tensor = it->second;
    if (tensor.dtype != input.dtype &&
        widenForNumpy(HostTensor::zeros(input.dtype, {0})).dtype == tensor.dtype)
      tensor = tensor.convertTo(input.dtype);
    if (llvm::Error error = checkInput(input, tensor, source))
      return std::move(error);
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}
