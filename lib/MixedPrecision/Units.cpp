//===- Units.cpp - What mixed precision decides about -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/MixedPrecision/Units.h"

#include "mlir/IR/IRMapping.h"
#include "terse/Dialect/NN/IR/NNInterfaces.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/MixedPrecision/RoundedActivations.h"
#include "terse/Support/Error.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/xxhash.h"

#include <cmath>

using namespace mlir;
using namespace terse;
using namespace terse::mixed;

static bool isUndecided(OpOperand &operand) {
  ChoiceAttr choice = ChoiceAttr::get(operand.getOwner());
  return !choice || !choice.lookup(operand.getOperandNumber());
}

/// The operations of an op on one sample: a leading dynamic dimension counts as 1.
static uint64_t countOperations(Operation *op) {
  if (auto contraction = dyn_cast<nn::ContractionLike>(op)) {
    auto result = cast<RankedTensorType>(op->getResult(0).getType());
    auto weight = dyn_cast<RankedTensorType>(contraction.getWeightOperand().get().getType());
    if (!weight || !weight.hasStaticShape())
      return 0;
    uint64_t count = 1;
    for (auto [d, size] : llvm::enumerate(result.getShape()))
      if (!ShapedType::isDynamic(size))
        count *= uint64_t(size);
      else if (d > 0)
        return 0;
    for (int64_t axis : contraction.getContractionAxes())
      count *= uint64_t(weight.getDimSize(axis));
    return count;
  }
  if (auto cost = dyn_cast<nn::CostModel>(op))
    return cost.getOperationCount().value_or(0);
  return 0;
}

Inventory terse::mixed::takeInventory(ModuleOp module,
                                      llvm::function_ref<bool(StringRef)> isIncluded) {
  SymbolTableCollection symbols;
  // By the global or the op that holds the constant.
  llvm::MapVector<Operation *, WeightConstant> found;
  llvm::DenseSet<Operation *> refused;
  module.walk([&](Operation *op) {
    std::string layer = getLayerName(op);
    for (const WeightOperand &weight : getWeightOperands(op)) {
      OpOperand &operand = *weight.operand;
      ConstantSource source = getConstantSource(operand.get(), symbols);
      auto type = dyn_cast<RankedTensorType>(operand.get().getType());
      if (!source || !source.value || !type || terse::getEncoding(type) ||
          !type.getElementType().isF32() || !type.hasStaticShape() || type.getNumElements() == 0)
        continue;
      Operation *holder =
          source.global ? source.global.getOperation() : operand.get().getDefiningOp();
      if (!isIncluded(layer) || !isUndecided(operand)) {
        refused.insert(holder);
        continue;
      }
      WeightConstant &constant = found[holder];
      constant.source = source;
      constant.type = type;
      constant.operands.push_back(&operand);
    }
  });

  Inventory inventory;
  llvm::MapVector<StringRef, unsigned> layers; // In the order of the program.
  std::vector<std::string> names;
  llvm::EquivalenceClasses<unsigned> classes;
  llvm::DenseSet<unsigned> refusedLayers;
  auto getLayer = [&](Operation *op) {
    StringRef name = StringAttr::get(op->getContext(), getLayerName(op))
                         .getValue(); // Lives as long as the context.
    auto [it, inserted] = layers.insert({name, unsigned(names.size())});
    if (inserted)
      names.push_back(name.str());
    return it->second;
  };
  for (auto &[holder, constant] : found) {
    auto values = toHostTensor(constant.source.value);
    bool usable = bool(values) && !refused.contains(holder);
    if (!values)
      llvm::consumeError(values.takeError());
    else
      usable &= llvm::all_of(values->getAs<float>(), [](float x) { return std::isfinite(x); });
    unsigned first = getLayer(constant.operands.front()->getOwner());
    for (OpOperand *operand : constant.operands) {
      unsigned layer = getLayer(operand->getOwner());
      classes.unionSets(first, layer);
      if (!usable)
        refusedLayers.insert(layer);
    }
    if (!usable)
      continue;
    constant.values = std::move(*values);
    inventory.constants.push_back(std::move(constant));
  }

  llvm::DenseMap<unsigned, size_t> unitOf;
  auto getUnit = [&](unsigned layer) -> Unit & {
    auto [it, inserted] = unitOf.try_emplace(*classes.findLeader(layer), inventory.units.size());
    if (inserted)
      inventory.units.push_back({names[layer], {}, {}, {}});
    return inventory.units[it->second];
  };
  for (auto [layer, name] : llvm::enumerate(names))
    getUnit(unsigned(layer)).layers.push_back(name);
  for (auto [index, constant] : llvm::enumerate(inventory.constants)) {
    Unit &unit = getUnit(getLayer(constant.operands.front()->getOwner()));
    unit.constants.push_back(index);
    unit.elements += constant.type.getNumElements();
    unit.plainBytes += getPackedBytes(DType::f32(), constant.type.getNumElements());
    for (OpOperand *operand : constant.operands)
      if (!llvm::is_contained(unit.ops, operand->getOwner())) {
        unit.ops.push_back(operand->getOwner());
        unit.operations += countOperations(operand->getOwner());
      }
  }
  // One weight that cannot be decided about keeps the whole unit from it: a rule names layers.
  llvm::erase_if(inventory.units, [&](const Unit &unit) {
    return unit.constants.empty() || llvm::any_of(unit.layers, [&](const std::string &layer) {
             return refusedLayers.contains(layers.lookup(layer));
           });
  });
  return inventory;
}

llvm::Expected<ExternalizedModule> terse::mixed::externalizeWeights(ModuleOp module,
                                                                    const Inventory &inventory,
                                                                    ArrayRef<OpOperand *> rounded) {
  ExternalizedModule result;
  IRMapping mapping;
  result.module = OwningOpRef<ModuleOp>(cast<ModuleOp>(module->clone(mapping)));
  SymbolTable symbols(*result.module);
  for (const WeightConstant &constant : inventory.constants) {
    if (constant.source.global) {
      result.symbols.push_back(constant.source.name);
      continue;
    }
    OpBuilder builder = OpBuilder::atBlockBegin(result.module->getBody());
    auto data = toDenseResource(constant.values, "weight", module.getContext());
    auto value = DenseResourceElementsAttr::get(constant.type, data.getRawHandle());
    auto global =
        ml_program::GlobalOp::create(builder, module.getLoc(), "weight", constant.type,
                                     /*is_mutable=*/false, value, builder.getStringAttr("private"));
    symbols.insert(global); // Makes the name unique.
    result.symbols.push_back(global.getSymName().str());
    Value old = mapping.lookupOrNull(constant.operands.front()->get());
    if (!old)
      return makeError("weight '{0}' is not part of the module", constant.source.name);
    builder.setInsertionPointAfterValue(old);
    old.replaceAllUsesWith(ml_program::GlobalLoadConstOp::create(
                               builder, old.getLoc(), constant.type, FlatSymbolRefAttr::get(global))
                               .getResult());
  }
  for (OpOperand *operand : rounded) {
    Operation *op = mapping.lookup(operand->getOwner());
    if (llvm::Error error = insertRounding(op->getParentOfType<func::FuncOp>(),
                                           op->getOpOperand(operand->getOperandNumber())))
      return std::move(error);
  }
  removeObservers(*result.module);
  return std::move(result);
}

uint64_t terse::mixed::hashWeights(const Inventory &inventory) {
  uint64_t hash = 0;
  for (const WeightConstant &constant : inventory.constants) {
    uint64_t parts[] = {hash, llvm::xxh3_64bits(constant.values.getBytes())};
    hash =
        llvm::xxh3_64bits(llvm::ArrayRef(reinterpret_cast<const uint8_t *>(parts), sizeof parts));
  }
  return hash;
}
