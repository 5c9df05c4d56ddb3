//===- Simulation.cpp - What a model is going to compute --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Simulation.h"

#include "RoundedLayers.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Pass/PassManager.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/NN/IR/NNQuantization.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/ModelIO/ModelFile.h"
#include "terse/Recovery/ChosenWeights.h"
#include "terse/Reference/Interpreter.h"
#include "terse/Support/Constants.h"
#include "terse/Support/Error.h"

using namespace mlir;
using namespace terse;

struct Simulation::Impl {
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  std::unique_ptr<Interpreter> interpreter;
  std::unique_ptr<JITModel> native;
  std::vector<HostTensor> biases;
  std::vector<std::vector<double>> added;
  size_t outputs = 0;
};

Simulation::Simulation(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Simulation::~Simulation() = default;

/// Removes the choices of `op` that `isGone` names.
static void dropChoices(Operation *op, llvm::function_ref<bool(int64_t, Attribute)> isGone) {
  ChoiceAttr choice = ChoiceAttr::get(op);
  if (!choice)
    return;
  SmallVector<int64_t> operands;
  SmallVector<Attribute> values;
  for (auto [number, value] : llvm::zip(choice.getOperands(), choice.getValues()))
    if (!isGone(number, value)) {
      operands.push_back(number);
      values.push_back(value);
    }
  op->removeDiscardableAttr(ChoiceAttr::kAttrName);
  if (!operands.empty())
    op->setDiscardableAttr(ChoiceAttr::kAttrName,
                           ChoiceAttr::get(op->getContext(), operands, values));
}

static bool isWeight(const OpOperand &operand) {
  auto contraction = dyn_cast<nn::ContractionLike>(operand.getOwner());
  return contraction && &operand == &contraction.getWeightOperand();
}

llvm::Error terse::carryOutActivations(ModuleOp module, bool apply) {
  SymbolTableCollection symbols;
  module.walk([&](Operation *op) {
    dropChoices(op, [&](int64_t number, Attribute value) {
      if (isa<StringAttr>(value))
        return false;
      OpOperand &operand = op->getOpOperand(number);
      return !apply || isa<ProductAttr>(value) ||
             (isWeight(operand) && getConstantSource(operand.get(), symbols));
    });
  });
  if (!apply)
    return llvm::Error::success();
  PassManager manager(module.getContext(), ModuleOp::getOperationName());
  manager.addPass(createApplyEncodingsPass());
  return succeeded(manager.run(module)) ? llvm::Error::success()
                                        : makeError("the choices cannot be carried out");
}

/// Weights become what they decode to.
static llvm::Error roundWeights(ModuleOp module) {
  FailureOr<std::vector<ChosenWeight>> weights = collectChosenWeights(module);
  if (failed(weights))
    return makeError("a chosen encoding is not legal");
  SymbolTable symbols(module);
  for (ChosenWeight &weight : *weights) {
    // Constants that take part as data are encoded as such.
    if (!isWeight(*weight.operands.front()))
      continue;
    FailureOr<SmallVector<HostTensor>> parameters = weight.getParameters();
    FailureOr<HostTensor> rounded =
        failed(parameters) ? FailureOr<HostTensor>() : weight.round(*parameters);
    if (failed(rounded))
      return makeError("a weight cannot be encoded");
    replaceWeight(weight, *rounded, symbols);
  }
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<Simulation>>
Simulation::create(ModuleOp module, ArrayRef<nn::ContractionLike> layers, bool interpret) {
  auto impl = std::make_unique<Impl>();
  IRMapping mapping;
  impl->module = cast<ModuleOp>(module->clone(mapping));
  MLIRContext *context = module.getContext();
  if (llvm::Error error = roundWeights(*impl->module))
    return std::move(error);
  if (llvm::Error error = carryOutActivations(*impl->module, /*apply=*/true))
    return std::move(error);
  auto function = findEntryFunction(*impl->module);
  if (!function)
    return function.takeError();
  impl->function = *function;
  impl->outputs = function->getNumResults();

  OpBuilder builder(context);
  SmallVector<Value> means;
  for (auto [i, layer] : llvm::enumerate(layers)) {
    nn::ContractionLike original = layer;
    auto op = cast<nn::ContractionLike>(mapping.lookup(original.getOperation()));
    int64_t axis = op.getResultChannelAxis();
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    OpOperand *bias = op.getBiasOperand();
    impl->biases.push_back(bias ? getConstant(bias->get())->convertTo(DType::f32())
                                : HostTensor::zeros(DType::f32(), {type.getDimSize(axis)}));
    impl->added.emplace_back(impl->biases.back().getNumElements(), 0.0);
    auto name = builder.getNamedAttr("nn.name", builder.getStringAttr("bias." + Twine(i)));
    unsigned number = function->getNumArguments();
    if (failed(function->insertArgument(
            number, RankedTensorType::get(impl->biases.back().shape, builder.getF32Type()),
            builder.getDictionaryAttr(name), op->getLoc())))
      return makeError("the model cannot be given a further input");
    cast<nn::Biased>(op.getOperation()).setBias(function->getArgument(number));
    SmallVector<int64_t> axes;
    for (int64_t d = 0; d < type.getRank(); ++d)
      if (d != axis)
        axes.push_back(d);
    builder.setInsertionPointAfter(op);
    means.push_back(nn::ReduceOp::create(builder, op->getLoc(), nn::ReduceKind::Mean,
                                         op->getResult(0), axes, false));
  }
  Operation *terminator = function->getBody().front().getTerminator();
  for (auto [i, mean] : llvm::enumerate(means)) {
    auto name = builder.getNamedAttr("nn.name", builder.getStringAttr("mean." + Twine(i)));
    if (failed(function->insertResult(function->getNumResults(), mean.getType(),
                                      builder.getDictionaryAttr(name))))
      return makeError("the model cannot be given a further output");
  }
  terminator->insertOperands(terminator->getNumOperands(), means);
  removeObservers(*impl->module);
  if (interpret) {
    impl->interpreter = std::make_unique<Interpreter>(*impl->module);
  } else {
    auto created = JITModel::create(*impl->module);
    if (!created)
      return created.takeError();
    impl->native = std::move(*created);
  }
  return std::unique_ptr<Simulation>(new Simulation(std::move(impl)));
}

void Simulation::addToBias(size_t layer, ArrayRef<double> amounts) {
  MutableArrayRef<float> bias = impl->biases[layer].getMutableAs<float>();
  for (auto [value, added, amount] : llvm::zip_equal(bias, impl->added[layer], amounts)) {
    // From the sum, so that steps do not round away.
    double original = double(value) - added;
    added += amount;
    value = float(original + added);
  }
}

ArrayRef<double> Simulation::getAdded(size_t layer) const { return impl->added[layer]; }

llvm::Expected<std::vector<std::vector<double>>>
Simulation::run(ArrayRef<std::vector<HostTensor>> samples) {
  std::vector<std::vector<double>> sums;
  for (const HostTensor &bias : impl->biases)
    sums.emplace_back(bias.getNumElements(), 0.0);
  for (const std::vector<HostTensor> &sample : samples) {
    std::vector<HostTensor> inputs = sample;
    llvm::append_range(inputs, impl->biases);
    auto results = impl->interpreter ? impl->interpreter->call(impl->function, inputs)
                                     : impl->native->run(inputs);
    if (!results)
      return results.takeError();
    for (auto [i, sum] : llvm::enumerate(sums))
      for (auto [total, mean] : llvm::zip_equal(sum, (*results)[impl->outputs + i].getAs<float>()))
        total += double(mean) / double(samples.size());
  }
  return sums;
}
