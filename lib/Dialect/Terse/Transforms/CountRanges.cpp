//===- CountRanges.cpp - Counters of values beyond ranges -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/Transforms/CountRanges.h"

#include "StaticTensor.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Support/Constants.h"

using namespace mlir;
using namespace terse;

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Integers before clamping, and the ends of their range; the ends that do not count are absent.
struct Counted {
  Value values;
  std::optional<int64_t> low, high;
};

class RangeCounter {
public:
  explicit RangeCounter(func::FuncOp entry)
      : entry(entry), builder(entry.getContext()), loc(entry.getLoc()) {}

  std::vector<CountedRange> run();

private:
  void countEncode(EncodeOp encode);
  void countAssemble(AssembleOp assemble);
  void add(StringRef name, const StaticTensor &tensor, const Counted &counted);
  void finish();

  Value constant(Type element, int64_t value) {
    auto type = RankedTensorType::get({}, element);
    if (isa<FloatType>(element))
      return nn::ConstantOp::create(
          builder, loc,
          DenseElementsAttr::get(type, builder.getFloatAttr(element, double(value)).getValue()));
    return nn::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(
            type, APInt(element.getIntOrFloatBitWidth(), uint64_t(value), true, true)));
  }
  Value castTo(Value x, Type element) {
    if (typeOf(x).getElementType() == element)
      return x;
    return nn::CastOp::create(builder, loc, RankedTensorType::get(typeOf(x).getShape(), element),
                              x);
  }
  /// Sum or product of all elements, as a tensor of one i64.
  Value reduceAll(nn::ReduceKind kind, Value x) {
    SmallVector<int64_t> axes(typeOf(x).getRank());
    for (auto [i, axis] : llvm::enumerate(axes))
      axis = int64_t(i);
    Value wide = castTo(x, builder.getI64Type());
    Value sum =
        axes.empty()
            ? wide
            : nn::ReduceOp::create(builder, loc, kind, wide, axes, /*keepdims=*/false).getResult();
    return nn::ReshapeOp::create(builder, loc, RankedTensorType::get({1, 1}, builder.getI64Type()),
                                 sum, /*shape=*/Value());
  }
  /// How many values compare as asked with the end; 0 if there is none.
  Value countBeyond(Value values, nn::CompareKind kind, std::optional<int64_t> end) {
    if (!end)
      return nn::ConstantOp::create(
          builder, loc,
          DenseElementsAttr::get(RankedTensorType::get({1, 1}, builder.getI64Type()), int64_t(0)));
    Value beyond = nn::CompareOp::create(builder, loc, kind, values,
                                         constant(typeOf(values).getElementType(), *end));
    return reduceAll(nn::ReduceKind::Sum, castTo(beyond, builder.getI32Type()));
  }

  func::FuncOp entry;
  OpBuilder builder;
  Location loc;
  std::vector<CountedRange> ranges;
  SmallVector<Value> rows;
};

bool isCounted(const StaticTensor &tensor) {
  return tensor && tensor.isPerTensor() && !tensor.encoding.getAxis() &&
         tensor.encoding.getValueType().getWidth() <= 8;
}

} // namespace

void RangeCounter::add(StringRef name, const StaticTensor &tensor, const Counted &counted) {
  numerics::QuantRange grid = tensor.getRange();
  ranges.push_back({name.str(), numerics::dequantize(grid.min, tensor.scale(), tensor.zeroPoint()),
                    numerics::dequantize(grid.max, tensor.scale(), tensor.zeroPoint())});
  Value shape = nn::ShapeOp::create(builder, loc, counted.values);
  Value parts[] = {reduceAll(nn::ReduceKind::Prod, shape),
                   countBeyond(counted.values, nn::CompareKind::Lt, counted.low),
                   countBeyond(counted.values, nn::CompareKind::Gt, counted.high)};
  rows.push_back(nn::ConcatOp::create(builder, loc, ValueRange(parts), /*axis=*/1));
}

void RangeCounter::countEncode(EncodeOp encode) {
  StaticTensor tensor = getStaticTensor(encode);
  if (!isCounted(tensor) || !typeOf(encode.getInput()).getElementType().isF32())
    return;
  builder.setInsertionPointAfter(encode);
  loc = encode.getLoc();
  // q = rne(x / s) + z as floats, which are exact near the ends.
  auto scale = nn::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(RankedTensorType::get({}, builder.getF32Type()), tensor.scale()));
  Value ratio = nn::BinaryOp::create(builder, loc, nn::BinaryKind::Div, encode.getInput(), scale);
  Value rounded = nn::UnaryOp::create(builder, loc, nn::UnaryKind::Round, ratio);
  numerics::QuantRange grid = tensor.getRange();
  std::string name = "input";
  if (Operation *op = encode.getInput().getDefiningOp())
    name = getLayerName(op);
  else if (auto given = entry.getArgAttrOfType<StringAttr>(
               cast<BlockArgument>(encode.getInput()).getArgNumber(), "nn.name"))
    name = given.str();
  add(name, tensor, {rounded, grid.min - tensor.zeroPoint(), grid.max - tensor.zeroPoint()});
}

/// The requantization or table lookup that makes the stored integers, through ops that only move
/// them.
void RangeCounter::countAssemble(AssembleOp assemble) {
  StaticTensor tensor = getStaticTensor(assemble.getResult());
  if (!isCounted(tensor) || getConstant(assemble.getComponents().front()))
    return;
  Value stored = assemble.getComponents().front();
  numerics::QuantRange grid = tensor.getRange();
  builder.setInsertionPointAfter(assemble);
  loc = assemble.getLoc();
  std::string name = getLayerName(assemble);
  Type i16 = builder.getIntegerType(16);
  if (auto requantize = stored.getDefiningOp<RequantizeOp>()) {
    // The same sums without an end below 16 bits.
    Value zero = requantize.getZeroPoint() ? constant(i16, tensor.zeroPoint()) : Value();
    Value wide = RequantizeOp::create(
        builder, loc, RankedTensorType::get(typeOf(stored).getShape(), i16), requantize.getInputs(),
        requantize.getMultipliers(), requantize.getShift(), zero, uint64_t(int64_t(INT16_MIN)),
        uint64_t(int64_t(INT16_MAX)));
    auto clamps = requantize->getAttrOfType<DenseBoolArrayAttr>(kClampsAttr);
    bool clampsLow = clamps && clamps[0], clampsHigh = clamps && clamps[1];
    Counted counted{wide, grid.min, grid.max};
    if (clampsLow || int64_t(requantize.getLow()) != grid.min)
      counted.low.reset();
    if (clampsHigh || int64_t(requantize.getHigh()) != grid.max)
      counted.high.reset();
    add(name, tensor, counted);
    return;
  }
  auto lookup = stored.getDefiningOp<nn::GatherOp>();
  auto beyond = lookup ? lookup->getAttrOfType<DenseI8ArrayAttr>(kBeyondAttr) : DenseI8ArrayAttr();
  if (!beyond)
    return; // Moved: counted where it was made.
  Type i8 = builder.getI8Type();
  auto flags = nn::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(RankedTensorType::get({int64_t(beyond.size())}, i8),
                             beyond.asArrayRef()));
  Value looked =
      nn::GatherOp::create(builder, loc, RankedTensorType::get(typeOf(stored).getShape(), i8),
                           flags, lookup->getOperand(1), builder.getI64IntegerAttr(0));
  // 1 is below and 2 above: shifted so that "below -1" and "above 1" say it.
  Value isBelow = nn::CompareOp::create(builder, loc, nn::CompareKind::Eq, looked, constant(i8, 1));
  Value below = nn::BinaryOp::create(builder, loc, nn::BinaryKind::Mul, castTo(isBelow, i8),
                                     constant(i8, -3));
  Value centered = nn::BinaryOp::create(builder, loc, nn::BinaryKind::Add, looked, below);
  add(name, tensor, {centered, -1, 1});
}

void RangeCounter::finish() {
  Operation *end = entry.getBody().front().getTerminator();
  builder.setInsertionPoint(end);
  loc = end->getLoc();
  Value all = rows.size() == 1
                  ? rows.front()
                  : nn::ConcatOp::create(builder, loc, ValueRange(rows), /*axis=*/0).getResult();
  end->insertOperands(end->getNumOperands(), all);
  SmallVector<Attribute> attributes;
  if (ArrayAttr old = entry.getResAttrsAttr())
    llvm::append_range(attributes, old);
  attributes.resize(end->getNumOperands() - 1, builder.getDictionaryAttr({}));
  attributes.push_back(builder.getDictionaryAttr(
      builder.getNamedAttr("nn.name", builder.getStringAttr(kCountersName))));
  entry.setFunctionType(builder.getFunctionType(entry.getArgumentTypes(), end->getOperandTypes()));
  entry.setResAttrsAttr(builder.getArrayAttr(attributes));
}

std::vector<CountedRange> RangeCounter::run() {
  SmallVector<Operation *> ops;
  for (Operation &op : entry.getBody().front())
    if (isa<EncodeOp, AssembleOp>(op))
      ops.push_back(&op);
  for (Operation *op : ops) {
    if (auto encode = dyn_cast<EncodeOp>(op))
      countEncode(encode);
    else
      countAssemble(cast<AssembleOp>(op));
  }
  if (!rows.empty())
    finish();
  return std::move(ranges);
}

llvm::Expected<std::vector<CountedRange>> terse::countRanges(func::FuncOp entry) {
  if (!entry.getBody().hasOneBlock())
    return llvm::createStringError("ranges can be counted in entry functions of one block only");
  return RangeCounter(entry).run();
}
