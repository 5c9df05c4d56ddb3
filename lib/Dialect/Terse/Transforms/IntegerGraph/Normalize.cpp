//===- Normalize.cpp - Softmax and norms on stored integers -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Converter.h"

using namespace mlir;
using namespace terse;
using namespace terse::integer;

/// The integers of `target` nearest to f32 numbers, as terse.encode rounds.
Value Converter::roundTo(const StaticTensor &target, Value x) {
  Type f32 = builder.getF32Type();
  auto binaryLike = [&](nn::BinaryKind kind, Value lhs, Value rhs) -> Value {
    return nn::BinaryOp::create(builder, loc, lhs.getType(), kind, lhs, rhs);
  };
  auto number = [&](float value) { return constant(f32, {}, ArrayRef<float>{value}); };
  Value q = binaryLike(nn::BinaryKind::Div, x, number(target.scale()));
  if (target.zeroPoint()) {
    Value isNumber = nn::CompareOp::create(builder, loc, nn::CompareKind::Eq, q, q);
    q = nn::SelectOp::create(builder, loc, q.getType(), isNumber, q, number(0));
  }
  q = nn::UnaryOp::create(builder, loc, nn::UnaryKind::Round, q);
  if (target.zeroPoint())
    q = binaryLike(nn::BinaryKind::Add, q, number(float(target.zeroPoint())));
  numerics::QuantRange range = target.getRange();
  q = nn::UnaryOp::create(builder, loc, nn::UnaryKind::Clamp, q, double(range.min),
                          double(range.max));
  return castTo(q, target.encoding.getValueType());
}

LogicalResult Converter::convertNormalize(nn::Quantizable quantizable, std::string &reason) {
  StaticTensor x = getStaticTensor(quantizable.getDataOperands().front()->get());
  if (!isIntegerData(x))
    return fail(reason, "its data are not stored as integers of at most 8 bits with one scale");
  if (!typeOf(op->getResult(0)).getElementType().isF32())
    return fail(reason, "the result is not f32");
  ResultUse use = findUse(/*absorbClamps=*/false);
  if (use.encode)
    builder.setInsertionPoint(use.encode);
  Value centered = center(x, getStoredValues(builder, loc, x));
  Value result = quantizable.buildNormalized(builder, centered, x.scale());
  if (use.encode) {
    finishStored(use, roundTo(use.target, result));
    return success();
  }
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
  return success();
}
