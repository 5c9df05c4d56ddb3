//===- DropUnitIndices.cpp - Operands without dimensions of size 1 --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Utils.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace terse::ukernel;

namespace {
// Inputs lose dimensions of size 1 that keep loops from collapsing: those that are read at index 0,
// and those of a loop of the result whose neighbours the input does not read beside it.
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
      auto reads = [&](int64_t d, int64_t loop) {
        return d >= 0 && d < type.getRank() && loop >= 0 && loop < int64_t(map.getNumDims()) &&
               map.getResult(d) == getAffineDimExpr(loop, op.getContext());
      };
      auto isUnit = [&](int64_t d) {
        if (type.getDimSize(d) != 1)
          return false;
        if (auto loop = dyn_cast<AffineDimExpr>(map.getResult(d))) {
          int64_t at = loop.getPosition();
          return maps.back().isFunctionOfDim(at) && !reads(d - 1, at - 1) && !reads(d + 1, at + 1);
        }
        auto c = dyn_cast<AffineConstantExpr>(map.getResult(d));
        return c && c.getValue() == 0;
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
} // namespace

void terse::ukernel::populateDropUnitIndexPatterns(RewritePatternSet &patterns) {
  patterns.add<DropUnitIndices>(patterns.getContext());
}
