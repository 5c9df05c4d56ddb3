//===- Decompose.h - Composite nn ops as simpler ones ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_TRANSFORMS_DECOMPOSE_H
#define TERSE_DIALECT_NN_TRANSFORMS_DECOMPOSE_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir {
class RewritePatternSet;
}

namespace terse::nn {

enum class UnaryKind : uint32_t;

/// batch_norm, layer_norm, rms_norm, group_norm, instance_norm.
void populateDecomposeNormPatterns(mlir::RewritePatternSet &patterns);
/// softmax, attention, rotary_embedding, embedding.
void populateDecomposeAttentionPatterns(mlir::RewritePatternSet &patterns);
/// attention alone.
void populateExpandAttentionPatterns(mlir::RewritePatternSet &patterns);
/// reduce kinds other than sum, prod, max and min.
void populateDecomposeReductionPatterns(mlir::RewritePatternSet &patterns);

/// How recurrent layers multiply. By default with nn.linear, on plain tensors.
class RecurrentProducts {
public:
  virtual ~RecurrentProducts() = default;
  /// Whether `op` is multiplied this way; other layers stay as they are.
  virtual bool accepts(mlir::Operation *op) const;
  /// The input of `op` as a plain tensor.
  virtual mlir::Value getInput(mlir::Operation *op) const;
  /// Rows `[first, last)` of one direction of a weight [directions, rows, summed]. Built before the
  /// loop over time.
  virtual mlir::Value getRows(mlir::ImplicitLocOpBuilder &b, mlir::Value weight, int64_t direction,
                              int64_t first, int64_t last) const;
  /// `x weight^T + bias`, without bias if that is null. `x` is [T, B, I] or, in the loop, [B, H].
  virtual mlir::Value multiply(mlir::ImplicitLocOpBuilder &b, mlir::Operation *op, mlir::Value x,
                               mlir::Value weight, mlir::Value bias) const;
  /// The function of a gate or state; null for nn.unary.
  virtual mlir::Value activate(mlir::ImplicitLocOpBuilder &, mlir::Operation *, UnaryKind,
                               mlir::Value) const {
    return {};
  }
};

/// lstm, gru, rnn. `products` outlives the patterns; null means the default.
void populateDecomposeRecurrentPatterns(mlir::RewritePatternSet &patterns,
                                        const RecurrentProducts *products = nullptr);

} // namespace terse::nn

#endif
