//===- LayerInputs.cpp - What a layer's weights are multiplied with -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LayerInputs.h"

#include "Matrix.h"
#include "terse/Calibration/Calibration.h"
#include "terse/Dialect/NN/IR/NNInterfaces.h"
#include "terse/ModelIO/ModelFile.h"

#include <algorithm>

using namespace mlir;
using namespace terse;

//===----------------------------------------------------------------------===//
// InputMoments
//===----------------------------------------------------------------------===//

InputMoments::InputMoments(int64_t columns)
    : columns(columns), stride(padRow(columns)), sums(columns), products(columns * stride) {}

void InputMoments::add(int64_t number, const float *inputs) {
  // Sums of a few hundred products in f32, and of these in f64.
  constexpr int64_t kBlock = 256;
  for (int64_t first = 0; first < number; first += kBlock) {
    int64_t size = std::min(kBlock, number - first);
    const float *block = inputs + first * stride;
    multiplyAdd(columns, stride, size, block, 1, stride, block, stride, products.data(), stride,
                /*upper=*/true);
    for (int64_t p = 0; p < size; ++p)
      for (int64_t c = 0; c < columns; ++c)
        sums[c] += block[p * stride + c];
  }
  count += number;
}

double InputMoments::getProduct(int64_t i, int64_t j, bool centered) const {
  if (!count)
    return 0;
  double mean = products[std::min(i, j) * stride + std::max(i, j)] / double(count);
  return centered ? mean - getMean(i) * getMean(j) : mean;
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

Value RecoverableLayer::getActivation() {
  return cast<nn::ContractionLike>(op.getOperation()).getActivationOperand().get();
}

std::vector<RecoverableLayer> terse::findLayers(ModuleOp module,
                                                std::vector<ChosenWeight> &weights) {
  std::vector<RecoverableLayer> layers;
  auto function = findEntryFunction(module);
  if (!function) {
    llvm::consumeError(function.takeError());
    return layers;
  }
  for (ChosenWeight &weight : weights) {
    Operation *op = weight.getOp();
    auto contraction = dyn_cast<nn::ContractionLike>(op);
    auto unfoldable = dyn_cast<nn::UnfoldableContraction>(op);
    if (!contraction || !unfoldable || weight.operands.size() != 1 ||
        weight.operands.front() != &contraction.getWeightOperand() ||
        op->getParentOp() != *function)
      continue;
    auto activation =
        dyn_cast<RankedTensorType>(contraction.getActivationOperand().get().getType());
    if (!activation || !activation.getElementType().isF32() || activation.getEncoding())
      continue;
    if (std::optional<nn::WeightMatrix> matrix = unfoldable.getWeightMatrix())
      layers.push_back({&weight, unfoldable, std::move(*matrix), {}});
  }
  return layers;
}

void terse::addSample(RecoverableLayer &layer, const HostTensor &activation, int64_t sample,
                      int64_t maxPositions) {
  int64_t total = layer.op.getNumPositions(activation.shape);
  int64_t used = maxPositions > 0 ? std::min(maxPositions, total) : total;
  if (used == 0)
    return;
  // Evenly spread; the golden ratio moves them from sample to sample, so that no place is
  // preferred.
  double phase = double(sample) * 0.6180339887498949;
  phase -= double(int64_t(phase));
  std::vector<int64_t> positions(used);
  for (int64_t i = 0; i < used; ++i)
    positions[i] = used == total ? i : int64_t((double(i) + phase) * double(total) / double(used));
  const float *values = activation.getAs<float>().data();
  constexpr int64_t kChunk = 256;
  for (auto [group, moments] : llvm::enumerate(layer.moments)) {
    std::vector<float> inputs(std::min(kChunk, used) * moments.getStride(), 0.0f);
    for (int64_t first = 0; first < used; first += kChunk) {
      auto chunk = ArrayRef<int64_t>(positions).slice(first, std::min(kChunk, used - first));
      layer.op.unfold(values, activation.shape, group, chunk, moments.getStride(), inputs.data());
      moments.add(chunk.size(), inputs.data());
    }
  }
}

llvm::Expected<int64_t> terse::gatherMoments(ModuleOp module,
                                             MutableArrayRef<RecoverableLayer> layers,
                                             const GatherOptions &options) {
  auto data = CalibrationData::open(module, options.data);
  if (!data)
    return data.takeError();
  SmallVector<Value> activations;
  for (RecoverableLayer &layer : layers) {
    layer.moments.assign(layer.matrix.groups.size(), InputMoments(layer.matrix.columns.size()));
    activations.push_back(layer.getActivation());
  }
  std::vector<int64_t> seen(layers.size(), 0);
  return observeValues(module, activations, **data, options.samples, options.interpret,
                       [&](size_t i, const HostTensor &tensor) {
                         addSample(layers[i], tensor, seen[i]++, options.positions);
                       });
}
