//===- FuseEpilogues.cpp - Elementwise ops into kernels -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Dialect/UKernel/Transforms/Passes.h"

namespace terse::ukernel {
#define GEN_PASS_DEF_FUSEEPILOGUESPASS
#include "terse/Dialect/UKernel/Transforms/Passes.h.inc"
} // namespace terse::ukernel

using namespace mlir;
using namespace terse::ukernel;

namespace {
// Whether vectors along the last dimension of the result can be read from `v`.
bool isReadable(Value v, AffineMap map) {
  auto type = cast<RankedTensorType>(v.getType());
  Type element = type.getElementType();
  if (!element.isF32() && !element.isBF16() && !element.isInteger(8) && !element.isInteger(32))
    return false;
  unsigned last = map.getNumDims() - 1;
  bool inner = true;
  for (int64_t i = type.getRank() - 1; i >= 0; --i) {
    if (type.getDimSize(i) == 1)
      continue;
    AffineExpr e = map.getResult(i);
    if (e.isFunctionOfDim(last) && (!inner || e != getAffineDimExpr(last, map.getContext())))
      return false;
    inner = false;
  }
  return true;
}

// `v` without dimensions of size 1, and the map without them.
std::pair<Value, AffineMap> dropUnitDims(OpBuilder &b, Location loc, Value v, AffineMap map) {
  auto type = cast<RankedTensorType>(v.getType());
  SmallVector<AffineExpr> exprs;
  SmallVector<int64_t> shape;
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices leading;
  for (auto [i, e] : llvm::enumerate(map.getResults())) {
    if (type.getDimSize(i) == 1) {
      (groups.empty() ? leading : groups.back()).push_back(i);
      continue;
    }
    groups.push_back(leading);
    leading.clear();
    groups.back().push_back(i);
    exprs.push_back(e);
    shape.push_back(type.getDimSize(i));
  }
  AffineMap small = AffineMap::get(map.getNumDims(), 0, exprs, b.getContext());
  if (int64_t(exprs.size()) == type.getRank())
    return {v, small};
  auto flat = RankedTensorType::get(shape, type.getElementType());
  if (exprs.empty())
    groups.clear();
  return {tensor::CollapseShapeOp::create(b, loc, flat, v, groups), small};
}

// Whether vector code can run `op` in its place: one result, elementwise, and a type whose vectors
// are plain.
bool isVectorizable(Operation &op) {
  return op.getNumRegions() == 0 && op.getNumResults() == 1 &&
         OpTrait::hasElementwiseMappableTraits(&op) && isMemoryEffectFree(&op);
}

struct FuseConsumer : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op, PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics() || op.getNumReductionLoops() || op.getNumDpsInits() != 1 ||
        op.hasIndexSemantics() || op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)))
      return rewriter.notifyMatchFailure(op, "not elementwise");
    if (!op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
      return rewriter.notifyMatchFailure(op, "expected the result in the order of the loops");
    auto isKnown = [&](Value v) {
      return v.getParentBlock() == op.getBody() || matchPattern(v, m_Constant());
    };
    for (Operation &inner : *op.getBody()) {
      bool fits = inner.hasTrait<OpTrait::IsTerminator>() ||
                  inner.hasTrait<OpTrait::ConstantLike>() || isVectorizable(inner);
      if (!fits || !llvm::all_of(inner.getOperands(), isKnown))
        return rewriter.notifyMatchFailure(op, "expected scalar ops on operands and constants");
    }
    // The last kernel among the inputs: the others' results are there when it runs.
    KernelOpInterface kernel;
    OpOperand *from = nullptr;
    for (OpOperand *input : op.getDpsInputOperands()) {
      auto candidate = input->get().getDefiningOp<KernelOpInterface>();
      if (!candidate || candidate.getMagnitudes() || !input->get().hasOneUse() ||
          candidate->getBlock() != op->getBlock() || !op.getMatchingIndexingMap(input).isIdentity())
        continue;
      if (!kernel || kernel->isBeforeInBlock(candidate))
        kernel = candidate, from = input;
    }
    if (!kernel)
      return rewriter.notifyMatchFailure(op, "no kernel with this one use");
    for (OpOperand *input : op.getDpsInputOperands())
      if (input != from && !isReadable(input->get(), op.getMatchingIndexingMap(input)))
        return rewriter.notifyMatchFailure(op, "an operand that vectors cannot read");
    Type stored = cast<RankedTensorType>(op.getResult(0).getType()).getElementType();
    if (!stored.isF32() && !stored.isBF16() && !stored.isInteger(8) && !stored.isInteger(32))
      return rewriter.notifyMatchFailure(op, "expected f32, bf16 or integers of 8 or 32 bits");

    Location loc = rewriter.getFusedLoc({kernel.getLoc(), op.getLoc()});
    SmallVector<Value> extras(kernel.getExtras());
    SmallVector<Attribute> maps(kernel.getExtraMapsAttr().getValue());
    SmallVector<OpOperand *> others;
    for (OpOperand *input : op.getDpsInputOperands()) {
      if (input == from)
        continue;
      others.push_back(input);
      auto [small, map] =
          dropUnitDims(rewriter, loc, input->get(), op.getMatchingIndexingMap(input));
      extras.push_back(small);
      maps.push_back(AffineMapAttr::get(map));
    }
    // In place of the consumer, where all operands are there.
    Operation *old = kernel.getOperation();
    Value init = op.getDpsInits()[0];
    Operation *fused = rewriter.clone(*old);
    auto newKernel = cast<KernelOpInterface>(fused);
    rewriter.modifyOpInPlace(fused, [&] {
      newKernel.getExtrasMutable().assign(extras);
      cast<DestinationStyleOpInterface>(fused).getDpsInitsMutable()[0].set(init);
      newKernel.setExtraMapsAttr(rewriter.getArrayAttr(maps));
      fused->getResult(0).setType(cast<RankedTensorType>(init.getType()));
      fused->setLoc(loc);
    });
    Block &block = newKernel.getEpilogue().front();
    auto yield = cast<YieldOp>(block.getTerminator());
    IRMapping mapping;
    mapping.map(op.getBody()->getArgument(from->getOperandNumber()), yield.getValue());
    for (OpOperand *input : others)
      mapping.map(
          op.getBody()->getArgument(input->getOperandNumber()),
          block.addArgument(cast<ShapedType>(input->get().getType()).getElementType(), loc));
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(yield);
    for (Operation &inner : op.getBody()->without_terminator())
      rewriter.clone(inner, mapping);
    YieldOp::create(rewriter, loc,
                    mapping.lookupOrDefault(op.getBody()->getTerminator()->getOperand(0)));
    rewriter.eraseOp(yield);
    rewriter.replaceOp(op, fused->getResult(0));
    rewriter.eraseOp(old);
    return success();
  }
};

// Whether an elementwise op reads what a kernel computes under a shape of more dimensions, as
// behind a product that takes a batch of matrices as one.
bool readsExpandedKernel(OpOperand *operand) {
  auto op = dyn_cast<linalg::GenericOp>(operand->getOwner());
  auto expand = operand->get().getDefiningOp<tensor::ExpandShapeOp>();
  return op && expand && !op.getNumReductionLoops() && expand->hasOneUse() &&
         expand.getSrc().hasOneUse() && expand.getSrc().getDefiningOp<KernelOpInterface>();
}

struct FuseEpiloguesPass : terse::ukernel::impl::FuseEpiloguesPassBase<FuseEpiloguesPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseConsumer>(&getContext());
    populateDropUnitIndexPatterns(patterns);
    linalg::populateFoldReshapeOpsByCollapsingPatterns(patterns, readsExpandedKernel);
    // Which leave sizes of what they collapse: uses of a kernel's result that read no element.
    memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    // What is done to a sum is often requantization.
    RewritePatternSet casts(&getContext());
    populateRoundingCastPatterns(casts);
    if (failed(applyPatternsGreedily(getOperation(), std::move(casts))))
      return signalPassFailure();
    // What nothing more is done to is measured where it is stored.
    RewritePatternSet magnitudes(&getContext());
    populateFuseMagnitudePatterns(magnitudes);
    if (failed(applyPatternsGreedily(getOperation(), std::move(magnitudes))))
      signalPassFailure();
  }
};
} // namespace
