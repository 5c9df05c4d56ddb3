//===- LowerMath.cpp - Scalar math for code generation --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Codegen/CPU/Passes.h"
#include "terse/Conversion/NNToLinalg/SmallFloats.h"

namespace terse {
#define GEN_PASS_DEF_LOWERMATHPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {
// Conversions of f16 as bit arithmetic: without hardware for them LLVM would call compiler-rt.
struct ExpandF16Extension : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ExtFOp op, PatternRewriter &rewriter) const override {
    Type from = op.getIn().getType();
    if (!getElementTypeOrSelf(from).isF16() || !getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not from f16 to f32");
    auto vector = dyn_cast<VectorType>(from);
    Type bits = vector ? Type(vector.clone(rewriter.getI16Type())) : rewriter.getI16Type();
    Value pattern = arith::BitcastOp::create(rewriter, op.getLoc(), bits, op.getIn());
    rewriter.replaceOp(op,
                       decodeFloatBits(rewriter, op.getLoc(), pattern, numerics::FloatKind::F16));
    return success();
  }
};

struct ExpandF16Truncation : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::TruncFOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF16())
      return rewriter.notifyMatchFailure(op, "not to f16");
    Value pattern = encodeFloatBits(rewriter, op.getLoc(), op.getIn(), numerics::FloatKind::F16,
                                    /*saturate=*/false, numerics::E8M0Rounding::Up);
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, op.getType(), pattern);
    return success();
  }
};

struct LowerMathPass : terse::impl::LowerMathPassBase<LowerMathPass> {
  using LowerMathPassBase::LowerMathPassBase;

  void runOnOperation() override {
    {
      RewritePatternSet patterns(&getContext());
      populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
        // The others lose accuracy over their whole domain, or are rare.
        return llvm::is_contained(
            {"math.exp", "math.expm1", "math.log", "math.log1p", "math.tanh", "math.erf"}, name);
      });
      arith::populateExpandBFloat16Patterns(patterns);
      if (!hasF16C)
        patterns.add<ExpandF16Extension, ExpandF16Truncation>(&getContext());
      if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
        return signalPassFailure();
    }
    RewritePatternSet patterns(&getContext());
    populateMathToLibmConversionPatterns(patterns, /*benefit=*/1);
    ConversionTarget target(getContext());
    target.addLegalDialect<arith::ArithDialect, func::FuncDialect, vector::VectorDialect>();
    target.addIllegalDialect<math::MathDialect>();
    // These are instructions, or intrinsics that LLVM maps to the C library itself.
    target.addLegalOp<math::AbsFOp, math::AbsIOp, math::CopySignOp, math::SqrtOp, math::FmaOp,
                      math::FloorOp, math::CeilOp, math::RoundEvenOp, math::TruncOp, math::ExpOp,
                      math::LogOp, math::PowFOp, math::SinOp, math::CosOp, math::CtPopOp,
                      math::CountLeadingZerosOp, math::CountTrailingZerosOp, math::RsqrtOp,
                      math::Exp2Op, math::Log2Op, math::Log10Op>();
    if (failed(applyPartialConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
