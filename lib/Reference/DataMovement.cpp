//===- DataMovement.cpp - Shapes, reshape, slice, concat, pad ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nothing here looks at what an element means; elements are moved as patterns of their width.
//
//===----------------------------------------------------------------------===//

#include "Elements.h"
#include "OpCall.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace terse;
using namespace terse::reference;

//===----------------------------------------------------------------------===//
// Constants and shapes
//===----------------------------------------------------------------------===//

static llvm::Error evalConstant(nn::ConstantOp op, OpCall &call) {
  llvm::Expected<HostTensor> tensor = toHostTensor(op.getValue());
  if (!tensor)
    return call.fail(llvm::toString(tensor.takeError()));
  call.setResult(0, *tensor);
  return llvm::Error::success();
}

static llvm::Error evalShape(nn::ShapeOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  call.setResult(0, HostTensor::from<int64_t>({x.getRank()}, x.shape));
  return llvm::Error::success();
}

/// The shape of result 0 of an op with an optional shape operand, which gives all of it. Without
/// one the result type does, but for one dynamic dimension that takes `elements` in total.
static llvm::Expected<std::vector<int64_t>> resolveShape(OpCall &call, const HostTensor *shape,
                                                         std::optional<int64_t> elements) {
  auto type = mlir::cast<mlir::RankedTensorType>(call.getOperation()->getResult(0).getType());
  std::vector<int64_t> result;
  if (shape) {
    result = shape->toInts();
  } else {
    result = type.getShape().vec();
    int64_t known = 1, unknown = -1;
    for (auto [i, extent] : llvm::enumerate(result)) {
      if (mlir::ShapedType::isDynamic(extent))
        unknown = i;
      else if (llvm::MulOverflow(known, extent, known))
        return call.fail("the shape has more elements than 64 bits can count");
    }
    if (unknown >= 0) {
      if (!elements || known == 0 || *elements % known)
        return call.fail("cannot tell the size of dimension " + llvm::Twine(unknown));
      result[unknown] = *elements / known;
    }
  }
  for (int64_t extent : result)
    if (extent < 0)
      return call.fail("shape has a negative element (got " + llvm::Twine(extent) + ")");
  if (llvm::Error error = call.setResultShape(0, result))
    return std::move(error);
  return result;
}

static llvm::Error evalIota(nn::IotaOp op, OpCall &call) {
  auto shape = resolveShape(call, call.find(op.getShape()), std::nullopt);
  if (!shape)
    return shape.takeError();
  HostTensor &out = call.result();
  AxisView view(*shape, op.getAxis());
  for (int64_t i = 0, e = out.getNumElements(); i < e; ++i)
    setElement<int64_t>(out, i, i / view.inner % view.size);
  return llvm::Error::success();
}

static llvm::Error evalRange(nn::RangeOp op, OpCall &call) {
  const HostTensor &start = call[op.getStart()], &limit = call[op.getLimit()];
  const HostTensor &delta = call[op.getDelta()];
  for (const HostTensor *end : {&start, &limit, &delta})
    if (end->getNumElements() != 1 || end->dtype != call.getResultDType())
      return call.fail("expected scalars of type " + call.getResultDType().getName() + " (got " +
                       end->getTypeString() + ")");
  if (start.dtype.isFloat()) {
    double first = start.getAsDouble(0), step = delta.getAsDouble(0);
    double count = std::ceil((limit.getAsDouble(0) - first) / step);
    // 2^53: above, the indices are not exact; infinities and NaN (a zero step) end here, too.
    if (!(count < 9007199254740992.0))
      return call.fail("has no finite number of elements");
    if (llvm::Error error = call.setResultShape(0, {count > 0 ? static_cast<int64_t>(count) : 0}))
      return error;
    HostTensor &out = call.result();
    for (int64_t i = 0, e = out.getNumElements(); i < e; ++i)
      setElement<double>(out, i, first + i * step);
    return llvm::Error::success();
  }
  __int128 first = start.getAsInt(0), last = limit.getAsInt(0), step = delta.getAsInt(0);
  if (step == 0)
    return call.fail("has a delta of zero");
  if (start.dtype == DType::u64()) {
    first = static_cast<uint64_t>(start.getAsInt(0));
    last = static_cast<uint64_t>(limit.getAsInt(0));
    step = static_cast<uint64_t>(delta.getAsInt(0));
  }
  __int128 distance = step > 0 ? last - first : first - last;
  __int128 magnitude = step > 0 ? step : -step;
  __int128 count = distance <= 0 ? 0 : (distance - 1) / magnitude + 1;
  count = std::min<__int128>(count, std::numeric_limits<int64_t>::max());
  if (llvm::Error error = call.setResultShape(0, {static_cast<int64_t>(count)}))
    return error;
  HostTensor &out = call.result();
  for (int64_t i = 0, e = out.getNumElements(); i < e; ++i)
    setElement<int64_t>(out, i, static_cast<int64_t>(first + i * step));
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Reshape, transpose, broadcast
//===----------------------------------------------------------------------===//

static llvm::Error evalReshape(nn::ReshapeOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  auto shape = resolveShape(call, call.find(op.getShape()), x.getNumElements());
  if (!shape)
    return shape.takeError();
  if (*countElements(*shape) != x.getNumElements())
    return call.fail("expected a shape of " + llvm::Twine(x.getNumElements()) + " elements (got " +
                     formatTensorType(*shape, x.dtype) + ")");
  call.setResult(0, x.reshaped(*shape));
  return llvm::Error::success();
}

/// `out[i] = x[offset of i under strides]`.
static void copyStrided(const HostTensor &x, const std::vector<int64_t> &strides, int64_t base,
                        HostTensor &out) {
  visitStorage(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T *in = x.getAs<T>().data() + base;
    T *y = out.getMutableAs<T>().data();
    forEachPosition<1>(out.shape, {strides},
                       [&](int64_t i, std::array<int64_t, 1> at) { y[i] = in[at[0]]; });
  });
}

static llvm::Error evalTranspose(nn::TransposeOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  std::vector<int64_t> own = x.getStrides(), strides;
  for (int64_t axis : op.getPermutation())
    strides.push_back(own[axis]);
  copyStrided(x, strides, 0, call.result());
  return llvm::Error::success();
}

static llvm::Error evalBroadcast(nn::BroadcastOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  auto shape = resolveShape(call, call.find(op.getShape()), std::nullopt);
  if (!shape)
    return shape.takeError();
  if (llvm::Error error = call.checkBroadcastable(x, *shape, "x"))
    return error;
  copyStrided(x, getBroadcastStrides(x.shape, *shape), 0, call.result());
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Slices, concatenation, padding
//===----------------------------------------------------------------------===//

/// The slice into result 0, whose shape this says.
static llvm::Error slice(OpCall &call, const HostTensor &x, llvm::ArrayRef<int64_t> starts,
                         llvm::ArrayRef<int64_t> ends, llvm::ArrayRef<int64_t> steps) {
  std::vector<int64_t> own = x.getStrides(), strides, shape;
  int64_t base = 0;
  for (int64_t axis = 0; axis < x.getRank(); ++axis) {
    int64_t start = starts[axis];
    if (steps[axis] == 0)
      return call.fail("expected steps other than 0 (got 0 for axis " + llvm::Twine(axis) + ")");
    shape.push_back(nn::resolveSlice(x.shape[axis], start, ends[axis], steps[axis]));
    // A step over more than the axis is never taken; cutting it keeps the product in range.
    int64_t step = std::clamp<int64_t>(steps[axis], -x.shape[axis] - 1, x.shape[axis] + 1);
    strides.push_back(step * own[axis]);
    if (shape.back() > 0)
      base += start * own[axis];
  }
  if (llvm::Error error = call.setResultShape(0, shape))
    return error;
  HostTensor &out = call.result();
  if (out.getNumElements() > 0)
    copyStrided(x, strides, base, out);
  return llvm::Error::success();
}

static llvm::Error evalSlice(nn::SliceOp op, OpCall &call) {
  return slice(call, call[op.getX()], op.getStarts(), op.getEnds(), op.getSteps());
}

static llvm::Error evalDynamicSlice(nn::DynamicSliceOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  for (mlir::Value bound : {op.getStarts(), op.getEnds(), op.getSteps()})
    if (llvm::Error error = call.checkShape(call[bound], {x.getRank()}, "bounds"))
      return error;
  return slice(call, x, call[op.getStarts()].toInts(), call[op.getEnds()].toInts(),
               call[op.getSteps()].toInts());
}

static llvm::Error evalConcat(nn::ConcatOp op, OpCall &call) {
  HostTensor &out = call.result();
  unsigned bytes = out.dtype.getHostBytes();
  AxisView view(out.shape, op.getAxis());
  int64_t row = view.size * view.inner * bytes, begin = 0;
  uint8_t *y = out.getMutableBytes().data();
  for (const HostTensor &x : call.getOperands()) {
    int64_t part = x.shape[op.getAxis()] * view.inner * bytes;
    for (int64_t o = 0; o < view.outer && part; ++o)
      std::memcpy(y + o * row + begin, x.getBytes().data() + o * part, part);
    begin += part;
  }
  return llvm::Error::success();
}

/// Where element `i` of the padded axis (counted from the first element of the `size` kept ones)
/// comes from; -1 for the padding value.
static int64_t findPadSource(nn::PadMode mode, int64_t i, int64_t size) {
  if (i >= 0 && i < size)
    return i;
  switch (mode) {
  case nn::PadMode::Constant:
    return -1;
  case nn::PadMode::Edge:
    return i < 0 ? 0 : size - 1;
  case nn::PadMode::Reflect: {
    // The reflections repeat with a period of two interiors.
    int64_t period = std::max<int64_t>(2 * (size - 1), 1);
    int64_t phase = ((i % period) + period) % period;
    return phase < size ? phase : period - phase;
  }
  case nn::PadMode::Wrap:
    return ((i % size) + size) % size;
  }
  return -1;
}

static llvm::Error evalPad(nn::PadOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  const HostTensor *value = call.find(op.getValue());
  if (value && value->dtype != x.dtype)
    return call.fail("expected a value of type " + x.dtype.getName() + " (got " +
                     value->getTypeString() + ")");
  HostTensor &out = call.result();
  if (out.getNumElements() == 0)
    return llvm::Error::success();

  // Per axis, the source index of every output index. Cropping comes first: what a negative count
  // removes is not reflected or wrapped either.
  std::vector<std::vector<int64_t>> sources(x.getRank());
  for (int64_t axis = 0; axis < x.getRank(); ++axis) {
    int64_t low = op.getLow()[axis], high = op.getHigh()[axis];
    int64_t cropped = std::max<int64_t>(-low, 0);
    int64_t kept = x.shape[axis] - cropped - std::max<int64_t>(-high, 0);
    if (kept <= 0 && op.getMode() != nn::PadMode::Constant)
      return call.fail("has no element to pad axis " + llvm::Twine(axis) + " with");
    for (int64_t i = 0; i < out.shape[axis]; ++i) {
      int64_t source = findPadSource(op.getMode(), i - std::max<int64_t>(low, 0), kept);
      sources[axis].push_back(source < 0 ? -1 : source + cropped);
    }
  }

  std::vector<int64_t> strides = x.getStrides();
  visitStorage(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    T fill = value ? value->getAs<T>()[0] : T(0);
    const T *in = x.getAs<T>().data();
    T *y = out.getMutableAs<T>().data();
    forEachIndex(out.shape, [&](int64_t i, llvm::ArrayRef<int64_t> position) {
      int64_t offset = 0;
      bool inside = true;
      for (size_t axis = 0; axis < position.size(); ++axis) {
        int64_t source = sources[axis][position[axis]];
        inside &= source >= 0;
        offset += source * strides[axis];
      }
      y[i] = inside ? in[offset] : fill;
    });
  });
  return llvm::Error::success();
}

void reference::registerDataMovement(KernelTable &table) {
  table.add<nn::ConstantOp>(evalConstant);
  table.add<nn::ShapeOp>(evalShape);
  table.add<nn::IotaOp>(evalIota);
  table.add<nn::RangeOp>(evalRange);
  table.add<nn::ReshapeOp>(evalReshape);
  table.add<nn::TransposeOp>(evalTranspose);
  table.add<nn::BroadcastOp>(evalBroadcast);
  table.add<nn::SliceOp>(evalSlice);
  table.add<nn::DynamicSliceOp>(evalDynamicSlice);
  table.add<nn::ConcatOp>(evalConcat);
  table.add<nn::PadOp>(evalPad);
}
