//===- Elements.h - Access to the elements of host tensors ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels are written once for all element types: they compute on a *carrier*, which is double for
// floats, uint64_t for unsigned integers and int64_t for signed integers and booleans, and holds
// every element exactly.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_REFERENCE_ELEMENTS_H
#define TERSE_LIB_REFERENCE_ELEMENTS_H

#include "terse/Numerics/Saturate.h"
#include "terse/Support/HostTensor.h"
#include "llvm/ADT/STLExtras.h"

#include <array>
#include <type_traits>

namespace terse::reference {

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// Calls `fn` with a zero of the carrier of `dtype`.
template <typename Fn>
auto visitCarrier(DType dtype, Fn fn) {
  if (dtype.isFloat())
    return fn(double());
  if (dtype.isUnsignedInteger())
    return fn(uint64_t());
  return fn(int64_t());
}

/// Calls `fn` with a zero of the type in which floats of `dtype` are computed: f64 for f64, f32 for
/// the others. What an op rounds in between it rounds to that type.
template <typename Fn>
auto visitFloat(DType dtype, Fn fn) {
  return dtype == DType::f64() ? fn(double()) : fn(float());
}

/// The same for floats, and for integers the carrier.
template <typename Fn>
auto visitCompute(DType dtype, Fn fn) {
  return dtype.isFloat() && dtype != DType::f64() ? fn(float()) : visitCarrier(dtype, fn);
}

/// Calls `fn` with a zero of an unsigned integer as wide as an element: for moving elements.
template <typename Fn>
auto visitStorage(DType dtype, Fn fn) {
  switch (dtype.getHostBytes()) {
  case 1:
    return fn(uint8_t());
  case 2:
    return fn(uint16_t());
  case 4:
    return fn(uint32_t());
  default:
    return fn(uint64_t());
  }
}

/// All elements, in row-major order.
template <typename T>
std::vector<T> load(const HostTensor &tensor) {
  if constexpr (std::is_same_v<T, double>) {
    return tensor.toDoubles();
  } else if constexpr (std::is_same_v<T, float>) {
    return tensor.toFloats();
  } else {
    std::vector<int64_t> values = tensor.toInts();
    if constexpr (std::is_same_v<T, int64_t>)
      return values;
    else
      return std::vector<T>(values.begin(), values.end());
  }
}

/// Rounds one element to the element type; integers keep their low bits, booleans are `!= 0`.
template <typename T>
void setElement(HostTensor &tensor, int64_t index, T value) {
  DType dtype = tensor.dtype;
  if constexpr (std::is_floating_point_v<T>) {
    tensor.setFromDouble(index, value);
  } else if (dtype.isInteger()) {
    tensor.setFromInt(index, numerics::wrapToBits(static_cast<int64_t>(value), dtype.getBits(),
                                                  dtype.isSignedInteger()));
  } else {
    tensor.setFromInt(index, static_cast<int64_t>(value));
  }
}

/// setElement for all elements.
template <typename T>
void store(const std::vector<T> &values, HostTensor &tensor) {
  DType dtype = tensor.dtype;
  if (std::is_floating_point_v<T> && dtype == DType::f32()) {
    llvm::MutableArrayRef<float> out = tensor.getMutableAs<float>();
    for (size_t i = 0, e = values.size(); i < e; ++i)
      out[i] = static_cast<float>(values[i]);
    return;
  }
  if (std::is_integral_v<T> && dtype.isInteger()) {
    visitStorage(dtype, [&](auto zero) {
      using Storage = decltype(zero);
      llvm::MutableArrayRef<Storage> out = tensor.getMutableAs<Storage>();
      for (size_t i = 0, e = values.size(); i < e; ++i)
        out[i] = static_cast<Storage>(numerics::wrapToBits(
            static_cast<int64_t>(values[i]), dtype.getBits(), dtype.isSignedInteger()));
    });
    return;
  }
  for (size_t i = 0, e = values.size(); i < e; ++i)
    setElement(tensor, i, values[i]);
}

/// Two's complement arithmetic without undefined overflow; plain arithmetic for floats.
template <typename T>
T wrappingAdd(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a + b;
  else
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
template <typename T>
T wrappingSub(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a - b;
  else
    return static_cast<T>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
template <typename T>
T wrappingMul(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a * b;
  else
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

/// NaN if either is NaN, of whichever sign.
template <typename T>
T propagatingMax(T a, T b) {
  if (a != a)
    return a;
  if (b != b)
    return b;
  return a < b ? b : a;
}
template <typename T>
T propagatingMin(T a, T b) {
  if (a != a)
    return a;
  if (b != b)
    return b;
  return b < a ? b : a;
}

/// The neutral elements of max and min among the values of `dtype`, infinities for floats.
template <typename T>
T getLowest(DType dtype) {
  if constexpr (std::is_floating_point_v<T>)
    return -std::numeric_limits<T>::infinity();
  else if (dtype.isBool())
    return 0;
  else
    return static_cast<T>(numerics::minInt(dtype.getBits(), dtype.isSignedInteger()));
}
template <typename T>
T getHighest(DType dtype) {
  if constexpr (std::is_floating_point_v<T>)
    return std::numeric_limits<T>::infinity();
  else if (dtype.isBool())
    return 1;
  else if (dtype == DType::u64())
    return static_cast<T>(~uint64_t(0));
  else
    return static_cast<T>(numerics::maxInt(dtype.getBits(), dtype.isSignedInteger()));
}

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

/// Row-major strides of a shape.
inline std::vector<int64_t> getStrides(llvm::ArrayRef<int64_t> shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

/// The strides that read a tensor of `shape` at positions of `result`, to which it broadcasts:
/// trailing axes aligned, 0 along stretched and added axes.
inline std::vector<int64_t> getBroadcastStrides(llvm::ArrayRef<int64_t> shape,
                                                llvm::ArrayRef<int64_t> result) {
  std::vector<int64_t> own = getStrides(shape), strides(result.size(), 0);
  size_t lead = result.size() - shape.size();
  for (size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != 1)
      strides[lead + i] = own[i];
  return strides;
}

/// Calls `fn(i, offsets)` for every position of `shape` in row-major order: `i` counts them,
/// `offsets[k]` is the offset of the position under `strides[k]`.
template <size_t N, typename Fn>
void forEachPosition(llvm::ArrayRef<int64_t> shape,
                     const std::array<std::vector<int64_t>, N> &strides, Fn fn) {
  std::vector<int64_t> position(shape.size(), 0);
  std::array<int64_t, N> offsets{};
  int64_t count = *countElements(shape);
  for (int64_t i = 0; i < count; ++i) {
    fn(i, offsets);
    for (size_t axis = shape.size(); axis-- > 0;) {
      for (size_t k = 0; k < N; ++k)
        offsets[k] += strides[k][axis];
      if (++position[axis] < shape[axis])
        break;
      for (size_t k = 0; k < N; ++k)
        offsets[k] -= strides[k][axis] * shape[axis];
      position[axis] = 0;
    }
  }
}

/// The same with the coordinates of each position: `fn(i, position)`.
template <typename Fn>
void forEachIndex(llvm::ArrayRef<int64_t> shape, Fn fn) {
  std::vector<int64_t> position(shape.size(), 0);
  int64_t count = *countElements(shape);
  for (int64_t i = 0; i < count; ++i) {
    fn(i, llvm::ArrayRef<int64_t>(position));
    for (size_t axis = shape.size(); axis-- > 0;) {
      if (++position[axis] < shape[axis])
        break;
      position[axis] = 0;
    }
  }
}

/// A shape seen along one axis (or a run of axes): element `(o, i, n)` lies at
/// `(o * size + i) * inner + n`.
struct AxisView {
  int64_t outer, size, inner;

  AxisView(llvm::ArrayRef<int64_t> shape, int64_t axis) : AxisView(shape, axis, axis + 1) {}
  AxisView(llvm::ArrayRef<int64_t> shape, int64_t begin, int64_t end)
      : outer(product(shape.take_front(begin))), size(product(shape.slice(begin, end - begin))),
        inner(product(shape.drop_front(end))) {}

  int64_t offset(int64_t o, int64_t i, int64_t n) const { return (o * size + i) * inner + n; }

  static int64_t product(llvm::ArrayRef<int64_t> shape) {
    int64_t result = 1;
    for (int64_t extent : shape)
      result *= extent;
    return result;
  }
};

} // namespace terse::reference

#endif // TERSE_LIB_REFERENCE_ELEMENTS_H
