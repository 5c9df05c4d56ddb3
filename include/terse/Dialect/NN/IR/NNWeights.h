//===- NNWeights.h - Which operands are weights --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNWEIGHTS_H
#define TERSE_DIALECT_NN_IR_NNWEIGHTS_H

#include "mlir/IR/OpDefinition.h"

namespace terse::nn {

/// One weight of an op. Axes are those of the operand.
struct WeightDescription {
  mlir::OpOperand *operand;
  /// Each position along these has an output of its own: direction and gate row of a recurrent
  /// layer.
  llvm::SmallVector<int64_t> channelAxes;
  /// Axes that are summed over, outermost first.
  llvm::SmallVector<int64_t> contractionAxes;
  /// The operand it is multiplied with, if that may be encoded for it, and the axis of it that is
  /// summed over.
  mlir::OpOperand *activation = nullptr;
  int64_t activationChannelAxis = 0;
};

/// Attaches WeightedOp to the ops of the dialect that have several weights.
void attachWeightInterfaces(mlir::MLIRContext *context);

} // namespace terse::nn

#include "terse/Dialect/NN/IR/NNWeights.h.inc"

#endif
