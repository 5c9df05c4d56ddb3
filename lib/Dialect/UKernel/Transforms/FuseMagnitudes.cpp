//===- FuseMagnitudes.cpp - Largest magnitudes where they arise -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Quantization at run time asks for max |x| of what a kernel has just computed. As an op of its own
// that reads the whole result again from memory; the kernel has it in registers.

#include "Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace terse::ukernel;

// Samples of fewer rows gain nothing: the kernel writes their magnitudes as often as rows.
static constexpr int64_t kLeastRows = 8;

namespace {
bool isReal(Value v, llvm::function_ref<bool(const APFloat &)> test) {
  FloatAttr attr;
  return matchPattern(v, m_Constant(&attr)) && test(attr.getValue());
}

// Whether `op` is max over all but the first dimension of |x| where x is finite and 0 elsewhere.
bool isLargestMagnitude(linalg::GenericOp op) {
  if (!op.hasPureTensorSemantics() || op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1)
    return false;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  AffineMap first = AffineMap::get(op.getNumLoops(), 0, getAffineDimExpr(0, op.getContext()));
  if (!maps[0].isIdentity() || maps[1] != first)
    return false;
  Value x = op.getBody()->getArgument(0), sum = op.getBody()->getArgument(1);
  auto max = op.getBody()->getTerminator()->getOperand(0).getDefiningOp<arith::MaximumFOp>();
  if (!max || !x.getType().isF32() || (max.getLhs() != sum && max.getRhs() != sum))
    return false;
  Value other = max.getLhs() == sum ? max.getRhs() : max.getLhs();
  auto select = other.getDefiningOp<arith::SelectOp>();
  auto compare = select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : nullptr;
  auto size = select ? select.getTrueValue().getDefiningOp<math::AbsFOp>() : nullptr;
  return compare && size && size.getOperand() == x &&
         isReal(select.getFalseValue(), [](const APFloat &v) { return v.isPosZero(); }) &&
         compare.getPredicate() == arith::CmpFPredicate::OLT && compare.getLhs() == size &&
         isReal(compare.getRhs(), [](const APFloat &v) { return v.isPosInfinity(); });
}

struct FuseMagnitude : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op, PatternRewriter &rewriter) const override {
    if (!isLargestMagnitude(op))
      return rewriter.notifyMatchFailure(op, "no largest magnitude of each sample");
    auto kernel = op.getDpsInputs()[0].getDefiningOp<KernelOpInterface>();
    if (!kernel || kernel.getMagnitudes())
      return rewriter.notifyMatchFailure(op, "not of what a kernel computes");
    // Magnitudes start at zero; from elsewhere the maximum would be another.
    auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
    if (!fill ||
        !isReal(fill.getInputs()[0], [](const APFloat &v) { return v.isNegative() || v.isZero(); }))
      return rewriter.notifyMatchFailure(op, "expected a start that no magnitude is below");
    auto type = cast<RankedTensorType>(kernel.getInit().getType());
    int64_t rows = 1;
    for (int64_t d : type.getShape().drop_front().drop_back())
      rows = ShapedType::isDynamic(d) || rows > kLeastRows ? kLeastRows : rows * d;
    if (rows < kLeastRows && type.getDimSize(0) != 1)
      return rewriter.notifyMatchFailure(op, "samples of few rows");

    Operation *old = kernel.getOperation();
    Location loc = rewriter.getFusedLoc({old->getLoc(), op.getLoc()});
    rewriter.setInsertionPoint(old);
    Value empty = tensor::EmptyOp::create(
        rewriter, loc, {tensor::getMixedSize(rewriter, loc, kernel.getInit(), 0)},
        rewriter.getF32Type());
    Value zero = arith::ConstantOp::create(rewriter, loc, rewriter.getF32FloatAttr(0));
    Value start = linalg::FillOp::create(rewriter, loc, zero, empty).getResult(0);
    SmallVector<Type> types{old->getResult(0).getType(), start.getType()};
    SmallVector<NamedAttribute> attributes(old->getDiscardableAttrs());
    OperationState state(loc, old->getName(), ValueRange(old->getOperands()), types, attributes);
    state.propertiesAttr = old->getPropertiesAsAttribute();
    rewriter.modifyOpInPlace(old, [&] { state.addRegion()->takeBody(old->getRegion(0)); });
    Operation *made = rewriter.create(state);
    rewriter.modifyOpInPlace(
        made, [&] { cast<KernelOpInterface>(made).getMagnitudesMutable().assign(start); });
    rewriter.replaceOp(op, made->getResult(1));
    rewriter.replaceOp(old, made->getResult(0));
    return success();
  }
};
} // namespace

void terse::ukernel::populateFuseMagnitudePatterns(RewritePatternSet &patterns) {
  patterns.add<FuseMagnitude>(patterns.getContext());
}
