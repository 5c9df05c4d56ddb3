//===- NNQuantization.cpp - What nn ops answer to quantization ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/NN/IR/NNQuantization.h"
#include "mlir/IR/Matchers.h"
#include "terse/Dialect/NN/IR/NNOps.h"

#include <limits>

using namespace mlir;
using namespace terse::nn;

namespace terse::nn {
#include "terse/Dialect/NN/IR/NNQuantization.cpp.inc"
}

static RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

static bool isFloat(Value v) { return isa<FloatType>(typeOf(v).getElementType()); }

/// A constant with one element, small enough to stand in the graph.
static bool isScalarConstant(Value v) {
  return typeOf(v).hasStaticShape() && typeOf(v).getNumElements() == 1 &&
         matchPattern(v, m_Constant());
}

static DenseElementsAttr scalarFactor(OpBuilder &b, float value) {
  return DenseElementsAttr::get(RankedTensorType::get({}, b.getF32Type()), value);
}

//===----------------------------------------------------------------------===//
// Biased, ZeroPadded
//===----------------------------------------------------------------------===//

namespace {

/// For ops whose bias is their last operand.
template <typename OpTy>
struct BiasedModel : Biased::ExternalModel<BiasedModel<OpTy>, OpTy> {
  void setBias(Operation *op, Value bias) const { cast<OpTy>(op).getBiasMutable().assign(bias); }
};

struct PaddedConv : ZeroPadded::ExternalModel<PaddedConv, ConvOp> {
  Padding getZeroPadding(Operation *op) const {
    auto conv = cast<ConvOp>(op);
    ArrayRef<int64_t> pads = conv.getPads();
    Padding padding{{0, 0}, {0, 0}};
    llvm::append_range(padding.low, pads.take_front(pads.size() / 2));
    llvm::append_range(padding.high, pads.drop_front(pads.size() / 2));
    return padding;
  }
  LogicalResult setZeroPadding(Operation *op, const Padding &padding) const {
    for (int64_t axis : {0, 1}) // Batch and channels are no window's axes.
      if (padding.low[axis] || padding.high[axis])
        return failure();
    SmallVector<int64_t> pads(llvm::drop_begin(padding.low, 2));
    llvm::append_range(pads, llvm::drop_begin(padding.high, 2));
    cast<ConvOp>(op).setPads(pads);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Quantizable: elements that move
//===----------------------------------------------------------------------===//

/// Ops that move elements of all their float operands.
template <typename OpTy>
struct MoveModel : Quantizable::ExternalModel<MoveModel<OpTy>, OpTy> {
  SmallVector<OpOperand *> getDataOperands(Operation *op) const {
    SmallVector<OpOperand *> operands;
    for (OpOperand &operand : op->getOpOperands())
      if (isFloat(operand.get()))
        operands.push_back(&operand);
    return operands;
  }
  IntegerForm getIntegerForm(Operation *) const { return IntegerForm::Move; }
  Value buildMove(Operation *op, OpBuilder &b, ValueRange stored,
                  function_ref<int64_t(double)>) const {
    return move(op, b, stored);
  }

  static Value move(Operation *op, OpBuilder &b, ValueRange stored) {
    Operation *copy = op->clone();
    copy->setDiscardableAttrs(DictionaryAttr::get(op->getContext()));
    size_t next = 0;
    for (OpOperand &operand : copy->getOpOperands())
      if (isFloat(operand.get()))
        operand.set(stored[next++]);
    auto type = typeOf(op->getResult(0));
    if (isa<FloatType>(type.getElementType()))
      type = RankedTensorType::get(type.getShape(), typeOf(stored.front()).getElementType());
    copy->getResult(0).setType(RankedTensorType::get(type.getShape(), type.getElementType()));
    return b.insert(copy)->getResult(0);
  }
};

struct PadModel : Quantizable::ExternalModel<PadModel, PadOp> {
  static bool hasKnownValue(PadOp pad) {
    return !pad.getValue() || isScalarConstant(pad.getValue());
  }
  SmallVector<OpOperand *> getDataOperands(Operation *op) const {
    if (!isFloat(op->getOperand(0)))
      return {};
    return {&op->getOpOperand(0)};
  }
  IntegerForm getIntegerForm(Operation *op) const {
    return hasKnownValue(cast<PadOp>(op)) ? IntegerForm::Move : IntegerForm::None;
  }
  std::string getFloatReason(Operation *) const { return "pads with a computed value"; }
  Value buildMove(Operation *op, OpBuilder &b, ValueRange stored,
                  function_ref<int64_t(double)> encode) const {
    auto pad = cast<PadOp>(op);
    Type element = typeOf(stored.front()).getElementType();
    Value filler;
    if (pad.getMode() == PadMode::Constant) {
      double value = 0;
      DenseElementsAttr attr;
      if (pad.getValue() && matchPattern(pad.getValue(), m_Constant(&attr)))
        value = attr.getSplatValue<APFloat>().convertToDouble();
      auto type = RankedTensorType::get({}, element);
      auto number = APInt(element.getIntOrFloatBitWidth(), uint64_t(encode(value)),
                          /*isSigned=*/true, /*implicitTrunc=*/true);
      filler = ConstantOp::create(b, op->getLoc(), DenseElementsAttr::get(type, number));
    }
    return PadOp::create(
        b, op->getLoc(), RankedTensorType::get(typeOf(op->getResult(0)).getShape(), element),
        pad.getModeAttr(), stored.front(), filler, pad.getLowAttr(), pad.getHighAttr());
  }
};

struct ResizeModel : Quantizable::ExternalModel<ResizeModel, ResizeOp> {
  SmallVector<OpOperand *> getDataOperands(Operation *op) const {
    return MoveModel<ResizeOp>().getDataOperands(op);
  }
  IntegerForm getIntegerForm(Operation *op) const {
    auto resize = cast<ResizeOp>(op);
    bool picks = resize.getMode() == ResizeMode::Nearest &&
                 resize.getCoordinate() != ResizeCoordinate::TfCropAndResize;
    return picks ? IntegerForm::Move : hasLinearForm(resize) ? IntegerForm::Sum : IntegerForm::None;
  }
  std::string getFloatReason(Operation *) const { return "interpolates between elements"; }
  Value buildMove(Operation *op, OpBuilder &b, ValueRange stored,
                  function_ref<int64_t(double)>) const {
    return MoveModel<ResizeOp>::move(op, b, stored);
  }
  SmallVector<ScaledTensor> buildSum(Operation *op, OpBuilder &b, ValueRange centered,
                                     ArrayRef<float> scales) const {
    return buildLinearForm(cast<ResizeOp>(op), b, centered[0], scales[0]);
  }
};

/// Selections from a computed tensor; a constant one is a table of weights.
template <typename OpTy>
struct GatherModel : Quantizable::ExternalModel<GatherModel<OpTy>, OpTy> {
  SmallVector<OpOperand *> getDataOperands(Operation *op) const {
    return MoveModel<OpTy>().getDataOperands(op);
  }
  IntegerForm getIntegerForm(Operation *op) const {
    Operation *source = op->getOperand(0).getDefiningOp();
    return source && source->getNumOperands() == 0 ? IntegerForm::None : IntegerForm::Move;
  }
  std::string getFloatReason(Operation *) const { return "looks up a table"; }
  Value buildMove(Operation *op, OpBuilder &b, ValueRange stored,
                  function_ref<int64_t(double)>) const {
    return MoveModel<OpTy>::move(op, b, stored);
  }
};

//===----------------------------------------------------------------------===//
// Quantizable: elementwise ops
//===----------------------------------------------------------------------===//

struct UnaryModel : Quantizable::ExternalModel<UnaryModel, UnaryOp> {
  SmallVector<OpOperand *> getDataOperands(Operation *op) const {
    if (!isFloat(op->getOperand(0)))
      return {};
    return {&op->getOpOperand(0)};
  }
  IntegerForm getIntegerForm(Operation *op) const {
    UnaryKind kind = cast<UnaryOp>(op).getKind();
    if (kind == UnaryKind::Identity)
      return IntegerForm::Move;
    return kind == UnaryKind::Not || kind == UnaryKind::BitNot ? IntegerForm::None
                                                               : IntegerForm::Table;
  }
  Value buildMove(Operation *op, OpBuilder &b, ValueRange stored,
                  function_ref<int64_t(double)>) const {
    return MoveModel<UnaryOp>::move(op, b, stored);
  }
  std::optional<Interval> getClampBounds(Operation *op) const {
    auto unary = cast<UnaryOp>(op);
    if (unary.getKind() == UnaryKind::Relu)
      return Interval{0, std::numeric_limits<double>::infinity()};
    if (unary.getKind() == UnaryKind::Clamp)
      return Interval{unary.getAlpha().convertToDouble(), unary.getBeta().convertToDouble()};
    return std::nullopt;
  }
  bool amplifiesErrors(Operation *op) const {
    // A step of 1/256 of many periods is a large part of one: positions are encoded like that.
    return llvm::is_contained({UnaryKind::Exp, UnaryKind::Log, UnaryKind::Sqrt, UnaryKind::Rsqrt,
                               UnaryKind::Reciprocal, UnaryKind::Sin, UnaryKind::Cos,
                               UnaryKind::Tan},
                              cast<UnaryOp>(op).getKind());
  }
  std::optional<Interval> getResultBounds(Operation *op) const {
    switch (cast<UnaryOp>(op).getKind()) {
    case UnaryKind::Sigmoid:
    case UnaryKind::HardSigmoid:
      return Interval{0, 1};
    case UnaryKind::Tanh:
    case UnaryKind::Softsign:
    case UnaryKind::Erf:
    case UnaryKind::Sin:
    case UnaryKind::Cos:
      return Interval{-1, 1};
    default:
      return std::nullopt;
    }
  }
};

struct BinaryModel : Quantizable::ExternalModel<BinaryModel, BinaryOp> {
  SmallVector<OpOperand *> getDataOperands(Operation *op) const {
    SmallVector<OpOperand *> operands;
    for (OpOperand &operand : op->getOpOperands())
      if (isFloat(operand.get()) && !isScalarConstant(operand.get()))
        operands.push_back(&operand);
    return operands;
  }
  IntegerForm getIntegerForm(Operation *op) const {
    size_t data = getDataOperands(op).size();
    // With a number it is a function of the other operand, as long as that gives the shape.
    if (data == 1) {
      Value x = getDataOperands(op).front()->get();
      return typeOf(x).getShape() == typeOf(op->getResult(0)).getShape() ? IntegerForm::Table
                                                                         : IntegerForm::None;
    }
    switch (cast<BinaryOp>(op).getKind()) {
    case BinaryKind::Add:
    case BinaryKind::Sub:
    case BinaryKind::Mul:
      return IntegerForm::Sum;
    case BinaryKind::Min:
    case BinaryKind::Max:
      return IntegerForm::Move;
    default:
      return IntegerForm::None;
    }
  }
  bool amplifiesErrors(Operation *op) const {
    BinaryKind kind = cast<BinaryOp>(op).getKind();
    // x / c is as good as x.
    bool scales = kind == BinaryKind::Div && isScalarConstant(op->getOperand(1));
    return (kind == BinaryKind::Div && !scales) || kind == BinaryKind::Pow;
  }
  std::string getFloatReason(Operation *op) const {
    return ("'" + stringifyBinaryKind(cast<BinaryOp>(op).getKind()) +
            "' of two tensors has no integer form")
        .str();
  }
  Value buildMove(Operation *op, OpBuilder &b, ValueRange stored,
                  function_ref<int64_t(double)>) const {
    return MoveModel<BinaryOp>::move(op, b, stored);
  }
  SmallVector<ScaledTensor> buildSum(Operation *op, OpBuilder &b, ValueRange centered,
                                     ArrayRef<float> scales) const {
    BinaryKind kind = cast<BinaryOp>(op).getKind();
    bool isProduct = kind == BinaryKind::Mul;
    if (!isProduct && scales[0] != scales[1])
      return {{centered[0], scalarFactor(b, scales[0])},
              {centered[1], scalarFactor(b, kind == BinaryKind::Sub ? -scales[1] : scales[1])}};
    // Products, and sums on one grid, are integers themselves.
    Type i32 = b.getI32Type();
    SmallVector<Value> wide;
    for (Value x : centered)
      wide.push_back(
          typeOf(x).getElementType() == i32
              ? x
              : CastOp::create(b, op->getLoc(), RankedTensorType::get(typeOf(x).getShape(), i32), x)
                    .getResult());
    Value result = BinaryOp::create(b, op->getLoc(),
                                    RankedTensorType::get(typeOf(op->getResult(0)).getShape(), i32),
                                    kind, wide[0], wide[1]);
    return {{result, scalarFactor(b, isProduct ? scales[0] * scales[1] : scales[0])}};
  }
};

//===----------------------------------------------------------------------===//
// Quantizable: reductions
//===----------------------------------------------------------------------===//

struct ReduceModel : Quantizable::ExternalModel<ReduceModel, ReduceOp> {
  SmallVector<OpOperand *> getDataOperands(Operation *op) const {
    return MoveModel<ReduceOp>().getDataOperands(op);
  }
  /// Elements per result, kDynamic if not known.
  static int64_t getCount(ReduceOp reduce) {
    int64_t count = 1;
    for (int64_t axis : reduce.getAxes()) {
      int64_t size = typeOf(reduce.getX()).getDimSize(axis);
      if (ShapedType::isDynamic(size))
        return size;
      count *= size;
    }
    return count;
  }
  IntegerForm getIntegerForm(Operation *op) const {
    auto reduce = cast<ReduceOp>(op);
    switch (reduce.getKind()) {
    case ReduceKind::Max:
    case ReduceKind::Min:
      return IntegerForm::Move;
    case ReduceKind::Sum:
    case ReduceKind::Mean: {
      // 2^8 numbers of 8 bits each less than 2^31 in sum.
      int64_t count = getCount(reduce);
      return count > 0 && count < (int64_t(1) << 22) ? IntegerForm::Sum : IntegerForm::None;
    }
    default:
      return IntegerForm::None;
    }
  }
  std::string getFloatReason(Operation *op) const {
    auto reduce = cast<ReduceOp>(op);
    if (reduce.getKind() == ReduceKind::Sum || reduce.getKind() == ReduceKind::Mean)
      return "the number of summands is not known or too large";
    return ("reduction '" + stringifyReduceKind(reduce.getKind()) + "' has no integer form").str();
  }
  Value buildMove(Operation *op, OpBuilder &b, ValueRange stored,
                  function_ref<int64_t(double)>) const {
    return MoveModel<ReduceOp>::move(op, b, stored);
  }
  SmallVector<ScaledTensor> buildSum(Operation *op, OpBuilder &b, ValueRange centered,
                                     ArrayRef<float> scales) const {
    auto reduce = cast<ReduceOp>(op);
    auto inType = RankedTensorType::get(typeOf(centered[0]).getShape(), b.getI32Type());
    Value wide = centered[0].getType() == inType
                     ? centered[0]
                     : CastOp::create(b, op->getLoc(), inType, centered[0]).getResult();
    Value sum = ReduceOp::create(b, op->getLoc(),
                                 RankedTensorType::get(typeOf(reduce).getShape(), b.getI32Type()),
                                 ReduceKind::Sum, wide, reduce.getAxes(), reduce.getKeepdims());
    float factor = scales[0];
    if (reduce.getKind() == ReduceKind::Mean)
      factor = float(double(factor) / double(getCount(reduce)));
    return {{sum, scalarFactor(b, factor)}};
  }
};

struct PoolModel : Quantizable::ExternalModel<PoolModel, PoolOp> {
  SmallVector<OpOperand *> getDataOperands(Operation *op) const {
    return MoveModel<PoolOp>().getDataOperands(op);
  }

  static bool hasPads(PoolOp pool) {
    return llvm::any_of(pool.getPads(), [](int64_t pad) { return pad != 0; });
  }
  /// Whether all windows hold the same number of elements.
  static bool isUniform(PoolOp pool) {
    return !pool.getCeilMode() && (!hasPads(pool) || pool.getCountIncludePad());
  }
  static bool hasStaticSpace(PoolOp pool) {
    return llvm::none_of(typeOf(pool.getX()).getShape().drop_front(2), ShapedType::isDynamic) &&
           llvm::none_of(typeOf(pool.getResult()).getShape().drop_front(2), ShapedType::isDynamic);
  }
  IntegerForm getIntegerForm(Operation *op) const {
    auto pool = cast<PoolOp>(op);
    if (pool.getKind() == PoolKind::Max)
      return IntegerForm::Move;
    if (pool.getKind() != PoolKind::Average ||
        ShapedType::isDynamic(typeOf(pool.getX()).getDimSize(1)))
      return IntegerForm::None;
    return isUniform(pool) || hasStaticSpace(pool) ? IntegerForm::Sum : IntegerForm::None;
  }
  std::string getFloatReason(Operation *op) const {
    auto pool = cast<PoolOp>(op);
    return pool.getKind() == PoolKind::Average
               ? "the number of elements in each window is not known"
               : "Lp pooling has no integer form";
  }
  Value buildMove(Operation *op, OpBuilder &b, ValueRange stored,
                  function_ref<int64_t(double)>) const {
    return MoveModel<PoolOp>::move(op, b, stored);
  }

  /// Along one axis: which of the window's elements at output `o` count.
  static int64_t countAlong(PoolOp pool, size_t axis, int64_t o) {
    size_t dims = pool.getKernel().size();
    int64_t size = typeOf(pool.getX()).getDimSize(axis + 2), low = pool.getPads()[axis];
    int64_t begin = pool.getCountIncludePad() ? -low : 0;
    int64_t end = pool.getCountIncludePad() ? size + pool.getPads()[dims + axis] : size;
    int64_t count = 0;
    for (int64_t k = 0; k < pool.getKernel()[axis]; ++k) {
      int64_t i = o * pool.getStrides()[axis] + k * pool.getDilations()[axis] - low;
      count += i >= begin && i < end;
    }
    return std::max<int64_t>(count, 1);
  }

  SmallVector<ScaledTensor> buildSum(Operation *op, OpBuilder &b, ValueRange centered,
                                     ArrayRef<float> scales) const {
    // A sum over windows is a depthwise convolution with ones.
    auto pool = cast<PoolOp>(op);
    Location loc = op->getLoc();
    ArrayRef<int64_t> kernel = pool.getKernel();
    size_t dims = kernel.size();
    int64_t channels = typeOf(pool.getX()).getDimSize(1);
    SmallVector<int64_t> weightShape{channels, 1};
    llvm::append_range(weightShape, kernel);
    auto oneType = RankedTensorType::get({}, b.getIntegerType(8));
    Value one = ConstantOp::create(b, loc, DenseElementsAttr::get(oneType, int8_t(1)));
    Value ones = BroadcastOp::create(
        b, loc, RankedTensorType::get(weightShape, b.getIntegerType(8)), one, Value());

    auto outType = RankedTensorType::get(typeOf(pool.getResult()).getShape(), b.getI32Type());
    SmallVector<int64_t> pads(pool.getPads());
    for (size_t i = 0; i < dims; ++i) {
      // Rounding up can let the last window reach beyond the padding.
      int64_t in = typeOf(pool.getX()).getDimSize(i + 2), out = outType.getDimSize(i + 2);
      if (ShapedType::isDynamic(in) || ShapedType::isDynamic(out))
        continue;
      int64_t reach =
          (out - 1) * pool.getStrides()[i] + (kernel[i] - 1) * pool.getDilations()[i] + 1;
      pads[dims + i] = std::max(pads[dims + i], reach - in - pads[i]);
    }
    Value sum = ConvOp::create(b, loc, outType, centered[0], ones, Value(), pool.getStridesAttr(),
                               b.getDenseI64ArrayAttr(pads), pool.getDilationsAttr(),
                               b.getI64IntegerAttr(channels));
    if (isUniform(pool)) {
      int64_t count = 1;
      for (int64_t k : kernel)
        count *= k;
      return {{sum, scalarFactor(b, float(double(scales[0]) / double(count)))}};
    }
    SmallVector<int64_t> shape(outType.getShape().drop_front(2));
    SmallVector<float> factors;
    SmallVector<int64_t> index(dims, 0);
    int64_t total = 1;
    for (int64_t d : shape)
      total *= d;
    for (int64_t flat = 0; flat < total; ++flat) {
      int64_t rest = flat, count = 1;
      for (size_t i = dims; i-- > 0;) {
        count *= countAlong(pool, i, rest % shape[i]);
        rest /= shape[i];
      }
      factors.push_back(float(double(scales[0]) / double(count)));
    }
    return {{sum, DenseElementsAttr::get(RankedTensorType::get(shape, b.getF32Type()),
                                         ArrayRef<float>(factors))}};
  }
};

/// Ops that compute in float for a reason that users know.
template <typename OpTy>
struct FloatModel : Quantizable::ExternalModel<FloatModel<OpTy>, OpTy> {
  SmallVector<OpOperand *> getDataOperands(Operation *op) const {
    if (op->getNumOperands() == 0 || !isFloat(op->getOperand(0)))
      return {};
    return {&op->getOpOperand(0)};
  }
  IntegerForm getIntegerForm(Operation *) const { return IntegerForm::None; }
  std::string getFloatReason(Operation *op) const {
    return ("'" + op->getName().getStringRef() + "' computes in float").str();
  }
};

} // namespace

template <template <typename> class Model, typename... Ops>
static void attachAll(MLIRContext *context) {
  (Ops::template attachInterface<Model<Ops>>(*context), ...);
}

void terse::nn::attachQuantizationInterfaces(MLIRContext *context) {
  attachAll<BiasedModel, LinearOp, ConvOp, ConvTransposeOp>(context);
  ConvOp::attachInterface<PaddedConv>(*context);
  attachAll<MoveModel, ReshapeOp, TransposeOp, BroadcastOp, SliceOp, DynamicSliceOp, ConcatOp,
            ReverseSequenceOp, SelectOp, ArgReduceOp>(context);
  attachAll<GatherModel, GatherOp, GatherElementsOp, GatherNDOp>(context);
  PadOp::attachInterface<PadModel>(*context);
  ResizeOp::attachInterface<ResizeModel>(*context);
  UnaryOp::attachInterface<UnaryModel>(*context);
  BinaryOp::attachInterface<BinaryModel>(*context);
  ReduceOp::attachInterface<ReduceModel>(*context);
  PoolOp::attachInterface<PoolModel>(*context);
  attachAll<FloatModel, GroupNormOp, InstanceNormOp, BatchNormOp>(context);
  attachNormalizationForms(context);
}
