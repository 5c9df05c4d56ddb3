//===- FuseElementwise.cpp - Chains of elementwise ops --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Codegen/CPU/Passes.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"

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

// Ops of a body that is not repeated for nothing.
static constexpr unsigned kMuch = 8;

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

// Functions that cost more than writing their result and reading it again.
static bool isExpensive(Operation &op) {
  return isa<math::MathDialect>(op.getDialect()) && !isa<math::AbsFOp, math::RoundEvenOp>(op);
}

// By more than a power of two, of which the product is as exact.
static bool isDivision(Operation &op) {
  APFloat divisor(0.0f);
  return isa<arith::DivFOp>(op) && !(matchPattern(op.getOperand(1), m_ConstantFloat(&divisor)) &&
                                     divisor.getExactInverse(nullptr));
}

// Whether the consumer reads each element many times, and each is much to compute.
static bool isRepeatedWork(linalg::GenericOp producer, OpOperand *operand) {
  auto consumer = cast<linalg::LinalgOp>(operand->getOwner());
  AffineMap map = consumer.getMatchingIndexingMap(operand);
  bool repeats = false;
  for (unsigned d = 0; d < map.getNumDims(); ++d)
    repeats |= !map.isFunctionOfDim(d) && consumer.getStaticLoopRanges()[d] != 1;
  if (!repeats || isConstant(operand->get()))
    return false;
  // What is the same along the innermost loop is computed in front of it; what changes there is
  // computed again for each index of the others.
  bool changes = map.getNumDims() && map.isFunctionOfDim(map.getNumDims() - 1);
  return !llvm::hasNItemsOrLess(*producer.getBody(), kMuch) ||
         (changes && llvm::any_of(*producer.getBody(),
                                  [](Operation &op) { return isExpensive(op) || isDivision(op); }));
}

// Whether `producer` is what is done to the sums of a contraction: its kernel does that on the way.
static bool finishesContraction(linalg::GenericOp producer) {
  return llvm::any_of(producer.getDpsInputOperands(), [&](OpOperand *input) {
    Operation *op = input->get().getDefiningOp();
    if (!op || !producer.getMatchingIndexingMap(input).isPermutation())
      return false;
    if (isa<ukernel::KernelOpInterface>(op))
      return true;
    auto contraction = dyn_cast<linalg::LinalgOp>(op);
    return contraction && contraction.getNumReductionLoops() && contraction.getNumDpsInputs() == 2;
  });
}

// Whether an op around `extract` reads more elements than `type` has.
static bool isReadOften(tensor::ExtractOp extract, RankedTensorType type) {
  auto loops = extract->getParentOfType<linalg::LinalgOp>();
  if (!loops || !type.hasStaticShape())
    return false;
  int64_t read = 1;
  for (int64_t size : loops.getStaticLoopRanges())
    read *= ShapedType::isDynamic(size) ? 1 : size;
  return read >= 2 * type.getNumElements();
}

namespace {
// An element of what an elementwise op makes: the op for this element only. Embeddings read few
// rows of a table that is decoded whole otherwise.
struct FuseIntoExtract : OpRewritePattern<tensor::ExtractOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ExtractOp op, PatternRewriter &rewriter) const override {
    auto producer = op.getTensor().getDefiningOp<linalg::GenericOp>();
    if (!producer || !producer->hasOneUse() || !producer.hasPureTensorSemantics() ||
        producer.getNumDpsInits() != 1 || producer.getNumReductionLoops() != 0 ||
        producer.hasIndexSemantics() ||
        producer.payloadUsesValueFromOperand(producer.getDpsInitOperand(0)))
      return rewriter.notifyMatchFailure(op, "not read from an elementwise op alone");
    if (!producer.getMatchingIndexingMap(producer.getDpsInitOperand(0)).isIdentity())
      return rewriter.notifyMatchFailure(op, "expected the result in the order of the loops");
    if (!llvm::hasNItemsOrLess(*producer.getBody(), kMuch))
      return rewriter.notifyMatchFailure(op, "much work, which may be repeated");
    if (isReadOften(op, cast<RankedTensorType>(producer.getResult(0).getType())))
      return rewriter.notifyMatchFailure(op, "more elements are read than there are");
    for (OpOperand *input : producer.getDpsInputOperands())
      for (AffineExpr e : producer.getMatchingIndexingMap(input).getResults())
        if (!isa<AffineDimExpr, AffineConstantExpr>(e))
          return rewriter.notifyMatchFailure(op, "expected plain indices");
    IRMapping mapping;
    for (OpOperand *input : producer.getDpsInputOperands()) {
      SmallVector<Value> at;
      for (AffineExpr e : producer.getMatchingIndexingMap(input).getResults())
        if (auto dim = dyn_cast<AffineDimExpr>(e))
          at.push_back(op.getIndices()[dim.getPosition()]);
        else
          at.push_back(arith::ConstantIndexOp::create(rewriter, op.getLoc(),
                                                      cast<AffineConstantExpr>(e).getValue()));
      mapping.map(producer.getMatchingBlockArgument(input),
                  tensor::ExtractOp::create(rewriter, op.getLoc(), input->get(), at).getResult());
    }
    for (Operation &inner : producer.getBody()->without_terminator())
      rewriter.clone(inner, mapping);
    rewriter.replaceOp(op,
                       mapping.lookupOrDefault(producer.getBody()->getTerminator()->getOperand(0)));
    return success();
  }
};

struct FuseElementwisePass : terse::impl::FuseElementwisePassBase<FuseElementwisePass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseIntoExtract>(&getContext());
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
                   llvm::none_of(*generic.getBody(), isExpensive) &&
                   llvm::all_of(producer->getUsers(), [](Operation *user) {
                     auto op = dyn_cast<linalg::LinalgOp>(user);
                     return op && op.getNumDpsInputs() <= 3 &&
                            (op.getNumReductionLoops() == 0 || isSimpleReduction(op));
                   });
      if (!producer->hasOneUse() && !cheap)
        return false;
      if (generic && isRepeatedWork(generic, operand))
        return false;
      if (generic && consumer.getNumReductionLoops() && finishesContraction(generic))
        return false;
      // A reduction of one input reads each element once; a contraction reads them many times.
      return consumer.getNumReductionLoops() == 0 || isSimpleReduction(consumer);
    });
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
