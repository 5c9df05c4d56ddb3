//===- AbsorbBias.cpp - Constant parts move to the next layer ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "RoundedLayers.h"
#include "terse/Calibration/Statistics.h"
#include "terse/Dialect/NN/IR/NNChannels.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/NN/IR/NNQuantization.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Recovery/Passes.h"
#include "terse/Support/Constants.h"

#include <cmath>

namespace terse {
#define GEN_PASS_DEF_ABSORBBIASPASS
#include "terse/Recovery/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

/// Whether all the op does is max(x, 0).
static bool isRelu(Operation *op) {
  auto quantizable = dyn_cast<nn::Quantizable>(op);
  std::optional<nn::Interval> bounds = quantizable ? quantizable.getClampBounds() : std::nullopt;
  return bounds && bounds->low == 0 && std::isinf(bounds->high) && op->getNumResults() == 1;
}

/// Whether the op reads zeros around its operand.
static bool isPadded(Operation *op) {
  auto padded = dyn_cast<nn::ZeroPadded>(op);
  if (!padded)
    return false;
  nn::Padding padding = padded.getZeroPadding();
  auto isZero = [](int64_t size) { return size == 0; };
  return !llvm::all_of(padding.low, isZero) || !llvm::all_of(padding.high, isZero);
}

/// The contraction behind the ReLU behind `op`, if these read nothing else and nothing else reads
/// them.
static nn::ContractionLike findNext(nn::ContractionLike op) {
  Value value = op->getResult(0);
  if (!value.hasOneUse() || !isRelu(*value.user_begin()))
    return {};
  value = value.user_begin()->getResult(0);
  if (!value.hasOneUse())
    return {};
  OpOperand &use = *value.use_begin();
  auto next = dyn_cast<nn::ContractionLike>(use.getOwner());
  if (!next || &next.getActivationOperand() != &use ||
      !isa<nn::ChannelContraction>(use.getOwner()) || isPadded(next) ||
      next.getActivationChannelAxis() != op.getResultChannelAxis())
    return {};
  return next;
}

namespace {

struct AbsorbBiasPass : terse::impl::AbsorbBiasPassBase<AbsorbBiasPass> {
  using Base::Base;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<nn::ContractionLike> layers;
    getOperation().walk([&](nn::ContractionLike op) { layers.push_back(op); });
    for (nn::ContractionLike op : layers) {
      StatisticsAttr attr = StatisticsAttr::get(op);
      if (!attr)
        continue;
      op->removeDiscardableAttr(StatisticsAttr::kAttrName);
      if (attr.getChannels())
        absorb(op, TensorStatistics::fromAttr(attr, ""), symbols);
    }
  }

  void absorb(nn::ContractionLike op, const TensorStatistics &seen, SymbolTable &symbols) {
    nn::ContractionLike next = findNext(op);
    if (!next || !op.getBiasOperand() || !canCorrectBias(op) || !canCorrectBias(next))
      return;
    auto type = dyn_cast<RankedTensorType>(next.getWeightOperand().get().getType());
    std::optional<HostTensor> weight = getConstant(next.getWeightOperand().get());
    if (!weight || !type || type.getEncoding() || weight->dtype != DType::f32())
      return;
    // What was never below c > 0 passes the ReLU as it is.
    std::vector<double> constant, taken;
    for (const ChannelStatistics &channel : seen.channels) {
      constant.push_back(std::isfinite(channel.min) ? std::max(0.0, channel.min) : 0.0);
      taken.push_back(-constant.back());
    }
    if (llvm::all_of(constant, [](double c) { return c == 0; }))
      return;
    auto channels = cast<nn::ChannelContraction>(next.getOperation());
    auto result = cast<RankedTensorType>(next->getResult(0).getType());
    std::vector<double> given(result.getDimSize(next.getResultChannelAxis()), 0.0);
    ArrayRef<float> values = weight->getAs<float>();
    SmallVector<int64_t> index(weight->shape.size(), 0);
    for (size_t i = 0; i < values.size(); ++i) {
      size_t channel = channels.getActivationChannel(index);
      if (channel < constant.size())
        given[channels.getResultChannel(index)] += double(values[i]) * constant[channel];
      for (size_t d = index.size(); d-- > 0 && ++index[d] == weight->shape[d];)
        index[d] = 0;
    }
    addToBias(op, taken, symbols);
    addToBias(next, given, symbols);
    ++numAbsorbed;
  }
};

} // namespace
