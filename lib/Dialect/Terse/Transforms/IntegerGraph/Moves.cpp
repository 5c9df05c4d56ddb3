//===- Moves.cpp - Ops that move stored integers ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Converter.h"

using namespace mlir;
using namespace terse;
using namespace terse::integer;

LogicalResult Converter::convertMove(nn::Quantizable quantizable, std::string &reason) {
  SmallVector<StaticTensor> data;
  for (OpOperand *operand : quantizable.getDataOperands()) {
    StaticTensor tensor = getStaticTensor(operand->get());
    if (!isIntegerData(tensor))
      return fail(reason,
                  "its data are not all stored as integers of at most 8 bits with one scale");
    data.push_back(tensor);
  }
  ResultUse use = findUse(/*absorbClamps=*/false);
  if (use.encode)
    builder.setInsertionPoint(use.encode);
  // Everything moves in the parameters of the result; what has others is requantized.
  StaticTensor target = use.encode ? use.target : data.front();
  SmallVector<Value> stored;
  for (const StaticTensor &tensor : data) {
    Value values = getStoredValues(builder, loc, tensor);
    if (!tensor.hasParametersOf(target)) {
      Term term{center(tensor, values), {tensor.scale()}, {}};
      numerics::QuantRange range = target.getRange();
      values = requantize({term}, target, range.min, range.max, typeOf(values).getShape());
    }
    stored.push_back(values);
  }
  Value moved =
      quantizable.buildMove(builder, stored, [&](double x) { return target.quantize(x); });
  if (use.encode) {
    finishStored(use, moved);
    return success();
  }
  Value result = moved;
  auto resultType = typeOf(op->getResult(0));
  if (isa<FloatType>(resultType.getElementType())) {
    // Float after all, by the number that each integer stands for.
    auto type = RankedTensorType::get(resultType.getShape(), resultType.getElementType(),
                                      cast<Attribute>(target.encoding));
    SmallVector<Value> components{
        moved, constant(builder.getF32Type(), {}, ArrayRef<float>{target.scale()})};
    if (target.encoding.getAsymmetric())
      components.push_back(
          constant(target.encoding.getValueType(), {}, ArrayRef<int64_t>{target.zeroPoint()}));
    result = DecodeOp::create(builder, loc, AssembleOp::create(builder, loc, type, components));
  }
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
  return success();
}
