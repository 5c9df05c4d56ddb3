//===- ExpandAttention.cpp - Attention as its products ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/NN/Transforms/Decompose.h"
#include "terse/Dialect/NN/Transforms/Passes.h"

namespace terse::nn {
#define GEN_PASS_DEF_NNEXPANDATTENTIONPASS
#include "terse/Dialect/NN/Transforms/Passes.h.inc"
} // namespace terse::nn

using namespace mlir;
using namespace terse::nn;

namespace {

struct NNExpandAttention : terse::nn::impl::NNExpandAttentionPassBase<NNExpandAttention> {
  void runOnOperation() override {
    auto count = [&] {
      unsigned n = 0;
      getOperation()->walk([&](AttentionOp) { ++n; });
      return n;
    };
    unsigned before = count();
    RewritePatternSet patterns(&getContext());
    populateExpandAttentionPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    numExpanded += before - count();
  }
};

} // namespace
