//===- Decompose.cpp - Express composite nn ops by simpler ones -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/NN/Transforms/Decompose.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/NN/Transforms/Passes.h"

namespace terse::nn {
#define GEN_PASS_DEF_NNDECOMPOSEPASS
#include "terse/Dialect/NN/Transforms/Passes.h.inc"
} // namespace terse::nn

using namespace mlir;
using namespace terse::nn;

namespace {

// The ops this pass removes, for its statistic.
bool isComposite(Operation *op) {
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return !llvm::is_contained(
        {ReduceKind::Sum, ReduceKind::Prod, ReduceKind::Max, ReduceKind::Min}, reduce.getKind());
  return isa<BatchNormOp, LayerNormOp, RmsNormOp, GroupNormOp, InstanceNormOp, SoftmaxOp,
             AttentionOp, RotaryEmbeddingOp, EmbeddingOp, LstmOp, GruOp, RnnOp>(op);
}

struct NNDecompose : terse::nn::impl::NNDecomposePassBase<NNDecompose> {
  void runOnOperation() override {
    auto count = [&] {
      unsigned n = 0;
      getOperation()->walk([&](Operation *op) { n += isComposite(op); });
      return n;
    };
    unsigned before = count();
    RewritePatternSet patterns(&getContext());
    populateDecomposeNormPatterns(patterns);
    populateDecomposeAttentionPatterns(patterns);
    populateDecomposeReductionPatterns(patterns);
    populateDecomposeRecurrentPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    numDecomposed += before - count();
  }
};

} // namespace
