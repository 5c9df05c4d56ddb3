//===- ExpandRecurrent.cpp - Recurrent layers on integers -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loop over time is that of nn-decompose; only the products are built here, on encoded
// operands. Where the input has parameters that are known ahead of time, the functions of gates are
// tables too, so that no result depends on whose exponential it is.
//
//===----------------------------------------------------------------------===//

#include "StaticTensor.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/NN/IR/NNQuantization.h"
#include "terse/Dialect/NN/IR/NNWeights.h"
#include "terse/Dialect/NN/Transforms/Decompose.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"

#include <cmath>

namespace terse {
#define GEN_PASS_DEF_EXPANDRECURRENTPASS
#include "terse/Dialect/Terse/Transforms/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// The encode op that makes `value`, decoded or not.
static EncodeOp getEncode(Value value) {
  if (auto decode = value.getDefiningOp<DecodeOp>())
    value = decode.getInput();
  return value.getDefiningOp<EncodeOp>();
}

/// `value`, or what it has been decoded from.
static Value getStored(Value value) {
  if (auto decode = value.getDefiningOp<DecodeOp>())
    return decode.getInput();
  return value;
}

static UniformEncodingAttr getSmallIntegers(Value value) {
  auto encoding = dyn_cast_or_null<UniformEncodingAttr>(getEncoding(value.getType()));
  return encoding && encoding.getValueType().getWidth() <= 8 ? encoding : UniformEncodingAttr();
}

namespace {

class IntegerProducts : public nn::RecurrentProducts {
public:
  bool accepts(Operation *op) const override {
    auto weighted = dyn_cast<nn::WeightedOp>(op);
    if (!weighted)
      return false;
    for (const nn::WeightDescription &weight : weighted.getWeights()) {
      UniformEncodingAttr encoding = getSmallIntegers(getStored(weight.operand->get()));
      if (!encoding ||
          !hasScalesOfRows(encoding, typeOf(getStored(weight.operand->get())).getShape()))
        return false;
      if (weight.activation && !getInputEncoding(weight.activation->get()) && !isStatic(op))
        return false;
    }
    // Nothing else may be encoded.
    return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
      return !getEncoding(operand.get().getType()) ||
             llvm::any_of(weighted.getWeights(), [&](const nn::WeightDescription &weight) {
               return weight.operand == &operand || weight.activation == &operand;
             });
    });
  }

  Value getInput(Operation *op) const override {
    if (EncodeOp encode = getEncode(op->getOperand(0)))
      return encode.getInput();
    // Stored by what computes it; the integers are read below.
    if (auto decode = op->getOperand(0).getDefiningOp<DecodeOp>())
      return decode.getResult();
    OpBuilder builder(op);
    return DecodeOp::create(builder, op->getLoc(), op->getOperand(0));
  }

  Value getRows(ImplicitLocOpBuilder &b, Value weight, int64_t direction, int64_t first,
                int64_t last) const override {
    Value stored = getStored(weight);
    auto encoding = cast<UniformEncodingAttr>(getEncoding(stored.getType()));
    ArrayRef<int64_t> shape = typeOf(stored).getShape();
    SmallVector<Value> parts;
    for (Value part : ComponentsOp::create(b, stored).getResults()) {
      ArrayRef<int64_t> sizes = typeOf(part).getShape();
      if (sizes.size() == 1) {
        part = slice(b, part, 0, first, last); // A parameter per row, of a single direction or all.
      } else if (sizes.size() == 3) {
        part = slice(b, part, 0, sizes[0] == 1 ? 0 : direction, sizes[0] == 1 ? 1 : direction + 1);
        if (sizes[1] == shape[1])
          part = slice(b, part, 1, first, last);
        part = nn::ReshapeOp::create(b,
                                     RankedTensorType::get(typeOf(part).getShape().drop_front(),
                                                           typeOf(part).getElementType()),
                                     part, Value());
      }
      parts.push_back(part);
    }
    std::optional<int64_t> axis;
    if (encoding.getAxis())
      axis = 0;
    auto rows = UniformEncodingAttr::get(
        encoding.getValueType(), axis,
        encoding.getBlock().empty() ? encoding.getBlock() : encoding.getBlock().drop_front(),
        encoding.getScale(), encoding.getAsymmetric(), encoding.getNarrow(), encoding.getDynamic());
    auto type =
        RankedTensorType::get({last - first, shape[2]}, typeOf(stored).getElementType(), rows);
    return AssembleOp::create(b, type, parts);
  }

  Value multiply(ImplicitLocOpBuilder &b, Operation *op, Value x, Value weight,
                 Value bias) const override {
    SmallVector<int64_t> shape(typeOf(x).getShape());
    shape.back() = typeOf(weight).getDimSize(0);
    auto resultType = RankedTensorType::get(shape, typeOf(x).getElementType());
    if (isStatic(op)) {
      bool isInput = typeOf(x).getRank() == 3;
      return nn::LinearOp::create(
          b, resultType, isInput ? getStored(op->getOperand(0)) : encodeState(b, x), weight, bias);
    }
    UniformEncodingAttr encoding = getInputEncoding(op->getOperand(0));
    if (!encoding.getBlock().empty()) {
      SmallVector<int64_t> block(typeOf(x).getRank(), 1);
      block.back() = UniformEncodingAttr::kWholeDimension;
      encoding = UniformEncodingAttr::get(encoding.getValueType(), std::nullopt, block,
                                          encoding.getScale(), encoding.getAsymmetric(),
                                          encoding.getNarrow(), /*dynamic=*/true);
    }
    Value encoded = EncodeOp::create(b, x, encoding);
    return nn::LinearOp::create(b, resultType, encoded, weight, bias);
  }

  /// f(x) for x rounded to 1/256 within [-8, 8): beyond, sigmoid and tanh are within 4e-4 of their
  /// limits.
  Value activate(ImplicitLocOpBuilder &b, Operation *op, nn::UnaryKind kind,
                 Value x) const override {
    if (!isStatic(op))
      return {};
    constexpr int64_t kSteps = 256, kHalf = 8 * kSteps;
    SmallVector<float> entries;
    for (int64_t i = -kHalf; i < kHalf; ++i) {
      double at = double(i) / double(kSteps);
      entries.push_back(
          float(kind == nn::UnaryKind::Tanh ? std::tanh(at) : 1 / (1 + std::exp(-at))));
    }
    auto scalar = [&](Attribute value, Type type) -> Value {
      return nn::ConstantOp::create(b,
                                    DenseElementsAttr::get(RankedTensorType::get({}, type), value));
    };
    Type f32 = b.getF32Type(), i32 = b.getI32Type();
    Value table =
        nn::ConstantOp::create(b, DenseElementsAttr::get(RankedTensorType::get({2 * kHalf}, f32),
                                                         ArrayRef<float>(entries)));
    Value steps = nn::BinaryOp::create(b, x.getType(), nn::BinaryKind::Mul, x,
                                       scalar(b.getF32FloatAttr(kSteps), f32));
    steps = nn::UnaryOp::create(b, nn::UnaryKind::Round, steps);
    steps = nn::UnaryOp::create(b, nn::UnaryKind::Clamp, steps, double(-kHalf), double(kHalf - 1));
    auto type = RankedTensorType::get(typeOf(x).getShape(), i32);
    Value index = nn::CastOp::create(b, type, steps);
    index = nn::BinaryOp::create(b, type, nn::BinaryKind::Add, index,
                                 scalar(b.getI32IntegerAttr(kHalf), i32));
    return nn::GatherOp::create(b, x.getType(), table, index, b.getI64IntegerAttr(0));
  }

private:
  /// Whether the input of `op` has one scale and zero point that are known, and its functions can
  /// be tables.
  static bool isStatic(Operation *op) {
    StaticTensor input = getStaticTensor(op->getOperand(0));
    auto form = dyn_cast<nn::Quantizable>(op);
    return input && input.isPerTensor() && !input.encoding.getAxis() &&
           input.encoding.getValueType().getWidth() <= 8 && form &&
           form.getIntegerForm() == nn::IntegerForm::Recurrent;
  }

  /// The hidden state, which stays within [-1, 1].
  static Value encodeState(ImplicitLocOpBuilder &b, Value state) {
    auto encoding = UniformEncodingAttr::get(b.getIntegerType(8));
    auto type = RankedTensorType::get({}, b.getF32Type());
    Value scale = nn::ConstantOp::create(b, DenseElementsAttr::get(type, 1.0f / 127));
    return EncodeOp::create(b, state, encoding, ValueRange{scale});
  }

  /// Whether a scale belongs to a whole row at least, so that rows can be cut out with their
  /// parameters.
  static bool hasScalesOfRows(UniformEncodingAttr encoding, ArrayRef<int64_t> shape) {
    if (encoding.getScaleEncoding())
      return false;
    if (encoding.getAxis())
      return *encoding.getAxis() == 1;
    ArrayRef<int64_t> block = encoding.getBlock();
    return block.empty() ||
           (block[0] == 1 && block[1] == 1 &&
            (block[2] == UniformEncodingAttr::kWholeDimension || block[2] >= shape[2]));
  }

  /// How the input is encoded at run time: per tensor, or with a scale per row. Null otherwise.
  static UniformEncodingAttr getInputEncoding(Value x) {
    EncodeOp encode = getEncode(x);
    UniformEncodingAttr encoding =
        encode ? getSmallIntegers(encode.getResult()) : UniformEncodingAttr();
    if (!encoding || !encode.getParameters().empty() || encoding.getAxis() ||
        encoding.getScaleEncoding())
      return {};
    ArrayRef<int64_t> block = encoding.getBlock();
    if (!block.empty() && (block.back() != UniformEncodingAttr::kWholeDimension ||
                           llvm::any_of(block.drop_back(), [](int64_t size) { return size != 1; })))
      return {};
    return encoding;
  }

  static Value slice(ImplicitLocOpBuilder &b, Value x, int64_t axis, int64_t start, int64_t end) {
    RankedTensorType type = typeOf(x);
    if (start == 0 && end == type.getDimSize(axis))
      return x;
    SmallVector<int64_t> starts(type.getRank(), 0), ends(type.getShape()), steps(type.getRank(), 1);
    SmallVector<int64_t> shape(type.getShape());
    starts[axis] = start;
    ends[axis] = end;
    shape[axis] = end - start;
    return nn::SliceOp::create(b, RankedTensorType::get(shape, type.getElementType()), x, starts,
                               ends, steps);
  }
};

struct ExpandRecurrentPass : terse::impl::ExpandRecurrentPassBase<ExpandRecurrentPass> {
  using ExpandRecurrentPassBase::ExpandRecurrentPassBase;

  void runOnOperation() override {
    IntegerProducts products;
    uint64_t candidates = 0;
    getOperation().walk([&](nn::WeightedOp op) { candidates += products.accepts(op); });
    if (!candidates)
      return;
    RewritePatternSet patterns(&getContext());
    nn::populateDecomposeRecurrentPatterns(patterns, &products);
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false).setRegionSimplificationLevel(
        GreedySimplifyRegionLevel::Disabled);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      return signalPassFailure();
    uint64_t left = 0;
    getOperation().walk([&](nn::WeightedOp op) { left += products.accepts(op); });
    numExpanded += candidates - left;
  }
};

} // namespace
