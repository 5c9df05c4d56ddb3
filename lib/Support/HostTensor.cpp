//===- HostTensor.cpp - Tensors in host memory ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Support/HostTensor.h"
#include "terse/Numerics/Pack.h"
#include "terse/Numerics/Round.h"
#include "terse/Numerics/Saturate.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <new>

using namespace terse;

/// Cache line and widest vector: kernels may use aligned accesses on host tensors.
static constexpr std::align_val_t kAlignment{64};

static std::shared_ptr<uint8_t> allocate(size_t size) {
  // One byte at least, so that empty tensors, too, have a valid pointer.
  auto *memory = static_cast<uint8_t *>(::operator new(std::max<size_t>(size, 1), kAlignment));
  return {memory, [](uint8_t *p) { ::operator delete(p, kAlignment); }};
}

std::optional<int64_t> terse::countElements(llvm::ArrayRef<int64_t> shape) {
  int64_t count = 1;
  bool overflow = false;
  for (int64_t extent : shape) {
    if (extent < 0)
      return std::nullopt;
    overflow |= llvm::MulOverflow(count, extent, count);
    // A later extent of zero makes any product zero.
    if (extent == 0)
      return std::all_of(shape.begin(), shape.end(), [](int64_t e) { return e >= 0; })
                 ? std::optional<int64_t>(0)
                 : std::nullopt;
  }
  if (overflow)
    return std::nullopt;
  return count;
}

uint64_t terse::getPackedBytes(DType dtype, uint64_t count) {
  unsigned bits = dtype.getPackedBits();
  return bits < 8 ? numerics::packedSize(count, bits) : count * (bits / 8);
}

std::string terse::formatTensorType(llvm::ArrayRef<int64_t> shape, DType dtype) {
  std::string text;
  for (int64_t extent : shape)
    text += std::to_string(extent) + "x";
  return text + dtype.getName();
}

std::string HostTensor::getTypeString() const { return formatTensorType(shape, dtype); }

//===----------------------------------------------------------------------===//
// Construction
//===----------------------------------------------------------------------===//

HostTensor HostTensor::zeros(DType dtype, llvm::ArrayRef<int64_t> shape) {
  std::optional<int64_t> count = countElements(shape);
  assert(count && "shape without a number of elements");
  HostTensor result;
  result.dtype = dtype;
  result.shape = shape.vec();
  result.size = static_cast<size_t>(*count) * dtype.getHostBytes();
  result.owned = allocate(result.size);
  result.data = result.owned.get();
  std::memset(result.owned.get(), 0, result.size);
  return result;
}

HostTensor HostTensor::scalar(DType dtype, double value) {
  HostTensor result = zeros(dtype, {});
  result.setFromDouble(0, value);
  return result;
}

/// Checks that `actual` bytes are what a tensor of the type has when elements take `perElement`.
static llvm::Error checkSize(DType dtype, llvm::ArrayRef<int64_t> shape, uint64_t actual,
                             bool packed) {
  std::optional<int64_t> count = countElements(shape);
  // Far above every memory, and far enough below 2^63 to be multiplied by the element size.
  bool tooMany = !count || *count > (int64_t(1) << 58);
  uint64_t expected = tooMany  ? 0
                      : packed ? getPackedBytes(dtype, *count)
                               : static_cast<uint64_t>(*count) * dtype.getHostBytes();
  if (!tooMany && expected == actual)
    return llvm::Error::success();
  std::string message = "a tensor of type " + formatTensorType(shape, dtype) + " cannot have " +
                        std::to_string(actual) + " bytes of data";
  if (!tooMany)
    message += ", it needs " + std::to_string(expected);
  return llvm::createStringError(std::errc::invalid_argument, message.c_str());
}

llvm::Expected<HostTensor> HostTensor::view(DType dtype, llvm::ArrayRef<int64_t> shape,
                                            llvm::ArrayRef<uint8_t> bytes,
                                            std::shared_ptr<const void> owner) {
  if (llvm::Error error = checkSize(dtype, shape, bytes.size(), /*packed=*/false))
    return error;
  HostTensor result;
  result.dtype = dtype;
  result.shape = shape.vec();
  result.size = bytes.size();
  bool aligned = reinterpret_cast<uintptr_t>(bytes.data()) % dtype.getHostBytes() == 0;
  if (owner && aligned) {
    result.data = bytes.data();
    result.owner = std::move(owner);
    return result;
  }
  result.owned = allocate(result.size);
  result.data = result.owned.get();
  if (!bytes.empty())
    std::memcpy(result.owned.get(), bytes.data(), bytes.size());
  return result;
}

llvm::Expected<HostTensor> HostTensor::fromPacked(DType dtype, llvm::ArrayRef<int64_t> shape,
                                                  llvm::ArrayRef<uint8_t> bytes,
                                                  std::shared_ptr<const void> owner) {
  if (llvm::Error error = checkSize(dtype, shape, bytes.size(), /*packed=*/true))
    return error;
  if (dtype.isBool()) {
    HostTensor result = zeros(dtype, shape);
    for (size_t i = 0, e = bytes.size(); i < e; ++i)
      result.owned.get()[i] = bytes[i] != 0;
    return result;
  }
  if (!dtype.isSubByte())
    return view(dtype, shape, bytes, std::move(owner));
  HostTensor result = zeros(dtype, shape);
  numerics::unpack(bytes.data(), result.size, dtype.getBits(), dtype.isSignedInteger(),
                   result.owned.get());
  return result;
}

std::vector<uint8_t> HostTensor::toPacked() const {
  if (!dtype.isSubByte())
    return std::vector<uint8_t>(data, data + size);
  std::vector<uint8_t> packed(getPackedBytes(dtype, size));
  numerics::pack(data, size, dtype.getBits(), packed.data());
  return packed;
}

llvm::MutableArrayRef<uint8_t> HostTensor::getMutableBytes() {
  if (!owned || owned.use_count() != 1) {
    std::shared_ptr<uint8_t> copy = allocate(size);
    if (size)
      std::memcpy(copy.get(), data, size);
    owned = std::move(copy);
    owner.reset();
    data = owned.get();
  }
  return {owned.get(), size};
}

HostTensor HostTensor::reshaped(llvm::ArrayRef<int64_t> newShape) const {
  assert(countElements(newShape) == getNumElements());
  HostTensor result = *this;
  result.shape = newShape.vec();
  return result;
}

std::vector<int64_t> HostTensor::getStrides() const {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// Calls `fn` with the elements as a typed pointer and `fromPattern`, which makes an arithmetic
/// value (double or an integer) of an element. One switch per tensor, not per element.
template <typename Fn>
static auto dispatch(DType dtype, const uint8_t *data, Fn fn) {
  auto identity = [](auto x) { return x; };
  switch (dtype.getKind()) {
  case DType::Kind::F64:
    return fn(reinterpret_cast<const double *>(data), identity);
  case DType::Kind::F32:
    return fn(reinterpret_cast<const float *>(data), [](float x) { return double(x); });
  case DType::Kind::SmallFloat: {
    numerics::FloatKind kind = dtype.getFloatKind();
    if (dtype.getHostBytes() == 2)
      return fn(reinterpret_cast<const uint16_t *>(data),
                [kind](uint16_t x) { return double(numerics::decodeFloat(kind, x)); });
    return fn(data, [kind](uint8_t x) { return double(numerics::decodeFloat(kind, x)); });
  }
  case DType::Kind::Bool:
    return fn(data, [](uint8_t x) { return uint8_t(x != 0); });
  case DType::Kind::SInt:
    switch (dtype.getHostBytes()) {
    case 1:
      return fn(reinterpret_cast<const int8_t *>(data), identity);
    case 2:
      return fn(reinterpret_cast<const int16_t *>(data), identity);
    case 4:
      return fn(reinterpret_cast<const int32_t *>(data), identity);
    default:
      return fn(reinterpret_cast<const int64_t *>(data), identity);
    }
  case DType::Kind::UInt:
    break;
  }
  switch (dtype.getHostBytes()) {
  case 1:
    return fn(data, identity);
  case 2:
    return fn(reinterpret_cast<const uint16_t *>(data), identity);
  case 4:
    return fn(reinterpret_cast<const uint32_t *>(data), identity);
  default:
    return fn(reinterpret_cast<const uint64_t *>(data), identity);
  }
}

template <typename T>
static int64_t asInt(T value) {
  if constexpr (std::is_floating_point_v<T>)
    return numerics::truncateCast<int64_t>(value);
  else
    return static_cast<int64_t>(value);
}

double HostTensor::getAsDouble(int64_t index) const {
  return dispatch(dtype, data, [&](auto *elements, auto value) {
    return static_cast<double>(value(elements[index]));
  });
}

int64_t HostTensor::getAsInt(int64_t index) const {
  return dispatch(dtype, data,
                  [&](auto *elements, auto value) { return asInt(value(elements[index])); });
}

template <typename To>
static std::vector<To> toVector(const HostTensor &tensor) {
  std::vector<To> result(tensor.getNumElements());
  dispatch(tensor.dtype, tensor.getBytes().data(), [&](auto *elements, auto value) {
    for (size_t i = 0, e = result.size(); i < e; ++i) {
      if constexpr (std::is_same_v<To, int64_t>)
        result[i] = asInt(value(elements[i]));
      else
        result[i] = static_cast<To>(value(elements[i]));
    }
  });
  return result;
}

std::vector<double> HostTensor::toDoubles() const { return toVector<double>(*this); }
std::vector<float> HostTensor::toFloats() const { return toVector<float>(*this); }
std::vector<int64_t> HostTensor::toInts() const { return toVector<int64_t>(*this); }

/// Stores the low bytes of a pattern: the host is little-endian (checked where files are read).
template <typename T>
static void store(uint8_t *data, int64_t index, T value) {
  std::memcpy(data + index * static_cast<int64_t>(sizeof(T)), &value, sizeof(T));
}

static void storeInt(DType dtype, uint8_t *data, int64_t index, int64_t value) {
  switch (dtype.getHostBytes()) {
  case 1:
    return store(data, index, static_cast<uint8_t>(value));
  case 2:
    return store(data, index, static_cast<uint16_t>(value));
  case 4:
    return store(data, index, static_cast<uint32_t>(value));
  default:
    return store(data, index, value);
  }
}

static void storeDouble(DType dtype, uint8_t *data, int64_t index, double value, bool saturate) {
  switch (dtype.getKind()) {
  case DType::Kind::F64:
    return store(data, index, value);
  case DType::Kind::F32:
    return store(data, index, static_cast<float>(value));
  case DType::Kind::SmallFloat: {
    bool sixteenBits = dtype.getBits() == 16;
    uint16_t pattern = numerics::encodeFloat(dtype.getFloatKind(), value, saturate && !sixteenBits);
    return sixteenBits ? store(data, index, pattern)
                       : store(data, index, static_cast<uint8_t>(pattern));
  }
  case DType::Kind::Bool:
    return store(data, index, static_cast<uint8_t>(value != 0));
  case DType::Kind::SInt:
  case DType::Kind::UInt:
    break;
  }
  if (dtype == DType::u64())
    return store(data, index, numerics::roundToInt<uint64_t>(value));
  int64_t rounded = numerics::roundToInt<int64_t>(value);
  return storeInt(dtype, data, index,
                  numerics::saturateToBits(rounded, dtype.getBits(), dtype.isSignedInteger()));
}

static void storeFromInt(DType dtype, uint8_t *data, int64_t index, int64_t value) {
  switch (dtype.getKind()) {
  case DType::Kind::F64:
    return store(data, index, static_cast<double>(value));
  case DType::Kind::F32:
    // Straight from i64: over f64 it would round twice.
    return store(data, index, static_cast<float>(value));
  case DType::Kind::SmallFloat: {
    // Beyond 2^53 the lowest bits become one sticky bit, so that the conversion to f64 is exact and
    // only the encoding rounds.
    constexpr int64_t kExact = int64_t(1) << 53, kLow = (1 << 11) - 1;
    if ((value > kExact || value < -kExact) && (value & kLow) != 0)
      value = (value & ~kLow) | (1 << 10);
    return storeDouble(dtype, data, index, static_cast<double>(value), /*saturate=*/true);
  }
  case DType::Kind::Bool:
    return store(data, index, static_cast<uint8_t>(value != 0));
  case DType::Kind::SInt:
  case DType::Kind::UInt:
    break;
  }
  if (dtype.getBits() == 64)
    return store(data, index, value);
  storeInt(dtype, data, index,
           numerics::saturateToBits(value, dtype.getBits(), dtype.isSignedInteger()));
}

void HostTensor::setFromDouble(int64_t index, double value, bool saturate) {
  storeDouble(dtype, getMutableBytes().data(), index, value, saturate);
}

void HostTensor::setFromInt(int64_t index, int64_t value) {
  storeFromInt(dtype, getMutableBytes().data(), index, value);
}

HostTensor HostTensor::convertTo(DType target, bool saturate) const {
  if (target == dtype)
    return *this;
  HostTensor result = zeros(target, shape);
  uint8_t *out = result.owned.get();
  dispatch(dtype, data, [&](auto *elements, auto value) {
    for (int64_t i = 0, e = getNumElements(); i < e; ++i) {
      auto x = value(elements[i]);
      if constexpr (std::is_floating_point_v<decltype(x)>)
        storeDouble(target, out, i, x, saturate);
      else
        storeFromInt(target, out, i, static_cast<int64_t>(x));
    }
  });
  return result;
}

bool terse::bitwiseEqual(const HostTensor &a, const HostTensor &b) {
  return a.dtype == b.dtype && a.shape == b.shape && a.getBytes() == b.getBytes();
}
