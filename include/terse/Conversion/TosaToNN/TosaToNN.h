//===- TosaToNN.h - Bringing TOSA into the nn dialect ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CONVERSION_TOSATONN_TOSATONN_H
#define TERSE_CONVERSION_TOSATONN_TOSATONN_H

namespace mlir {
class RewritePatternSet;
}

namespace terse {

/// conv2d, depthwise_conv2d, matmul, avg_pool2d, max_pool2d. TOSA is channels-last: transposes
/// stand around each.
void populateTosaContractionPatterns(mlir::RewritePatternSet &patterns);
/// Unary, binary and comparing ops, clamp, cast, select, negate, mul.
void populateTosaElementwisePatterns(mlir::RewritePatternSet &patterns);
/// const, reductions, reshape, transpose, concat, pad, slice, tile.
void populateTosaShapePatterns(mlir::RewritePatternSet &patterns);

} // namespace terse

#endif
