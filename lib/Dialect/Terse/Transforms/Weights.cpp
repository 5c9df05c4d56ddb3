//===- Weights.cpp - Which constants are weights ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/Transforms/Weights.h"

#include "mlir/IR/Matchers.h"
#include "terse/Dialect/NN/IR/NNInterfaces.h"
#include "terse/Dialect/NN/IR/NNWeights.h"

using namespace mlir;

StringRef terse::getLocationName(Location loc) {
  StringRef found;
  loc->walk([&](Location part) {
    auto named = dyn_cast<NameLoc>(part);
    if (!named)
      return WalkResult::advance();
    found = named.getName().getValue();
    return WalkResult::interrupt();
  });
  return found;
}

std::string terse::getLayerName(Operation *op) {
  StringRef name = getLocationName(op->getLoc());
  return (name.empty() ? op->getName().getStringRef() : name).str();
}

SmallVector<terse::WeightOperand> terse::getWeightOperands(Operation *op) {
  SmallVector<WeightOperand> result;
  if (auto weighted = dyn_cast<nn::WeightedOp>(op)) {
    for (const nn::WeightDescription &weight : weighted.getWeights())
      result.push_back({weight.operand, weight.channelAxes, weight.contractionAxes,
                        /*isTable=*/false, weight.activation, weight.activationChannelAxis});
  } else if (auto contraction = dyn_cast<nn::ContractionLike>(op)) {
    result.push_back({&contraction.getWeightOperand(),
                      {contraction.getOutputChannelAxis()},
                      contraction.getContractionAxes(),
                      /*isTable=*/false,
                      &contraction.getActivationOperand(),
                      contraction.getActivationChannelAxis()});
  } else if (auto lookup = dyn_cast<nn::LookupLike>(op)) {
    // A row is what one lookup reads: it gets its own scale, and blocks run along the rest.
    OpOperand &table = lookup.getTableOperand();
    int64_t rowAxis = lookup.getRowAxis();
    result.push_back({&table, {rowAxis}, {}, /*isTable=*/true});
    if (auto type = dyn_cast<RankedTensorType>(table.get().getType()))
      for (int64_t axis = 0; axis < type.getRank(); ++axis)
        if (axis != rowAxis)
          result.back().contractionAxes.push_back(axis);
  }
  return result;
}

SmallVector<OpOperand *> terse::getBiasOperands(Operation *op) {
  if (auto weighted = dyn_cast<nn::WeightedOp>(op))
    return weighted.getBiases();
  if (auto contraction = dyn_cast<nn::ContractionLike>(op))
    if (OpOperand *bias = contraction.getBiasOperand())
      return {bias};
  return {};
}

bool terse::isSizeable(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  constexpr int64_t kBits = 1024 * 8;
  return tensor && isa<FloatType>(tensor.getElementType()) && tensor.hasStaticShape() &&
         llvm::count_if(tensor.getShape(), [](int64_t size) { return size > 1; }) > 1 &&
         tensor.getNumElements() > kBits / tensor.getElementTypeBitWidth();
}

terse::ConstantSource terse::getConstantSource(Value value, SymbolTableCollection &symbols) {
  ConstantSource source;
  Operation *op = value.getDefiningOp();
  if (!op)
    return source;
  if (auto load = dyn_cast<ml_program::GlobalLoadConstOp>(op)) {
    source.global = load.getGlobalOp(symbols);
    if (!source.global)
      return source;
    source.value = dyn_cast_or_null<ElementsAttr>(source.global.getValueAttr());
    source.name = source.global.getSymName().str();
    return source;
  }
  if (matchPattern(op, m_Constant(&source.value)))
    source.name = getLayerName(op);
  return source;
}
