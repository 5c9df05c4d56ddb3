//===- Gptq.cpp - Rounding with error feedback ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "RoundedLayers.h"
#include "Rounding.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Recovery/Passes.h"

namespace terse {
#define GEN_PASS_DEF_GPTQPASS
#include "terse/Recovery/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {

struct GptqPass : terse::impl::GptqPassBase<GptqPass> {
  using Base::Base;

  void runOnOperation() override {
    if (llvm::Error error = run()) {
      emitError(getOperation().getLoc()) << llvm::toString(std::move(error));
      signalPassFailure();
    }
  }

  llvm::Error run() {
    if (!(damping >= 0) || block < 1 || steps < 1 || !(shrink >= 0 && shrink < 1))
      return llvm::createStringError(
          "terse-gptq: expected damping >= 0, block >= 1, steps >= 1 and 0 <= shrink < 1");
    SearchOptions search;
    search.rounding.damping = damping;
    search.rounding.activationOrder = actOrder;
    search.rounding.centered = correctBias;
    search.rounding.block = block;
    search.rounding.sweeps = sweeps;
    search.steps = steps;
    search.shrink = shrink;
    search.refits = refits;
    auto feedBack = [](const GroupRounding &group, const ElementLevels &levels) {
      return group.roundWithFeedback(levels);
    };
    RoundedLayersOptions options{
        "terse-gptq", "gptq", {data, samples, positions, interpret, stages}, correctBias};
    auto counts = roundLayers(getOperation(), options, [&](const RecoverableLayer &layer) {
      return roundLayer(layer, search, feedBack);
    });
    if (!counts)
      return counts.takeError();
    numRounded += counts->rounded;
    numSkipped += counts->skipped;
    return llvm::Error::success();
  }
};

} // namespace
