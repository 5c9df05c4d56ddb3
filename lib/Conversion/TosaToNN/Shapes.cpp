//===- Shapes.cpp - TOSA constants, reductions, data movement -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Utils.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "terse/Conversion/TosaToNN/TosaToNN.h"

using namespace mlir;
using namespace terse;

namespace {

// Above this size a constant is a weight: it lives in a global.
constexpr int64_t kSmallConstantBytes = 1024;

struct ConvertConst : OpRewritePattern<tosa::ConstOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::ConstOp op, PatternRewriter &rewriter) const override {
    auto type = rankedType(op.getResult());
    auto dense = dyn_cast<DenseElementsAttr>(op.getValues());
    if (!type || !(dense || isa<DenseResourceElementsAttr>(op.getValues())))
      return rewriter.notifyMatchFailure(op, "expected a ranked, dense constant");
    unsigned bits = type.getElementTypeBitWidth();
    // Bools are packed in dense attributes, and a splat is stored once: both are small enough to
    // stay.
    bool small = dense && (dense.isSplat() || bits % 8 ||
                           type.getNumElements() * (bits / 8) <= kSmallConstantBytes);
    if (small) {
      rewriter.replaceOpWithNewOp<nn::ConstantOp>(op, type, op.getValues());
      return success();
    }
    auto module = op->getParentOfType<ModuleOp>();
    ElementsAttr value = op.getValues();
    if (dense) {
      ArrayRef<char> data = dense.getRawData();
      value = DenseResourceElementsAttr::get(
          type, "weight", HeapAsmResourceBlob::allocateAndCopyWithAlign(data, 64));
    }
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(module.getBody());
    std::string name;
    for (unsigned i = 0; name.empty() || SymbolTable::lookupSymbolIn(module, name); ++i)
      name = "weight_" + std::to_string(i);
    ml_program::GlobalOp::create(rewriter, op.getLoc(), name, type, /*is_mutable=*/false, value,
                                 rewriter.getStringAttr("private"));
    rewriter.setInsertionPoint(op);
    rewriter.replaceOpWithNewOp<ml_program::GlobalLoadConstOp>(
        op, type, FlatSymbolRefAttr::get(op.getContext(), name));
    return success();
  }
};

template <typename OpTy>
struct ConvertReduce : OpRewritePattern<OpTy> {
  ConvertReduce(MLIRContext *context, nn::ReduceKind kind)
      : OpRewritePattern<OpTy>(context), kind(kind) {}
  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    if (!allRanked(op))
      return rewriter.notifyMatchFailure(op, "unranked");
    if constexpr (std::is_same_v<OpTy, tosa::ReduceMaxOp> ||
                  std::is_same_v<OpTy, tosa::ReduceMinOp>)
      if (op.getNanMode() != tosa::NanPropagationMode::PROPAGATE)
        return rewriter.notifyMatchFailure(op, "ignores NaN");
    rewriter.replaceOpWithNewOp<nn::ReduceOp>(op, op.getType(), kind, op.getInput(),
                                              ArrayRef<int64_t>{int64_t(op.getAxis())},
                                              /*keepdims=*/true);
    return success();
  }
  nn::ReduceKind kind;
};

struct ConvertReshape : OpRewritePattern<tosa::ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::ReshapeOp op, PatternRewriter &rewriter) const override {
    auto type = rankedType(op.getResult());
    if (!allRanked(op) || type.getNumDynamicDims() > 1)
      return rewriter.notifyMatchFailure(op, "more than one dimension of the result is unknown");
    rewriter.replaceOpWithNewOp<nn::ReshapeOp>(op, type, op.getInput1(), Value());
    return success();
  }
};

struct ConvertTranspose : OpRewritePattern<tosa::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::TransposeOp op, PatternRewriter &rewriter) const override {
    if (!allRanked(op))
      return rewriter.notifyMatchFailure(op, "unranked");
    rewriter.replaceOpWithNewOp<nn::TransposeOp>(
        op, op.getType(), op.getInput1(),
        SmallVector<int64_t>(op.getPerms().begin(), op.getPerms().end()));
    return success();
  }
};

struct ConvertConcat : OpRewritePattern<tosa::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::ConcatOp op, PatternRewriter &rewriter) const override {
    if (!allRanked(op))
      return rewriter.notifyMatchFailure(op, "unranked");
    rewriter.replaceOpWithNewOp<nn::ConcatOp>(op, op.getType(), op.getInput1(), op.getAxis());
    return success();
  }
};

struct ConvertPad : OpRewritePattern<tosa::PadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::PadOp op, PatternRewriter &rewriter) const override {
    auto counts = constantShape(op.getPadding());
    if (!allRanked(op) || !counts)
      return rewriter.notifyMatchFailure(op, "the padding is not constant");
    // [low 0, high 0, low 1, ...]
    SmallVector<int64_t> low, high;
    for (size_t i = 0; i + 1 < counts->size(); i += 2) {
      low.push_back((*counts)[i]);
      high.push_back((*counts)[i + 1]);
    }
    Value fill;
    if (!isZero(op.getPadConst())) {
      auto scalar = RankedTensorType::get({}, rankedType(op.getPadConst()).getElementType());
      fill = nn::ReshapeOp::create(rewriter, op.getLoc(), scalar, op.getPadConst(), Value());
    }
    rewriter.replaceOpWithNewOp<nn::PadOp>(op, op.getType(), nn::PadMode::Constant, op.getInput1(),
                                           fill, low, high);
    return success();
  }
};

struct ConvertSlice : OpRewritePattern<tosa::SliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::SliceOp op, PatternRewriter &rewriter) const override {
    auto starts = constantShape(op.getStart()), sizes = constantShape(op.getSize());
    if (!allRanked(op) || !starts || !sizes)
      return rewriter.notifyMatchFailure(op, "the bounds are not constant");
    SmallVector<int64_t> ends, steps(starts->size(), 1);
    // A size of -1 reaches to the end.
    for (auto [start, size] : llvm::zip(*starts, *sizes))
      ends.push_back(size < 0 ? std::numeric_limits<int64_t>::max() : start + size);
    rewriter.replaceOpWithNewOp<nn::SliceOp>(op, op.getType(), op.getInput1(), *starts, ends,
                                             steps);
    return success();
  }
};

// [d0, d1] as [1, d0, 1, d1], stretched to [m0, d0, m1, d1], seen as [m0 d0, m1 d1].
struct ConvertTile : OpRewritePattern<tosa::TileOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::TileOp op, PatternRewriter &rewriter) const override {
    auto multiples = constantShape(op.getMultiples());
    auto type = rankedType(op.getResult());
    if (!allRanked(op) || !multiples || !type.hasStaticShape() ||
        !rankedType(op.getInput1()).hasStaticShape())
      return rewriter.notifyMatchFailure(op, "shapes are not static");
    SmallVector<int64_t> split, stretched;
    for (auto [multiple, size] : llvm::zip(*multiples, rankedType(op.getInput1()).getShape())) {
      split.append({1, size});
      stretched.append({multiple, size});
    }
    Location loc = op.getLoc();
    Type element = type.getElementType();
    Value x = nn::ReshapeOp::create(rewriter, loc, RankedTensorType::get(split, element),
                                    op.getInput1(), Value());
    x = nn::BroadcastOp::create(rewriter, loc, RankedTensorType::get(stretched, element), x,
                                Value());
    rewriter.replaceOpWithNewOp<nn::ReshapeOp>(op, type, x, Value());
    return success();
  }
};

struct ConvertIdentity : OpRewritePattern<tosa::IdentityOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tosa::IdentityOp op, PatternRewriter &rewriter) const override {
    if (op.getInput1().getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "changes the type");
    rewriter.replaceOp(op, op.getInput1());
    return success();
  }
};

} // namespace

void terse::populateTosaShapePatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  using nn::ReduceKind;
  patterns.add<ConvertReduce<tosa::ReduceSumOp>>(context, ReduceKind::Sum);
  patterns.add<ConvertReduce<tosa::ReduceProductOp>>(context, ReduceKind::Prod);
  patterns.add<ConvertReduce<tosa::ReduceMaxOp>>(context, ReduceKind::Max);
  patterns.add<ConvertReduce<tosa::ReduceMinOp>>(context, ReduceKind::Min);
  patterns.add<ConvertReduce<tosa::ReduceAnyOp>>(context, ReduceKind::Max);
  patterns.add<ConvertReduce<tosa::ReduceAllOp>>(context, ReduceKind::Min);
  patterns.add<ConvertConst, ConvertReshape, ConvertTranspose, ConvertConcat, ConvertPad,
               ConvertSlice, ConvertTile, ConvertIdentity>(context);
}
