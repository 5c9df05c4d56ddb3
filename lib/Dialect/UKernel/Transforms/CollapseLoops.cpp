//===- CollapseLoops.cpp - Fewer, longer loops ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Utils.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Dialect/UKernel/Transforms/Passes.h"

namespace terse::ukernel {
#define GEN_PASS_DEF_COLLAPSELOOPSPASS
#include "terse/Dialect/UKernel/Transforms/Passes.h.inc"
} // namespace terse::ukernel

using namespace mlir;
using namespace terse::ukernel;

namespace {
// Inputs that are read at index 0 of a dimension of size 1 lose it: only plain indices collapse.
struct DropUnitIndices : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op, PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "expected tensors");
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    SmallVector<Value> inputs(op.getDpsInputs());
    bool changed = false;
    for (auto [i, v] : llvm::enumerate(inputs)) {
      auto type = cast<RankedTensorType>(v.getType());
      AffineMap map = maps[i];
      auto isUnit = [&](int64_t d) {
        auto c = dyn_cast<AffineConstantExpr>(map.getResult(d));
        return c && c.getValue() == 0 && type.getDimSize(d) == 1;
      };
      SmallVector<AffineExpr> exprs;
      SmallVector<int64_t> shape;
      SmallVector<ReassociationIndices> groups;
      ReassociationIndices leading;
      for (int64_t d = 0; d < type.getRank(); ++d) {
        if (isUnit(d)) {
          (groups.empty() ? leading : groups.back()).push_back(d);
          continue;
        }
        groups.push_back(leading);
        leading.clear();
        groups.back().push_back(d);
        exprs.push_back(maps[i].getResult(d));
        shape.push_back(type.getDimSize(d));
      }
      if (int64_t(exprs.size()) == type.getRank())
        continue;
      changed = true;
      auto flat = RankedTensorType::get(shape, type.getElementType());
      inputs[i] = tensor::CollapseShapeOp::create(rewriter, op.getLoc(), flat, v, groups);
      maps[i] = AffineMap::get(maps[i].getNumDims(), 0, exprs, op.getContext());
    }
    if (!changed)
      return rewriter.notifyMatchFailure(op, "no index 0 of a dimension of size 1");
    auto made = linalg::GenericOp::create(rewriter, op.getLoc(), op.getResultTypes(), inputs,
                                          op.getDpsInits(), maps, op.getIteratorTypesArray());
    rewriter.inlineRegionBefore(op.getRegion(), made.getRegion(), made.getRegion().begin());
    rewriter.replaceOp(op, made.getResults());
    return success();
  }
};

// Runs of loops that follow each other in every operand.
SmallVector<ReassociationIndices> findRuns(linalg::LinalgOp op) {
  auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
  if (!generic || generic.hasIndexSemantics() || !generic.hasPureTensorSemantics())
    return {};
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!llvm::all_of(maps, [](AffineMap map) { return map.isProjectedPermutation(); }))
    return {};
  // A sum of products keeps the loops that its own kernels know.
  if (op.getNumReductionLoops() && op.getNumDpsInputs() != 1)
    return {};
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  SmallVector<ReassociationIndices> runs;
  ReassociationIndices run{0};
  auto close = [&] {
    if (run.size() > 1)
      runs.push_back(run);
    run.clear();
  };
  for (int64_t d = 1; d < int64_t(op.getNumLoops()); ++d) {
    ReassociationIndices longer = run;
    longer.push_back(d);
    // A buffer whose sizes in a group are unknown but for one can be expanded again; others cannot.
    bool isExpandable =
        llvm::count_if(longer, [&](int64_t i) { return ShapedType::isDynamic(ranges[i]); }) <= 1;
    if (isExpandable && iterators[d] == iterators[run.front()] &&
        linalg::areDimSequencesPreserved(maps, {longer})) {
      run = longer;
      continue;
    }
    close();
    run = {d};
  }
  close();
  return runs;
}

struct CollapseLoopsPass : terse::ukernel::impl::CollapseLoopsPassBase<CollapseLoopsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<DropUnitIndices>(&getContext());
    linalg::populateCollapseDimensions(patterns, findRuns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
