//===- TosaToNNPass.cpp - The pass convert-tosa-to-nn ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Conversion/Passes.h"
#include "terse/Conversion/TosaToNN/TosaToNN.h"
#include "terse/Dialect/NN/IR/NNOps.h"

namespace terse {
#define GEN_PASS_DEF_CONVERTTOSATONNPASS
#include "terse/Conversion/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {
struct ConvertTosaToNN : terse::impl::ConvertTosaToNNPassBase<ConvertTosaToNN> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateTosaContractionPatterns(patterns);
    populateTosaElementwisePatterns(patterns);
    populateTosaShapePatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    getOperation()->walk(
        [&](Operation *op) { numLeft += isa<tosa::TosaDialect>(op->getDialect()); });
  }
};
} // namespace
