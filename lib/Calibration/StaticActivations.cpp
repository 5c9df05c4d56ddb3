//===- StaticActivations.cpp - Which values can become integers -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "StaticActivations.h"

#include "terse/Dialect/NN/IR/NNInterfaces.h"
#include "terse/Dialect/NN/IR/NNQuantization.h"
#include "terse/Dialect/Terse/Transforms/ElementFunction.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"

#include <cmath>

using namespace mlir;
using namespace terse;

static bool isWeight(Value value) {
  SymbolTableCollection symbols;
  return getEncoding(value.getType()) || getConstantSource(value, symbols);
}

bool terse::isFloatActivation(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getElementType().isF32() && !type.getEncoding() && !isWeight(value);
}

SmallVector<OpOperand *> terse::getDataOperands(Operation *op) {
  if (auto contraction = dyn_cast<nn::ContractionLike>(op)) {
    SmallVector<OpOperand *> operands{&contraction.getActivationOperand()};
    if (!isWeight(contraction.getWeightOperand().get()))
      operands.push_back(&contraction.getWeightOperand());
    return operands;
  }
  if (auto quantizable = dyn_cast<nn::Quantizable>(op))
    return quantizable.getDataOperands();
  return {};
}

bool terse::hasIntegerForm(Operation *op) {
  if (auto contraction = dyn_cast<nn::ContractionLike>(op))
    return contraction.hasIntegerForm();
  auto quantizable = dyn_cast<nn::Quantizable>(op);
  return quantizable && !quantizable.getDataOperands().empty() &&
         quantizable.getIntegerForm() != nn::IntegerForm::None;
}

bool terse::isFusedClamp(Operation *op) {
  auto quantizable = dyn_cast<nn::Quantizable>(op);
  if (!quantizable || !quantizable.getClampBounds() || !op->getOperand(0).hasOneUse())
    return false;
  Operation *producer = op->getOperand(0).getDefiningOp();
  if (!producer)
    return false;
  if (auto contraction = dyn_cast<nn::ContractionLike>(producer))
    return contraction.hasIntegerForm();
  auto sum = dyn_cast<nn::Quantizable>(producer);
  return (sum && sum.getIntegerForm() == nn::IntegerForm::Sum) || isFusedClamp(producer);
}

bool terse::isComposed(Value value, llvm::function_ref<bool(Operation *)> isEligible) {
  Operation *op = value.getDefiningOp();
  Operation *next = op && isElementFunction(op) ? getNextFunction(op) : nullptr;
  return next && isEligible(op) && isEligible(next);
}

/// How many values from the first one on are as near to it as `tolerance`, itself apart.
template <typename Range>
static size_t countNear(Range &&values, double tolerance) {
  double first = *values.begin();
  return llvm::find_if(values,
                       [&](float value) { return !(std::fabs(value - first) <= tolerance); }) -
         values.begin() - 1;
}

FloatRange terse::cutFlatEnds(Value value, FloatRange range,
                              llvm::function_ref<bool(Operation *)> isEligible) {
  constexpr int64_t kPoints = 1024;
  // A quarter of a step of a result in 8 bits.
  constexpr double kShare = 1.0 / 1024;
  if (!(range.low < range.high) || value.use_empty())
    return range;
  HostTensor points = HostTensor::zeros(DType::f32(), {kPoints + 1});
  for (auto [i, point] : llvm::enumerate(points.getMutableAs<float>()))
    point = float(range.low + (range.high - range.low) * double(i) / double(kPoints));
  // Points that can be left out at each end.
  size_t below = kPoints, above = kPoints;
  for (OpOperand &use : value.getUses()) {
    Operation *op = use.getOwner();
    if (!isElementFunction(op) || !isEligible(op) ||
        cast<nn::Quantizable>(op).getDataOperands().front() != &use)
      return range;
    SmallVector<Operation *> chain{op};
    while (isComposed(chain.back()->getResult(0), isEligible))
      chain.push_back(getNextFunction(chain.back()));
    llvm::Expected<HostTensor> results = evaluateFunctions(chain, points);
    if (!results) {
      llvm::consumeError(results.takeError());
      return range;
    }
    ArrayRef<float> y = results->getAs<float>();
    if (!llvm::all_of(y, [](float v) { return std::isfinite(v); }))
      return range;
    double tolerance = kShare * (double(*llvm::max_element(y)) - *llvm::min_element(y));
    below = std::min(below, countNear(y, tolerance));
    above = std::min(above, countNear(llvm::reverse(y), tolerance));
  }
  if (below + above >= size_t(kPoints))
    return range;
  ArrayRef<float> x = points.getAs<float>();
  return {std::min(0.0, double(x[below])), std::max(0.0, double(x[kPoints - above]))};
}
