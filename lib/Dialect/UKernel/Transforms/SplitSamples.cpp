//===- SplitSamples.cpp - One sample after the other ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/PatternMatch.h"
#include "terse/Dialect/UKernel/Transforms/Passes.h"

namespace terse::ukernel {
#define GEN_PASS_DEF_SPLITSAMPLESPASS
#include "terse/Dialect/UKernel/Transforms/Passes.h.inc"
} // namespace terse::ukernel

using namespace mlir;
using namespace terse::ukernel;

namespace {
constexpr int64_t kToFirst[] = {0, 3, 1, 2}, kToLast[] = {0, 2, 3, 1};

RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

// An image of known size, of samples of which there may be several.
bool isBatch(Value v) {
  RankedTensorType type = typeOf(v);
  return type.getRank() == 4 && type.getDimSize(0) != 1 &&
         !llvm::any_of(type.getShape().drop_front(), ShapedType::isDynamic);
}

double getSampleBytes(Value v) {
  return double(ShapedType::getNumElements(typeOf(v).getShape().drop_front())) *
         typeOf(v).getElementTypeBitWidth() / 8;
}

// The only transpose that reads `v`.
linalg::TransposeOp getTranspose(Value v) {
  return v.hasOneUse() ? dyn_cast<linalg::TransposeOp>(*v.user_begin()) : linalg::TransposeOp();
}

struct SplitSamplesPass : terse::ukernel::impl::SplitSamplesPassBase<SplitSamplesPass> {
  using SplitSamplesPassBase::SplitSamplesPassBase;

  // Whether nothing but `op` needs what stands between the transposes, and samples do not meet.
  bool isAlone(KernelOpInterface op) const {
    if (op->getNumResults() != 1 || op.getMagnitudes() || !isBatch(op.getLhs()) ||
        !isBatch(op->getResult(0)))
      return false;
    auto before = op.getLhs().getDefiningOp<linalg::TransposeOp>();
    linalg::TransposeOp behind = getTranspose(op->getResult(0));
    if (!before || !before->hasOneUse() || before.getPermutation() != ArrayRef<int64_t>(kToLast) ||
        !behind || behind.getPermutation() != ArrayRef<int64_t>(kToFirst))
      return false;
    for (AffineMap map : op.getExtraMapsAttr().getAsValueRange<AffineMapAttr>())
      if (map.isFunctionOfDim(0))
        return false;
    return getSampleBytes(op.getLhs()) + getSampleBytes(op->getResult(0)) >= double(leastBytes);
  }

  // The sizes of `v` with one sample.
  static SmallVector<OpFoldResult> getSizes(OpBuilder &b, Value v) {
    SmallVector<OpFoldResult> sizes;
    for (int64_t d : typeOf(v).getShape())
      sizes.push_back(b.getIndexAttr(d));
    sizes[0] = b.getIndexAttr(1);
    return sizes;
  }

  static void split(RewriterBase &b, KernelOpInterface op) {
    auto before = op.getLhs().getDefiningOp<linalg::TransposeOp>();
    linalg::TransposeOp behind = getTranspose(op->getResult(0));
    b.setInsertionPoint(behind);
    Location loc = op.getLoc();
    Value samples =
        getValueOrCreateConstantIndexOp(b, loc, tensor::getMixedSize(b, loc, before.getInput(), 0));
    // Results are written where they are wanted if nothing reshapes them on the way.
    SmallVector<ReassociationIndices> lastGroups{{0}, {1, 2}, {3}}, firstGroups{{0}, {1}, {2, 3}};
    Value init = tensor::CollapseShapeOp::create(b, loc, behind.getInit(), firstGroups);
    auto loop = scf::ForOp::create(
        b, loc, arith::ConstantIndexOp::create(b, loc, 0), samples,
        arith::ConstantIndexOp::create(b, loc, 1), init,
        [&](OpBuilder &inner, Location, Value i, ValueRange args) {
          auto at = [&](Value v) {
            SmallVector<OpFoldResult> offsets(typeOf(v).getRank(), inner.getIndexAttr(0));
            offsets[0] = i;
            return offsets;
          };
          auto ones = [&](Value v) {
            return SmallVector<OpFoldResult>(typeOf(v).getRank(), inner.getIndexAttr(1));
          };
          Value batch = before.getInput();
          Value x = tensor::ExtractSliceOp::create(inner, loc, batch, at(batch),
                                                   getSizes(inner, batch), ones(batch));
          IRMapping mapping;
          mapping.map(op.getLhs(), createTranspose(inner, loc, x, kToLast));
          Value empty = tensor::EmptyOp::create(inner, loc, getSizes(inner, op.getInit()),
                                                typeOf(op.getInit()).getElementType());
          mapping.map(op.getInit(), empty);
          Operation *one = inner.clone(*op, mapping);
          one->getResult(0).setType(empty.getType());
          Value y = tensor::CollapseShapeOp::create(inner, loc, one->getResult(0), lastGroups);
          y = createTranspose(inner, loc, y, {0, 2, 1});
          y = tensor::InsertSliceOp::create(inner, loc, y, args[0], at(args[0]),
                                            getSizes(inner, args[0]), ones(args[0]));
          scf::YieldOp::create(inner, loc, y);
        });
    b.replaceOpWithNewOp<tensor::ExpandShapeOp>(behind, typeOf(behind.getInit()), loop.getResult(0),
                                                firstGroups,
                                                tensor::getMixedSizes(b, loc, behind.getInit()));
    b.eraseOp(op);
    b.eraseOp(before);
  }

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<KernelOpInterface> ops;
    getOperation().walk([&](KernelOpInterface op) {
      if (isAlone(op))
        ops.push_back(op);
    });
    for (KernelOpInterface op : ops)
      split(rewriter, op);
    numSplit += ops.size();
  }
};
} // namespace
