//===- LinalgToNN.h - Raising named linalg ops to the nn dialect ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CONVERSION_LINALGTONN_LINALGTONN_H
#define TERSE_CONVERSION_LINALGTONN_LINALGTONN_H

namespace mlir {
class RewritePatternSet;
}

namespace terse {

/// matmul, batch_matmul, convolutions and max pools on tensors.
void populateRaiseLinalgToNNPatterns(mlir::RewritePatternSet &patterns);

} // namespace terse

#endif
