//===- CorrectBias.cpp - Biases that keep the means -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "RoundedLayers.h"
#include "Simulation.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "terse/Calibration/Calibration.h"
#include "terse/Calibration/Statistics.h"
#include "terse/Dialect/NN/IR/NNChannels.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/ModelIO/ModelFile.h"
#include "terse/Recovery/Passes.h"
#include "terse/Support/Constants.h"
#include "terse/Support/Error.h"
#include "terse/Support/Step.h"

#include <cmath>
#include <limits>

namespace terse {
#define GEN_PASS_DEF_RECORDOUTPUTSPASS
#define GEN_PASS_DEF_CORRECTBIASPASS
#include "terse/Recovery/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

/// The contractions of the entry function whose bias can be changed, in order.
static llvm::Expected<SmallVector<nn::ContractionLike>> findCorrectable(ModuleOp module) {
  auto function = findEntryFunction(module);
  if (!function)
    return function.takeError();
  SmallVector<nn::ContractionLike> layers;
  for (auto op : function->getOps<nn::ContractionLike>())
    if (canCorrectBias(op))
      layers.push_back(op);
  return layers;
}

/// Writes the statistics of the outputs of `layers` on them.
static llvm::Expected<int64_t> recordOutputs(ModuleOp module, ArrayRef<nn::ContractionLike> layers,
                                             StringRef path, int64_t limit, bool interpret) {
  auto data = CalibrationData::open(module, path);
  if (!data)
    return data.takeError();
  std::vector<TensorStatistics> statistics(layers.size());
  SmallVector<Value> outputs;
  for (nn::ContractionLike op : layers)
    outputs.push_back(op->getResult(0));
  auto count = observeValues(
      module, outputs, **data, limit, interpret, [&](size_t i, const HostTensor &tensor) {
        nn::ContractionLike op = layers[i];
        int64_t outer = 1, inner = 1, axis = op.getResultChannelAxis();
        for (auto [d, size] : llvm::enumerate(tensor.shape))
          (int64_t(d) < axis ? outer : inner) *= int64_t(d) == axis ? 1 : size;
        statistics[i].addSample(tensor.getAs<float>());
        statistics[i].addChannels(tensor.getAs<float>(), outer, tensor.shape[axis], inner);
      });
  if (!count)
    return count.takeError();
  for (auto [op, seen] : llvm::zip_equal(layers, statistics))
    op->setDiscardableAttr(StatisticsAttr::kAttrName, seen.toAttr(module.getContext()));
  return *count;
}

namespace {

struct RecordOutputsPass : terse::impl::RecordOutputsPassBase<RecordOutputsPass> {
  using Base::Base;

  void runOnOperation() override {
    auto layers = findCorrectable(getOperation());
    llvm::Error error = layers ? llvm::Error::success() : layers.takeError();
    if (!error && data.empty())
      error = makeError(
          "terse-record-outputs needs data to run the model on (terse compress: --data CALIB.npz)");
    if (!error && !layers->empty()) {
      int64_t count = limit > 0 && (samples <= 0 || limit < samples) ? limit : samples;
      auto seen = recordOutputs(getOperation(), *layers, data, count, interpret);
      error = seen.takeError();
    }
    if (error) {
      emitError(getOperation().getLoc()) << llvm::toString(std::move(error));
      return signalPassFailure();
    }
    numLayers += layers->size();
  }
};

struct CorrectBiasPass : terse::impl::CorrectBiasPassBase<CorrectBiasPass> {
  using Base::Base;

  void runOnOperation() override {
    if (llvm::Error error =
            method == BiasCorrection::Analytic ? correctFromStatistics() : correctFromData()) {
      emitError(getOperation().getLoc()) << llvm::toString(std::move(error));
      signalPassFailure();
    }
  }

  llvm::Error correctFromData();
  llvm::Error correctFromStatistics();
};

} // namespace

/// How far means are from where they should be, relative to the range of the outputs, over all
/// layers.
static double getDistance(ArrayRef<std::vector<double>> means, ArrayRef<TensorStatistics> wanted) {
  double sum = 0;
  for (auto [layer, target] : llvm::zip_equal(means, wanted)) {
    double range = target.max - target.min;
    if (!(range > 0))
      continue;
    for (auto [mean, channel] : llvm::zip_equal(layer, target.channels))
      sum += std::pow((mean - channel.mean) / range, 2) / double(layer.size());
  }
  return std::isfinite(sum) ? sum : std::numeric_limits<double>::infinity();
}

llvm::Error CorrectBiasPass::correctFromData() {
  if (data.empty())
    return makeError(
        "terse-correct-bias needs data to run the model on (terse compress: --data CALIB.npz)");
  auto layers = findCorrectable(getOperation());
  if (!layers)
    return layers.takeError();
  if (layers->empty())
    return llvm::Error::success();
  int64_t count = limit > 0 && (samples <= 0 || limit < samples) ? limit : samples;
  // What was recorded is what the model computed before its weights were changed.
  bool isRecorded = llvm::all_of(*layers, [](nn::ContractionLike op) {
    StatisticsAttr seen = StatisticsAttr::get(op);
    return seen && seen.getChannels();
  });
  if (!isRecorded)
    if (auto seen = recordOutputs(getOperation(), *layers, data, count, interpret); !seen)
      return seen.takeError();
  std::vector<TensorStatistics> wanted;
  for (nn::ContractionLike op : *layers) {
    wanted.push_back(TensorStatistics::fromAttr(StatisticsAttr::get(op), getLayerName(op)));
    op->removeDiscardableAttr(StatisticsAttr::kAttrName);
  }

  auto opened = CalibrationData::open(getOperation(), data);
  if (!opened)
    return opened.takeError();
  count = count > 0 ? std::min(count, (*opened)->size()) : (*opened)->size();
  std::vector<std::vector<HostTensor>> inputs;
  for (int64_t i = 0; i < count; ++i) {
    auto sample = (*opened)->next();
    if (!sample)
      return sample.takeError();
    inputs.push_back(std::move(*sample));
  }
  auto simulation = Simulation::create(getOperation(), *layers, interpret);
  if (!simulation)
    return simulation.takeError();

  // In order: what a layer is to make up for depends on the ones before it. Correcting all at once
  // would let every layer make up for the same errors, and deep models would go astray.
  std::vector<std::vector<double>> best(layers->size());
  double bestDistance = std::numeric_limits<double>::infinity();
  size_t total = rounds ? std::min<size_t>(rounds, best.size()) : best.size();
  for (size_t round = 0; round <= total; ++round) {
    beginStep(&getContext(), "correcting biases", round, total + 1);
    auto means = (*simulation)->run(inputs);
    if (!means)
      return means.takeError();
    double distance = getDistance(*means, wanted);
    if (distance < bestDistance) {
      bestDistance = distance;
      for (size_t i = 0; i < best.size(); ++i)
        best[i] = (*simulation)->getAdded(i).vec();
    }
    if (round == total)
      break;
    size_t first = best.size() * round / total, last = best.size() * (round + 1) / total;
    for (size_t i = first; i < last; ++i) {
      std::vector<double> amounts;
      for (auto [mean, channel] : llvm::zip_equal((*means)[i], wanted[i].channels))
        amounts.push_back(std::isfinite(mean) ? channel.mean - mean : 0.0);
      (*simulation)->addToBias(i, amounts);
    }
  }
  SymbolTable symbols(getOperation());
  for (auto [op, amounts] : llvm::zip_equal(*layers, best)) {
    if (llvm::all_of(amounts, [](double amount) { return amount == 0; }))
      continue;
    addToBias(op, amounts, symbols);
    ++numCorrected;
  }
  return llvm::Error::success();
}

llvm::Error CorrectBiasPass::correctFromStatistics() {
  FailureOr<std::vector<ChosenWeight>> weights = collectChosenWeights(getOperation());
  if (failed(weights))
    return makeError("terse-correct-bias: a chosen encoding is not legal");
  SymbolTable symbols(getOperation());
  SmallVector<std::pair<nn::ContractionLike, std::vector<double>>> corrections;
  for (ChosenWeight &weight : *weights)
    for (OpOperand *operand : weight.operands) {
      auto op = dyn_cast<nn::ContractionLike>(operand->getOwner());
      auto channels = dyn_cast<nn::ChannelContraction>(operand->getOwner());
      if (!op || !channels || operand != &op.getWeightOperand() || !canCorrectBias(op))
        continue;
      // Of one value there can be several observers, one after another.
      StatisticsAttr seen;
      for (Value value = op.getActivationOperand().get();
           auto observe = value.getDefiningOp<ObserveOp>(); value = observe.getInput())
        if (StatisticsAttr attr = StatisticsAttr::get(observe);
            attr && attr.getChannels() && observe.getAxis() == op.getActivationChannelAxis())
          seen = attr;
      if (!seen) {
        ++numSkipped;
        continue;
      }
      TensorStatistics statistics = TensorStatistics::fromAttr(seen, "");
      FailureOr<SmallVector<HostTensor>> parameters = weight.getParameters();
      FailureOr<HostTensor> rounded =
          failed(parameters) ? FailureOr<HostTensor>() : weight.round(*parameters);
      if (failed(rounded))
        return makeError("terse-correct-bias: a weight cannot be encoded");
      std::vector<float> before = weight.value.toFloats(), after = rounded->toFloats();
      auto result = cast<RankedTensorType>(op->getResult(0).getType());
      std::vector<double> amounts(result.getDimSize(op.getResultChannelAxis()), 0.0);
      ArrayRef<int64_t> shape = weight.type.getShape();
      SmallVector<int64_t> index(shape.size(), 0);
      for (size_t i = 0; i < before.size(); ++i) {
        size_t channel = channels.getActivationChannel(index);
        if (channel < statistics.channels.size())
          amounts[channels.getResultChannel(index)] +=
              (double(before[i]) - after[i]) * statistics.channels[channel].mean;
        for (size_t d = shape.size(); d-- > 0 && ++index[d] == shape[d];)
          index[d] = 0;
      }
      corrections.push_back({op, std::move(amounts)});
    }
  for (auto &[op, amounts] : corrections) {
    addToBias(op, amounts, symbols);
    ++numCorrected;
  }
  return llvm::Error::success();
}
