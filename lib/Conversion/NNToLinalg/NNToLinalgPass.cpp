//===- NNToLinalgPass.cpp - The pass convert-nn-to-linalg -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Weights.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "terse/Conversion/NNToLinalg/NNToLinalg.h"
#include "terse/Conversion/Passes.h"

namespace terse {
#define GEN_PASS_DEF_CONVERTNNTOLINALGPASS
#include "terse/Conversion/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {
// Ops that only move tensors (tensor.cast, arith.select, ...): the same on storage types.
struct RetypeLowering : ConversionPattern {
  RetypeLowering(const TypeConverter &converter, MLIRContext *ctx)
      : ConversionPattern(converter, MatchAnyOpTypeTag(), 0, ctx) {}
  LogicalResult matchAndRewrite(Operation *op, ArrayRef<Value> operands,
                                ConversionPatternRewriter &rewriter) const override {
    if (op->getNumRegions() || !isa<tensor::TensorDialect, arith::ArithDialect>(op->getDialect()))
      return rewriter.notifyMatchFailure(op, "not an op that only moves tensors");
    if (op->hasTrait<OpTrait::ConstantLike>())
      return rewriter.notifyMatchFailure(op, "constants carry their type in an attribute");
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertTypes(op->getResultTypes(), types)))
      return failure();
    OperationState state(op->getLoc(), op->getName(), operands, types, op->getAttrs());
    rewriter.replaceOp(op, rewriter.create(state));
    return success();
  }
};

struct ConvertNNToLinalgPass : terse::impl::ConvertNNToLinalgPassBase<ConvertNNToLinalgPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    MLIRContext *ctx = &getContext();
    moveLargeConstantsToGlobals(module);
    if (failed(convertGlobals(module)))
      return signalPassFailure();

    StorageTypeConverter converter;
    RewritePatternSet patterns(ctx);
    ConversionTarget target(*ctx);
    populateNNToLinalgPatterns(converter, patterns);
    patterns.add<RetypeLowering>(converter, ctx);
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns, converter);
    populateCallOpTypeConversionPattern(patterns, converter);
    populateReturnOpTypeConversionPattern(patterns, converter);
    populateBranchOpInterfaceTypeConversionPattern(patterns, converter);
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns, target);
    target.addIllegalDialect<nn::NNDialect>();
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp op) {
      return converter.isSignatureLegal(op.getFunctionType()) && converter.isLegal(&op.getBody());
    });
    target.addLegalDialect<linalg::LinalgDialect, math::MathDialect>();
    target.addLegalOp<ModuleOp, ml_program::GlobalOp>();
    target.addDynamicallyLegalOp<ml_program::GlobalLoadConstOp>(
        [&](ml_program::GlobalLoadConstOp op) {
          auto type = dyn_cast<RankedTensorType>(op.getType());
          return !type || getWeightStorageType(type) == type;
        });
    target.markUnknownOpDynamicallyLegal([&](Operation *op) { return converter.isLegal(op); });
    if (failed(applyPartialConversion(module, target, std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void terse::populateNNToLinalgPatterns(const TypeConverter &converter,
                                       RewritePatternSet &patterns) {
  populateConstantPatterns(converter, patterns);
  populateElementwisePatterns(converter, patterns);
  populateContractionPatterns(converter, patterns);
  populateShapePatterns(converter, patterns);
  populatePadPatterns(converter, patterns);
  populateGatherPatterns(converter, patterns);
  populateScatterPatterns(converter, patterns);
  populateReducePatterns(converter, patterns);
  populateScanPatterns(converter, patterns);
  populatePoolPatterns(converter, patterns);
  populateResizePatterns(converter, patterns);
}
