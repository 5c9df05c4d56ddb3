//===- LayerErrors.cpp - Where a compressed model errs ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layers are observed, fed and disturbed through further inputs and results of
// the entry function: whatever compiles and runs models knows nothing of it.
//
//===----------------------------------------------------------------------===//

#include "terse/Evaluation/LayerErrors.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/NN/Transforms/Passes.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Support/Error.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace terse;

namespace {

using NamedValues = llvm::MapVector<StringRef, Value>;

/// The named float values of a model; the last one of a name.
llvm::Expected<NamedValues> getLayers(ModuleOp module) {
  auto function = findEntryFunction(module);
  if (!function)
    return function.takeError();
  NamedValues result;
  for (Operation &op : function->getBody().front()) {
    StringRef name = getLocationName(op.getLoc());
    SymbolTableCollection symbols;
    for (Value value : op.getResults()) {
      auto type = dyn_cast<RankedTensorType>(value.getType());
      if (name.empty() || !type || !type.getElementType().isF32() || type.getEncoding() ||
          getConstantSource(value, symbols) || op.getNumOperands() == 0 || value != op.getResult(0))
        continue;
      result[name] = value;
    }
  }
  return result;
}

size_t countMissing(const NamedValues &names, const NamedValues &from) {
  return llvm::count_if(names, [&](const auto &entry) { return !from.contains(entry.first); });
}

/// The float model in the form that the compressed one has: with or without its batch norms folded.
llvm::Expected<OwningOpRef<ModuleOp>> prepareReference(ModuleOp reference,
                                                       const NamedValues &compressed) {
  OwningOpRef<ModuleOp> plain(reference.clone()), folded(reference.clone());
  PassManager manager = PassManager::on<ModuleOp>(reference.getContext());
  manager.addPass(nn::createNNFoldBatchNormPass());
  manager.addPass(nn::createNNFoldConstantsPass());
  manager.addPass(createCanonicalizerPass());
  if (failed(manager.run(*folded)))
    return plain;
  auto own = getLayers(*plain), other = getLayers(*folded);
  if (!own || !other) {
    llvm::consumeError(other.takeError());
    return own ? std::move(plain) : llvm::Expected<OwningOpRef<ModuleOp>>(own.takeError());
  }
  return countMissing(*other, compressed) < countMissing(*own, compressed) ? std::move(folded)
                                                                           : std::move(plain);
}

/// A copy of a model with layers that can be seen, fed or disturbed.
class Instrumented {
public:
  Instrumented(ModuleOp original, ArrayRef<StringRef> names)
      : module(original.clone()), names(names) {}

  llvm::Error prepare() {
    auto found = findEntryFunction(*module);
    if (!found)
      return found.takeError();
    function = *found;
    auto layers = getLayers(*module);
    if (!layers)
      return layers.takeError();
    for (StringRef name : names)
      values.push_back(layers->lookup(name));
    return llvm::Error::success();
  }

  /// Layers become results, behind the model's own or in their place.
  void show(bool keepResults) {
    Operation *end = function.getBody().front().getTerminator();
    if (!keepResults) {
      end->setOperands({});
      function.setResAttrsAttr(nullptr);
    }
    end->insertOperands(end->getNumOperands(), values);
    if (ArrayAttr attributes = function.getResAttrsAttr()) {
      SmallVector<Attribute> all(attributes.getValue());
      all.resize(end->getNumOperands(), DictionaryAttr::get(function.getContext()));
      function.setResAttrsAttr(ArrayAttr::get(function.getContext(), all));
    }
    updateType();
  }

  /// Whatever reads a layer reads a new argument.
  void feed() {
    Operation *end = function.getBody().front().getTerminator();
    for (Value value : values) {
      Value argument = addArgument(value.getType());
      value.replaceUsesWithIf(argument, [&](OpOperand &use) { return use.getOwner() != end; });
    }
    updateType();
  }

  /// Whatever reads a layer reads the sum of it and a new argument.
  void disturb() {
    for (Value value : values) {
      Value argument = addArgument(value.getType());
      OpBuilder builder(value.getContext());
      builder.setInsertionPointAfterValue(value);
      auto sum = nn::BinaryOp::create(builder, value.getLoc(), value.getType(), nn::BinaryKind::Add,
                                      value, argument);
      value.replaceAllUsesExcept(sum.getResult(), sum);
    }
    updateType();
  }

  llvm::Expected<std::unique_ptr<JITModel>> compile(const CompileOptions &options) {
    return JITModel::create(*module, options);
  }

private:
  Value addArgument(Type type) {
    unsigned index = function.getNumArguments();
    auto name = StringAttr::get(function.getContext(), "layer." + Twine(index));
    // The attribute goes with it, so that names stay as many as arguments.
    (void)function.insertArgument(
        index, type,
        DictionaryAttr::get(
            function.getContext(),
            NamedAttribute(StringAttr::get(function.getContext(), "nn.name"), name)),
        function.getLoc());
    return function.getArgument(index);
  }
  void updateType() {
    Block &block = function.getBody().front();
    function.setFunctionType(FunctionType::get(function.getContext(), block.getArgumentTypes(),
                                               block.getTerminator()->getOperandTypes()));
  }

  OwningOpRef<ModuleOp> module;
  ArrayRef<StringRef> names;
  func::FuncOp function;
  SmallVector<Value> values;
};

} // namespace

llvm::Expected<std::vector<LayerError>> terse::measureLayerErrors(
    ModuleOp original, ModuleOp compressed, const Dataset &data, int64_t samples,
    llvm::function_ref<void(StringRef, const HostTensor &)> see, const CompileOptions &options) {
  auto ownLayers = getLayers(compressed);
  if (!ownLayers)
    return ownLayers.takeError();
  auto reference = prepareReference(original, *ownLayers);
  if (!reference)
    return reference.takeError();
  auto floatLayers = getLayers(**reference);
  if (!floatLayers)
    return floatLayers.takeError();
  SmallVector<StringRef> names;
  for (auto &[name, value] : *ownLayers)
    if (Value other = floatLayers->lookup(name); other && other.getType() == value.getType())
      names.push_back(name);
  std::vector<LayerError> errors(names.size());
  for (auto [error, name] : llvm::zip(errors, names))
    error.name = name.str();

  Instrumented shown(**reference, names), disturbed(**reference, names), own(compressed, names),
      cut(compressed, names);
  std::unique_ptr<JITModel> models[4];
  Instrumented *order[] = {&shown, &disturbed, &own, &cut};
  for (auto [model, instrumented] : llvm::zip(models, order)) {
    if (llvm::Error error = instrumented->prepare())
      return std::move(error);
    if (instrumented == &disturbed)
      instrumented->disturb();
    else
      instrumented->show(/*keepResults=*/instrumented == &shown);
    if (instrumented == &cut)
      instrumented->feed();
    auto compiled = instrumented->compile(options);
    if (!compiled)
      return compiled.takeError();
    model = std::move(*compiled);
  }
  auto signature = getSignature(compressed);
  if (!signature)
    return signature.takeError();
  auto arrays = data.bind(*signature);
  if (!arrays)
    return arrays.takeError();
  int64_t batch = getBatchSize(*signature, 1);
  for (int64_t sample = 0; sample < std::min(samples, data.size()); ++sample) {
    std::vector<HostTensor> inputs = Dataset::slice(*arrays, sample * batch, batch);
    auto floats = models[0]->run(inputs);
    if (!floats)
      return floats.takeError();
    size_t outputs = floats->size() - names.size();
    auto accumulated = models[2]->run(inputs);
    if (!accumulated)
      return accumulated.takeError();
    std::vector<HostTensor> fed = inputs;
    llvm::append_range(fed, llvm::drop_begin(*floats, outputs));
    auto local = models[3]->run(fed);
    if (!local)
      return local.takeError();
    if (see) {
      for (auto [input, described] : llvm::zip(inputs, signature->inputs))
        see(described.name, input);
      for (auto [name, value] : llvm::zip(names, *accumulated))
        see(name, value);
    }

    std::vector<HostTensor> disturbances = inputs;
    for (HostTensor &value : llvm::MutableArrayRef(*floats).drop_front(outputs))
      disturbances.push_back(HostTensor::zeros(DType::f32(), value.shape));
    for (auto [i, error] : llvm::enumerate(errors)) {
      const HostTensor &before = (*floats)[outputs + i], &after = (*local)[i];
      error.local.add(before, after);
      error.accumulated.add(before, (*accumulated)[i]);
      HostTensor &difference = disturbances[inputs.size() + i];
      bool any = false;
      for (auto [to, a, b] : llvm::zip(difference.getMutableAs<float>(), after.getAs<float>(),
                                       before.getAs<float>())) {
        to = a - b;
        any |= to != 0;
      }
      if (!any) {
        for (size_t o = 0; o < outputs; ++o)
          error.output.add((*floats)[o], (*floats)[o]);
        continue;
      }
      auto results = models[1]->run(disturbances);
      if (!results)
        return results.takeError();
      for (size_t o = 0; o < outputs; ++o)
        error.output.add((*floats)[o], (*results)[o]);
      difference = HostTensor::zeros(DType::f32(), before.shape);
    }
  }
  return errors;
}
