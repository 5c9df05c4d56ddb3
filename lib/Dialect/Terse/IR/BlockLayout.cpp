//===- BlockLayout.cpp - Tensors whose blocks share parameters --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "BlockLayout.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace terse;

//===----------------------------------------------------------------------===//
// BlockOps
//===----------------------------------------------------------------------===//

Value BlockOps::constant(Type elementType, double value) {
  auto type = RankedTensorType::get({}, elementType);
  Attribute attr = isa<FloatType>(elementType)
                       ? Attribute(builder.getFloatAttr(elementType, value))
                       : Attribute(builder.getIntegerAttr(elementType, int64_t(value)));
  return nn::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, attr));
}

Value BlockOps::unary(nn::UnaryKind kind, Value x, double alpha, double beta) {
  return nn::UnaryOp::create(builder, loc, kind, x, APFloat(alpha), APFloat(beta));
}

Value BlockOps::binary(nn::BinaryKind kind, Value lhs, Value rhs) {
  return nn::BinaryOp::create(builder, loc, kind, lhs, rhs);
}

Value BlockOps::binary(nn::BinaryKind kind, Value value, double number) {
  return binary(kind, value, constant(typeOf(value).getElementType(), number));
}

Value BlockOps::select(nn::CompareKind kind, Value lhs, Value rhs, Value onTrue, Value onFalse) {
  Value condition = nn::CompareOp::create(builder, loc, kind, lhs, rhs);
  return nn::SelectOp::create(builder, loc, condition, onTrue, onFalse);
}

Value BlockOps::cast(Value x, Type elementType) {
  if (typeOf(x).getElementType() == elementType)
    return x;
  return nn::CastOp::create(builder, loc, RankedTensorType::get(typeOf(x).getShape(), elementType),
                            x);
}

Value BlockOps::reduce(nn::ReduceKind kind, Value x, ArrayRef<int64_t> axes, bool keepDims) {
  return axes.empty() ? x : nn::ReduceOp::create(builder, loc, kind, x, axes, keepDims);
}

Value BlockOps::sizeOf(const Dim &dim) {
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

SmallVector<Dim> BlockOps::dims(Value x) {
  SmallVector<Dim> result;
  for (int64_t d = 0, rank = typeOf(x).getRank(); d < rank; ++d)
    result.push_back(Dim::of(x, d));
  return result;
}

Dim BlockOps::ceilDiv(const Dim &dim, int64_t divisor) {
  if (!dim.isDynamic())
    return Dim::fixed(llvm::divideCeil(dim.size, divisor));
  Value sum = binary(nn::BinaryKind::Add, sizeOf(dim), double(divisor - 1));
  return Dim::held(binary(nn::BinaryKind::Div, sum, double(divisor)));
}

Dim BlockOps::multiply(const Dim &dim, int64_t factor) {
  if (!dim.isDynamic())
    return Dim::fixed(dim.size * factor);
  return Dim::held(binary(nn::BinaryKind::Mul, sizeOf(dim), double(factor)));
}

Value BlockOps::shapeOf(ArrayRef<Dim> dims) {
  SmallVector<Value> parts;
  for (const Dim &dim : dims)
    parts.push_back(sizeOf(dim));
  return parts.size() == 1 ? parts.front()
                           : nn::ConcatOp::create(builder, loc, parts, /*axis=*/0).getResult();
}

Value BlockOps::reshape(Value x, ArrayRef<Dim> dims) {
  SmallVector<int64_t> shape = llvm::map_to_vector(dims, [](const Dim &dim) { return dim.size; });
  if (shape == typeOf(x).getShape())
    return x;
  // A single dynamic dimension follows from the others.
  bool needsShape = llvm::count(shape, ShapedType::kDynamic) > 1;
  return nn::ReshapeOp::create(builder, loc,
                               RankedTensorType::get(shape, typeOf(x).getElementType()), x,
                               needsShape ? shapeOf(dims) : Value());
}

Value BlockOps::constant(ArrayRef<float> values) {
  auto type = RankedTensorType::get(values.size(), builder.getF32Type());
  return nn::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, values));
}

Value BlockOps::reshape(Value x, ArrayRef<int64_t> shape) {
  return reshape(x, llvm::map_to_vector(shape, [](int64_t size) { return Dim::fixed(size); }));
}

Value terse::buildFiniteOrZero(BlockOps nn, Value x, bool magnitude) {
  Type f32 = nn.builder.getF32Type();
  Value size = nn.unary(nn::UnaryKind::Abs, x);
  Value infinity = nn.constant(f32, std::numeric_limits<double>::infinity());
  return nn.select(nn::CompareKind::Lt, size, infinity, magnitude ? size : x, nn.constant(f32, 0));
}

//===----------------------------------------------------------------------===//
// BlockLayout
//===----------------------------------------------------------------------===//

BlockLayout::BlockLayout(BlockOps nn, Granularity granularity, Value like)
    : nn(nn), granularity(std::move(granularity)), logical(nn.dims(like)) {
  ArrayRef<int64_t> shape = typeOf(like).getShape();
  extents = this->granularity.getExtents(shape);
  scaleShape = this->granularity.getParameterShape(shape);
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

Value BlockLayout::spread(Value scales) {
  if (granularity.isPerTensor())
    return scales;
  if (std::optional<int64_t> axis = granularity.axis) {
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

Value BlockLayout::reduceBlocks(nn::ReduceKind kind, Value x) {
  if (granularity.isPerTensor() || granularity.axis) {
    SmallVector<int64_t> axes;
    for (int64_t d = 0, rank = logical.size(); d < rank; ++d)
      if (d != granularity.axis)
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

/// Element i of a blocked dimension takes scale i / block.
Value BlockLayout::gatherScales(Value scales) {
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
Value BlockLayout::fillLastBlocks(Value x) {
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
