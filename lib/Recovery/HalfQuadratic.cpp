//===- HalfQuadratic.cpp - HQQ ----------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All sets of elements that share a scale take a step together: the encoding's own
// definition encodes and decodes the whole weight, so that the method knows of no
// encoding.
//
//===----------------------------------------------------------------------===//

#include "HalfQuadratic.h"
#include "terse/Dialect/Terse/IR/HostBlocks.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Recovery/ChosenWeights.h"
#include "terse/Recovery/Passes.h"

#include <cmath>
#include <limits>

namespace terse {
#define GEN_PASS_DEF_HALFQUADRATICPASS
#include "terse/Recovery/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

double terse::shrinkError(double x, double norm, double beta) {
  double magnitude = std::fabs(x);
  if (magnitude == 0)
    return 0;
  return std::copysign(std::max(0.0, magnitude - std::pow(magnitude, norm - 1) / beta), x);
}

namespace {

class Optimizer {
public:
  Optimizer(const ChosenWeight &weight, double norm)
      : weight(weight), norm(norm), values(weight.value),
        runs(*weight.encoding.getScaleGranularity(), weight.type.getShape()),
        bestErrors(runs.getNumBlocks(), std::numeric_limits<double>::infinity()) {}

  FailureOr<SmallVector<HostTensor>> run(unsigned iterations, double beta, double growth) {
    FailureOr<SmallVector<HostTensor>> parameters = weight.getParameters();
    if (failed(parameters))
      return failure();
    best = *parameters;
    for (unsigned i = 0; i <= iterations; ++i, beta *= growth)
      if (failed(step(*parameters, beta)))
        return failure();
    return best;
  }

private:
  struct Sums {
    double error = 0, product = 0, square = 0, offset = 0;
    int64_t count = 0;
  };

  /// Measures `parameters` and replaces them by better ones for what they encode to.
  LogicalResult step(SmallVector<HostTensor> &parameters, double beta) {
    FailureOr<HostTensor> decoded = weight.round(parameters);
    if (failed(decoded))
      return failure();
    FloatView rounded(*decoded);
    std::vector<Sums> sums(runs.getNumBlocks());
    runs.visit([&](int64_t first, int64_t count, int64_t block) {
      double scale = parameters[0].getAsDouble(block);
      Sums &sum = sums[block];
      for (int64_t i = first; i < first + count; ++i) {
        double level = double(rounded[i]) / scale; // q - z
        double wanted = double(values[i]) / scale;
        double left = wanted - shrinkError(wanted - level, norm, beta);
        sum.error += std::pow(std::fabs(double(values[i]) - rounded[i]), norm);
        sum.product += left * level;
        sum.square += level * level;
        sum.offset += level - left;
        ++sum.count;
      }
    });
    for (int64_t block = 0; block < runs.getNumBlocks(); ++block) {
      const Sums &sum = sums[block];
      if (sum.error < bestErrors[block]) {
        bestErrors[block] = sum.error;
        for (auto [to, from] : llvm::zip_equal(best, parameters))
          to.setFromDouble(block, from.getAsDouble(block));
      }
      if (sum.count == 0)
        continue;
      double scale = parameters[0].getAsDouble(block);
      if (sum.square > 0 && sum.product > 0)
        parameters[0].setFromDouble(block, scale * sum.product / sum.square);
      if (!(parameters[0].getAsDouble(block) > 0) ||
          !std::isfinite(parameters[0].getAsDouble(block)))
        parameters[0].setFromDouble(block, scale);
      if (parameters.size() > 1)
        parameters[1].setFromDouble(block, parameters[1].getAsDouble(block) +
                                               sum.offset / double(sum.count));
    }
    return success();
  }

  const ChosenWeight &weight;
  double norm;
  FloatView values;
  BlockRuns runs;
  SmallVector<HostTensor> best;
  std::vector<double> bestErrors;
};

/// Whether plain scales, and perhaps zero points, one for each, are all that can be given.
bool isOptimizable(const ChosenWeight &weight) {
  SmallVector<EncodingComponent> parameters = getParameterComponents(weight.encoding, weight.type);
  if (!weight.encoding.getScaleGranularity() || parameters.empty() || parameters.size() > 2 ||
      parameters[0].name != "scales" || !isa<FloatType>(parameters[0].type.getElementType()))
    return false;
  return parameters.size() == 1 || parameters[1].name == "zero_points";
}

struct HalfQuadraticPass : terse::impl::HalfQuadraticPassBase<HalfQuadraticPass> {
  using Base::Base;

  void runOnOperation() override {
    if (!(norm > 0 && norm <= 1) || !(beta > 0) || !(growth >= 1)) {
      getOperation().emitError() << "expected 0 < norm <= 1, beta > 0 and growth >= 1 (got norm = "
                                 << norm.getValue() << ", beta = " << beta.getValue()
                                 << ", growth = " << growth.getValue() << ")";
      return signalPassFailure();
    }
    FailureOr<std::vector<ChosenWeight>> weights = collectChosenWeights(getOperation());
    if (failed(weights))
      return signalPassFailure();
    for (ChosenWeight &weight : *weights) {
      if (!isOptimizable(weight))
        continue;
      FailureOr<SmallVector<HostTensor>> parameters =
          Optimizer(weight, norm).run(iterations, beta, growth);
      if (failed(parameters))
        return signalPassFailure();
      setParameters(weight, *parameters, "hqq");
      ++numOptimized;
    }
  }
};

} // namespace
