//===- NNChannels.cpp - Where factors per channel can go ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/NN/IR/NNChannels.h"
#include "mlir/IR/Matchers.h"
#include "terse/Dialect/NN/IR/NNOps.h"

using namespace mlir;
using namespace terse::nn;

#include "terse/Dialect/NN/IR/NNChannels.cpp.inc"

static RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

namespace {

//===----------------------------------------------------------------------===//
// ChannelContraction
//===----------------------------------------------------------------------===//

struct LinearChannels : ChannelContraction::ExternalModel<LinearChannels, LinearOp> {
  int64_t getActivationChannel(Operation *, ArrayRef<int64_t> index) const { return index[1]; }
  int64_t getResultChannel(Operation *, ArrayRef<int64_t> index) const { return index[0]; }
};

struct MatmulChannels : ChannelContraction::ExternalModel<MatmulChannels, MatmulOp> {
  int64_t getActivationChannel(Operation *, ArrayRef<int64_t> index) const {
    return index[index.size() - 2];
  }
  int64_t getResultChannel(Operation *, ArrayRef<int64_t> index) const { return index.back(); }
};

struct ConvChannels : ChannelContraction::ExternalModel<ConvChannels, ConvOp> {
  int64_t getActivationChannel(Operation *op, ArrayRef<int64_t> index) const {
    ArrayRef<int64_t> weight = typeOf(cast<ConvOp>(op).getWeight()).getShape();
    int64_t group = index[0] / (weight[0] / cast<ConvOp>(op).getGroups());
    return group * weight[1] + index[1];
  }
  int64_t getResultChannel(Operation *, ArrayRef<int64_t> index) const { return index[0]; }
};

struct ConvTransposeChannels
    : ChannelContraction::ExternalModel<ConvTransposeChannels, ConvTransposeOp> {
  int64_t getActivationChannel(Operation *, ArrayRef<int64_t> index) const { return index[0]; }
  int64_t getResultChannel(Operation *op, ArrayRef<int64_t> index) const {
    ArrayRef<int64_t> weight = typeOf(cast<ConvTransposeOp>(op).getWeight()).getShape();
    int64_t group = index[0] / (weight[0] / cast<ConvTransposeOp>(op).getGroups());
    return group * weight[1] + index[1];
  }
};

//===----------------------------------------------------------------------===//
// ChannelScalable
//===----------------------------------------------------------------------===//

/// Maxima, means and norms over windows of a channel are homogeneous.
struct PoolScaling : ChannelScalable::ExternalModel<PoolScaling, PoolOp> {
  bool commutesWithChannelScale(Operation *, int64_t axis) const { return axis == 1; }
};

struct PadScaling : ChannelScalable::ExternalModel<PadScaling, PadOp> {
  bool commutesWithChannelScale(Operation *op, int64_t axis) const {
    auto pad = cast<PadOp>(op);
    // Another channel's elements or a number would not be scaled.
    if (pad.getLow()[axis] || pad.getHigh()[axis])
      return false;
    return pad.getMode() != PadMode::Constant || !pad.getValue() ||
           matchPattern(pad.getValue(), m_AnyZeroFloat());
  }
};

struct PadFlow : ChannelFlow::ExternalModel<PadFlow, PadOp> {
  std::optional<int64_t> getResultAxisFor(Operation *op, unsigned operand, int64_t axis) const {
    auto pad = cast<PadOp>(op);
    if (operand != 0 || pad.getLow()[axis] || pad.getHigh()[axis])
      return std::nullopt;
    return axis;
  }
};

} // namespace

void terse::nn::attachChannelInterfaces(MLIRContext *context) {
  LinearOp::attachInterface<LinearChannels>(*context);
  MatmulOp::attachInterface<MatmulChannels>(*context);
  ConvOp::attachInterface<ConvChannels>(*context);
  ConvTransposeOp::attachInterface<ConvTransposeChannels>(*context);
  PoolOp::attachInterface<PoolScaling>(*context);
  PadOp::attachInterface<PadScaling, PadFlow>(*context);
}
