//===- Tables.cpp - Functions of one element as tables ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Converter.h"

#include "terse/Dialect/Terse/Transforms/CountRanges.h"
#include "terse/Dialect/Terse/Transforms/ElementFunction.h"

using namespace mlir;
using namespace terse;
using namespace terse::integer;

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
  // Functions of the result, as far as nothing is stored between them, are part of the table.
  SmallVector<Operation *> chain{op};
  while (Operation *next = getNextFunction(chain.back()))
    chain.push_back(next);
  llvm::Expected<HostTensor> results = evaluateFunctions(chain, values);
  if (!results)
    return fail(reason, llvm::toString(results.takeError()));
  std::vector<float> outputs = results->toFloats();
  // From here on the last one stands for all; the ops before it are left without readers.
  erased.append(chain);
  op = chain.back();
  builder.setInsertionPoint(op);

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
