//===- FoldPad.cpp - Zero padding into the op that reads it ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "NNBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Dialect/NN/IR/NNQuantization.h"
#include "terse/Dialect/NN/Transforms/Passes.h"

namespace terse::nn {
#define GEN_PASS_DEF_NNFOLDPADPASS
#include "terse/Dialect/NN/Transforms/Passes.h.inc"
} // namespace terse::nn

using namespace mlir;
using namespace terse;
using namespace terse::nn;

namespace {

bool padsWithZeros(PadOp pad) {
  if (pad.getMode() != PadMode::Constant)
    return false;
  return !pad.getValue() || matchPattern(pad.getValue(), m_AnyZeroFloat()) ||
         matchPattern(pad.getValue(), m_Zero());
}

struct FoldPad : OpInterfaceRewritePattern<ZeroPadded> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(ZeroPadded op, PatternRewriter &rewriter) const override {
    auto pad = op->getOperand(0).getDefiningOp<PadOp>();
    if (!pad || !padsWithZeros(pad) || isEncoded(pad) || isEncoded(op))
      return rewriter.notifyMatchFailure(op, "the operand is not padded with zeros");
    Padding padding = op.getZeroPadding();
    for (auto [axis, low, high] : llvm::enumerate(pad.getLow(), pad.getHigh())) {
      if (low < 0 || high < 0)
        return rewriter.notifyMatchFailure(op, "the pad crops");
      padding.low[axis] += low;
      padding.high[axis] += high;
    }
    if (failed(op.setZeroPadding(padding)))
      return rewriter.notifyMatchFailure(op, "the op cannot pad these axes");
    rewriter.modifyOpInPlace(op, [&] { op->setOperand(0, pad.getX()); });
    return success();
  }
};

struct NNFoldPad : nn::impl::NNFoldPadPassBase<NNFoldPad> {
  void runOnOperation() override {
    auto count = [&] {
      unsigned n = 0;
      getOperation().walk([&](PadOp op) { n += !op->use_empty(); });
      return n;
    };
    unsigned before = count();
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldPad>(&getContext());
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false).setRegionSimplificationLevel(
        GreedySimplifyRegionLevel::Disabled);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      return signalPassFailure();
    numFolded += before - count();
  }
};

} // namespace
