//===- Decompose.h - Composite nn ops as simpler ones ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_TRANSFORMS_DECOMPOSE_H
#define TERSE_DIALECT_NN_TRANSFORMS_DECOMPOSE_H

namespace mlir {
class RewritePatternSet;
}

namespace terse::nn {

/// batch_norm, layer_norm, rms_norm, group_norm, instance_norm.
void populateDecomposeNormPatterns(mlir::RewritePatternSet &patterns);
/// softmax, attention, rotary_embedding, embedding.
void populateDecomposeAttentionPatterns(mlir::RewritePatternSet &patterns);
/// reduce kinds other than sum, prod, max and min.
void populateDecomposeReductionPatterns(mlir::RewritePatternSet &patterns);
/// lstm, gru, rnn.
void populateDecomposeRecurrentPatterns(mlir::RewritePatternSet &patterns);

} // namespace terse::nn

#endif
