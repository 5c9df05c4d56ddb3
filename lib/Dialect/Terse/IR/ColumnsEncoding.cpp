//===- ColumnsEncoding.cpp - #terse.columns ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "EncodingSyntax.h"
#include "ParameterSlot.h"
#include "terse/Dialect/Terse/IR/HostBlocks.h"
#include "terse/Numerics/Quantize.h"
#include "terse/Support/MLIRBridge.h"

#include <numeric>

using namespace mlir;
using namespace terse;

using EmitError = function_ref<InFlightDiagnostic()>;

LogicalResult ColumnsEncodingAttr::verify(EmitError emitError, FloatType valueType, int64_t count,
                                          std::optional<int64_t>) {
  // C1
  if (!isa<Float32Type, Float16Type, BFloat16Type>(valueType))
    return emitError() << "expected a stored type of f32, f16 or bf16 (got " << valueType << ")";
  // C2
  if (count <= 0 || count > 64)
    return emitError() << "expected a 'count' of 1 to 64 (got " << count << ")";
  return success();
}

LogicalResult ColumnsEncodingAttr::verifyEncoding(ArrayRef<int64_t> shape, Type elementType,
                                                  EmitError emitError) const {
  // C3
  if (ShapedType::isDynamicShape(shape))
    return emitError() << "expected a static shape with " << *this;
  if (failed(verifyLogicalElement(emitError, *this, elementType)))
    return failure();
  // C5
  if (!getAxis())
    return emitError() << "expected an encoding that is fitted to its tensor (got the template "
                       << *this << "); give 'axis'";
  // C4
  int64_t axis = *getAxis(), rank = shape.size();
  if (axis < 0 || axis >= rank)
    return emitError() << "expected an axis in [0, " << rank << ") for a tensor of rank " << rank
                       << " (got " << axis << ")";
  if (shape[axis] <= getCount() || shape[axis] > 65536)
    return emitError() << "expected more than " << getCount()
                       << " and at most 65536 slices along axis " << axis << " (got " << shape[axis]
                       << ")";
  return success();
}

SmallVector<EncodingComponent> ColumnsEncodingAttr::getComponents(RankedTensorType logical) const {
  SmallVector<int64_t> shape(logical.getShape());
  shape[*getAxis()] = getCount();
  auto index = IntegerType::get(getContext(), 16, IntegerType::Unsigned);
  return {{"values", RankedTensorType::get(shape, getValueType())},
          {"indices", RankedTensorType::get({getCount()}, index)}};
}

bool ColumnsEncodingAttr::isRunTimeEncodable() const { return false; }

bool ColumnsEncodingAttr::isTemplate() const { return !getAxis(); }

EncodingAttrInterface ColumnsEncodingAttr::fit(RankedTensorType, const WeightAxes &axes) const {
  if (getAxis() || axes.contraction.empty())
    return *this;
  return get(getContext(), getValueType(), getCount(), axes.contraction.front());
}

/// Calls visit(element of the tensor, slice, outer index, extent and index of what lies within).
template <typename Visitor>
static void visitSlices(ArrayRef<int64_t> shape, int64_t axis, Visitor visit) {
  int64_t outer = 1, inner = 1, size = shape[axis];
  for (int64_t extent : shape.take_front(axis))
    outer *= extent;
  for (int64_t extent : shape.drop_front(axis + 1))
    inner *= extent;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t slice = 0; slice < size; ++slice)
      for (int64_t i = 0; i < inner; ++i)
        visit((o * size + slice) * inner + i, slice, o, inner, i);
}

FailureOr<SmallVector<HostTensor>> ColumnsEncodingAttr::encodeHost(const HostTensor &x,
                                                                   RankedTensorType logical,
                                                                   ArrayRef<HostTensor>,
                                                                   EmitError emitError) const {
  if (failed(resolveShape(x, logical, emitError)))
    return failure();
  int64_t axis = *getAxis(), size = x.shape[axis];
  FloatView input(x);
  std::vector<numerics::FiniteRange> ranges(size);
  visitSlices(x.shape, axis, [&](int64_t element, int64_t slice, int64_t, int64_t, int64_t) {
    ranges[slice].add(input[element]);
  });
  std::vector<int64_t> order(size);
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](int64_t a, int64_t b) {
    float left = ranges[a].absMax(), right = ranges[b].absMax();
    return left == right ? a < b : left > right;
  });
  order.resize(getCount());
  llvm::sort(order);

  SmallVector<EncodingComponent> infos = getComponents(logical);
  HostTensor values = HostTensor::zeros(*toDType(getValueType()), infos[0].type.getShape());
  HostTensor indices = HostTensor::zeros(DType::u16(), {getCount()});
  std::vector<int64_t> place(size, -1);
  for (auto [i, slice] : llvm::enumerate(order)) {
    indices.setFromInt(i, slice);
    place[slice] = i;
  }
  visitSlices(x.shape, axis,
              [&](int64_t element, int64_t slice, int64_t o, int64_t inner, int64_t i) {
                if (place[slice] >= 0)
                  values.setFromDouble((o * getCount() + place[slice]) * inner + i, input[element]);
              });
  return SmallVector<HostTensor>{values, indices};
}

FailureOr<HostTensor> ColumnsEncodingAttr::decodeHost(ArrayRef<HostTensor> components,
                                                      RankedTensorType logical,
                                                      EmitError emitError) const {
  if (failed(checkComponents(components, getComponents(logical), emitError)))
    return failure();
  std::vector<int64_t> place(logical.getDimSize(*getAxis()), -1);
  for (int64_t i = 0; i < getCount(); ++i) {
    int64_t slice = components[1].getAsInt(i);
    if (slice >= int64_t(place.size()))
      return emitError() << "expected indices below " << place.size() << " (got " << slice << ")";
    place[slice] = i;
  }
  std::vector<float> values = components[0].toFloats();
  HostTensor x = HostTensor::zeros(DType::f32(), logical.getShape());
  MutableArrayRef<float> out = x.getMutableAs<float>();
  visitSlices(logical.getShape(), *getAxis(),
              [&](int64_t element, int64_t slice, int64_t o, int64_t inner, int64_t i) {
                if (place[slice] >= 0)
                  out[element] = values[(o * getCount() + place[slice]) * inner + i];
              });
  return x.convertTo(*toDType(logical.getElementType()));
}

/// Every slice meets every index: a sum over the few columns of (slice == index ? value : 0), which
/// fuses with what is added to it.
Value ColumnsEncodingAttr::buildDecode(OpBuilder &builder, Location loc, RankedTensorType logical,
                                       ValueRange components) const {
  BlockOps nn{builder, loc};
  Type f32 = builder.getF32Type(), i32 = builder.getI32Type();
  int64_t axis = *getAxis(), rank = logical.getRank(), size = logical.getDimSize(axis);
  Value values = nn.cast(components[0], f32);
  Value indices = nn.cast(components[1], i32);
  Value position = nn::IotaOp::create(builder, loc, RankedTensorType::get({size}, i32), Value(), 0);
  SmallVector<int64_t> along(rank, 1);
  along[axis] = size;
  position = nn.reshape(position, along);
  Value x, zero = nn.constant(f32, 0);
  for (int64_t column = 0; column < getCount(); ++column) {
    SmallVector<int64_t> starts(rank, 0), ends(typeOf(components[0]).getShape()), steps(rank, 1);
    starts[axis] = column;
    ends[axis] = column + 1;
    Value slice = nn::SliceOp::create(builder, loc, values, starts, ends, steps);
    Value index = nn::SliceOp::create(builder, loc, indices, ArrayRef<int64_t>{column},
                                      ArrayRef<int64_t>{column + 1}, ArrayRef<int64_t>{1});
    // The index has shape [1] and broadcasts along the last dimension.
    x = nn.select(nn::CompareKind::Eq, position, index, slice, x ? x : zero);
  }
  return nn.cast(x, logical.getElementType());
}

FailureOr<SmallVector<Value>> ColumnsEncodingAttr::buildEncode(OpBuilder &, Location, Value,
                                                               ValueRange) const {
  return failure();
}
