//===- IntegerGraph.cpp - Compute on statically encoded tensors -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One op at a time, in program order: an op whose data are integers with known
// scales is replaced, together with the clamps behind it and the encode that
// they lead to, by integer ops that end in an assemble. So the next op finds its
// data stored already.
//
//===----------------------------------------------------------------------===//

#include "StaticTensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/NN/IR/NNQuantization.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"
#include "terse/Numerics/Requantize.h"
#include "terse/Reference/Interpreter.h"
#include "terse/Support/Constants.h"
#include "terse/Support/MLIRBridge.h"

#include <cmath>

namespace terse {
#define GEN_PASS_DEF_INTEGERGRAPHPASS
#include "terse/Dialect/Terse/Transforms/Passes.h.inc"
} // namespace terse

#define DEBUG_TYPE "terse-integer-graph"

using namespace mlir;
using namespace terse;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

namespace {

/// Where the result of an op goes.
struct ResultUse {
  /// The encode with known parameters that it ends in; null if it stays float.
  StaticTensor target;
  EncodeOp encode;
  /// Clamps on the way, to be done by the requantization.
  SmallVector<Operation *> clamps;
  double low = -std::numeric_limits<double>::infinity(), high = -low;
};

/// A tensor of integers and its factors, which broadcast to it.
struct Term {
  Value tensor;
  std::vector<float> factors;
  SmallVector<int64_t> factorShape;
};

/// Converts one op.
class Converter {
public:
  Converter(Operation *op, bool fixedPoint)
      : op(op), fixedPoint(fixedPoint), builder(op), loc(op->getLoc()) {}

  /// Whether the op reads integers with known scales at all.
  bool isCandidate();
  /// Replaces the op, or says why not and changes nothing.
  LogicalResult convert(std::string &reason);
  /// The clamps that went with it.
  ArrayRef<Operation *> getErased() const { return erased; }

private:
  LogicalResult convertContraction(nn::ContractionLike contraction, std::string &reason);
  LogicalResult convertMove(nn::Quantizable quantizable, std::string &reason);
  LogicalResult convertSum(nn::Quantizable quantizable, std::string &reason);
  LogicalResult convertTable(nn::Quantizable quantizable, std::string &reason);

  ResultUse findUse(bool absorbClamps);
  /// Ends the op: requantizes the sum of the terms, or makes it float.
  void finish(const ResultUse &use, ArrayRef<Term> terms);
  /// Ends the op with stored integers of the parameters of `use`.
  void finishStored(const ResultUse &use, Value stored);
  Value requantize(ArrayRef<Term> terms, const StaticTensor &target, int64_t low, int64_t high,
                   ArrayRef<int64_t> shape);

  Value center(const StaticTensor &tensor, Value stored);
  Value constant(Type elementType, ArrayRef<int64_t> shape, ArrayRef<float> values);
  Value constant(Type elementType, ArrayRef<int64_t> shape, ArrayRef<int64_t> values);
  Value castTo(Value x, Type elementType) {
    if (typeOf(x).getElementType() == elementType)
      return x;
    return nn::CastOp::create(builder, loc,
                              RankedTensorType::get(typeOf(x).getShape(), elementType), x);
  }
  Value binary(nn::BinaryKind kind, Value lhs, Value rhs) {
    return nn::BinaryOp::create(builder, loc, kind, lhs, rhs);
  }
  /// The shape in which one number per channel broadcasts to the result of `contraction`.
  static SmallVector<int64_t> getChannelShape(nn::ContractionLike contraction, int64_t channels) {
    SmallVector<int64_t> shape{channels};
    shape.append(
        typeOf(contraction->getResult(0)).getRank() - 1 - contraction.getResultChannelAxis(), 1);
    return shape;
  }

  Operation *op;
  bool fixedPoint;
  SmallVector<Operation *> erased;
  OpBuilder builder;
  Location loc;
};

LogicalResult fail(std::string &reason, const Twine &text) {
  reason = text.str();
  return failure();
}

bool isIntegerData(const StaticTensor &tensor) {
  return tensor && tensor.isPerTensor() && !tensor.encoding.getAxis() &&
         tensor.encoding.getValueType().getWidth() <= 8;
}

} // namespace

//===----------------------------------------------------------------------===//
// Building blocks
//===----------------------------------------------------------------------===//

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
    finishStored(use, requantize(terms, use.target, low, high, resultType.getShape()));
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
// Contractions
//===----------------------------------------------------------------------===//

/// The sum over all contraction axes of a weight, per output channel.
static std::vector<int64_t> sumPerChannel(const HostTensor &weight, int64_t channelAxis) {
  std::vector<int64_t> sums(weight.shape[channelAxis]), values = weight.toInts();
  int64_t inner = 1;
  for (size_t d = channelAxis + 1; d < weight.shape.size(); ++d)
    inner *= weight.shape[d];
  for (size_t i = 0; i < values.size(); ++i)
    sums[(int64_t(i) / inner) % weight.shape[channelAxis]] += values[i];
  return sums;
}

LogicalResult Converter::convertContraction(nn::ContractionLike contraction, std::string &reason) {
  StaticTensor x = getStaticTensor(contraction.getActivationOperand().get());
  StaticTensor w = getStaticTensor(contraction.getWeightOperand().get());
  if (!isIntegerData(x))
    return fail(reason,
                "the activation is not stored as integers of at most 8 bits with one scale");
  if (!w || w.encoding.getValueType().getWidth() > 8)
    return fail(reason, "the weight is not stored as integers of at most 8 bits");
  if (!contraction.hasIntegerForm())
    return fail(reason, "the op has no integer form");
  int64_t channelAxis = contraction.getOutputChannelAxis();
  int64_t channels = typeOf(op->getResult(0)).getDimSize(contraction.getResultChannelAxis());
  if (w.encoding.getAxis() &&
      (*w.encoding.getAxis() != channelAxis || int64_t(w.scales.size()) != channels))
    return fail(reason, "the scale of the weight is not that of the result's channels");
  if (!typeOf(op->getResult(0)).getElementType().isF32())
    return fail(reason, "the result is not f32");

  OpOperand *biasOperand = contraction.getBiasOperand();
  std::vector<int64_t> bias;
  if (biasOperand) {
    StaticTensor stored = getStaticTensor(biasOperand->get());
    auto assemble = stored ? stored.encoded.getDefiningOp<AssembleOp>() : AssembleOp();
    std::optional<HostTensor> values =
        assemble ? getConstant(assemble.getComponents().front()) : std::nullopt;
    if (!values || stored.encoding.getAsymmetric() || stored.scales.size() != w.scales.size())
      return fail(reason, "the bias is not stored at the scale of the products");
    for (auto [own, weightScale] : llvm::zip(stored.scales, w.scales))
      if (own != weightScale * x.scale())
        return fail(reason, "the bias is not stored at the scale of the products");
    bias = values->toInts();
  }

  auto weightStored = w.encoded.getDefiningOp<AssembleOp>();
  std::optional<HostTensor> weights =
      weightStored ? getConstant(weightStored.getComponents().front()) : std::nullopt;
  auto padded = dyn_cast<nn::ZeroPadded>(op);
  SmallVector<int64_t> axes = contraction.getContractionAxes();
  // Zeros that an op puts between or around elements are numbers; as integers they would have to be
  // zx.
  bool readsOnlyStored = padded || axes.size() == 1;
  bool foldZero = x.zeroPoint() != 0 && weights && !w.hasZeroPoints() && readsOnlyStored &&
                  !ShapedType::isDynamic(channels) && weights->shape[channelAxis] == channels;
  if (foldZero) {
    bias.resize(channels);
    for (auto [sum, b] : llvm::zip(sumPerChannel(*weights, channelAxis), bias))
      b -= x.zeroPoint() * sum;
  }

  // The largest sum: with and without the zero point folded.
  int64_t summands = 1;
  for (int64_t axis : axes) {
    int64_t size = typeOf(contraction.getWeightOperand().get()).getDimSize(axis);
    if (ShapedType::isDynamic(size) && axes.size() == 1)
      size = typeOf(contraction.getActivationOperand().get())
                 .getDimSize(contraction.getActivationChannelAxis());
    if (ShapedType::isDynamic(size) ||
        (size && summands > std::numeric_limits<int32_t>::max() / size))
      return fail(reason, "the number of summands is not known");
    summands *= size;
  }
  int64_t largestBias = 0;
  for (int64_t b : bias)
    largestBias = std::max(largestBias, std::abs(b));
  if (summands * 255 * (w.hasZeroPoints() || !weights ? 255 : 128) + largestBias >
      std::numeric_limits<int32_t>::max())
    return fail(reason, "a sum of " + Twine(summands) + " products may overflow i32");
  if (!bias.empty() && !isa<nn::Biased>(op) && int64_t(bias.size()) != channels)
    return fail(reason, "the op takes no bias");

  ResultUse use = findUse(/*absorbClamps=*/true);
  if (use.encode)
    builder.setInsertionPoint(use.encode);
  Value activation = getStoredValues(builder, loc, x), weight = getStoredValues(builder, loc, w);
  bool padsExplicitly = false;
  if (foldZero && padded) {
    nn::Padding padding = padded.getZeroPadding();
    auto isPad = [](int64_t count) { return count != 0; };
    padsExplicitly = llvm::any_of(padding.low, isPad) || llvm::any_of(padding.high, isPad);
    if (padsExplicitly) {
      Value zero = constant(x.encoding.getValueType(), {}, ArrayRef<int64_t>{x.zeroPoint()});
      activation = nn::PadOp::create(builder, loc, nn::PadMode::Constant, activation, zero,
                                     padding.low, padding.high);
    }
  } else if (!foldZero) {
    activation = center(x, activation);
  }
  Value acc = contraction.buildIntegerForm(builder, activation, center(w, weight));
  if (padsExplicitly) {
    size_t rank = typeOf(activation).getRank();
    nn::Padding none{SmallVector<int64_t>(rank, 0), SmallVector<int64_t>(rank, 0)};
    (void)cast<nn::ZeroPadded>(acc.getDefiningOp()).setZeroPadding(none);
  }
  if (!bias.empty()) {
    Type i32 = builder.getI32Type();
    if (auto biased = dyn_cast<nn::Biased>(acc.getDefiningOp())) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPoint(biased);
      biased.setBias(constant(i32, {int64_t(bias.size())}, ArrayRef<int64_t>(bias)));
    } else {
      acc = nn::BinaryOp::create(
          builder, loc, acc.getType(), nn::BinaryKind::Add, acc,
          constant(i32, getChannelShape(contraction, channels), ArrayRef<int64_t>(bias)));
    }
  }
  Term term{acc, w.scales, {}};
  for (float &factor : term.factors)
    factor = x.scale() * factor;
  if (term.factors.size() > 1)
    term.factorShape = getChannelShape(contraction, channels);
  finish(use, {term});
  return success();
}

//===----------------------------------------------------------------------===//
// Other ops
//===----------------------------------------------------------------------===//

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
    finishStored(use, looked);
    return success();
  }
  op->getResult(0).replaceAllUsesWith(looked);
  op->erase();
  return success();
}

//===----------------------------------------------------------------------===//
// The pass
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
  case nn::IntegerForm::None:
    return fail(reason, quantizable.getFloatReason());
  }
  llvm_unreachable("unknown form");
}

namespace {

struct IntegerGraphPass : terse::impl::IntegerGraphPassBase<IntegerGraphPass> {
  using IntegerGraphPassBase::IntegerGraphPassBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      for (Block &block : function.getBody())
        convert(block);
  }

  void convert(Block &block) {
    SmallVector<Operation *> ops;
    for (Operation &op : block)
      if (isa<nn::ContractionLike, nn::Quantizable>(op))
        ops.push_back(&op);
    llvm::DenseSet<Operation *> gone; // Converting an op erases the clamps behind it.
    bool changed = false;
    for (Operation *op : ops) {
      if (gone.contains(op) || op->use_empty())
        continue;
      Converter converter(op, fixedPoint);
      if (!converter.isCandidate())
        continue;
      std::string reason;
      Location loc = op->getLoc();
      if (failed(converter.convert(reason))) {
        ++numKept;
        remark::missed(loc, remark::RemarkOpts::name("float").category(DEBUG_TYPE)) << reason;
        continue;
      }
      ++numConverted;
      changed = true;
      gone.insert_range(converter.getErased());
    }
    if (!changed)
      return;
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (isOpTriviallyDead(&op))
        op.erase();
  }
};

} // namespace
