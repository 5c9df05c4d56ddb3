//===- Smooth.cpp - Ranges of activations into weights ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ScaledInputs.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/TerseDialect.h"
#include "terse/Recovery/Passes.h"
#include "terse/Support/Error.h"

#include <algorithm>
#include <cmath>

namespace terse {
#define GEN_PASS_DEF_SMOOTHPASS
#include "terse/Recovery/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

/// The magnitude of the channel in the middle.
static double getTypicalMagnitude(const ScaledInput &input) {
  std::vector<double> magnitudes;
  for (const ChannelRange &channel : input.channels)
    magnitudes.push_back(channel.getAbsMax());
  auto middle = magnitudes.begin() + magnitudes.size() / 2;
  std::nth_element(magnitudes.begin(), middle, magnitudes.end());
  return magnitudes.empty() ? 0 : *middle;
}

/// max|x|^alpha / max|w|^(1 - alpha), normalized; max|x| counts as `floor` at least.
static std::vector<double> getFactors(const ScaledInput &input, ArrayRef<double> weights,
                                      double alpha, double floor) {
  std::vector<double> factors;
  for (auto [channel, weight] : llvm::zip_equal(input.channels, weights)) {
    double x = std::max(channel.getAbsMax(), floor);
    // A channel that is always zero, or that nothing multiplies, has no range to move.
    factors.push_back(x > 0 && weight > 0 ? std::pow(x, alpha) / std::pow(weight, 1 - alpha) : 0);
  }
  normalizeFactors(factors);
  return factors;
}

/// The variance that rounding adds to the input divided by `factors`.
static double getNoise(const ScaledInput &input, ArrayRef<double> factors, unsigned bits) {
  double low = 0, high = 0;
  for (auto [channel, factor] : llvm::zip_equal(input.channels, factors)) {
    low = std::min(low, channel.min / factor);
    high = std::max(high, channel.max / factor);
  }
  double step = (high - low) / (std::exp2(double(bits)) - 1);
  return step * step / 12;
}

namespace {

struct SmoothPass : terse::impl::SmoothPassBase<SmoothPass> {
  using SmoothPassBase::SmoothPassBase;

  void runOnOperation() override {
    if (llvm::Error error = run()) {
      emitError(getOperation().getLoc()) << llvm::toString(std::move(error));
      signalPassFailure();
    }
  }

  llvm::Error run() {
    if (!(alpha <= 1) || activationBits < 1 || activationBits > 16)
      return makeError("terse-smooth: expected alpha at most 1 and activation-bits from 1 to 16 "
                       "(got {0} and {1})",
                       alpha.getValue(), activationBits.getValue());
    auto model =
        measureInputs(getOperation(), "terse-smooth", {data, samples, positions, interpret});
    if (!model)
      return model.takeError();
    llvm::DenseMap<Operation *, std::vector<double>> factors;
    auto counts = scaleInputs(
        getOperation(), (*model)->inputs, "terse-smooth", explicitFactors,
        [&](const ScaledInput &input) { return choose(input); }, factors);
    if (!counts)
      return counts.takeError();
    numScaled += counts->scaled;
    numKept += counts->kept;
    numBlocked += counts->blocked;
    return llvm::Error::success();
  }

  /// The factors of least error; none if nothing is better than none.
  FailureOr<std::vector<double>> choose(const ScaledInput &input) {
    std::vector<double> weights = input.getWeightMagnitudes();
    if (alpha >= 0)
      return getFactors(input, weights, alpha, /*floor=*/0);
    std::vector<double> none(input.channels.size(), 1), best;
    FailureOr<double> least = getOutputError(input, none, getNoise(input, none, activationBits));
    if (failed(least))
      return failure();
    // A channel that was small on these data, as those behind a ReLU that hardly ever fired, may be
    // larger on others. The range of all channels has room for that; if factors gave each channel
    // the whole range for what was seen of it, there would be none.
    double floor = getTypicalMagnitude(input);
    constexpr int kSteps = 20;
    for (int i = 0; i <= kSteps; ++i) {
      std::vector<double> factors = getFactors(input, weights, double(i) / kSteps, floor);
      FailureOr<double> error =
          getOutputError(input, factors, getNoise(input, factors, activationBits));
      if (failed(error))
        return failure();
      if (*error < *least) {
        least = error;
        best = std::move(factors);
      }
    }
    return best;
  }
};

} // namespace
