//===- NNWeights.cpp - Which operands are weights ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/NN/IR/NNWeights.h"

#include "terse/Dialect/NN/IR/NNOps.h"

using namespace mlir;
using namespace terse::nn;

#include "terse/Dialect/NN/IR/NNWeights.cpp.inc"

namespace {

/// Weights are [directions, gates * hidden, summed], biases [directions, ...].
template <typename Op>
struct RecurrentWeights : WeightedOp::ExternalModel<RecurrentWeights<Op>, Op> {
  SmallVector<WeightDescription> getWeights(Operation *op) const {
    auto layer = cast<Op>(op);
    // What the recurrence is multiplied with is no operand: the states follow the encoding of the
    // input.
    return {{&layer.getWeightMutable(), {0, 1}, {2}, &layer.getXMutable(), 2},
            {&layer.getRecurrenceMutable(), {0, 1}, {2}}};
  }

  SmallVector<OpOperand *> getBiases(Operation *op) const {
    SmallVector<OpOperand *> biases;
    for (OpOperand &bias : cast<Op>(op).getBiasMutable())
      biases.push_back(&bias);
    return biases;
  }
};

} // namespace

void terse::nn::attachWeightInterfaces(MLIRContext *context) {
  LstmOp::attachInterface<RecurrentWeights<LstmOp>>(*context);
  GruOp::attachInterface<RecurrentWeights<GruOp>>(*context);
  RnnOp::attachInterface<RecurrentWeights<RnnOp>>(*context);
}
