//===- PropagateLayout.cpp - Channels last between kernels ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Only transposes from channels-last to channels-first move, and only down, so that the patterns
// end: what they need the other way round is transposed back at once, which cancels or stays.

#include "Utils.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Dialect/UKernel/Transforms/Passes.h"

namespace terse::ukernel {
#define GEN_PASS_DEF_PROPAGATELAYOUTPASS
#include "terse/Dialect/UKernel/Transforms/Passes.h.inc"
} // namespace terse::ukernel

using namespace mlir;
using namespace terse::ukernel;

namespace {
constexpr int64_t kToFirst[] = {0, 3, 1, 2}, kToLast[] = {0, 2, 3, 1};

// The channels-last tensor behind a channels-first value, or null.
Value getChannelsLast(Value v) {
  auto transpose = v.getDefiningOp<linalg::TransposeOp>();
  return transpose && transpose.getPermutation() == ArrayRef<int64_t>(kToFirst)
             ? transpose.getInput()
             : Value();
}

template <typename T>
SmallVector<T> permute(ArrayRef<T> values, ArrayRef<int64_t> permutation) {
  SmallVector<T> result(values);
  applyPermutationToVector(result, permutation);
  return result;
}

struct ComposeTransposes : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp op, PatternRewriter &rewriter) const override {
    auto first = op.getInput().getDefiningOp<linalg::TransposeOp>();
    if (!first || !op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "no transpose of a transpose");
    SmallVector<int64_t> permutation;
    for (int64_t i : op.getPermutation())
      permutation.push_back(first.getPermutation()[i]);
    if (isIdentityPermutation(permutation)) {
      if (first.getInput().getType() != op.getResult()[0].getType())
        return rewriter.notifyMatchFailure(op, "types that need a cast");
      rewriter.replaceOp(op, first.getInput());
      return success();
    }
    rewriter.replaceOpWithNewOp<linalg::TransposeOp>(op, first.getInput(), op.getInit(),
                                                     permutation);
    return success();
  }
};

// Whether nothing but transposes reads elements of what `op` makes.
bool isTransposedOnly(linalg::GenericOp op) {
  return llvm::any_of(op->getUsers(), llvm::IsaPred<linalg::TransposeOp>) &&
         llvm::all_of(op->getUsers(), llvm::IsaPred<linalg::TransposeOp, tensor::DimOp>);
}

// A transpose of the program to or from channels-last, or in front of another one.
struct NameTranspose : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op, PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics() || op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 ||
        op.getNumLoops() != 4 || op.getNumReductionLoops() != 0)
      return rewriter.notifyMatchFailure(op, "no copy of four dimensions");
    auto yielded = dyn_cast<BlockArgument>(op.getBody()->getTerminator()->getOperand(0));
    AffineMap from = op.getMatchingIndexingMap(op.getDpsInputOperand(0)),
              to = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
    if (!yielded || yielded.getArgNumber() != 0 || !from.isPermutation() || !to.isPermutation())
      return rewriter.notifyMatchFailure(op, "no permutation");
    SmallVector<int64_t> permutation;
    for (AffineExpr e : to.getResults())
      permutation.push_back(*from.getResultPosition(e));
    if (permutation != ArrayRef<int64_t>(kToFirst) && permutation != ArrayRef<int64_t>(kToLast) &&
        !isTransposedOnly(op))
      return rewriter.notifyMatchFailure(op, "other axes");
    rewriter.replaceOpWithNewOp<linalg::TransposeOp>(op, op.getDpsInputs()[0], op.getDpsInits()[0],
                                                     permutation);
    return success();
  }
};

// A transpose that moves only dimensions of size 1 is another shape of the same memory.
struct ReshapeUnitDims : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp op, PatternRewriter &rewriter) const override {
    auto from = dyn_cast<RankedTensorType>(op.getInput().getType());
    auto to = op.getResult().empty() ? RankedTensorType()
                                     : cast<RankedTensorType>(op.getResult()[0].getType());
    if (!from || !to)
      return rewriter.notifyMatchFailure(op, "expected tensors");
    int64_t last = -1;
    SmallVector<int64_t> shape;
    for (int64_t i : op.getPermutation()) {
      if (from.getDimSize(i) == 1)
        continue;
      if (i < last)
        return rewriter.notifyMatchFailure(op, "elements move");
      last = i;
      shape.push_back(from.getDimSize(i));
    }
    if (shape.empty())
      return rewriter.notifyMatchFailure(op, "expected a dimension that is not 1");
    auto groups = [&](RankedTensorType type) {
      // Unit dimensions belong to the one before, the first ones to the first.
      SmallVector<ReassociationIndices> result(1);
      bool seen = false;
      for (int64_t i = 0; i < type.getRank(); ++i) {
        if (type.getDimSize(i) != 1) {
          if (seen)
            result.emplace_back();
          seen = true;
        }
        result.back().push_back(i);
      }
      return result;
    };
    auto flat = RankedTensorType::get(shape, from.getElementType());
    SmallVector<OpFoldResult> sizes = permute<OpFoldResult>(
        tensor::getMixedSizes(rewriter, op.getLoc(), op.getInput()), op.getPermutation());
    Value v =
        tensor::CollapseShapeOp::create(rewriter, op.getLoc(), flat, op.getInput(), groups(from));
    rewriter.replaceOpWithNewOp<tensor::ExpandShapeOp>(op, to, v, groups(to), sizes);
    return success();
  }
};

struct TransposeConstantFill : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp op, PatternRewriter &rewriter) const override {
    if (auto fill = op.getInput().getDefiningOp<linalg::FillOp>()) {
      rewriter.replaceOpWithNewOp<linalg::FillOp>(op, fill.getInputs(), op.getInit());
      return success();
    }
    if (op.getInput().getDefiningOp<tensor::EmptyOp>()) {
      rewriter.replaceOp(op, op.getInit());
      return success();
    }
    return rewriter.notifyMatchFailure(op, "not constant");
  }
};

struct MoveThroughGeneric : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op, PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 || op.hasIndexSemantics() ||
        llvm::none_of(op.getDpsInputs(), getChannelsLast))
      return rewriter.notifyMatchFailure(op, "no channels-first input");
    AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
    bool whole = out.getNumResults() == 4 && out.isProjectedPermutation();
    if (!out.isProjectedPermutation())
      return rewriter.notifyMatchFailure(op, "expected a plain result");
    Location loc = op.getLoc();
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    SmallVector<Value> inputs(op.getDpsInputs());
    auto toLast = [&](AffineMap map) {
      return AffineMap::get(map.getNumDims(), map.getNumSymbols(),
                            permute<AffineExpr>(map.getResults(), kToLast), op.getContext());
    };
    AffineMap order;
    // The op itself transposes to channels-last: its result stays what it is.
    for (auto [i, v] : llvm::enumerate(inputs))
      if (whole && getChannelsLast(v) && maps[i].getNumResults() == 4 && toLast(maps[i]) == out) {
        whole = false;
        order = out;
      }
    for (auto [i, v] : llvm::enumerate(inputs)) {
      Value last = getChannelsLast(v);
      // Another input as large as the result is read in the order of the loops.
      auto type = cast<RankedTensorType>(v.getType());
      if (!last && whole && maps[i].isProjectedPermutation() && maps[i].getNumResults() == 4 &&
          maps[i] == out && !v.getDefiningOp<tensor::EmptyOp>())
        last = createTranspose(rewriter, loc, v, kToLast);
      if (!last || type.getRank() != 4)
        continue;
      inputs[i] = last;
      maps[i] = toLast(maps[i]);
      if (!order && maps[i].isProjectedPermutation())
        order = maps[i];
    }
    Value init = op.getDpsInits()[0];
    if (whole) {
      init = createTranspose(rewriter, loc, init, kToLast);
      maps.back() = order = toLast(out);
    }
    auto moved = linalg::GenericOp::create(rewriter, loc, init.getType(), inputs, init, maps,
                                           op.getIteratorTypesArray());
    rewriter.cloneRegionBefore(op.getRegion(), moved.getRegion(), moved.getRegion().begin());
    // Loops in the order of memory.
    SmallVector<unsigned> loops;
    if (order)
      for (AffineExpr e : order.getResults())
        loops.push_back(cast<AffineDimExpr>(e).getPosition());
    for (unsigned d = 0; d < moved.getNumLoops(); ++d)
      if (!llvm::is_contained(loops, d))
        loops.push_back(d);
    if (!llvm::is_sorted(loops)) {
      FailureOr<linalg::GenericOp> changed = linalg::interchangeGenericOp(rewriter, moved, loops);
      if (succeeded(changed))
        moved = *changed;
    }
    Value result = moved.getResult(0);
    if (whole)
      result = createTranspose(rewriter, loc, result, kToFirst);
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct MoveThroughInsert : OpRewritePattern<tensor::InsertSliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::InsertSliceOp op,
                                PatternRewriter &rewriter) const override {
    Value source = getChannelsLast(op.getSource());
    if (!source || op.getDestType().getRank() != 4)
      return rewriter.notifyMatchFailure(op, "no channels-first source");
    Value dest = createTranspose(rewriter, op.getLoc(), op.getDest(), kToLast);
    Value result = tensor::InsertSliceOp::create(
        rewriter, op.getLoc(), source, dest, permute<OpFoldResult>(op.getMixedOffsets(), kToLast),
        permute<OpFoldResult>(op.getMixedSizes(), kToLast),
        permute<OpFoldResult>(op.getMixedStrides(), kToLast));
    rewriter.replaceOp(op, createTranspose(rewriter, op.getLoc(), result, kToFirst));
    return success();
  }
};

struct MoveThroughExtract : OpRewritePattern<tensor::ExtractSliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ExtractSliceOp op,
                                PatternRewriter &rewriter) const override {
    Value source = getChannelsLast(op.getSource());
    if (!source || op.getType().getRank() != 4)
      return rewriter.notifyMatchFailure(op, "no channels-first source");
    Value result = tensor::ExtractSliceOp::create(
        rewriter, op.getLoc(), source, permute<OpFoldResult>(op.getMixedOffsets(), kToLast),
        permute<OpFoldResult>(op.getMixedSizes(), kToLast),
        permute<OpFoldResult>(op.getMixedStrides(), kToLast));
    Value first = createTranspose(rewriter, op.getLoc(), result, kToFirst);
    if (first.getType() != op.getType())
      first = tensor::CastOp::create(rewriter, op.getLoc(), op.getType(), first);
    rewriter.replaceOp(op, first);
    return success();
  }
};

// Whether `fused` is where lines become images of one row or column or the other way round.
bool isBetweenLinesAndImages(OpOperand *fused) {
  Operation *producer = fused->get().getDefiningOp(), *consumer = fused->getOwner();
  Value image;
  if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(producer))
    image = collapse.getSrc();
  else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(consumer))
    image = expand.getResult();
  auto type = image ? cast<RankedTensorType>(image.getType()) : RankedTensorType();
  auto line = image ? cast<RankedTensorType>(fused->get().getType()) : RankedTensorType();
  return type && type.getRank() == 4 && line.getRank() == 3 &&
         (type.getDimSize(2) == 1 || type.getDimSize(3) == 1);
}

struct PropagateLayoutPass : terse::ukernel::impl::PropagateLayoutPassBase<PropagateLayoutPass> {
  void runOnOperation() override {
    // Convolutions over lines are kernels on images of one row or column; so is what lies between
    // them.
    RewritePatternSet lines(&getContext());
    linalg::populateFoldReshapeOpsByExpansionPatterns(lines, isBetweenLinesAndImages);
    tensor::ExpandShapeOp::getCanonicalizationPatterns(lines, &getContext());
    tensor::CollapseShapeOp::getCanonicalizationPatterns(lines, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(lines))))
      return signalPassFailure();
    RewritePatternSet patterns(&getContext());
    patterns.add<NameTranspose, ComposeTransposes, ReshapeUnitDims, TransposeConstantFill,
                 MoveThroughGeneric, MoveThroughInsert, MoveThroughExtract>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
