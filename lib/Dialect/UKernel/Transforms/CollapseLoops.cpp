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
    // Transposes of images move whole images.
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::TransposeOp> transposes;
    getOperation().walk([&](linalg::TransposeOp op) { transposes.push_back(op); });
    for (linalg::TransposeOp op : transposes) {
      rewriter.setInsertionPoint(op);
      if (failed(linalg::generalizeNamedOp(rewriter, op)))
        return signalPassFailure();
    }
    RewritePatternSet patterns(&getContext());
    populateDropUnitIndexPatterns(patterns);
    linalg::populateCollapseDimensions(patterns, findRuns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
