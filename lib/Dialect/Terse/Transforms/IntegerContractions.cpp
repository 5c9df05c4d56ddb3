//===- IntegerContractions.cpp - Contractions on stored integers -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A sum of products of s * (q - z) is a sum of integer products times one
// factor, if the scales are constant along the sum. The first half of this file
// decides whether they are (`analyze`, which changes nothing), the second one
// builds the integer form.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/BlockProduct.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"
#include "terse/Support/Constants.h"

namespace terse {
#define GEN_PASS_DEF_INTEGERCONTRACTIONSPASS
#include "terse/Dialect/Terse/Transforms/Passes.h.inc"
} // namespace terse

#define DEBUG_TYPE "terse-integer-contractions"

using namespace mlir;
using namespace terse;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

//===----------------------------------------------------------------------===//
// Analysis
//===----------------------------------------------------------------------===//

namespace {

/// An operand that is stored as small integers.
struct IntegerOperand {
  /// The encoded tensor.
  Value encoded;
  UniformEncodingAttr encoding;
  ArrayRef<int64_t> shape;

  explicit operator bool() const { return encoded != nullptr; }
};

/// A contraction of integers, and how its result leaves them.
struct IntegerContraction {
  IntegerOperand activation, weight;
  /// The only use of the result, if that is where it becomes integers again; or null.
  EncodeOp requantize;
  /// Sums of blocks of the weight are scaled one by one.
  bool byBlocks = false;
};

} // namespace

/// The tensor of small integers that `value` is or has been decoded from.
static IntegerOperand getIntegerOperand(Value value) {
  if (auto decode = value.getDefiningOp<DecodeOp>())
    value = decode.getInput();
  auto encoding = dyn_cast_or_null<UniformEncodingAttr>(getEncoding(value.getType()));
  if (!encoding || encoding.getValueType().getWidth() > 8)
    return {};
  return {value, encoding, typeOf(value).getShape()};
}

/// Whether elements share their scale with all those that differ in axes outside of `free` only;
/// along each axis of `free` either every index has a scale or all have the same.
static bool hasScalesAlongOnly(const IntegerOperand &operand, ArrayRef<int64_t> free) {
  UniformEncodingAttr encoding = operand.encoding;
  if (std::optional<int64_t> axis = encoding.getAxis())
    return llvm::is_contained(free, *axis);
  if (encoding.isPerTensor())
    return true;
  for (auto [d, size, block] : llvm::enumerate(operand.shape, encoding.getBlock())) {
    bool isWhole = block == UniformEncodingAttr::kWholeDimension ||
                   (!ShapedType::isDynamic(size) && block >= size);
    if (!isWhole && !(block == 1 && llvm::is_contained(free, d)))
      return false;
  }
  return true;
}

/// Whether the axes of the weight but the contracted ones are axes of the result, as in a product
/// of batches of matrices; the batches may have scales of their own then.
static bool isBatchedWeight(nn::ContractionLike op, const IntegerOperand &weight) {
  return weight.shape.size() == size_t(typeOf(op->getResult(0)).getRank()) &&
         op.getOutputChannelAxis() == op.getResultChannelAxis() && !weight.encoding.getAxis() &&
         !weight.encoding.isPerTensor();
}

/// The axes along which the weight may have several scales.
static SmallVector<int64_t> getWeightRowAxes(nn::ContractionLike op, const IntegerOperand &weight) {
  if (!isBatchedWeight(op, weight))
    return {op.getOutputChannelAxis()};
  SmallVector<int64_t> axes, contracted = op.getContractionAxes();
  for (int64_t axis = 0; axis < int64_t(weight.shape.size()); ++axis)
    if (!llvm::is_contained(contracted, axis))
      axes.push_back(axis);
  return axes;
}

/// The largest |q - z| that the components can hold.
static int64_t getLargestMagnitude(UniformEncodingAttr encoding) {
  unsigned bits = encoding.getValueType().getWidth();
  if (encoding.getAsymmetric() || !encoding.isSigned())
    return (int64_t(1) << bits) - 1;
  return int64_t(1) << (bits - 1);
}

/// The number of products in each sum; kDynamic if it is not known.
static int64_t getContractedSize(nn::ContractionLike op, ArrayRef<int64_t> activation,
                                 ArrayRef<int64_t> weight) {
  SmallVector<int64_t> axes = op.getContractionAxes();
  int64_t product = 1;
  for (int64_t axis : axes) {
    int64_t size = weight[axis];
    if (ShapedType::isDynamic(size) && axes.size() == 1)
      size = activation[op.getActivationChannelAxis()];
    // Beyond any limit; also keeps the product from overflowing.
    if (ShapedType::isDynamic(size) ||
        (size && product > std::numeric_limits<int32_t>::max() / size))
      return ShapedType::kDynamic;
    product *= size;
  }
  return product;
}

/// The encode that the result goes into, if requantization can take its place.
static EncodeOp getRequantization(nn::ContractionLike op) {
  Value result = op->getResult(0);
  if (op.getBiasOperand() || !result.hasOneUse() || !typeOf(result).getElementType().isF32())
    return {};
  auto encode = dyn_cast<EncodeOp>(*result.user_begin());
  if (!encode || encode->getBlock() != op->getBlock() || encode.getParameters().empty())
    return {};
  auto encoding = dyn_cast<UniformEncodingAttr>(encode.getEncoding());
  // The clamp to wider types would need more than the 24 bits of f32.
  if (!encoding || encoding.getValueType().getWidth() > 16 || encoding.getScaleEncoding() ||
      !encoding.getBlock().empty())
    return {};
  return encode;
}

static bool isConstant(Value value) {
  Operation *op = value.getDefiningOp();
  return op && (op->hasTrait<OpTrait::ConstantLike>() || getConstantGlobal(value));
}

/// Whether `terse.block_product` is what the op needs: its constant weight is a matrix whose scales
/// change along the contraction, or one of a few bits, which kernels then read as they are.
static bool needsBlocks(nn::ContractionLike op, const IntegerContraction &contraction) {
  const IntegerOperand &weight = contraction.weight, &x = contraction.activation;
  auto assemble = weight.encoded.getDefiningOp<AssembleOp>();
  bool isNarrow = weight.encoding.getValueType().getWidth() < 8;
  bool isSplit = !hasScalesAlongOnly(weight, {op.getOutputChannelAxis()});
  return assemble && llvm::all_of(assemble.getComponents(), isConstant) && (isNarrow || isSplit) &&
         x.shape.size() >= 2 && x.encoding.getValueType().isSignless() &&
         x.encoding.getValueType().getWidth() == 8 && !x.encoding.getAsymmetric() &&
         op.getContractionAxes().size() == 1 &&
         op.getActivationChannelAxis() == int64_t(x.shape.size()) - 1 &&
         op.getResultChannelAxis() == int64_t(x.shape.size()) - 1 &&
         BlockProductOp::explainWeight(typeOf(weight.encoded), op.getOutputChannelAxis() == 1)
             .empty();
}

/// Whether both operands are small integers, so that the pass has to say what becomes of `op`.
static bool isCandidate(nn::ContractionLike op) {
  return getIntegerOperand(op.getActivationOperand().get()) &&
         getIntegerOperand(op.getWeightOperand().get());
}

/// What to build for `op`, or nothing and why not.
static std::optional<IntegerContraction> analyze(nn::ContractionLike op, std::string &reason) {
  auto no = [&](const Twine &text) {
    reason = text.str();
    return std::nullopt;
  };
  IntegerContraction result;
  result.activation = getIntegerOperand(op.getActivationOperand().get());
  result.weight = getIntegerOperand(op.getWeightOperand().get());
  if (!result.activation || !result.weight)
    return no("activation and weight are not both stored as integers of at most 8 bits");
  if (!op.hasIntegerForm())
    return no("the op has no integer form");

  auto resultType = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!resultType || !(resultType.getElementType().isF32() || resultType.getElementType().isF16() ||
                       resultType.getElementType().isBF16()))
    return no("the result is not f32, f16 or bf16");
  if (EncodingAttrInterface encoding = getEncoding(resultType);
      encoding && !encoding.isRunTimeEncodable())
    return no("the encoding of the result cannot be computed at run time");

  if (!hasScalesAlongOnly(result.activation, op.getActivationRowAxes()))
    return no("the scale of the activation varies along the contraction");
  if (needsBlocks(op, result)) {
    result.byBlocks = true;
    result.requantize = getRequantization(op);
    return result;
  }
  int64_t channelAxis = op.getOutputChannelAxis();
  if (!hasScalesAlongOnly(result.weight, getWeightRowAxes(op, result.weight)))
    return no("the scale of the weight varies within an output channel");
  // Grouped transposed convolutions share weight channels between groups of result channels.
  SmallVector<int64_t> scaleShape = result.weight.encoding.getScaleShape(result.weight.shape);
  bool oneScale = llvm::all_of(scaleShape, [](int64_t size) { return size == 1; });
  int64_t channels = result.weight.shape[channelAxis];
  if (!oneScale && !isBatchedWeight(op, result.weight) &&
      (ShapedType::isDynamic(channels) ||
       channels != resultType.getDimSize(op.getResultChannelAxis())))
    return no("the output channels of the weight are not those of the result");

  int64_t summands = getContractedSize(op, result.activation.shape, result.weight.shape);
  int64_t largest =
      getLargestMagnitude(result.activation.encoding) * getLargestMagnitude(result.weight.encoding);
  bool isOpen = ShapedType::isDynamic(summands);
  // A size that the model leaves open between two computed operands, such as the positions of an
  // attention, is below that of an overflow: a requirement of the pass.
  if (isOpen && !(result.weight.encoding.getDynamic() && op.getContractionAxes().size() == 1))
    return no("the number of summands is not known");
  if (!isOpen && summands > std::numeric_limits<int32_t>::max() / largest)
    return no("a sum of " + Twine(summands) + " products may overflow i32");

  result.requantize = getRequantization(op);
  return result;
}

//===----------------------------------------------------------------------===//
// Construction
//===----------------------------------------------------------------------===//

namespace {

/// Builds the integer form of one op at its place.
class Emitter {
public:
  Emitter(OpBuilder &builder, nn::ContractionLike op)
      : builder(builder), loc(op->getLoc()), op(op),
        resultType(stripEncoding(typeOf(op->getResult(0)))) {}

  /// contraction(qx - zx, qw - zw), in f32.
  Value emitSum(const IntegerContraction &contraction) {
    SmallVector<Value> x = components(contraction.activation);
    if (contraction.byBlocks) {
      factor = spread(loadScales(contraction.activation, x), contraction.activation);
      auto type = RankedTensorType::get(resultType.getShape(), builder.getF32Type());
      return BlockProductOp::create(builder, loc, type, x.front(), contraction.weight.encoded,
                                    op.getOutputChannelAxis() == 1);
    }
    SmallVector<Value> w = components(contraction.weight);
    factor = binary(nn::BinaryKind::Mul,
                    spread(loadScales(contraction.activation, x), contraction.activation),
                    isBatchedWeight(op, contraction.weight)
                        ? loadScales(contraction.weight, w)
                        : spreadOverChannels(loadScales(contraction.weight, w)));
    Value sum = op.buildIntegerForm(builder, center(contraction.activation, x),
                                    center(contraction.weight, w));
    return cast(sum, builder.getF32Type());
  }

  /// sum * (sx * sw) + bias, in the type of the result.
  Value emitFloat(Value sum) {
    Value y = combine(nn::BinaryKind::Mul, sum, factor);
    if (OpOperand *bias = op.getBiasOperand()) {
      Value value = bias->get();
      if (getEncoding(value.getType()))
        value = DecodeOp::create(builder, loc, value);
      y = combine(nn::BinaryKind::Add, y, spreadOverChannels(cast(value, builder.getF32Type())));
    }
    y = cast(y, resultType.getElementType());
    if (EncodingAttrInterface encoding = getEncoding(op->getResult(0).getType()))
      y = EncodeOp::create(builder, loc, y, encoding);
    return y;
  }

  /// clamp(round(sum * (sx * sw / sy)) + zy), assembled to the result of `encode`.
  Value emitRequantized(Value sum, EncodeOp encode) {
    auto encoding = llvm::cast<UniformEncodingAttr>(encode.getEncoding());
    IntegerOperand like{encode.getResult(), encoding, resultType.getShape()};
    Type f32 = builder.getF32Type();
    Value scales = spread(cast(encode.getParameters().front(), f32), like);
    Value q = combine(nn::BinaryKind::Mul, sum, binary(nn::BinaryKind::Div, factor, scales));
    if (encoding.getAsymmetric()) {
      // NaN, which only a scale of NaN or 0 gives, becomes the zero point, as in terse.encode.
      // Without one the cast to integers does it.
      Value isNumber = nn::CompareOp::create(builder, loc, nn::CompareKind::Eq, q, q);
      q = nn::SelectOp::create(builder, loc, isNumber, q, zero());
    }
    q = nn::UnaryOp::create(builder, loc, nn::UnaryKind::Round, q);
    if (encoding.getAsymmetric())
      q = combine(nn::BinaryKind::Add, q, spread(cast(encode.getParameters().back(), f32), like));
    q = nn::UnaryOp::create(builder, loc, nn::UnaryKind::Clamp, q, double(encoding.getQMin()),
                            double(encoding.getQMax()));
    SmallVector<Value> stored{cast(q, encoding.getValueType())};
    llvm::append_range(stored, encode.getParameters());
    return AssembleOp::create(builder, loc, encode.getType(), stored);
  }

private:
  SmallVector<Value> components(const IntegerOperand &operand) {
    return ComponentsOp::create(builder, loc, operand.encoded).getResults();
  }

  /// The scales in f32, in the shape in which they are stored.
  Value loadScales(const IntegerOperand &operand, ArrayRef<Value> stored) {
    ArrayRef<Value> scales = stored.drop_front();
    if (operand.encoding.getAsymmetric())
      scales = scales.drop_back();
    Type f32 = builder.getF32Type();
    if (EncodingAttrInterface nested = operand.encoding.getScaleEncoding())
      return nested.buildDecode(
          builder, loc, RankedTensorType::get(operand.encoding.getScaleShape(operand.shape), f32),
          scales);
    return cast(scales.front(), f32);
  }

  /// q - z: the stored integers themselves without zero points, i16 with them.
  Value center(const IntegerOperand &operand, ArrayRef<Value> stored) {
    if (!operand.encoding.getAsymmetric())
      return stored.front();
    Type i16 = builder.getIntegerType(16);
    Value values = cast(stored.front(), i16);
    return nn::BinaryOp::create(builder, loc, values.getType(), nn::BinaryKind::Sub, values,
                                spread(cast(stored.back(), i16), operand));
  }

  /// Parameters in the shape in which they are stored, so that they broadcast to the tensor.
  Value spread(Value parameters, const IntegerOperand &operand) {
    if (std::optional<int64_t> axis = operand.encoding.getAxis())
      return alongAxis(parameters, *axis, operand.shape.size());
    return parameters;
  }

  /// One number, or one per output channel, in whatever shape, so that they broadcast to the
  /// result.
  Value spreadOverChannels(Value parameters) {
    RankedTensorType type = typeOf(parameters);
    if (type.hasStaticShape() && type.getNumElements() == 1)
      return reshape(parameters, {});
    return alongAxis(parameters, op.getResultChannelAxis(), resultType.getRank());
  }

  /// The elements of `x`, of which one dimension at most is not 1, along `axis` of `rank`.
  Value alongAxis(Value x, int64_t axis, int64_t rank) {
    SmallVector<int64_t> shape(rank, 1);
    for (int64_t size : typeOf(x).getShape())
      if (size != 1)
        shape[axis] = size;
    return reshape(x, shape);
  }

  Value reshape(Value x, ArrayRef<int64_t> shape) {
    if (typeOf(x).getShape() == shape)
      return x;
    return nn::ReshapeOp::create(
        builder, loc, RankedTensorType::get(shape, typeOf(x).getElementType()), x, Value());
  }

  Value cast(Value x, Type elementType) {
    if (typeOf(x).getElementType() == elementType)
      return x;
    return nn::CastOp::create(builder, loc,
                              RankedTensorType::get(typeOf(x).getShape(), elementType), x);
  }

  Value zero() {
    auto type = RankedTensorType::get({}, builder.getF32Type());
    return nn::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, 0.0f));
  }

  Value binary(nn::BinaryKind kind, Value lhs, Value rhs) {
    return nn::BinaryOp::create(builder, loc, kind, lhs, rhs);
  }

  /// A binary op whose result has the shape of the op's result: operands may know more.
  Value combine(nn::BinaryKind kind, Value lhs, Value rhs) {
    return nn::BinaryOp::create(builder, loc,
                                RankedTensorType::get(resultType.getShape(), builder.getF32Type()),
                                kind, lhs, rhs);
  }

  OpBuilder &builder;
  Location loc;
  nn::ContractionLike op;
  RankedTensorType resultType;
  /// sx * sw
  Value factor;
};

struct ConvertContraction : OpInterfaceRewritePattern<nn::ContractionLike> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(nn::ContractionLike op, PatternRewriter &rewriter) const override {
    std::string reason;
    std::optional<IntegerContraction> contraction = analyze(op, reason);
    if (!contraction)
      return rewriter.notifyMatchFailure(op, reason);
    if (EncodeOp encode = contraction->requantize) {
      // The parameters of the encode need not be defined before the contraction.
      rewriter.setInsertionPoint(encode);
      Emitter emitter(rewriter, op);
      Value sum = emitter.emitSum(*contraction);
      rewriter.replaceOp(encode, emitter.emitRequantized(sum, encode));
      rewriter.eraseOp(op);
      return success();
    }
    Emitter emitter(rewriter, op);
    Value sum = emitter.emitSum(*contraction);
    rewriter.replaceOp(op, emitter.emitFloat(sum));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

struct IntegerContractionsPass : terse::impl::IntegerContractionsPassBase<IntegerContractionsPass> {
  using IntegerContractionsPassBase::IntegerContractionsPassBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateIntegerContractionPatterns(patterns);
    uint64_t candidates = 0;
    getOperation().walk([&](nn::ContractionLike op) { candidates += isCandidate(op); });
    // Only these patterns: other simplifications are other passes' business.
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false).setRegionSimplificationLevel(
        GreedySimplifyRegionLevel::Disabled);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      return signalPassFailure();

    uint64_t kept = 0;
    getOperation().walk([&](nn::ContractionLike op) {
      std::string reason;
      if (!isCandidate(op) || analyze(op, reason))
        return;
      ++kept;
      remark::missed(op->getLoc(), remark::RemarkOpts::name("float").category(DEBUG_TYPE))
          << reason;
    });
    numKept += kept;
    numConverted += candidates - kept;
  }
};

} // namespace

void terse::populateIntegerContractionPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertContraction>(patterns.getContext());
}
