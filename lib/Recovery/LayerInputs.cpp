//===- LayerInputs.cpp - What a layer's weights are multiplied with -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LayerInputs.h"

#include "Matrix.h"
#include "PiecewiseModel.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Threading.h"
#include "terse/Calibration/Calibration.h"
#include "terse/Dialect/NN/IR/NNInterfaces.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/ModelIO/ModelFile.h"
#include "terse/Support/Error.h"
#include "terse/Support/Step.h"

#include <algorithm>

using namespace mlir;
using namespace terse;

//===----------------------------------------------------------------------===//
// InputMoments
//===----------------------------------------------------------------------===//

InputMoments::InputMoments(int64_t columns)
    : columns(columns), stride(padRow(columns)), counts((columns + kTile - 1) / kTile),
      sums(columns), products(columns * stride) {}

void InputMoments::addRows(int64_t begin, int64_t end, int64_t number, const float *inputs,
                           const float *wanted) {
  assert(begin % kTile == 0 && "rows of different calls must not share a tile");
  // Sums of a few hundred products in f32, and of these in f64.
  constexpr int64_t kBlock = 256;
  if (begin >= end)
    return;
  std::vector<float> more(wanted ? std::min(kBlock, number) * stride : 0);
  for (int64_t first = 0; first < number; first += kBlock) {
    int64_t size = std::min(kBlock, number - first);
    const float *block = inputs + first * stride;
    // The upper triangle, as far as it lies in these rows.
    multiplyAdd(end - begin, stride - begin, size, block + begin, 1, stride, block + begin, stride,
                products.data() + begin * stride + begin, stride,
                /*upper=*/true);
    for (int64_t p = 0; p < size; ++p)
      for (int64_t c = begin; c < end; ++c)
        sums[c] += block[p * stride + c];
    if (!wanted)
      continue;
    for (int64_t i = 0; i < size * stride; ++i)
      more[i] = wanted[first * stride + i] - block[i];
    multiplyAdd(end - begin, stride, size, more.data() + begin, 1, stride, block, stride,
                differences.data() + begin * stride, stride,
                /*upper=*/false);
    for (int64_t p = 0; p < size; ++p)
      for (int64_t c = begin; c < end; ++c)
        differenceSums[c] += more[p * stride + c];
  }
  for (int64_t tile = begin / kTile; tile < (end + kTile - 1) / kTile; ++tile)
    counts[tile] += number;
}

void InputMoments::expectWanted() {
  differences.resize(columns * stride);
  differenceSums.resize(columns);
}

double InputMoments::getWantedMean(int64_t column) const {
  return getMean(column) + (hasWanted() ? differenceSums[column] / double(getCount()) : 0);
}

double InputMoments::getDifference(int64_t i, int64_t j, bool centered) const {
  double mean = differences[i * stride + j] / double(getCount());
  return centered ? mean - differenceSums[i] / double(getCount()) * getMean(j) : mean;
}

double InputMoments::getProduct(int64_t i, int64_t j, bool centered) const {
  if (!getCount())
    return 0;
  double mean = products[std::min(i, j) * stride + std::max(i, j)] / double(getCount());
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

/// Evenly spread; the golden ratio moves them from sample to sample, so that no place is preferred.
static std::vector<int64_t> pickPositions(int64_t total, int64_t used, int64_t sample) {
  double phase = double(sample) * 0.6180339887498949;
  phase -= double(int64_t(phase));
  std::vector<int64_t> positions(used);
  for (int64_t i = 0; i < used; ++i)
    positions[i] = used == total ? i : int64_t((double(i) + phase) * double(total) / double(used));
  return positions;
}

/// Positions whose products are summed in one go.
static constexpr int64_t kChunk = 256;

/// Calls `add` with the inputs of each chunk of positions of a group, and those wanted there.
static void forEachChunk(RecoverableLayer &layer, size_t group, const SampleInputs &sample,
                         int64_t maxPositions,
                         llvm::function_ref<void(int64_t, const float *, const float *)> add) {
  int64_t total = layer.op.getNumPositions(sample.activation->shape);
  int64_t used = maxPositions > 0 ? std::min(maxPositions, total) : total;
  if (used == 0)
    return;
  std::vector<int64_t> positions = pickPositions(total, used, sample.index);
  int64_t stride = layer.moments[group].getStride();
  std::vector<float> inputs(std::min(kChunk, used) * stride, 0.0f),
      others(sample.wanted ? inputs.size() : 0);
  for (int64_t first = 0; first < used; first += kChunk) {
    auto chunk = ArrayRef<int64_t>(positions).slice(first, std::min(kChunk, used - first));
    auto unfold = [&](const HostTensor &tensor, std::vector<float> &out) {
      layer.op.unfold(tensor.getAs<float>().data(), tensor.shape, group, chunk, stride, out.data());
    };
    unfold(*sample.activation, inputs);
    if (sample.wanted)
      unfold(*sample.wanted, others);
    add(chunk.size(), inputs.data(), sample.wanted ? others.data() : nullptr);
  }
}

void terse::addSample(RecoverableLayer &layer, const HostTensor &activation, int64_t sample,
                      int64_t maxPositions) {
  for (auto [group, moments] : llvm::enumerate(layer.moments))
    forEachChunk(layer, group, {&activation, nullptr, sample}, maxPositions,
                 [&, &moments = moments](int64_t count, const float *inputs, const float *) {
                   moments.add(count, inputs);
                 });
}

void terse::addMomentsTasks(RecoverableLayer &layer, ArrayRef<SampleInputs> samples,
                            int64_t maxPositions, std::vector<MomentsTask> &tasks) {
  // Small matrices of many groups: some groups each. Large ones: some rows each, of which every
  // one unfolds the inputs for itself; that costs little beside the products.
  constexpr size_t kGroups = 16;
  constexpr int64_t kRows = 256;
  std::vector<SampleInputs> list(samples.begin(), samples.end());
  for (size_t first = 0; first < layer.moments.size(); first += kGroups) {
    size_t last = std::min(first + kGroups, layer.moments.size());
    int64_t columns = layer.moments[first].getColumns();
    for (int64_t row = 0; row < columns; row += kRows)
      tasks.push_back(
          [&layer, list, maxPositions, first, last, row, end = std::min(columns, row + kRows)] {
            for (size_t group = first; group < last; ++group)
              for (const SampleInputs &sample : list)
                forEachChunk(layer, group, sample, maxPositions,
                             [&](int64_t count, const float *inputs, const float *others) {
                               layer.moments[group].addRows(row, end, count, inputs, others);
                             });
          });
  }
}

//===----------------------------------------------------------------------===//
// MomentsGatherer
//===----------------------------------------------------------------------===//

struct MomentsGatherer::Impl {
  ModuleOp module;
  MutableArrayRef<RecoverableLayer> layers;
  GatherOptions options;
  int64_t samples = 0;
  /// The module as it is, and the float model; this is null where its inputs are not needed beside
  /// others.
  std::unique_ptr<PiecewiseModel> current, original;
  OwningOpRef<ModuleOp> originalModule;
  std::vector<Operation *> originalOps; ///< By layer.

  std::pair<size_t, size_t> getStage(int64_t stage) const {
    int64_t stages = std::max<int64_t>(1, options.stages), count = layers.size();
    return {count * stage / stages, count * (stage + 1) / stages};
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
  int64_t numLayers = layers.size();
  impl->options.stages = options.stages < 0 ? numLayers : std::min(options.stages, numLayers);
  // Fails early if the data do not fit.
  auto data = CalibrationData::open(module, options.data);
  if (!data)
    return data.takeError();
  impl->samples = (*data)->size();
  if (options.samples > 0)
    impl->samples = std::min(impl->samples, options.samples);

  // With float inputs the module is the float model, whatever is chosen for its activations.
  bool isStaged = impl->options.stages > 0;
  PiecewiseModel::Options model{/*encodeActivations=*/isStaged, options.interpret, impl->samples};
  auto current = PiecewiseModel::create(module, model);
  if (!current)
    return current.takeError();
  impl->current = std::move(*current);
  if (isStaged) {
    IRMapping mapping;
    impl->originalModule = cast<ModuleOp>(module->clone(mapping));
    for (RecoverableLayer &layer : layers)
      impl->originalOps.push_back(mapping.lookup(layer.op.getOperation()));
    model.encodeActivations = false;
    auto original = PiecewiseModel::create(*impl->originalModule, model);
    if (!original)
      return original.takeError();
    impl->original = std::move(*original);
  }
  return std::unique_ptr<MomentsGatherer>(new MomentsGatherer(std::move(impl)));
}

llvm::Expected<MutableArrayRef<RecoverableLayer>> MomentsGatherer::gather(int64_t stage) {
  auto [first, last] = impl->getStage(stage);
  MutableArrayRef<RecoverableLayer> layers = impl->layers.slice(first, last - first);
  const GatherOptions &options = impl->options;
  MLIRContext *context = impl->module.getContext();

  SmallVector<nn::ContractionLike> ops;
  for (RecoverableLayer &layer : layers) {
    layer.moments.assign(layer.matrix.groups.size(), InputMoments(layer.matrix.columns.size()));
    if (impl->original && ops.empty())
      for (InputMoments &moments : layer.moments)
        moments.expectWanted();
    ops.push_back(cast<nn::ContractionLike>(layer.op.getOperation()));
  }
  // What stands before the first layer is as it is going to stay.
  beginStep(context, "compiling", stage, getNumStages());
  if (llvm::Error error = impl->current->prepare(stage ? ops.front().getOperation() : nullptr, ops))
    return std::move(error);
  if (impl->original)
    if (llvm::Error error =
            impl->original->prepare(stage ? impl->originalOps[first] : nullptr,
                                    cast<nn::ContractionLike>(impl->originalOps[first])))
      return std::move(error);
  std::unique_ptr<CalibrationData> data;
  if (impl->current->needsInputs() || (impl->original && impl->original->needsInputs())) {
    auto opened = CalibrationData::open(impl->module, options.data);
    if (!opened)
      return opened.takeError();
    data = std::move(*opened);
  }

  // Samples of a batch run in parallel. How many they are changes no sum: those of each layer are
  // taken in the order of the samples.
  size_t width = options.interpret ? 1 : std::min<size_t>(8, context->getNumThreads());
  for (size_t begin = 0, count = impl->samples; begin < count; begin += width) {
    beginStep(context, "running samples", begin, count);
    size_t size = std::min(width, count - begin);
    std::vector<std::vector<HostTensor>> inputs(size);
    for (size_t i = 0; data && i < size; ++i) {
      auto next = data->next();
      if (!next)
        return next.takeError();
      inputs[i] = std::move(*next);
    }
    std::vector<PiecewiseModel::Result> seen(size), wanted(size);
    std::vector<std::string> problems(size);
    parallelFor(context, 0, size, [&](size_t i) {
      auto run = [&](PiecewiseModel &model, PiecewiseModel::Result &result) {
        auto got = model.run(begin + i, inputs[i]);
        if (got)
          result = std::move(*got);
        else
          problems[i] = llvm::toString(got.takeError());
      };
      run(*impl->current, seen[i]);
      if (impl->original && problems[i].empty())
        run(*impl->original, wanted[i]);
    });
    for (const std::string &problem : problems)
      if (!problem.empty())
        return makeError("{0}", problem);
    for (size_t i = 0; i < size; ++i) {
      if (llvm::Error error = impl->current->keep(seen[i]))
        return std::move(error);
      if (impl->original)
        if (llvm::Error error = impl->original->keep(wanted[i]))
          return std::move(error);
    }
    // The first layer of a stage makes up for the errors before it. The ones behind it have inputs
    // with these errors now, but will not have them any more then: what they see is what they are
    // to keep.
    std::vector<MomentsTask> tasks;
    for (auto [l, layer] : llvm::enumerate(layers)) {
      std::vector<SampleInputs> samples;
      for (size_t i = 0; i < size; ++i)
        samples.push_back({&seen[i].activations[l],
                           impl->original && l == 0 ? &wanted[i].activations[0] : nullptr,
                           int64_t(begin + i)});
      addMomentsTasks(layer, samples, options.positions, tasks);
    }
    parallelFor(context, 0, tasks.size(), [&](size_t i) { tasks[i](); });
  }
  impl->current->finish();
  if (impl->original)
    impl->original->finish();
  return layers;
}
