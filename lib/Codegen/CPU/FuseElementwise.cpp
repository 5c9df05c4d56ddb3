//===- FuseElementwise.cpp - Chains of elementwise ops --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
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

// Whether `value` is known before any input is: a weight, or decoded from weights.
static bool isConstant(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (op->hasTrait<OpTrait::ConstantLike>() ||
      isa<ml_program::GlobalLoadConstOp, tensor::EmptyOp>(op))
    return true;
  return isa<linalg::LinalgOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op) &&
         llvm::all_of(op->getOperands(), isConstant);
}

// Whether the consumer reads each element many times, and each is much to compute.
static bool isRepeatedWork(linalg::GenericOp producer, OpOperand *operand) {
  constexpr unsigned kMuch = 8;
  auto consumer = cast<linalg::LinalgOp>(operand->getOwner());
  AffineMap map = consumer.getMatchingIndexingMap(operand);
  bool repeats = false;
  for (unsigned d = 0; d < map.getNumDims(); ++d)
    repeats |= !map.isFunctionOfDim(d) && consumer.getStaticLoopRanges()[d] != 1;
  return repeats && !llvm::hasNItemsOrLess(*producer.getBody(), kMuch) &&
         !isConstant(operand->get());
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
      // One cheap op on one input, or none, costs less again than its result does in memory.
      auto generic = dyn_cast<linalg::GenericOp>(producer);
      bool cheap = generic && generic.getNumDpsInputs() <= 1 &&
                   generic.getNumReductionLoops() == 0 &&
                   llvm::hasNItemsOrLess(*generic.getBody(), 2) &&
                   llvm::all_of(producer->getUsers(), [](Operation *user) {
                     auto op = dyn_cast<linalg::LinalgOp>(user);
                     return op && op.getNumDpsInputs() <= 3 &&
                            (op.getNumReductionLoops() == 0 || isSimpleReduction(op));
                   });
      if (!producer->hasOneUse() && !cheap)
        return false;
      if (generic && isRepeatedWork(generic, operand))
        return false;
      // A reduction of one input reads each element once; a contraction reads them many times.
      return consumer.getNumReductionLoops() == 0 || isSimpleReduction(consumer);
    });
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
