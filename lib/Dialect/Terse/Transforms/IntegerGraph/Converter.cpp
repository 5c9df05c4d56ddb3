//===- Converter.cpp - What integer forms of ops are built of ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Converter.h"

#include "terse/Dialect/Terse/Transforms/CountRanges.h"
#include "terse/Numerics/Requantize.h"
#include "terse/Support/Constants.h"

#include <cmath>

using namespace mlir;
using namespace terse;
using namespace terse::integer;

Value Converter::constant(Type elementType, ArrayRef<int64_t> shape, ArrayRef<float> values) {
  return nn::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(RankedTensorType::get(shape, elementType), values));
}

Value Converter::constant(Type elementType, ArrayRef<int64_t> shape, ArrayRef<int64_t> values) {
  SmallVector<APInt> numbers;
  for (int64_t value : values)
    numbers.push_back(APInt(elementType.getIntOrFloatBitWidth(), uint64_t(value), /*isSigned=*/true,
                            /*implicitTrunc=*/true));
  return nn::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(RankedTensorType::get(shape, elementType), numbers));
}

/// q - z: i16 for 8 bits and less, i32 beyond; the stored integers themselves if all z are 0.
Value Converter::center(const StaticTensor &tensor, Value stored) {
  if (!tensor.hasZeroPoints())
    return stored;
  Type wide = builder.getIntegerType(tensor.encoding.getValueType().getWidth() <= 8 ? 16 : 32);
  SmallVector<int64_t> shape;
  if (std::optional<int64_t> axis = tensor.encoding.getAxis()) {
    shape.assign(typeOf(stored).getRank() - *axis, 1);
    shape.front() = tensor.zeroPoints.size();
  }
  return binary(nn::BinaryKind::Sub, castTo(stored, wide),
                constant(wide, shape, tensor.zeroPoints));
}

ResultUse Converter::findUse(bool absorbClamps) {
  ResultUse use;
  Value value = op->getResult(0);
  while (value.hasOneUse()) {
    Operation *user = *value.user_begin();
    if (user->getBlock() != op->getBlock())
      break;
    if (auto encode = dyn_cast<EncodeOp>(user)) {
      StaticTensor target = getStaticTensor(encode);
      if (isIntegerData(target)) {
        use.target = target;
        use.encode = encode;
      }
      return use;
    }
    auto quantizable = dyn_cast<nn::Quantizable>(user);
    auto bounds = quantizable && absorbClamps ? quantizable.getClampBounds() : std::nullopt;
    if (!bounds)
      break;
    use.low = std::min(std::max(use.low, bounds->low), bounds->high);
    use.high = std::min(std::max(use.high, bounds->low), bounds->high);
    use.clamps.push_back(user);
    value = user->getResult(0);
  }
  return {};
}

bool Converter::countsRanges() const {
  auto module = op->getParentOfType<ModuleOp>();
  return module && module->hasAttr(kCountRangesAttr);
}

Value Converter::requantize(ArrayRef<Term> terms, const StaticTensor &target, int64_t low,
                            int64_t high, ArrayRef<int64_t> shape) {
  SmallVector<Value> inputs, multipliers;
  Value shift;
  for (const Term &term : terms)
    inputs.push_back(term.tensor);
  if (!fixedPoint) {
    for (const Term &term : terms) {
      std::vector<float> factors = term.factors;
      for (float &factor : factors)
        factor = factor / target.scale();
      multipliers.push_back(
          constant(builder.getF32Type(), term.factorShape, ArrayRef<float>(factors)));
    }
  } else {
    // All terms of an element share a shift, which the largest factor needs.
    auto largest = llvm::max_element(
        terms, [](const Term &a, const Term &b) { return a.factors.size() < b.factors.size(); });
    SmallVector<int64_t> shifts;
    for (size_t i = 0; i < largest->factors.size(); ++i) {
      int needed = -30;
      for (const Term &term : terms)
        needed = std::max(
            needed, numerics::quantizeMultiplier(
                        double(term.factors[term.factors.size() == 1 ? 0 : i]) / target.scale())
                        .shift);
      shifts.push_back(std::min(needed, 30));
    }
    for (const Term &term : terms) {
      SmallVector<int64_t> fixed;
      for (size_t i = 0; i < shifts.size(); ++i) {
        double real = double(term.factors[term.factors.size() == 1 ? 0 : i]) / target.scale();
        fixed.push_back(numerics::roundToInt<int32_t>(std::ldexp(real, int(31 - shifts[i]))));
      }
      multipliers.push_back(
          constant(builder.getI32Type(), largest->factorShape, ArrayRef<int64_t>(fixed)));
    }
    shift = constant(builder.getI32Type(), largest->factorShape, ArrayRef<int64_t>(shifts));
  }
  IntegerType type = target.encoding.getValueType();
  Value zero =
      target.zeroPoint() ? constant(type, {}, ArrayRef<int64_t>{target.zeroPoint()}) : Value();
  return RequantizeOp::create(builder, loc, RankedTensorType::get(shape, type), inputs, multipliers,
                              shift, zero, uint64_t(low), uint64_t(high));
}

void Converter::finishStored(const ResultUse &use, Value stored) {
  SmallVector<Value> components{stored};
  EncodeOp encode = use.encode;
  llvm::append_range(components, encode.getParameters());
  auto assemble = AssembleOp::create(builder, loc, encode.getType(), components);
  encode.getResult().replaceAllUsesWith(assemble.getResult());
  if (ChoiceAttr origin = ChoiceAttr::get(encode))
    assemble->setDiscardableAttr(ChoiceAttr::kAttrName, origin);
  encode.erase();
  for (Operation *clamp : llvm::reverse(use.clamps)) {
    erased.push_back(clamp);
    clamp->erase();
  }
  op->erase();
}

void Converter::finish(const ResultUse &use, ArrayRef<Term> terms) {
  auto resultType = typeOf(op->getResult(0));
  if (use.encode) {
    numerics::QuantRange range = use.target.getRange();
    int64_t low = std::isinf(use.low) ? range.min : use.target.quantize(use.low);
    int64_t high = std::isinf(use.high) ? range.max : use.target.quantize(use.high);
    Value stored = requantize(terms, use.target, low, high, resultType.getShape());
    bool clampsLow = !std::isinf(use.low), clampsHigh = !std::isinf(use.high);
    if (countsRanges() && (clampsLow || clampsHigh))
      stored.getDefiningOp()->setDiscardableAttr(
          kClampsAttr, builder.getDenseBoolArrayAttr({clampsLow, clampsHigh}));
    finishStored(use, stored);
    return;
  }
  Type f32 = builder.getF32Type();
  auto type = RankedTensorType::get(resultType.getShape(), f32);
  Value sum;
  for (const Term &term : terms) {
    Value factor = constant(f32, term.factorShape, ArrayRef<float>(term.factors));
    auto termShape = nn::broadcastShapes(typeOf(term.tensor).getShape(), term.factorShape);
    Value product = nn::BinaryOp::create(
        builder, loc, terms.size() == 1 ? type : RankedTensorType::get(*termShape, f32),
        nn::BinaryKind::Mul, castTo(term.tensor, f32), factor);
    sum = sum ? nn::BinaryOp::create(builder, loc, type, nn::BinaryKind::Add, sum, product)
                    .getResult()
              : product;
  }
  op->getResult(0).replaceAllUsesWith(sum);
  op->erase();
}

//===----------------------------------------------------------------------===//
// Which form
//===----------------------------------------------------------------------===//

bool Converter::isCandidate() {
  if (isa<EncodeOp, DecodeOp, AssembleOp, ComponentsOp>(op) || op->getNumResults() != 1)
    return false;
  if (auto contraction = dyn_cast<nn::ContractionLike>(op))
    return bool(getStaticTensor(contraction.getActivationOperand().get()));
  auto quantizable = dyn_cast<nn::Quantizable>(op);
  return quantizable && llvm::any_of(quantizable.getDataOperands(), [](OpOperand *operand) {
           auto load = operand->get().getDefiningOp<AssembleOp>();
           // Constants alone are weights of an op that decodes them.
           bool isConstantOnly = load && getConstant(load.getComponents().front()).has_value();
           return getStaticTensor(operand->get()) && !isConstantOnly;
         });
}

LogicalResult Converter::convert(std::string &reason) {
  if (getEncoding(op->getResult(0).getType()))
    return fail(reason, "its result is encoded without given parameters");
  if (auto contraction = dyn_cast<nn::ContractionLike>(op))
    return convertContraction(contraction, reason);
  auto quantizable = cast<nn::Quantizable>(op);
  switch (quantizable.getIntegerForm()) {
  case nn::IntegerForm::Move:
    return convertMove(quantizable, reason);
  case nn::IntegerForm::Sum:
    return convertSum(quantizable, reason);
  case nn::IntegerForm::Table:
    return convertTable(quantizable, reason);
  case nn::IntegerForm::Normalize:
    return convertNormalize(quantizable, reason);
  case nn::IntegerForm::Recurrent:
    return fail(reason, "terse-expand-recurrent has left it, because its weights are not stored as "
                        "integers per row");
  case nn::IntegerForm::None:
    return fail(reason, quantizable.getFloatReason());
  }
  llvm_unreachable("unknown form");
}
