//===- Activations.cpp - Encoded values between ops -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Report/ModelReport.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "terse/Dialect/NN/IR/NNInterfaces.h"
#include "terse/Dialect/NN/IR/NNQuantization.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Numerics/Quantize.h"
#include "terse/Support/Constants.h"

using namespace mlir;
using namespace terse;

static std::string getActivationName(Value value) {
  if (Operation *op = value.getDefiningOp())
    return getLayerName(op);
  auto argument = cast<BlockArgument>(value);
  auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  auto name = function ? function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "nn.name")
                       : StringAttr();
  return name ? name.str() : ("input" + Twine(argument.getArgNumber())).str();
}

/// The entry of an encoded value with constant parameters that are scales and zero points; nothing
/// for others.
static std::optional<ActivationEntry> describe(Operation *op, Value input, RankedTensorType type,
                                               ValueRange parameters) {
  auto encoding = dyn_cast_or_null<UniformEncodingAttr>(getEncoding(type));
  if (!encoding || parameters.empty() || encoding.getScaleEncoding())
    return std::nullopt;
  std::optional<HostTensor> scales = getConstant(parameters.front());
  if (!scales)
    return std::nullopt;
  ActivationEntry entry;
  entry.name = getActivationName(input);
  llvm::raw_string_ostream(entry.type) << stripEncoding(type);
  llvm::raw_string_ostream(entry.encoding) << encoding;
  entry.scales = scales->toFloats();
  entry.zeroPoints.assign(entry.scales.size(), 0);
  if (encoding.getAsymmetric()) {
    std::optional<HostTensor> zeroPoints = getConstant(parameters.back());
    if (!zeroPoints)
      return std::nullopt;
    entry.zeroPoints = zeroPoints->toInts();
  }
  for (auto [scale, zero] : llvm::zip(entry.scales, entry.zeroPoints)) {
    entry.low = std::min<double>(entry.low, numerics::dequantize(encoding.getQMin(), scale, zero));
    entry.high =
        std::max<double>(entry.high, numerics::dequantize(encoding.getQMax(), scale, zero));
  }
  if (ChoiceAttr choice = ChoiceAttr::get(op))
    if (auto method = dyn_cast_or_null<StringAttr>(choice.lookup(0)))
      entry.method = method.str();
  return entry;
}

std::vector<ActivationEntry> terse::describeActivations(ModuleOp module) {
  std::vector<ActivationEntry> entries;
  module.walk([&](Operation *op) {
    std::optional<ActivationEntry> entry;
    if (auto encode = dyn_cast<EncodeOp>(op))
      entry = describe(op, encode.getInput(), cast<RankedTensorType>(encode.getType()),
                       encode.getParameters());
    if (auto assemble = dyn_cast<AssembleOp>(op);
        assemble && !getConstant(assemble.getComponents().front()) &&
        !isa_and_nonnull<ml_program::GlobalLoadConstOp>(
            assemble.getComponents().front().getDefiningOp()))
      entry =
          describe(op, assemble.getComponents().front(), cast<RankedTensorType>(assemble.getType()),
                   assemble.getComponents().drop_front());
    if (entry)
      entries.push_back(std::move(*entry));
  });
  return entries;
}

std::string terse::getFloatReason(Operation *op) {
  // Why static quantization left it alone.
  if (ChoiceAttr choice = ChoiceAttr::get(op))
    for (Attribute value : choice.getValues())
      if (auto text = dyn_cast<StringAttr>(value); text && text.getValue().starts_with("float: "))
        return text.getValue().drop_front(7).str();
  auto quantizable = dyn_cast<nn::Quantizable>(op);
  if (!quantizable || isa<nn::ContractionLike>(op) ||
      quantizable.getIntegerForm() != nn::IntegerForm::None)
    return "";
  for (OpOperand *operand : quantizable.getDataOperands())
    if (getEncoding(operand->get().getType()))
      return quantizable.getFloatReason();
  return "";
}
