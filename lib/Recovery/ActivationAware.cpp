//===- ActivationAware.cpp - Weights that matter, scaled up -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ScaledInputs.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Threading.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/HostBlocks.h"
#include "terse/Dialect/Terse/IR/TerseDialect.h"
#include "terse/Recovery/Passes.h"
#include "terse/Support/Error.h"

#include <cmath>
#include <limits>
#include <numeric>

namespace terse {
#define GEN_PASS_DEF_ACTIVATIONAWAREPASS
#include "terse/Recovery/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

/// E|x|^alpha, divided by the root of its largest times its smallest.
static std::vector<double> getFactors(const ScaledInput &input, double alpha) {
  std::vector<double> factors;
  double low = std::numeric_limits<double>::infinity(), high = 0;
  for (const ChannelRange &channel : input.channels) {
    double mean = channel.getAbsMean();
    factors.push_back(mean > 0 ? std::pow(mean, alpha) : 0);
    if (mean > 0) {
      low = std::min(low, factors.back());
      high = std::max(high, factors.back());
    }
  }
  for (double &factor : factors) {
    factor /= std::sqrt(low * high);
    // A channel that is always zero does not matter; the bounds are those of normalizeFactors.
    factor = factor > 0 && std::isfinite(factor) ? std::clamp(factor, 1e-4, 1e4) : 1;
  }
  return factors;
}

namespace {

/// Clips the scales of one weight.
class Clipper {
public:
  Clipper(const RecoverableLayer &layer, ArrayRef<double> factors)
      : layer(layer), weight(*layer.weight), factors(factors) {}

  /// The scales of least error, or none if they are no better than the encoding's own.
  FailureOr<SmallVector<HostTensor>> run(unsigned steps, double shrink) {
    FailureOr<SmallVector<HostTensor>> base = weight.getParameters();
    if (failed(base))
      return failure();
    findBlocks();
    HostTensor best = base->front();
    std::vector<double> least(best.getNumElements(), std::numeric_limits<double>::infinity());
    double before = 0;
    for (unsigned step = 0; step < steps; ++step) {
      double factor = 1 - shrink * step / std::max(1u, steps - 1);
      HostTensor scales = base->front();
      for (int64_t i = 0; i < scales.getNumElements(); ++i) {
        scales.setFromDouble(i, base->front().getAsDouble(i) * factor);
        if (!(scales.getAsDouble(i) > 0))
          scales.setFromDouble(i, base->front().getAsDouble(i));
      }
      FailureOr<std::vector<float>> difference = getDifference(scales);
      if (failed(difference))
        return failure();
      if (step == 0)
        before = getTotal(*difference);
      std::vector<double> errors = getBlockErrors(*difference);
      for (auto [i, error] : llvm::enumerate(errors))
        if (error < least[i]) {
          least[i] = error;
          best.setFromDouble(i, scales.getAsDouble(i));
        }
    }
    FailureOr<std::vector<float>> difference = getDifference(best);
    if (failed(difference))
      return failure();
    // What blocks gain one by one they may lose together.
    if (!(getTotal(*difference) < before))
      return SmallVector<HostTensor>();
    return SmallVector<HostTensor>{best};
  }

  static bool accepts(const ChosenWeight &weight) {
    SmallVector<EncodingComponent> parameters =
        getParameterComponents(weight.encoding, weight.type);
    return !weight.given && weight.encoding.getScaleGranularity() && parameters.size() == 1 &&
           parameters.front().name == "scales" &&
           isa<FloatType>(parameters.front().type.getElementType());
  }

private:
  /// For each element of the weight, its scale.
  void findBlocks() {
    blocks.resize(weight.value.getNumElements());
    BlockRuns runs(*weight.encoding.getScaleGranularity(), weight.type.getShape());
    runs.visit([&](int64_t first, int64_t count, int64_t block) {
      std::fill_n(blocks.begin() + first, count, block);
    });
    numBlocks = runs.getNumBlocks();
  }

  FailureOr<std::vector<float>> getDifference(const HostTensor &scales) {
    FailureOr<HostTensor> rounded = weight.round({scales});
    if (failed(rounded))
      return failure();
    std::vector<float> difference = rounded->toFloats();
    for (auto [value, w] : llvm::zip_equal(difference, weight.value.getAs<float>()))
      value -= w;
    return difference;
  }

  double getTotal(ArrayRef<float> difference) {
    std::vector<double> errors = getRowErrors(layer, difference, factors);
    return std::accumulate(errors.begin(), errors.end(), 0.0);
  }

  /// Errors of the outputs by the elements of each block alone.
  std::vector<double> getBlockErrors(ArrayRef<float> difference) {
    const nn::WeightMatrix &matrix = layer.matrix;
    size_t columns = matrix.columns.size();
    std::vector<double> errors(numBlocks, 0);
    std::vector<int64_t> channels =
        factors.empty() ? std::vector<int64_t>() : getColumnChannels(layer);
    // Where all of a row shares a scale, its error is that of the product with the whole matrix.
    bool wholeRows = true;
    for (size_t group = 0; group < matrix.groups.size() && wholeRows; ++group)
      for (size_t column = 1; column < columns; ++column)
        wholeRows &=
            blocks[matrix.getElement(group, 0, column)] == blocks[matrix.getElement(group, 0, 0)];
    if (wholeRows) {
      std::vector<double> rows = getRowErrors(layer, difference, factors);
      for (size_t group = 0; group < matrix.groups.size(); ++group)
        for (size_t row = 0; row < matrix.rows.size(); ++row)
          errors[blocks[matrix.getElement(group, row, 0)]] +=
              rows[group * matrix.rows.size() + row];
      return errors;
    }
    std::vector<float> moments(columns * columns);
    for (auto [group, inputs] : llvm::enumerate(layer.moments)) {
      auto factor = [&, group = group](size_t column) {
        return factors.empty() ? 1.0 : factors[channels[group * columns + column]];
      };
      for (size_t i = 0; i < columns; ++i)
        for (size_t j = 0; j < columns; ++j)
          moments[i * columns + j] =
              float(inputs.getProduct(i, j, /*centered=*/false) / (factor(i) * factor(j)));
      // Columns of one block, in their order; the same in every row.
      llvm::MapVector<int64_t, std::vector<size_t>> members;
      for (size_t column = 0; column < columns; ++column)
        members[blocks[matrix.getElement(group, 0, column)]].push_back(column);
      for (size_t row = 0; row < matrix.rows.size(); ++row)
        for (auto &[first, list] : members) {
          double sum = 0;
          for (size_t i : list) {
            float product = 0;
            for (size_t j : list)
              product += moments[i * columns + j] * difference[matrix.getElement(group, row, j)];
            sum += double(product) * difference[matrix.getElement(group, row, i)];
          }
          errors[blocks[matrix.getElement(group, row, list.front())]] += std::max(0.0, sum);
        }
    }
    return errors;
  }

  const RecoverableLayer &layer;
  const ChosenWeight &weight;
  ArrayRef<double> factors;
  std::vector<int64_t> blocks;
  int64_t numBlocks = 0;
};

struct ActivationAwarePass : terse::impl::ActivationAwarePassBase<ActivationAwarePass> {
  using ActivationAwarePassBase::ActivationAwarePassBase;

  void runOnOperation() override {
    if (llvm::Error error = run()) {
      emitError(getOperation().getLoc()) << llvm::toString(std::move(error));
      signalPassFailure();
    }
  }

  llvm::Error run() {
    if (grid == 0 || steps == 0 || !(shrink >= 0 && shrink < 1))
      return makeError("terse-awq: expected grid and steps of at least 1 and 0 <= shrink < 1 (got "
                       "{0}, {1} and {2})",
                       grid.getValue(), steps.getValue(), shrink.getValue());
    auto model = measureInputs(getOperation(), "terse-awq", {data, samples, positions, interpret});
    if (!model)
      return model.takeError();
    llvm::DenseMap<Operation *, std::vector<double>> factors;
    auto counts = scaleInputs(
        getOperation(), (*model)->inputs, "terse-awq", explicitFactors,
        [&](const ScaledInput &input) { return choose(input); }, factors);
    if (!counts)
      return counts.takeError();
    numScaled += counts->scaled;
    numKept += counts->kept;
    numBlocked += counts->blocked;
    return steps > 1 ? clip((*model)->layers, factors) : llvm::Error::success();
  }

  FailureOr<std::vector<double>> choose(const ScaledInput &input) {
    std::vector<double> best;
    std::optional<double> least;
    for (unsigned i = 0; i < grid; ++i) {
      // The first one changes nothing.
      std::vector<double> factors = getFactors(input, double(i) / grid);
      FailureOr<double> error = getOutputError(input, factors, /*noise=*/0);
      if (failed(error))
        return failure();
      if (!least || *error < *least) {
        least = *error;
        best = i ? std::move(factors) : std::vector<double>();
      }
    }
    return best;
  }

  /// Clips the scales of the weights as they are now.
  llvm::Error clip(std::vector<RecoverableLayer> &measured,
                   const llvm::DenseMap<Operation *, std::vector<double>> &factors) {
    FailureOr<std::vector<ChosenWeight>> weights = collectChosenWeights(getOperation());
    if (failed(weights))
      return makeError("terse-awq: a chosen encoding is not legal");
    std::vector<RecoverableLayer> layers = findLayers(getOperation(), *weights);
    llvm::DenseMap<Operation *, std::vector<InputMoments> *> moments;
    for (RecoverableLayer &layer : measured)
      moments[layer.op.getOperation()] = &layer.moments;
    std::vector<SmallVector<HostTensor>> scales(layers.size());
    LogicalResult all = failableParallelForEachN(&getContext(), 0, layers.size(), [&](size_t i) {
      RecoverableLayer &layer = layers[i];
      auto seen = moments.find(layer.op.getOperation());
      if (seen == moments.end() || !Clipper::accepts(*layer.weight))
        return success();
      layer.moments = std::move(*seen->second);
      auto scaled = factors.find(layer.op.getOperation());
      auto result = Clipper(layer, scaled == factors.end() ? ArrayRef<double>()
                                                           : ArrayRef<double>(scaled->second))
                        .run(steps, shrink);
      if (succeeded(result))
        scales[i] = std::move(*result);
      return success(succeeded(result));
    });
    if (failed(all))
      return makeError("terse-awq: a layer's weight could not be encoded");
    for (auto [layer, result] : llvm::zip_equal(layers, scales))
      if (!result.empty())
        setParameters(*layer.weight, result, "clipped");
    return llvm::Error::success();
  }
};

} // namespace
