//===- LayerInputs.cpp - What a layer's weights are multiplied with -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LayerInputs.h"

#include "Matrix.h"
#include "Simulation.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "terse/Calibration/Calibration.h"
#include "terse/Dialect/NN/IR/NNInterfaces.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/ModelIO/ModelFile.h"
#include "terse/Support/Step.h"

#include <algorithm>

using namespace mlir;
using namespace terse;

//===----------------------------------------------------------------------===//
// InputMoments
//===----------------------------------------------------------------------===//

InputMoments::InputMoments(int64_t columns)
    : columns(columns), stride(padRow(columns)), sums(columns), products(columns * stride) {}

void InputMoments::add(int64_t number, const float *inputs, const float *wanted) {
  // Sums of a few hundred products in f32, and of these in f64.
  constexpr int64_t kBlock = 256;
  if (wanted && differences.empty()) {
    differences.resize(columns * stride);
    differenceSums.resize(columns);
  }
  std::vector<float> more(wanted ? std::min(kBlock, number) * stride : 0);
  for (int64_t first = 0; first < number; first += kBlock) {
    int64_t size = std::min(kBlock, number - first);
    const float *block = inputs + first * stride;
    multiplyAdd(columns, stride, size, block, 1, stride, block, stride, products.data(), stride,
                /*upper=*/true);
    for (int64_t p = 0; p < size; ++p)
      for (int64_t c = 0; c < columns; ++c)
        sums[c] += block[p * stride + c];
    if (!wanted)
      continue;
    for (int64_t i = 0; i < size * stride; ++i)
      more[i] = wanted[first * stride + i] - block[i];
    multiplyAdd(columns, stride, size, more.data(), 1, stride, block, stride, differences.data(),
                stride,
                /*upper=*/false);
    for (int64_t p = 0; p < size; ++p)
      for (int64_t c = 0; c < columns; ++c)
        differenceSums[c] += more[p * stride + c];
  }
  count += number;
}

double InputMoments::getWantedMean(int64_t column) const {
  return getMean(column) + (hasWanted() ? differenceSums[column] / double(count) : 0);
}

double InputMoments::getDifference(int64_t i, int64_t j, bool centered) const {
  double mean = differences[i * stride + j] / double(count);
  return centered ? mean - differenceSums[i] / double(count) * getMean(j) : mean;
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
                      int64_t maxPositions, const HostTensor *wanted) {
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
  constexpr int64_t kChunk = 256;
  for (auto [group, moments] : llvm::enumerate(layer.moments)) {
    std::vector<float> inputs(std::min(kChunk, used) * moments.getStride(), 0.0f),
        others(wanted ? inputs.size() : 0);
    for (int64_t first = 0; first < used; first += kChunk) {
      auto chunk = ArrayRef<int64_t>(positions).slice(first, std::min(kChunk, used - first));
      auto unfold = [&, group = group, &moments = moments](const HostTensor &tensor,
                                                           std::vector<float> &out) {
        layer.op.unfold(tensor.getAs<float>().data(), tensor.shape, group, chunk,
                        moments.getStride(), out.data());
      };
      unfold(activation, inputs);
      if (wanted)
        unfold(*wanted, others);
      moments.add(chunk.size(), inputs.data(), wanted ? others.data() : nullptr);
    }
  }
}

//===----------------------------------------------------------------------===//
// MomentsGatherer
//===----------------------------------------------------------------------===//

struct MomentsGatherer::Impl {
  ModuleOp module;
  MutableArrayRef<RecoverableLayer> layers;
  GatherOptions options;
  /// The float model; null where its inputs are not needed beside others.
  std::unique_ptr<ObservedModel> original;

  MutableArrayRef<RecoverableLayer> getStage(int64_t stage) const {
    int64_t stages = std::max<int64_t>(1, options.stages), count = layers.size();
    int64_t first = count * stage / stages, last = count * (stage + 1) / stages;
    return layers.slice(first, last - first);
  }
};

MomentsGatherer::MomentsGatherer(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
MomentsGatherer::~MomentsGatherer() = default;
int64_t MomentsGatherer::getNumStages() const { return std::max<int64_t>(1, impl->options.stages); }

llvm::Expected<std::unique_ptr<MomentsGatherer>>
MomentsGatherer::create(ModuleOp module, MutableArrayRef<RecoverableLayer> layers,
                        const GatherOptions &options) {
  auto impl = std::make_unique<Impl>();
  impl->module = module;
  impl->layers = layers;
  impl->options = options;
  impl->options.stages = std::min<int64_t>(options.stages, layers.size());
  // Fails early if the data do not fit.
  if (auto data = CalibrationData::open(module, options.data); !data)
    return data.takeError();
  if (impl->options.stages > 0) {
    SmallVector<Value> values;
    for (RecoverableLayer &layer : layers)
      values.push_back(layer.getActivation());
    auto original = ObservedModel::create(module, values, options.interpret);
    if (!original)
      return original.takeError();
    impl->original = std::move(*original);
  }
  return std::unique_ptr<MomentsGatherer>(new MomentsGatherer(std::move(impl)));
}

llvm::Expected<MutableArrayRef<RecoverableLayer>> MomentsGatherer::gather(int64_t stage) {
  MutableArrayRef<RecoverableLayer> layers = impl->getStage(stage);
  const GatherOptions &options = impl->options;
  auto data = CalibrationData::open(impl->module, options.data);
  if (!data)
    return data.takeError();

  SmallVector<Operation *> ops;
  for (RecoverableLayer &layer : layers) {
    layer.moments.assign(layer.matrix.groups.size(), InputMoments(layer.matrix.columns.size()));
    ops.push_back(layer.op.getOperation());
  }
  // With float inputs the module is the float model, whatever is chosen for its activations.
  IRMapping mapping;
  OwningOpRef<ModuleOp> copy(cast<ModuleOp>(impl->module->clone(mapping)));
  if (llvm::Error error = carryOutActivations(*copy, /*apply=*/impl->original != nullptr))
    return std::move(error);
  SmallVector<Value> values;
  for (Operation *op : ops) {
    auto contraction = cast<nn::ContractionLike>(mapping.lookup(op));
    Value value = contraction.getActivationOperand().get();
    if (getEncoding(value.getType())) {
      OpBuilder builder(contraction);
      value = DecodeOp::create(builder, contraction->getLoc(), value);
    }
    values.push_back(value);
  }
  auto model = ObservedModel::create(*copy, values, options.interpret);
  if (!model)
    return model.takeError();

  int64_t count = (*data)->size();
  if (options.samples > 0)
    count = std::min(count, options.samples);
  size_t offset = layers.data() - impl->layers.data();
  for (int64_t sample = 0; sample < count; ++sample) {
    beginStep(impl->module.getContext(), "running samples", sample, count);
    auto inputs = (*data)->next();
    if (!inputs)
      return inputs.takeError();
    auto seen = (*model)->run(*inputs);
    if (!seen)
      return seen.takeError();
    std::vector<HostTensor> wanted;
    if (impl->original) {
      auto results = impl->original->run(*inputs);
      if (!results)
        return results.takeError();
      wanted = std::move(*results);
    }
    // The first layer of a stage makes up for the errors before it. The ones behind it have inputs
    // with these errors now, but will not have them any more then: what they see is what they are
    // to keep.
    for (auto [i, layer] : llvm::enumerate(layers))
      addSample(layer, (*seen)[i], sample, options.positions,
                wanted.empty() || i > 0 ? nullptr : &wanted[offset]);
  }
  return layers;
}
