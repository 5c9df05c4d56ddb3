//===- RoundLayer.cpp - Levels and scales of a whole layer ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scales are tried, levels are found for them, and each row of the layer keeps what
// gives it the least error. Where a scale serves several rows, all of these decide
// together.
//
//===----------------------------------------------------------------------===//

#include "Rounding.h"
#include "mlir/IR/Threading.h"
#include "terse/Dialect/Terse/IR/HostBlocks.h"

#include <limits>
#include <numeric>

using namespace mlir;
using namespace terse;

namespace {

class LayerRounding {
public:
  LayerRounding(const RecoverableLayer &layer, const SearchOptions &options, RoundingMethod method)
      : layer(layer), weight(*layer.weight), options(options), method(method) {}

  FailureOr<RoundedLayer> run();

private:
  /// In parallel.
  void forEachGroup(size_t count, llvm::function_ref<void(size_t)> work) const {
    parallelFor(weight.type.getContext(), 0, count, work);
  }
  std::unique_ptr<ElementLevels> getLevels(ArrayRef<HostTensor> parameters) const {
    return cast<ScalarEncodingAttrInterface>(weight.encoding).getLevels(weight.type, parameters);
  }
  /// Finds the scales among the parameters and which elements share one.
  void findScales();
  /// Takes over what is better than the best so far.
  void offer(ArrayRef<HostTensor> parameters, ArrayRef<std::vector<float>> levels);
  void refit();
  /// `parameters` with the scales multiplied by `factors`, one each, or one for all.
  SmallVector<HostTensor> scaled(ArrayRef<HostTensor> parameters, ArrayRef<double> factors) const;
  int64_t getBlock(const GroupRounding &group, int64_t row, int64_t column) const {
    return blocks[group.getElement(row, column)];
  }

  const RecoverableLayer &layer;
  const ChosenWeight &weight;
  SearchOptions options;
  RoundingMethod method;
  std::vector<GroupRounding> groups;
  SmallVector<HostTensor> best;                ///< Parameters.
  std::vector<std::vector<float>> bestLevels;  ///< By group.
  std::vector<std::vector<double>> bestErrors; ///< By group and row.
  std::optional<size_t> scales;                ///< Which parameter they are.
  std::vector<int32_t> blocks;                 ///< The scale of each element.
  /// Whether each scale serves columns of one row, the same ones in all rows; their sets.
  bool isRowWise = false;
  std::vector<int32_t> sets;
  int64_t numSets = 0;
};

} // namespace

void LayerRounding::findScales() {
  std::optional<Granularity> granularity = weight.encoding.getScaleGranularity();
  for (auto [i, info] : llvm::enumerate(getParameterComponents(weight.encoding, weight.type)))
    if (granularity && info.name == "scales" && isa<FloatType>(info.type.getElementType()))
      scales = i;
  if (!scales)
    return;
  blocks.resize(weight.type.getNumElements());
  BlockRuns runs(*granularity, weight.type.getShape());
  runs.visit([&](int64_t first, int64_t count, int64_t block) {
    std::fill_n(blocks.begin() + first, count, int32_t(block));
  });
  const GroupRounding &first = groups.front();
  sets.assign(first.getColumns(), 0);
  std::vector<int32_t> seen;
  for (int64_t c = 0; c < first.getColumns(); ++c) {
    int32_t block = getBlock(first, 0, c);
    auto it = llvm::find(seen, block);
    sets[c] = it - seen.begin();
    if (it == seen.end())
      seen.push_back(block);
  }
  numSets = seen.size();
  // Each scale belongs to one row and one set.
  isRowWise = true;
  std::vector<int64_t> owners(runs.getNumBlocks(), -1);
  int64_t rowNumber = 0;
  for (const GroupRounding &group : groups)
    for (int64_t r = 0; r < group.getRows(); ++r, ++rowNumber)
      for (int64_t c = 0; c < group.getColumns(); ++c) {
        int64_t owner = rowNumber * numSets + sets[c];
        int64_t &have = owners[getBlock(group, r, c)];
        isRowWise &= have < 0 || have == owner;
        have = owner;
      }
}

SmallVector<HostTensor> LayerRounding::scaled(ArrayRef<HostTensor> parameters,
                                              ArrayRef<double> factors) const {
  SmallVector<HostTensor> result(parameters);
  HostTensor &scale = result[*scales];
  for (int64_t i = 0, e = scale.getNumElements(); i < e; ++i) {
    double old = scale.getAsDouble(i);
    scale.setFromDouble(i, old * factors[factors.size() == 1 ? 0 : i]);
    // Scales stay positive and finite, whatever their type.
    if (!(scale.getAsDouble(i) > 0) || !std::isfinite(scale.getAsDouble(i)))
      scale.setFromDouble(i, old);
  }
  return result;
}

void LayerRounding::offer(ArrayRef<HostTensor> parameters, ArrayRef<std::vector<float>> levels) {
  std::vector<std::vector<double>> errors;
  double total = 0, bestTotal = 0;
  for (auto [group, q] : llvm::zip_equal(groups, levels)) {
    errors.push_back(group.getErrors(q));
    total += std::accumulate(errors.back().begin(), errors.back().end(), 0.0);
  }
  for (ArrayRef<double> rows : bestErrors)
    bestTotal += std::accumulate(rows.begin(), rows.end(), 0.0);
  bool isFirst = bestErrors.empty();
  if (isFirst || (!isRowWise && total < bestTotal)) {
    best.assign(parameters.begin(), parameters.end());
    bestLevels.assign(levels.begin(), levels.end());
    bestErrors = std::move(errors);
    return;
  }
  if (!isRowWise)
    return;
  for (auto [g, group] : llvm::enumerate(groups))
    for (int64_t r = 0; r < group.getRows(); ++r) {
      if (!(errors[g][r] < bestErrors[g][r]))
        continue;
      bestErrors[g][r] = errors[g][r];
      std::copy_n(levels[g].begin() + r * group.getStride(), group.getStride(),
                  bestLevels[g].begin() + r * group.getStride());
      for (int64_t c = 0; c < group.getColumns(); ++c) {
        int64_t block = getBlock(group, r, c);
        best[*scales].setFromDouble(block, parameters[*scales].getAsDouble(block));
      }
    }
}

void LayerRounding::refit() {
  std::vector<double> factors(best[*scales].getNumElements(), 1.0);
  std::vector<std::vector<float>> levels = bestLevels;
  std::vector<std::vector<double>> allFitted(groups.size());
  forEachGroup(groups.size(),
               [&](size_t g) { allFitted[g] = groups[g].fitScales(bestLevels[g], sets, numSets); });
  for (auto [g, group] : llvm::enumerate(groups)) {
    const std::vector<double> &fitted = allFitted[g];
    for (int64_t r = 0; r < group.getRows(); ++r)
      for (int64_t c = 0; c < group.getColumns(); ++c)
        factors[getBlock(group, r, c)] = fitted[r * numSets + sets[c]];
  }
  SmallVector<HostTensor> parameters = scaled(best, factors);
  std::unique_ptr<ElementLevels> grid = getLevels(parameters);
  forEachGroup(groups.size(), [&](size_t g) {
    const GroupRounding &group = groups[g];
    for (int64_t r = 0; r < group.getRows(); ++r)
      for (int64_t c = 0; c < group.getColumns(); ++c) {
        float &level = levels[g][r * group.getStride() + c];
        double factor = factors[getBlock(group, r, c)];
        level = grid->round(group.getElement(r, c), float(level * factor));
      }
    group.descend(*grid, levels[g], std::max(1u, options.rounding.sweeps));
  });
  offer(parameters, levels);
}

FailureOr<RoundedLayer> LayerRounding::run() {
  FailureOr<SmallVector<HostTensor>> base = weight.getParameters();
  if (failed(base))
    return failure();
  std::vector<float> values = weight.value.toFloats();
  std::vector<std::optional<GroupRounding>> made(layer.matrix.groups.size());
  forEachGroup(made.size(), [&](size_t g) { made[g].emplace(layer, g, values, options.rounding); });
  for (std::optional<GroupRounding> &group : made)
    groups.push_back(std::move(*group));
  findScales();

  RoundedLayer result;
  unsigned steps = scales ? std::max(1u, options.steps) : 1;
  for (unsigned step = 0; step < steps; ++step) {
    SmallVector<HostTensor> parameters = *base;
    if (step)
      parameters = scaled(*base, {1 - options.shrink * step / (steps - 1)});
    std::unique_ptr<ElementLevels> grid = getLevels(parameters);
    // First rounding to nearest, the one to beat.
    std::vector<std::vector<float>> levels(groups.size());
    forEachGroup(groups.size(), [&](size_t g) { levels[g] = groups[g].roundToNearest(*grid); });
    offer(parameters, levels);
    if (step == 0)
      for (ArrayRef<double> errors : bestErrors)
        result.nearestError += std::accumulate(errors.begin(), errors.end(), 0.0);
    forEachGroup(groups.size(), [&](size_t g) {
      levels[g] = method(groups[g], *grid);
      groups[g].descend(*grid, levels[g], options.rounding.sweeps);
    });
    offer(parameters, levels);
  }
  for (unsigned i = 0; i < options.refits && isRowWise; ++i)
    refit();

  result.parameters = best;
  for (auto [g, group] : llvm::enumerate(groups))
    for (int64_t r = 0; r < group.getRows(); ++r) {
      result.error += bestErrors[g][r];
      for (int64_t c = 0; c < group.getColumns(); ++c)
        values[group.getElement(r, c)] = bestLevels[g][r * group.getStride() + c];
    }
  result.weight = HostTensor::from<float>(weight.type.getShape(), ArrayRef<float>(values));
  return result;
}

FailureOr<RoundedLayer> terse::roundLayer(const RecoverableLayer &layer,
                                          const SearchOptions &options, RoundingMethod method) {
  return LayerRounding(layer, options, method).run();
}

bool terse::hasLevels(const RecoverableLayer &layer) {
  auto scalar = dyn_cast<ScalarEncodingAttrInterface>(layer.weight->encoding);
  if (!scalar)
    return false;
  FailureOr<SmallVector<HostTensor>> parameters = layer.weight->getParameters();
  return succeeded(parameters) && scalar.getLevels(layer.weight->type, *parameters);
}
