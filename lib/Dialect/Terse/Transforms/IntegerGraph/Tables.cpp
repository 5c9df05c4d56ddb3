//===- Tables.cpp - Functions of one element as tables ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Converter.h"

#include "terse/Dialect/Terse/Transforms/CountRanges.h"
#include "terse/Reference/Interpreter.h"
#include "terse/Support/Constants.h"
#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;
using namespace terse::integer;

/// op(values) for 1-D `values`, by the reference interpreter.
static llvm::Expected<HostTensor> evaluateOn(Operation *op, OpOperand &data,
                                             const HostTensor &values, OpBuilder &builder) {
  auto type = RankedTensorType::get(values.shape, builder.getF32Type());
  auto x = nn::ConstantOp::create(builder, op->getLoc(), toDenseElements(values, op->getContext()));
  Operation *copy = op->clone();
  copy->setOperand(data.getOperandNumber(), x);
  copy->getResult(0).setType(type);
  std::vector<HostTensor> operands;
  for (Value operand : copy->getOperands()) {
    std::optional<HostTensor> constant = getConstant(operand);
    if (constant && constant->getNumElements() == 1 && operand != x.getResult())
      constant = constant->reshaped({}); // A number, of whatever rank.
    operands.push_back(constant.value_or(HostTensor()));
  }
  auto results = evaluateOp(copy, operands);
  copy->destroy();
  x.erase();
  if (!results)
    return results.takeError();
  return results->front();
}

LogicalResult Converter::convertTable(nn::Quantizable quantizable, std::string &reason) {
  OpOperand &data = *quantizable.getDataOperands().front();
  StaticTensor x = getStaticTensor(data.get());
  if (!isIntegerData(x))
    return fail(reason, "its data are not stored as integers of at most 8 bits with one scale");
  if (!typeOf(op->getResult(0)).getElementType().isF32())
    return fail(reason, "the result is not f32");
  // Entry i is for the integer with the bits i: negative ones, which count from the end, are those
  // of the upper half.
  unsigned bits = x.encoding.getValueType().getWidth();
  int64_t entries = int64_t(1) << bits;
  HostTensor values = HostTensor::zeros(DType::f32(), {entries});
  for (int64_t i = 0; i < entries; ++i) {
    int64_t q = x.encoding.isSigned() && i >= entries / 2 ? i - entries : i;
    values.getMutableAs<float>()[i] = numerics::dequantize(q, x.scale(), x.zeroPoint());
  }
  llvm::Expected<HostTensor> results = evaluateOn(op, data, values, builder);
  if (!results)
    return fail(reason, llvm::toString(results.takeError()));
  std::vector<float> outputs = results->toFloats();

  ResultUse use = findUse(/*absorbClamps=*/false);
  if (use.encode)
    builder.setInsertionPoint(use.encode);
  Value table;
  if (use.encode) {
    SmallVector<int64_t> stored;
    for (float output : outputs)
      stored.push_back(use.target.quantize(output));
    table = constant(use.target.encoding.getValueType(), {entries}, ArrayRef<int64_t>(stored));
  } else {
    table = constant(builder.getF32Type(), {entries}, ArrayRef<float>(outputs));
  }
  Value index = castTo(getStoredValues(builder, loc, x), builder.getI32Type());
  auto type =
      RankedTensorType::get(typeOf(op->getResult(0)).getShape(), typeOf(table).getElementType());
  Value looked =
      nn::GatherOp::create(builder, loc, type, table, index, builder.getI64IntegerAttr(0));
  if (use.encode) {
    if (countsRanges()) {
      SmallVector<int8_t> beyond;
      numerics::QuantRange range = use.target.getRange(),
                           wide{-(int64_t(1) << 40), int64_t(1) << 40};
      for (float output : outputs) {
        int64_t q = numerics::quantize(output, use.target.scale(), use.target.zeroPoint(), wide);
        beyond.push_back(q < range.min ? 1 : q > range.max ? 2 : 0);
      }
      looked.getDefiningOp()->setDiscardableAttr(kBeyondAttr, builder.getDenseI8ArrayAttr(beyond));
    }
    finishStored(use, looked);
    return success();
  }
  op->getResult(0).replaceAllUsesWith(looked);
  op->erase();
  return success();
}
