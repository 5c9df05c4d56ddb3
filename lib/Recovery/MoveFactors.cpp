//===- MoveFactors.cpp - Factors into what makes a value --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "MoveFactors.h"

#include "mlir/IR/Matchers.h"
#include "terse/Dialect/NN/IR/NNInterfaces.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Recovery/ChosenWeights.h"
#include "terse/Support/Constants.h"

using namespace mlir;
using namespace terse;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

bool terse::isShapeReader(Operation *op) { return isa<nn::ShapeReader>(op); }

namespace {

class Planner {
public:
  Planner(int64_t channels, std::string &reason) : channels(channels), reason(reason) {}

  /// Adds what multiplies `value`, or restores the plan and returns false.
  bool visit(Value value, int64_t axis, unsigned depth) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return refuse("it is an input of the model");
    if (depth > 64)
      return refuse("what makes it is too long a chain");
    if (llvm::any_of(
            typeOf(value).getEncoding() ? ValueRange(value) : op->getOperands(),
            [](Value v) { return isa<RankedTensorType>(v.getType()) && typeOf(v).getEncoding(); }))
      return refuse("'" + getLayerName(op) + "' is encoded already");
    if (auto contraction = dyn_cast<nn::ContractionLike>(op))
      return visitContraction(contraction, axis);
    if (auto source = dyn_cast<nn::FactorSource>(op)) {
      size_t before = plan.constants.size();
      for (ArrayRef<nn::FactorOperand> operands : source.getFactorOperands(axis)) {
        if (llvm::all_of(operands, [&](nn::FactorOperand operand) {
              return visitOperand(*operand.operand, operand.axis, depth);
            }))
          return true;
        plan.constants.truncate(before);
      }
    } else if (isHomogeneous(op, axis)) {
      return visitOperand(op->getOpOperand(0), axis, depth);
    }
    return refuse("'" + getLayerName(op) + "' cannot take factors");
  }

  FactorPlan plan;

private:
  bool refuse(const Twine &text) {
    if (reason.empty())
      reason = text.str();
    return false;
  }

  /// Whether the result has the factors of the first operand, whatever the other ones are.
  static bool isHomogeneous(Operation *op, int64_t axis) {
    auto scalable = dyn_cast<nn::ChannelScalable>(op);
    auto flow = dyn_cast<nn::ChannelFlow>(op);
    return scalable && flow && scalable.commutesWithChannelScale(axis) &&
           flow.getResultAxisFor(0, axis) == axis &&
           llvm::all_of(llvm::drop_begin(op->getOperands()),
                        [](Value v) { return matchPattern(v, m_AnyZeroFloat()); });
  }

  bool visitOperand(OpOperand &operand, int64_t axis, unsigned depth) {
    Value value = operand.get();
    if (matchPattern(value, m_AnyZeroFloat()))
      return true;
    if (getConstant(value))
      return addConstant(operand, axis);
    if (axis < 0 || typeOf(value).getDimSize(axis) != channels)
      return refuse("'" + getLayerName(operand.getOwner()) +
                    "' stretches another value over the channels");
    unsigned readers =
        llvm::count_if(value.getUsers(), [](Operation *user) { return !isShapeReader(user); });
    if (readers != 1)
      return refuse("something else reads '" +
                    (value.getDefiningOp() ? getLayerName(value.getDefiningOp()) : "an input") +
                    "', too");
    return visit(value, axis, depth + 1);
  }

  bool visitContraction(nn::ContractionLike op, int64_t axis) {
    OpOperand &weight = op.getWeightOperand();
    int64_t weightAxis = op.getOutputChannelAxis();
    if (op.getResultChannelAxis() != axis || !getConstant(weight.get()) ||
        typeOf(weight.get()).getDimSize(weightAxis) != channels)
      return refuse("'" + getLayerName(op) + "' has no constant weight for each channel");
    // Parameters that were chosen for the weight as it is would be wrong.
    ChoiceAttr choice = ChoiceAttr::get(op);
    if (choice && isa_and_nonnull<StaticAttr>(choice.lookup(weight.getOperandNumber())))
      return refuse("the parameters of the weight of '" + getLayerName(op) + "' are decided");
    if (!addConstant(weight, weightAxis))
      return false;
    OpOperand *bias = op.getBiasOperand();
    return !bias || (getConstant(bias->get())
                         ? addConstant(*bias, 0)
                         : refuse("the bias of '" + getLayerName(op) + "' is computed"));
  }

  bool addConstant(OpOperand &operand, int64_t axis) {
    RankedTensorType type = typeOf(operand.get());
    if (!type.getElementType().isF32())
      return refuse("a constant of '" + getLayerName(operand.getOwner()) + "' is not f32");
    plan.constants.push_back({&operand, axis});
    return true;
  }

  int64_t channels;
  std::string &reason;
};

} // namespace

std::optional<FactorPlan> terse::planFactors(Value value, int64_t axis, std::string &reason) {
  int64_t channels = typeOf(value).getDimSize(axis);
  if (ShapedType::isDynamic(channels)) {
    reason = "its number of channels is not known";
    return std::nullopt;
  }
  std::string text;
  Planner planner(channels, text);
  if (planner.visit(value, axis, 0))
    return planner.plan;
  reason = text;
  return std::nullopt;
}

/// `tensor` times the factors along `axis`; a stretched axis becomes one of its own.
static HostTensor multiply(const HostTensor &tensor, int64_t axis, ArrayRef<double> factors) {
  std::vector<int64_t> shape = tensor.shape;
  if (axis < 0) {
    shape.insert(shape.begin(), -axis, 1);
    axis = 0;
  }
  int64_t outer = 1, inner = 1, size = shape[axis], channels = factors.size();
  for (auto [d, extent] : llvm::enumerate(shape))
    if (int64_t(d) != axis)
      (int64_t(d) < axis ? outer : inner) *= extent;
  shape[axis] = channels;
  HostTensor result = HostTensor::zeros(DType::f32(), shape);
  ArrayRef<float> in = tensor.getAs<float>();
  MutableArrayRef<float> out = result.getMutableAs<float>();
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < inner; ++i)
        out[(o * channels + c) * inner + i] =
            float(double(in[(o * size + (size == 1 ? 0 : c)) * inner + i]) * factors[c]);
  return result;
}

void terse::applyFactors(const FactorPlan &plan, ArrayRef<double> factors, SymbolTable &symbols) {
  for (const nn::FactorOperand &constant : plan.constants) {
    HostTensor product = multiply(*getConstant(constant.operand->get()), constant.axis, factors);
    ml_program::GlobalOp global = getConstantGlobal(constant.operand->get());
    replaceConstant(*constant.operand, product, global ? global.getSymName().str() : "scaled",
                    symbols);
  }
}
