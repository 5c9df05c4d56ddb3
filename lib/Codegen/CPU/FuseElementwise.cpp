//===- FuseElementwise.cpp - Chains of elementwise ops --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Codegen/CPU/Passes.h"

namespace terse {
#define GEN_PASS_DEF_FUSEELEMENTWISEPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

// Whether each input element goes into one result only: every input is read by all loops.
static bool isSimpleReduction(linalg::LinalgOp op) {
  return llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *input) {
    return op.getMatchingIndexingMap(input).isPermutation();
  });
}

namespace {
struct FuseElementwisePass : terse::impl::FuseElementwisePassBase<FuseElementwisePass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(patterns, [](OpOperand *operand) {
      Operation *producer = operand->get().getDefiningOp();
      auto consumer = dyn_cast<linalg::LinalgOp>(operand->getOwner());
      if (!producer || !consumer)
        return false;
      // One cheap op on one input costs less again than its result does in memory.
      auto generic = dyn_cast<linalg::GenericOp>(producer);
      bool cheap = generic && generic.getNumDpsInputs() == 1 &&
                   generic.getNumReductionLoops() == 0 &&
                   llvm::hasNItemsOrLess(*generic.getBody(), 2) &&
                   llvm::all_of(producer->getUsers(), [](Operation *user) {
                     auto op = dyn_cast<linalg::LinalgOp>(user);
                     return op && op.getNumDpsInputs() <= 3 &&
                            (op.getNumReductionLoops() == 0 || isSimpleReduction(op));
                   });
      if (!producer->hasOneUse() && !cheap)
        return false;
      // A reduction of one input reads each element once; a contraction reads them many times.
      return consumer.getNumReductionLoops() == 0 || isSimpleReduction(consumer);
    });
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
