//===- OrderDimensions.cpp - In which order loops pass tensors on ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A norm over other than the last dimension is written as a norm over the last one between two
// transposes. These go into the loops, but what the loops pass on to each other would still be
// transposed: written or read one element at a time.

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Codegen/CPU/Passes.h"

namespace terse {
#define GEN_PASS_DEF_ORDERDIMENSIONSPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

static AffineMap reorder(AffineMap map, ArrayRef<int64_t> order) {
  SmallVector<AffineExpr> exprs;
  for (int64_t i : order)
    exprs.push_back(map.getResult(i));
  return AffineMap::get(map.getNumDims(), 0, exprs, map.getContext());
}

// The order of the result's dimensions in which the inputs of its rank lie; empty if they differ.
static SmallVector<int64_t> getInputOrder(linalg::GenericOp op, AffineMap out) {
  SmallVector<int64_t> order;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    if (!map.isPermutation())
      continue;
    SmallVector<int64_t> found;
    for (AffineExpr e : map.getResults())
      found.push_back(*out.getResultPosition(e));
    if (!order.empty() && order != found)
      return {};
    order = found;
  }
  return order;
}

// Whether vectors can run along the last dimension of an operand that is read by `map`, and
// whatever else `op` reads or writes of that size lies in the same order.
static bool readsInOrder(linalg::GenericOp op, AffineMap map) {
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (op.getNumReductionLoops() == 0)
    return map == out;
  unsigned last = cast<AffineDimExpr>(map.getResults().back()).getPosition();
  if (op.getIteratorTypesArray()[last] == utils::IteratorType::reduction)
    return op.getNumReductionLoops() == 1;
  return op.getNumDpsInputs() == 1 && out.getNumResults() &&
         out.getResults().back() == map.getResults().back();
}

namespace {
struct OrderAsRead : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op, PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 || op.getNumReductionLoops() ||
        op.hasIndexSemantics() || op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)))
      return rewriter.notifyMatchFailure(op, "not elementwise");
    auto init = op.getDpsInits()[0].getDefiningOp<tensor::EmptyOp>();
    AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
    if (!init || !out.isPermutation())
      return rewriter.notifyMatchFailure(op, "expected a new tensor of all loops");
    SmallVector<int64_t> order = getInputOrder(op, out);
    if (order.empty() || isIdentityPermutation(order))
      return rewriter.notifyMatchFailure(op,
                                         "inputs lie in the order of the result, or in several");
    bool isReadWhole = false;
    for (OpOperand &use : op->getUses()) {
      if (auto dim = dyn_cast<tensor::DimOp>(use.getOwner()); dim && dim.getConstantIndex())
        continue;
      auto user = dyn_cast<linalg::GenericOp>(use.getOwner());
      if (!user || !user.hasPureTensorSemantics() || user.getNumDpsInits() != 1 ||
          user.isDpsInit(&use) || user.hasIndexSemantics())
        return rewriter.notifyMatchFailure(op, "expected to be read by loops alone");
      AffineMap map = user.getMatchingIndexingMap(&use);
      if (!map.isProjectedPermutation() || !readsInOrder(user, reorder(map, order)))
        return rewriter.notifyMatchFailure(op, "read in another order than that of the inputs");
      isReadWhole |= user.getNumReductionLoops() == 0;
    }
    if (!isReadWhole)
      return rewriter.notifyMatchFailure(op, "read by reductions alone");

    SmallVector<OpFoldResult> sizes = init.getMixedSizes(), ordered;
    for (int64_t i : order)
      ordered.push_back(sizes[i]);
    Location loc = op.getLoc();
    Value empty = tensor::EmptyOp::create(rewriter, loc, ordered, init.getType().getElementType());
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    maps.back() = reorder(out, order);
    auto made = linalg::GenericOp::create(rewriter, loc, empty.getType(), op.getDpsInputs(), empty,
                                          maps, op.getIteratorTypesArray());
    rewriter.inlineRegionBefore(op.getRegion(), made.getRegion(), made.getRegion().begin());
    SmallVector<unsigned> loops;
    for (AffineExpr e : maps.back().getResults())
      loops.push_back(cast<AffineDimExpr>(e).getPosition());
    FailureOr<linalg::GenericOp> inOrder = linalg::interchangeGenericOp(rewriter, made, loops);
    if (succeeded(inOrder))
      made = *inOrder;
    for (OpOperand &use : llvm::make_early_inc_range(op->getUses())) {
      if (auto dim = dyn_cast<tensor::DimOp>(use.getOwner())) {
        int64_t at = llvm::find(order, *dim.getConstantIndex()) - order.begin();
        OpBuilder::InsertionGuard guard(rewriter);
        rewriter.setInsertionPoint(dim);
        rewriter.replaceOpWithNewOp<tensor::DimOp>(dim, made.getResult(0), at);
        continue;
      }
      auto user = cast<linalg::GenericOp>(use.getOwner());
      SmallVector<AffineMap> read = user.getIndexingMapsArray();
      read[use.getOperandNumber()] = reorder(read[use.getOperandNumber()], order);
      rewriter.modifyOpInPlace(user, [&] {
        use.set(made.getResult(0));
        user.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(read));
      });
    }
    rewriter.eraseOp(op);
    return success();
  }
};

struct OrderDimensionsPass : terse::impl::OrderDimensionsPassBase<OrderDimensionsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<OrderAsRead>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
