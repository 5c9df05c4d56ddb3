//===- Sums.cpp - Ops whose result is a sum of integer tensors --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Converter.h"

using namespace mlir;
using namespace terse;
using namespace terse::integer;

LogicalResult Converter::convertSum(nn::Quantizable quantizable, std::string &reason) {
  SmallVector<StaticTensor> data;
  SmallVector<float> scales;
  for (OpOperand *operand : quantizable.getDataOperands()) {
    StaticTensor tensor = getStaticTensor(operand->get());
    if (!tensor || !tensor.isPerTensor() || tensor.encoding.getValueType().getWidth() > 16)
      return fail(reason, "its data are not all stored as integers with one scale");
    data.push_back(tensor);
    scales.push_back(tensor.scale());
  }
  if (!typeOf(op->getResult(0)).getElementType().isF32())
    return fail(reason, "the result is not f32");
  ResultUse use = findUse(/*absorbClamps=*/true);
  if (use.encode)
    builder.setInsertionPoint(use.encode);
  SmallVector<Value> centered;
  for (const StaticTensor &tensor : data)
    centered.push_back(center(tensor, getStoredValues(builder, loc, tensor)));
  SmallVector<Term> terms;
  for (nn::ScaledTensor &scaled : quantizable.buildSum(builder, centered, scales)) {
    Term term{scaled.tensor,
              {},
              SmallVector<int64_t>(cast<RankedTensorType>(scaled.factor.getType()).getShape())};
    llvm::append_range(term.factors, scaled.factor.getValues<float>());
    terms.push_back(std::move(term));
  }
  finish(use, terms);
  return success();
}
