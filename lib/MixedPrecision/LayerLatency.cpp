//===- LayerLatency.cpp - How long a layer takes in a format ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/MixedPrecision/LayerLatency.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Pass/PassManager.h"
#include "terse/Dialect/NN/Transforms/ConstantBuilder.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"
#include "terse/Support/Constants.h"
#include "terse/Support/Error.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/ADT/MapVector.h"

#include <chrono>
#include <map>

using namespace mlir;
using namespace terse;
using namespace terse::mixed;

namespace {

/// One op as a model of its own.
struct Probe {
  std::unique_ptr<JITModel> model;
  std::vector<HostTensor> inputs;
  std::vector<double> times;
};

/// With a leading dynamic dimension of 1; null if other sizes are not known.
RankedTensorType fixBatch(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return {};
  SmallVector<int64_t> shape(tensor.getShape());
  if (!shape.empty() && ShapedType::isDynamic(shape.front()))
    shape.front() = 1;
  auto fixed = tensor.clone(shape);
  return fixed.hasStaticShape() ? cast<RankedTensorType>(fixed) : RankedTensorType();
}

/// A module whose main computes `op`, with the weights' choices; null if sizes are not known.
OwningOpRef<ModuleOp> isolate(Operation *op, ArrayRef<std::pair<OpOperand *, Attribute>> choices) {
  MLIRContext *context = op->getContext();
  OwningOpRef<ModuleOp> module(ModuleOp::create(op->getLoc()));
  OpBuilder builder(module->getBodyRegion());
  auto function =
      func::FuncOp::create(builder, op->getLoc(), "main", builder.getFunctionType({}, {}));
  Block *body = function.addEntryBlock();
  SymbolTable symbols(*module);
  SymbolTableCollection originals;
  Operation *copy = op->clone();
  builder.setInsertionPointToStart(body);
  for (OpOperand &operand : copy->getOpOperands()) {
    Value value = operand.get();
    ConstantSource source = getConstantSource(value, originals);
    auto type = dyn_cast<RankedTensorType>(value.getType());
    std::optional<HostTensor> content = source.global ? getConstant(value) : std::nullopt;
    if (content && type && !type.getEncoding()) {
      // A blob of its own: the one of the model is released with the last use that encoding sees.
      operand.set(nn::createConstant(builder, op->getLoc(), *content, type, source.name, symbols));
    } else if (source.global) {
      copy->destroy();
      return {};
    } else if (source) {
      operand.set(builder.clone(*value.getDefiningOp())
                      ->getResult(cast<OpResult>(value).getResultNumber()));
    } else {
      RankedTensorType type = fixBatch(value.getType());
      if (!type) {
        copy->destroy();
        return {};
      }
      operand.set(body->addArgument(type, op->getLoc()));
    }
  }
  copy->removeDiscardableAttr(ChoiceAttr::kAttrName);
  builder.insert(copy);
  SmallVector<Type> types;
  auto infer = dyn_cast<InferTypeOpInterface>(copy);
  if (infer && succeeded(infer.inferReturnTypes(
                   context, std::nullopt, copy->getOperands(), copy->getAttrDictionary(),
                   copy->getPropertiesStorage(), copy->getRegions(), types)))
    for (auto [result, type] : llvm::zip(copy->getResults(), types))
      result.setType(type);
  else
    for (Value result : copy->getResults()) {
      RankedTensorType type = fixBatch(result.getType());
      if (!type)
        return {};
      result.setType(type);
    }
  func::ReturnOp::create(builder, op->getLoc(), copy->getResults());
  function.setFunctionType(
      builder.getFunctionType(body->getArgumentTypes(), copy->getResultTypes()));
  for (auto [operand, choice] : choices)
    ChoiceAttr::set(copy->getOpOperand(operand->getOperandNumber()), choice);
  return module;
}

llvm::Expected<std::optional<Probe>>
makeProbe(Operation *op, ArrayRef<std::pair<OpOperand *, Attribute>> choices) {
  OwningOpRef<ModuleOp> module = isolate(op, choices);
  if (!module)
    return std::nullopt;
  PassManager manager = PassManager::on<ModuleOp>(op->getContext());
  manager.addPass(createApplyEncodingsPass());
  if (failed(manager.run(*module)))
    return makeError("layer '{0}' cannot be timed", getLayerName(op));
  auto compiled = JITModel::create(*module);
  if (!compiled)
    return compiled.takeError();
  Probe probe;
  probe.model = std::move(*compiled);
  for (const TensorSignature &input : probe.model->getInputs()) {
    HostTensor tensor = HostTensor::zeros(input.dtype, input.shape);
    // Numbers of usual size: zeros and denormal ones may be faster or slower.
    if (input.dtype.isFloat())
      for (int64_t i = 0; i < tensor.getNumElements(); ++i)
        tensor.setFromDouble(i, double(i % 17) / 8 - 1);
    probe.inputs.push_back(std::move(tensor));
  }
  return std::optional<Probe>(std::move(probe));
}

llvm::Error timeProbes(MutableArrayRef<std::optional<Probe>> probes) {
  constexpr int kRuns = 15, kWarmUp = 2;
  for (int run = -kWarmUp; run < kRuns; ++run)
    for (std::optional<Probe> &probe : probes) {
      if (!probe)
        continue;
      auto start = std::chrono::steady_clock::now();
      auto outputs = probe->model->run(probe->inputs);
      std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
      if (!outputs)
        return outputs.takeError();
      if (run >= 0)
        probe->times.push_back(time.count());
    }
  return llvm::Error::success();
}

uint64_t getMedian(std::vector<double> times) {
  if (times.empty())
    return 0;
  llvm::sort(times);
  return uint64_t(times[times.size() / 2]);
}

/// What decides how long an op takes: everything but names and values.
std::string describe(Operation *op, const Unit &unit, size_t unitIndex,
                     ArrayRef<std::vector<EncodedUnit>> encoded) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << op->getName() << " " << op->getPropertiesAsAttribute();
  for (Type type : op->getOperandTypes())
    os << " " << type;
  for (const std::vector<EncodedUnit> &units : encoded) {
    os << " | " << units[unitIndex].obstacle;
    for (const EncodedWeight &weight : units[unitIndex].weights) {
      auto given = dyn_cast<StaticAttr>(weight.choice);
      os << " " << (given ? Attribute(given.getEncoding()) : weight.choice);
    }
    for (auto [operand, choice] : units[unitIndex].others)
      if (operand->getOwner() == op)
        os << " " << operand->getOperandNumber() << " as integers";
  }
  return text;
}

} // namespace

llvm::Error terse::mixed::measureTimes(const Inventory &inventory,
                                       ArrayRef<std::vector<EncodedUnit>> encoded,
                                       SensitivityTable &table) {
  // The float time and that of each candidate.
  std::map<std::string, std::vector<uint64_t>> known;
  bool any = false;
  for (auto [u, unit] : llvm::enumerate(inventory.units)) {
    std::vector<uint64_t> sums(encoded.size() + 1, 0);
    for (Operation *op : unit.ops) {
      std::string key = describe(op, unit, u, encoded);
      auto [it, inserted] = known.try_emplace(key);
      if (inserted) {
        std::vector<std::optional<Probe>> probes;
        for (size_t c = 0; c <= encoded.size(); ++c) {
          SmallVector<std::pair<OpOperand *, Attribute>> choices;
          if (c > 0 && encoded[c - 1][u].obstacle.empty())
            for (auto [constant, weight] : llvm::zip(unit.constants, encoded[c - 1][u].weights))
              for (OpOperand *operand : inventory.constants[constant].operands)
                if (operand->getOwner() == op)
                  choices.push_back({operand, weight.choice});
          if (!choices.empty())
            for (auto [operand, choice] : encoded[c - 1][u].others)
              if (operand->getOwner() == op)
                choices.push_back({operand, choice});
          if (c > 0 && choices.empty()) {
            probes.emplace_back();
            continue;
          }
          auto probe = makeProbe(op, choices);
          if (!probe)
            return probe.takeError();
          probes.push_back(std::move(*probe));
        }
        if (llvm::Error error = timeProbes(probes))
          return error;
        for (std::optional<Probe> &probe : probes)
          it->second.push_back(probe ? getMedian(probe->times) : 0);
      }
      any |= it->second.front() > 0;
      for (auto [sum, time] : llvm::zip_equal(sums, it->second))
        sum += time;
    }
    UnitSensitivity &row = table.units[u];
    row.nanoseconds = sums.front();
    for (auto [option, time] : llvm::zip_equal(row.options, llvm::drop_begin(sums)))
      option.nanoseconds = option.obstacle.empty() ? time : 0;
  }
  if (!any && !inventory.units.empty())
    return makeError(
        "no layer can be timed, because sizes of the model are not known: give them with --dim");
  table.hasTimes = true;
  return llvm::Error::success();
}

llvm::Expected<uint64_t> terse::mixed::measureModelTime(ModuleOp module,
                                                        ArrayRef<HostTensor> inputs) {
  OwningOpRef<ModuleOp> copy(module.clone());
  removeObservers(*copy);
  auto compiled = JITModel::create(*copy);
  if (!compiled)
    return compiled.takeError();
  std::optional<Probe> probe(Probe{std::move(*compiled), inputs.vec(), {}});
  if (llvm::Error error = timeProbes(probe))
    return std::move(error);
  return getMedian(probe->times);
}
