//===- NNFactors.cpp - Where factors per channel come from ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/NN/IR/NNFactors.h"

#include "terse/Dialect/NN/IR/NNOps.h"

using namespace mlir;
using namespace terse::nn;

#include "terse/Dialect/NN/IR/NNFactors.cpp.inc"

static RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

namespace {

using Alternatives = SmallVector<SmallVector<FactorOperand>>;

/// The axis of an operand that broadcasts to the result, trailing axes aligned.
FactorOperand aligned(Operation *op, OpOperand &operand, int64_t axis) {
  return {&operand, axis - typeOf(op->getResult(0)).getRank() + typeOf(operand.get()).getRank()};
}

struct BinaryFactors : FactorSource::ExternalModel<BinaryFactors, BinaryOp> {
  Alternatives getFactorOperands(Operation *op, int64_t axis) const {
    BinaryKind kind = cast<BinaryOp>(op).getKind();
    FactorOperand lhs = aligned(op, op->getOpOperand(0), axis),
                  rhs = aligned(op, op->getOpOperand(1), axis);
    if (kind == BinaryKind::Mul)
      return {{rhs}, {lhs}};
    if (kind == BinaryKind::Div)
      return {{lhs}};
    if (llvm::is_contained({BinaryKind::Add, BinaryKind::Sub, BinaryKind::Min, BinaryKind::Max},
                           kind))
      return {{lhs, rhs}};
    return {};
  }
};

struct SelectFactors : FactorSource::ExternalModel<SelectFactors, SelectOp> {
  Alternatives getFactorOperands(Operation *op, int64_t axis) const {
    return {{aligned(op, op->getOpOperand(1), axis), aligned(op, op->getOpOperand(2), axis)}};
  }
};

struct LayerNormFactors : FactorSource::ExternalModel<LayerNormFactors, LayerNormOp> {
  Alternatives getFactorOperands(Operation *op, int64_t axis) const {
    auto norm = cast<LayerNormOp>(op);
    if (!norm.getScale())
      return {};
    SmallVector<FactorOperand> operands{aligned(op, *norm.getScaleMutable().begin(), axis)};
    if (norm.getBias())
      operands.push_back(aligned(op, *norm.getBiasMutable().begin(), axis));
    return {operands};
  }
};

struct RmsNormFactors : FactorSource::ExternalModel<RmsNormFactors, RmsNormOp> {
  Alternatives getFactorOperands(Operation *op, int64_t axis) const {
    auto norm = cast<RmsNormOp>(op);
    if (!norm.getScale())
      return {};
    return {{aligned(op, *norm.getScaleMutable().begin(), axis)}};
  }
};

/// Norms with a scale and a bias per channel of axis 1.
template <typename Norm>
struct ChannelNormFactors : FactorSource::ExternalModel<ChannelNormFactors<Norm>, Norm> {
  Alternatives getFactorOperands(Operation *op, int64_t axis) const {
    if (axis != 1)
      return {};
    auto norm = cast<Norm>(op);
    return {{{&norm.getScaleMutable(), 0}, {&norm.getBiasMutable(), 0}}};
  }
};

struct TransposeFactors : FactorSource::ExternalModel<TransposeFactors, TransposeOp> {
  Alternatives getFactorOperands(Operation *op, int64_t axis) const {
    return {{{&op->getOpOperand(0), cast<TransposeOp>(op).getPermutation()[axis]}}};
  }
};

/// An axis stays what it is if what lies behind it has the same size before and after.
struct ReshapeFactors : FactorSource::ExternalModel<ReshapeFactors, ReshapeOp> {
  Alternatives getFactorOperands(Operation *op, int64_t axis) const {
    ArrayRef<int64_t> before = typeOf(op->getOperand(0)).getShape(),
                      after = typeOf(op->getResult(0)).getShape();
    auto volume = [](ArrayRef<int64_t> sizes) {
      int64_t product = 1;
      for (int64_t size : sizes)
        product = ShapedType::isDynamic(size) || product < 0 ? -1 : product * size;
      return product;
    };
    int64_t behind = volume(after.drop_front(axis + 1)), size = after[axis];
    if (behind < 0 || ShapedType::isDynamic(size))
      return {};
    for (int64_t a = before.size(); a-- > 0;)
      if (before[a] == size && volume(before.drop_front(a + 1)) == behind)
        return {{{&op->getOpOperand(0), a}}};
    return {};
  }
};

/// Whole along the axis; elsewhere it leaves elements out, which changes nothing for the others.
struct SliceFactors : FactorSource::ExternalModel<SliceFactors, SliceOp> {
  Alternatives getFactorOperands(Operation *op, int64_t axis) const {
    auto slice = cast<SliceOp>(op);
    if (slice.getStarts()[axis] != 0 || slice.getSteps()[axis] != 1 ||
        typeOf(slice.getX()).isDynamicDim(axis) ||
        typeOf(slice.getX()).getDimSize(axis) != typeOf(slice.getResult()).getDimSize(axis))
      return {};
    return {{{&op->getOpOperand(0), axis}}};
  }
};

struct ShapeReads : ShapeReader::ExternalModel<ShapeReads, ShapeOp> {};

} // namespace

void terse::nn::attachFactorInterfaces(MLIRContext *context) {
  BinaryOp::attachInterface<BinaryFactors>(*context);
  SelectOp::attachInterface<SelectFactors>(*context);
  LayerNormOp::attachInterface<LayerNormFactors>(*context);
  RmsNormOp::attachInterface<RmsNormFactors>(*context);
  BatchNormOp::attachInterface<ChannelNormFactors<BatchNormOp>>(*context);
  GroupNormOp::attachInterface<ChannelNormFactors<GroupNormOp>>(*context);
  InstanceNormOp::attachInterface<ChannelNormFactors<InstanceNormOp>>(*context);
  TransposeOp::attachInterface<TransposeFactors>(*context);
  ReshapeOp::attachInterface<ReshapeFactors>(*context);
  SliceOp::attachInterface<SliceFactors>(*context);
  ShapeOp::attachInterface<ShapeReads>(*context);
}
