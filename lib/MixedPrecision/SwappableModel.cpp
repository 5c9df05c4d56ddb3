//===- SwappableModel.cpp - Native code whose weights change ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/MixedPrecision/SwappableModel.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "terse/Support/Constants.h"
#include "terse/Support/Error.h"
#include "terse/Support/MLIRBridge.h"

#include <cstring>

using namespace mlir;
using namespace terse;
using namespace terse::mixed;

/// Numbers from here to twice that are whole and exact in f32, and no trained parameter is one of
/// them.
static constexpr uint32_t kMark = 1u << 23;

llvm::Expected<std::unique_ptr<SwappableModel>>
SwappableModel::create(ModuleOp module, llvm::ArrayRef<std::string> symbols,
                       const CompileOptions &options) {
  std::unique_ptr<SwappableModel> result(new SwappableModel);
  result->module = OwningOpRef<ModuleOp>(module.clone());
  result->options = options;
  SymbolTable table(*result->module);
  for (const std::string &symbol : symbols) {
    auto global = table.lookup<ml_program::GlobalOp>(symbol);
    if (!global)
      return makeError("there is no weight '{0}'", symbol);
    auto values = readGlobal(global);
    if (!values)
      return values.takeError();
    if (values->dtype != DType::f32())
      return makeError("weight '{0}' is {1}; expected f32", symbol, values->getTypeString());
    result->weights.push_back({symbol, std::move(*values), {}, {}});
  }
  auto compiled = JITModel::create(*result->module, options);
  if (!compiled)
    return compiled.takeError();
  result->model = std::move(*compiled);
  auto found = result->findPlaces();
  if (!found)
    return found.takeError();
  result->inPlace = *found;
  return result;
}

OwningOpRef<ModuleOp> SwappableModel::cloneWith(llvm::function_ref<HostTensor(size_t)> getValues) {
  OwningOpRef<ModuleOp> copy(module->clone());
  SymbolTable table(*copy);
  for (auto [i, weight] : llvm::enumerate(weights)) {
    auto global = table.lookup<ml_program::GlobalOp>(weight.symbol);
    auto data = toDenseResource(getValues(i), weight.symbol, copy->getContext());
    global.setValueAttr(
        DenseResourceElementsAttr::get(cast<ShapedType>(global.getType()), data.getRawHandle()));
  }
  return copy;
}

llvm::Expected<bool> SwappableModel::findPlaces() {
  // Three layouts: each word says its weight, then the low and the high part of its element's
  // number.
  auto layOut = [&](llvm::function_ref<uint64_t(size_t, uint64_t)> getNumber) {
    OwningOpRef<ModuleOp> marked = cloneWith([&](size_t w) {
      HostTensor values = HostTensor::zeros(DType::f32(), weights[w].values.shape);
      for (auto [i, value] : llvm::enumerate(values.getMutableAs<float>()))
        value = float(kMark + getNumber(w, i));
      return values;
    });
    return layOutWeights(*marked, options);
  };
  bool isLarge = llvm::any_of(
      weights, [](const Weight &w) { return w.values.getNumElements() > int64_t(kMark); });
  std::vector<CompiledCode> layouts;
  for (int part = 0; part < (isLarge ? 3 : 2); ++part) {
    auto code = layOut([&](size_t w, uint64_t i) {
      return part == 0 ? w : part == 1 ? i % kMark : i / kMark;
    });
    if (!code)
      return code.takeError();
    layouts.push_back(std::move(*code));
  }

  llvm::ArrayRef<WeightSlot> slots = model->getWeightSlots();
  const uint8_t *blob = model->getWeights().data();
  auto read = [](const char *bytes, uint64_t word) {
    float value;
    std::memcpy(&value, bytes + 4 * word, 4);
    return value;
  };
  auto isMark = [](float value) { return value >= float(kMark) && value < 2 * float(kMark); };
  for (const CompiledCode &code : layouts)
    if (code.weights.size() != slots.size())
      return false;
  for (auto [s, slot] : llvm::enumerate(slots)) {
    bool same = true;
    for (const CompiledCode &code : layouts) {
      const WeightSlot &marked = code.weights[s];
      same &= marked.offset == slot.offset && marked.bytes == slot.bytes &&
              marked.data.size() >= marked.bytes;
    }
    if (!same || slot.offset / 4 + slot.bytes / 4 > std::numeric_limits<uint32_t>::max())
      return false;
    const char *values = reinterpret_cast<const char *>(blob + slot.offset);
    for (uint64_t word = 0; word < slot.bytes / 4; ++word) {
      float which = read(layouts[0].weights[s].data.data(), word),
            low = read(layouts[1].weights[s].data.data(), word);
      float high = isLarge ? read(layouts[2].weights[s].data.data(), word) : float(kMark);
      if (isMark(which) && isMark(low) && isMark(high)) {
        uint64_t w = uint64_t(which) - kMark,
                 element = (uint64_t(high) - kMark) * kMark + uint64_t(low) - kMark;
        // It is an element only if the element's value stands there.
        if (w < weights.size() && element < uint64_t(weights[w].values.getNumElements()) &&
            std::memcmp(&weights[w].values.getAs<float>()[element], values + 4 * word, 4) == 0) {
          weights[w].words.push_back(uint32_t(slot.offset / 4 + word));
          weights[w].elements.push_back(uint32_t(element));
          continue;
        }
      }
      for (const CompiledCode &code : layouts)
        if (std::memcmp(code.weights[s].data.data() + 4 * word, values + 4 * word, 4) != 0)
          return false;
    }
  }
  // A weight that stands nowhere has been computed with.
  return llvm::all_of(
      weights, [](const Weight &w) { return !w.words.empty() || w.values.getNumElements() == 0; });
}

llvm::Error SwappableModel::set(size_t index, const HostTensor &values) {
  Weight &weight = weights[index];
  if (values.shape != weight.values.shape || values.dtype != DType::f32())
    return makeError("weight '{0}' is {1}, not {2}", weight.symbol, weight.values.getTypeString(),
                     values.getTypeString());
  weight.values = values;
  if (!inPlace) {
    stale = true;
    return llvm::Error::success();
  }
  uint8_t *blob = model->getWeights().data();
  llvm::ArrayRef<float> elements = values.getAs<float>();
  for (auto [word, element] : llvm::zip(weight.words, weight.elements))
    std::memcpy(blob + 4 * uint64_t(word), &elements[element], 4);
  return llvm::Error::success();
}

llvm::Error SwappableModel::refresh() {
  if (!stale)
    return llvm::Error::success();
  OwningOpRef<ModuleOp> current = cloneWith([&](size_t w) { return weights[w].values; });
  auto compiled = JITModel::create(*current, options);
  if (!compiled)
    return compiled.takeError();
  model = std::move(*compiled);
  stale = false;
  return llvm::Error::success();
}

llvm::Expected<std::vector<HostTensor>> SwappableModel::run(llvm::ArrayRef<HostTensor> inputs) {
  if (llvm::Error error = refresh())
    return std::move(error);
  return model->run(inputs);
}
