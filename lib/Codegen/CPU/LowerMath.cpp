//===- LowerMath.cpp - Scalar math for code generation --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Codegen/CPU/Passes.h"
#include "terse/Conversion/NNToLinalg/SmallFloats.h"
#include "terse/Numerics/Elementary.h"

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

// Arithmetic that builds ops on scalars or vectors: see Elementary.h.
struct OpArithmetic {
  using Float = Value;
  using Bits = Value;
  using Bool = Value;
  OpBuilder &b;
  Location loc;
  Type type; // f32, or a vector of it.

  Type intType() const {
    auto vector = dyn_cast<VectorType>(type);
    return vector ? Type(vector.clone(b.getI32Type())) : b.getI32Type();
  }
  Value constant(Type of, TypedAttr value) const {
    if (auto vector = dyn_cast<VectorType>(of))
      value = DenseElementsAttr::get(vector, Attribute(value));
    return arith::ConstantOp::create(b, loc, value);
  }
  Value c(float v) const { return constant(type, b.getF32FloatAttr(v)); }
  Value bits(int32_t v) const { return constant(intType(), b.getI32IntegerAttr(v)); }
  Value add(Value x, Value y) const { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) const { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) const { return arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) const { return arith::DivFOp::create(b, loc, x, y); }
  Value fma(Value x, Value y, Value z) const { return math::FmaOp::create(b, loc, x, y, z); }
  Value neg(Value x) const { return arith::NegFOp::create(b, loc, x); }
  Value abs(Value x) const { return math::AbsFOp::create(b, loc, x); }
  Value lt(Value x, Value y) const {
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, y);
  }
  Value eq(Value x, Value y) const {
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x, y);
  }
  Value select(Value p, Value x, Value y) const { return arith::SelectOp::create(b, loc, p, x, y); }
  Value copySign(Value x, Value sign) const { return math::CopySignOp::create(b, loc, x, sign); }
  Value toBits(Value x) const { return arith::BitcastOp::create(b, loc, intType(), x); }
  Value fromBits(Value x) const { return arith::BitcastOp::create(b, loc, type, x); }
  Value toFloat(Value x) const { return arith::SIToFPOp::create(b, loc, type, x); }
  Value addBits(Value x, Value y) const { return arith::AddIOp::create(b, loc, x, y); }
  Value subBits(Value x, Value y) const { return arith::SubIOp::create(b, loc, x, y); }
  Value shl(Value x, int count) const { return arith::ShLIOp::create(b, loc, x, bits(count)); }
  Value shr(Value x, int count) const { return arith::ShRSIOp::create(b, loc, x, bits(count)); }
};

// A function of f32 as the steps of Numerics.
template <typename Op, Value (*function)(const OpArithmetic &, Value)>
struct ExpandFunction : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not a function of f32");
    rewriter.replaceOp(op, function({rewriter, op.getLoc(), op.getType()}, op.getOperand()));
    return success();
  }
};

struct LowerMathPass : terse::impl::LowerMathPassBase<LowerMathPass> {
  using LowerMathPassBase::LowerMathPassBase;

  void runOnOperation() override {
    {
      RewritePatternSet patterns(&getContext());
      using A = OpArithmetic;
      patterns.add<ExpandFunction<math::ExpOp, numerics::exp<A>>,
                   ExpandFunction<math::ExpM1Op, numerics::expm1<A>>,
                   ExpandFunction<math::LogOp, numerics::log<A>>,
                   ExpandFunction<math::Log1pOp, numerics::log1p<A>>,
                   ExpandFunction<math::TanhOp, numerics::tanh<A>>,
                   ExpandFunction<math::ErfOp, numerics::erf<A>>>(&getContext());
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
