//===- UniformEncodingBuilders.cpp - #terse.uniform as ops ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decode and run-time encode as nn ops, the same arithmetic in the same order as
// UniformEncodingHost.cpp.
//
// The one difficulty is that blocks share a scale. Three layouts occur:
//
//   logical   the tensor's own shape, D
//   scale     the shape of the scales, one element per block
//   work      a shape in which tensor and scales broadcast against each other
//
// Where every block divides its dimension, `work` splits each blocked dimension
// in two, [.., D/B, B, ..] against [.., D/B, 1, ..]: reshapes, which cost
// nothing. Otherwise `work` is `logical`, and the scales are gathered.
//
//===----------------------------------------------------------------------===//

#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "llvm/ADT/APFloat.h"

using namespace mlir;
using namespace terse;

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// A dimension: static; dynamic and held by a tensor<1xi64>; or that of another tensor, which is
/// only asked for it where it is needed.
struct Dim {
  int64_t size = ShapedType::kDynamic;
  Value value;
  Value source;
  int64_t index = 0;

  static Dim fixed(int64_t size) { return {size, {}, {}, 0}; }
  static Dim held(Value value) { return {ShapedType::kDynamic, value, {}, 0}; }
  static Dim of(Value source, int64_t index) {
    return {cast<RankedTensorType>(source.getType()).getDimSize(index), {}, source, index};
  }
  bool isDynamic() const { return ShapedType::isDynamic(size); }
};

/// Short forms of the nn ops that are needed here.
struct NNBuilder {
  OpBuilder &builder;
  Location loc;

  Value constant(Type elementType, double value) {
    auto type = RankedTensorType::get({}, elementType);
    Attribute attr = isa<FloatType>(elementType)
                         ? Attribute(builder.getFloatAttr(elementType, value))
                         : Attribute(builder.getIntegerAttr(elementType, int64_t(value)));
    return nn::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, attr));
  }

  Value unary(nn::UnaryKind kind, Value x, double alpha = 0, double beta = 0) {
    return nn::UnaryOp::create(builder, loc, kind, x, APFloat(alpha), APFloat(beta));
  }

  Value binary(nn::BinaryKind kind, Value lhs, Value rhs) {
    return nn::BinaryOp::create(builder, loc, kind, lhs, rhs);
  }

  /// `value kind constant`, in the element type of `value`.
  Value binary(nn::BinaryKind kind, Value value, double number) {
    return binary(kind, value, constant(typeOf(value).getElementType(), number));
  }

  /// lhs kind rhs ? onTrue : onFalse, elementwise
  Value select(nn::CompareKind kind, Value lhs, Value rhs, Value onTrue, Value onFalse) {
    Value condition = nn::CompareOp::create(builder, loc, kind, lhs, rhs);
    return nn::SelectOp::create(builder, loc, condition, onTrue, onFalse);
  }

  Value cast(Value x, Type elementType) {
    if (typeOf(x).getElementType() == elementType)
      return x;
    return nn::CastOp::create(builder, loc,
                              RankedTensorType::get(typeOf(x).getShape(), elementType), x);
  }

  Value reduce(nn::ReduceKind kind, Value x, ArrayRef<int64_t> axes, bool keepDims) {
    return axes.empty() ? x : nn::ReduceOp::create(builder, loc, kind, x, axes, keepDims);
  }

  /// The tensor<1xi64> of `dim`.
  Value sizeOf(const Dim &dim) {
    if (dim.value)
      return dim.value;
    if (!dim.isDynamic()) {
      auto type = RankedTensorType::get({1}, builder.getI64Type());
      return nn::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, dim.size));
    }
    Value shape = nn::ShapeOp::create(builder, loc, dim.source);
    return nn::SliceOp::create(builder, loc, shape, ArrayRef<int64_t>{dim.index},
                               ArrayRef<int64_t>{dim.index + 1}, ArrayRef<int64_t>{1});
  }

  SmallVector<Dim> dims(Value x) {
    SmallVector<Dim> result;
    for (int64_t d = 0, rank = typeOf(x).getRank(); d < rank; ++d)
      result.push_back(Dim::of(x, d));
    return result;
  }

  /// ceil(dim / divisor)
  Dim ceilDiv(const Dim &dim, int64_t divisor) {
    if (!dim.isDynamic())
      return Dim::fixed(llvm::divideCeil(dim.size, divisor));
    Value sum = binary(nn::BinaryKind::Add, sizeOf(dim), double(divisor - 1));
    return Dim::held(binary(nn::BinaryKind::Div, sum, double(divisor)));
  }

  /// dim * factor
  Dim multiply(const Dim &dim, int64_t factor) {
    if (!dim.isDynamic())
      return Dim::fixed(dim.size * factor);
    return Dim::held(binary(nn::BinaryKind::Mul, sizeOf(dim), double(factor)));
  }

  /// The tensor<Nxi64> of `dims`.
  Value shapeOf(ArrayRef<Dim> dims) {
    SmallVector<Value> parts;
    for (const Dim &dim : dims)
      parts.push_back(sizeOf(dim));
    return parts.size() == 1 ? parts.front()
                             : nn::ConcatOp::create(builder, loc, parts, /*axis=*/0).getResult();
  }

  Value reshape(Value x, ArrayRef<Dim> dims) {
    SmallVector<int64_t> shape = llvm::map_to_vector(dims, [](const Dim &dim) { return dim.size; });
    if (shape == typeOf(x).getShape())
      return x;
    // A single dynamic dimension follows from the others.
    bool needsShape = llvm::count(shape, ShapedType::kDynamic) > 1;
    return nn::ReshapeOp::create(builder, loc,
                                 RankedTensorType::get(shape, typeOf(x).getElementType()), x,
                                 needsShape ? shapeOf(dims) : Value());
  }
};

/// The layouts of the file comment for one tensor.
class BlockLayout {
public:
  BlockLayout(NNBuilder nn, UniformEncodingAttr encoding, Value like)
      : nn(nn), encoding(encoding), logical(nn.dims(like)) {
    ArrayRef<int64_t> shape = typeOf(like).getShape();
    extents = encoding.getBlockExtents(shape);
    scaleShape = encoding.getScaleShape(shape);
    for (auto [size, extent] : llvm::zip(shape, extents)) {
      partial.push_back(extent != 1 && extent != size);
      if (partial.back())
        splits &= !ShapedType::isDynamic(size) && size % extent == 0;
    }
    for (auto [d, dim] : llvm::enumerate(logical)) {
      if (splits && partial[d]) {
        work.push_back(Dim::fixed(dim.size / extents[d]));
        work.push_back(Dim::fixed(extents[d]));
      } else {
        work.push_back(dim);
      }
    }
  }

  /// logical -> work
  Value toWork(Value x) { return splits ? nn.reshape(x, work) : x; }
  /// work -> logical
  Value fromWork(Value x) { return splits ? nn.reshape(x, logical) : x; }

  /// scale -> a shape that broadcasts against work
  Value spread(Value scales) {
    if (encoding.isPerTensor())
      return scales;
    if (std::optional<int64_t> axis = encoding.getAxis()) {
      SmallVector<Dim> dims(logical.size(), Dim::fixed(1));
      dims[*axis] = logical[*axis];
      return nn.reshape(scales, dims);
    }
    if (!splits)
      return gatherScales(scales);
    SmallVector<Dim> dims;
    for (auto [d, dim] : llvm::enumerate(nn.dims(scales))) {
      dims.push_back(dim);
      if (partial[d])
        dims.push_back(Dim::fixed(1));
    }
    return nn.reshape(scales, dims);
  }

  /// Reduces the elements of each block of `x`: logical -> scale. Where the last block is cut,
  /// zeros fill it up, so 0 must not change the result.
  Value reduceBlocks(nn::ReduceKind kind, Value x) {
    if (encoding.isPerTensor() || encoding.getAxis()) {
      SmallVector<int64_t> axes;
      for (int64_t d = 0, rank = logical.size(); d < rank; ++d)
        if (d != encoding.getAxis())
          axes.push_back(d);
      return nn.reduce(kind, x, axes, /*keepDims=*/false);
    }
    SmallVector<Dim> split;
    SmallVector<int64_t> inner, whole;
    for (auto [d, dim] : llvm::enumerate(logical)) {
      if (partial[d]) {
        split.push_back(nn.ceilDiv(dim, extents[d]));
        inner.push_back(split.size());
        split.push_back(Dim::fixed(extents[d]));
        continue;
      }
      if (scaleShape[d] == 1 && dim.size != 1)
        whole.push_back(d);
      split.push_back(dim);
    }
    Value blocks = nn.reshape(fillLastBlocks(x), split);
    Value reduced = nn.reduce(kind, blocks, inner, /*keepDims=*/false);
    return nn.reduce(kind, reduced, whole, /*keepDims=*/true);
  }

private:
  /// Element i of a blocked dimension takes scale i / block.
  Value gatherScales(Value scales) {
    for (auto [d, dim] : llvm::enumerate(logical)) {
      if (!partial[d])
        continue;
      auto type = RankedTensorType::get({dim.size}, nn.builder.getI64Type());
      Value index = nn::IotaOp::create(nn.builder, nn.loc, type,
                                       dim.isDynamic() ? nn.sizeOf(dim) : Value(), /*axis=*/0);
      index = nn.binary(nn::BinaryKind::Div, index, double(extents[d]));
      scales = nn::GatherOp::create(nn.builder, nn.loc, scales, index, int64_t(d));
    }
    return scales;
  }

  /// Extends each blocked dimension to a multiple of its block with zeros.
  Value fillLastBlocks(Value x) {
    SmallVector<int64_t> low(logical.size(), 0), high(logical.size(), 0);
    SmallVector<Dim> ends(logical), starts(logical.size(), Dim::fixed(0)),
        steps(logical.size(), Dim::fixed(1));
    SmallVector<int64_t> shape;
    bool isDynamic = false;
    for (auto [d, dim] : llvm::enumerate(logical)) {
      if (partial[d]) {
        ends[d] = nn.multiply(nn.ceilDiv(dim, extents[d]), extents[d]);
        // How much a dynamic dimension lacks is not known: add the most, and cut.
        isDynamic |= dim.isDynamic();
        high[d] = dim.isDynamic() ? extents[d] - 1 : ends[d].size - dim.size;
      }
      shape.push_back(ends[d].size);
    }
    if (llvm::all_of(high, [](int64_t count) { return count == 0; }))
      return x;
    x = nn::PadOp::create(nn.builder, nn.loc, nn::PadMode::Constant, x, Value(), low, high);
    if (!isDynamic)
      return x;
    return nn::DynamicSliceOp::create(nn.builder, nn.loc,
                                      RankedTensorType::get(shape, typeOf(x).getElementType()), x,
                                      nn.shapeOf(starts), nn.shapeOf(ends), nn.shapeOf(steps));
  }

  NNBuilder nn;
  UniformEncodingAttr encoding;
  SmallVector<Dim> logical, work;
  SmallVector<int64_t> extents, scaleShape;
  /// Dimensions that hold several blocks of several elements.
  SmallVector<bool> partial;
  bool splits = true;
};

/// The smallest positive and the largest finite value of a scale type: a scale is never 0 or
/// infinite, whatever it is rounded to.
std::pair<double, double> getScaleRange(FloatType type) {
  const llvm::fltSemantics &semantics = type.getFloatSemantics();
  return {APFloat::getSmallest(semantics).convertToDouble(),
          APFloat::getLargest(semantics).convertToDouble()};
}

/// Scales (f32, scale shape), and where there are zero points these (f32 integers), of each block.
struct Parameters {
  Value scales, zeroPoints;
};

/// The scales for blocks whose values span `span` (f32, not negative), stored in the scale slot of
/// `encoding`: appends what is stored to `components` and returns the scales as decode will see
/// them, in f32.
FailureOr<Value> storeScales(NNBuilder nn, UniformEncodingAttr encoding, Value span, double steps,
                             SmallVectorImpl<Value> &components) {
  Type f32 = nn.builder.getF32Type();
  auto [smallest, largest] = getScaleRange(encoding.getScaleType());
  Value scales = nn.unary(nn::UnaryKind::Clamp, nn.binary(nn::BinaryKind::Div, span, steps),
                          smallest, largest);
  scales = nn.select(nn::CompareKind::Eq, span, nn.constant(f32, 0), nn.constant(f32, 1), scales);
  if (EncodingAttrInterface nested = encoding.getScaleEncoding()) {
    FailureOr<SmallVector<Value>> stored = nested.buildEncode(nn.builder, nn.loc, scales, {});
    if (failed(stored))
      return failure();
    llvm::append_range(components, *stored);
    return nested.buildDecode(nn.builder, nn.loc, typeOf(scales), *stored);
  }
  components.push_back(nn.cast(scales, encoding.getScaleType()));
  return nn.cast(components.back(), f32);
}

/// Reads the parameters that stand in `components` after the values.
Parameters loadParameters(NNBuilder nn, UniformEncodingAttr encoding, RankedTensorType logical,
                          ValueRange components) {
  Parameters result;
  Type f32 = nn.builder.getF32Type();
  if (encoding.getAsymmetric()) {
    result.zeroPoints = nn.cast(components.back(), f32);
    components = components.drop_back();
  }
  if (EncodingAttrInterface nested = encoding.getScaleEncoding())
    result.scales = nested.buildDecode(
        nn.builder, nn.loc, RankedTensorType::get(encoding.getScaleShape(logical.getShape()), f32),
        components);
  else
    result.scales = nn.cast(components.front(), f32);
  return result;
}

/// Computes the parameters from `x` (f32) and appends what is stored of them to `components`.
FailureOr<Parameters> computeParameters(NNBuilder nn, UniformEncodingAttr encoding, Value x,
                                        BlockLayout &layout, SmallVectorImpl<Value> &components) {
  Type f32 = nn.builder.getF32Type();
  double qmin = encoding.getQMin(), qmax = encoding.getQMax();
  // NaN and infinities take no part in the range. Zeros in their place change nothing, because
  // every range begins at or holds 0.
  Value magnitude = nn.unary(nn::UnaryKind::Abs, x);
  Value infinity = nn.constant(f32, std::numeric_limits<float>::infinity());
  bool onMagnitude = encoding.isSigned() && !encoding.getAsymmetric();
  Value finite = nn.select(nn::CompareKind::Lt, magnitude, infinity, onMagnitude ? magnitude : x,
                           nn.constant(f32, 0));
  Value high =
      nn.binary(nn::BinaryKind::Max, layout.reduceBlocks(nn::ReduceKind::Max, finite), 0.0);
  if (!encoding.getAsymmetric()) {
    // si1 has no positive value; its one step is -1.
    FailureOr<Value> stored = storeScales(nn, encoding, high, std::max(qmax, 1.0), components);
    if (failed(stored))
      return failure();
    return Parameters{*stored, {}};
  }

  Value low = nn.binary(nn::BinaryKind::Min, layout.reduceBlocks(nn::ReduceKind::Min, finite), 0.0);
  FailureOr<Value> stored =
      storeScales(nn, encoding, nn.binary(nn::BinaryKind::Sub, high, low), qmax - qmin, components);
  if (failed(stored))
    return failure();
  // From the scale as it is stored, so that the stored grid holds 0.
  Value zero = nn.binary(nn::BinaryKind::Sub, nn.constant(f32, qmin),
                         nn.binary(nn::BinaryKind::Div, low, *stored));
  zero = nn.unary(nn::UnaryKind::Clamp, nn.unary(nn::UnaryKind::Round, zero), qmin, qmax);
  components.push_back(nn.cast(zero, encoding.getValueType()));
  return Parameters{*stored, zero};
}

} // namespace

Value UniformEncodingAttr::buildDecode(OpBuilder &builder, Location loc, RankedTensorType logical,
                                       ValueRange components) const {
  NNBuilder nn{builder, loc};
  Value values = components.front();
  BlockLayout layout(nn, *this, values);
  Parameters parameters = loadParameters(nn, *this, logical, components.drop_front());
  Value x = nn.cast(layout.toWork(values), builder.getF32Type());
  if (parameters.zeroPoints)
    x = nn.binary(nn::BinaryKind::Sub, x, layout.spread(parameters.zeroPoints));
  x = nn.binary(nn::BinaryKind::Mul, x, layout.spread(parameters.scales));
  return layout.fromWork(nn.cast(x, logical.getElementType()));
}

FailureOr<SmallVector<Value>> UniformEncodingAttr::buildEncode(OpBuilder &builder, Location loc,
                                                               Value x, ValueRange given) const {
  if (!isRunTimeEncodable() && given.empty())
    return failure();
  NNBuilder nn{builder, loc};
  BlockLayout layout(nn, *this, x);
  Value input = nn.cast(x, builder.getF32Type());
  SmallVector<Value> components(1);
  Parameters parameters;
  if (given.empty()) {
    FailureOr<Parameters> computed = computeParameters(nn, *this, input, layout, components);
    if (failed(computed))
      return failure();
    parameters = *computed;
  } else {
    llvm::append_range(components, given);
    parameters = loadParameters(nn, *this, typeOf(x), given);
  }

  Value q = nn.binary(nn::BinaryKind::Div, layout.toWork(input), layout.spread(parameters.scales));
  // NaN becomes the zero point. Without one this is what the cast to integers does.
  if (parameters.zeroPoints)
    q = nn.select(nn::CompareKind::Eq, q, q, q, nn.constant(builder.getF32Type(), 0));
  q = nn.unary(nn::UnaryKind::Round, q);
  if (parameters.zeroPoints)
    q = nn.binary(nn::BinaryKind::Add, q, layout.spread(parameters.zeroPoints));
  q = nn.unary(nn::UnaryKind::Clamp, q, getQMin(), getQMax());
  components.front() = layout.fromWork(nn.cast(q, getValueType()));
  return components;
}
