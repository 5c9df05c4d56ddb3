//===- HostTensor.h - Tensors in host memory --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A dense row-major tensor: what files are read into, what the interpreter computes on, and what
// encoders take and give. Every element takes a whole number of bytes: integers of less than 8 bits
// are sign- or zero-extended to one byte, FP4 and FP6 are their bit pattern in the low bits. Packed
// forms exist only in files and weight blobs (fromPacked, toPacked).
//
// Copies share their data. Mutable access makes it private first (copy on write), so that a tensor
// over a read-only file mapping behaves as any other one.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_SUPPORT_HOSTTENSOR_H
#define TERSE_SUPPORT_HOSTTENSOR_H

#include "terse/Support/DType.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <cassert>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace terse {

/// The product of a shape: 1 for rank 0. Nothing if an extent is negative or the product exceeds
/// 2^63 - 1.
std::optional<int64_t> countElements(llvm::ArrayRef<int64_t> shape);

/// Bytes of `count` elements as they lie in files and weight blobs: sub-byte elements packed, the
/// last byte filled up.
uint64_t getPackedBytes(DType dtype, uint64_t count);

class HostTensor {
public:
  DType dtype;
  std::vector<int64_t> shape;

  /// An f32 tensor of shape [0].
  HostTensor() : shape{0} {}

  /// All elements zero (bit patterns of zeros). The shape must be countable.
  static HostTensor zeros(DType dtype, llvm::ArrayRef<int64_t> shape);

  /// A rank-0 tensor of the value rounded to `dtype`.
  static HostTensor scalar(DType dtype, double value);

  /// A tensor of the C++ type's DType with a copy of `values`, whose number must fit the shape:
  /// `HostTensor::from<float>({2}, {0.5f, 1.0f})`.
  template <typename T>
  static HostTensor from(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<T> values) {
    HostTensor result = zeros(getDType<T>(), shape);
    assert(static_cast<int64_t>(values.size()) == result.getNumElements());
    if (!values.empty())
      std::memcpy(result.owned.get(), values.data(), values.size() * sizeof(T));
    return result;
  }

  /// A read-only view of elements in host representation, for example in a file mapping, which
  /// `owner` keeps alive. Fails if the number of bytes does not fit; misaligned bytes are copied.
  static llvm::Expected<HostTensor> view(DType dtype, llvm::ArrayRef<int64_t> shape,
                                         llvm::ArrayRef<uint8_t> bytes,
                                         std::shared_ptr<const void> owner);

  /// From file representation (see getPackedBytes): unpacks sub-byte elements; whole-byte elements
  /// become a view if there is an owner and else a copy. Bool bytes other than 0 become 1. Fails if
  /// the number of bytes does not fit.
  static llvm::Expected<HostTensor> fromPacked(DType dtype, llvm::ArrayRef<int64_t> shape,
                                               llvm::ArrayRef<uint8_t> bytes,
                                               std::shared_ptr<const void> owner = nullptr);

  /// The file representation, getPackedBytes(dtype, getNumElements()) bytes.
  std::vector<uint8_t> toPacked() const;

  int64_t getNumElements() const { return static_cast<int64_t>(size / dtype.getHostBytes()); }
  int64_t getRank() const { return static_cast<int64_t>(shape.size()); }

  /// The elements in host representation.
  llvm::ArrayRef<uint8_t> getBytes() const { return {data, size}; }
  /// The same for writing. Copies the data if it is mapped or shared with another tensor.
  llvm::MutableArrayRef<uint8_t> getMutableBytes();

  /// The elements as T, which must have the element's size; f16 and bf16 are uint16_t.
  template <typename T>
  llvm::ArrayRef<T> getAs() const {
    assert(sizeof(T) == dtype.getHostBytes());
    return {reinterpret_cast<const T *>(data), static_cast<size_t>(getNumElements())};
  }
  template <typename T>
  llvm::MutableArrayRef<T> getMutableAs() {
    assert(sizeof(T) == dtype.getHostBytes());
    return {reinterpret_cast<T *>(getMutableBytes().data()), static_cast<size_t>(getNumElements())};
  }

  /// Element `index` (flattened) as f64; exact but for 64-bit integers beyond 2^53. Bool is 0 or 1.
  double getAsDouble(int64_t index) const;
  /// Element `index` as i64. Floats truncate towards zero and saturate, NaN is 0; u64 elements
  /// beyond 2^63 - 1 wrap.
  int64_t getAsInt(int64_t index) const;
  /// Rounds to the element type: floats half to even, `saturate` as in Numerics/Float.h (f16, bf16
  /// and f32 overflow to infinity in any case); integers half to even, saturating, NaN to 0; bool
  /// is value != 0.
  void setFromDouble(int64_t index, double value, bool saturate = true);
  /// Integers saturate (u64 takes the bits of the value); floats round half to even.
  void setFromInt(int64_t index, int64_t value);

  /// All elements as f64 / f32 / i64 / by the functions above, faster than one by one.
  std::vector<double> toDoubles() const;
  std::vector<float> toFloats() const;
  std::vector<int64_t> toInts() const;
  /// Every element converted: integers and bools by setFromInt, floats by setFromDouble.
  HostTensor convertTo(DType target, bool saturate = true) const;
  /// The same data with another shape of the same number of elements.
  HostTensor reshaped(llvm::ArrayRef<int64_t> newShape) const;

  /// Strides in elements of the row-major layout.
  std::vector<int64_t> getStrides() const;
  /// As in messages: `2x3xf32`.
  std::string getTypeString() const;

private:
  /// The bytes of the tensor; lie in `owned` or in something that `owner` keeps alive.
  const uint8_t *data = nullptr;
  size_t size = 0;
  std::shared_ptr<uint8_t> owned;
  std::shared_ptr<const void> owner;
};

/// Equal type, shape and bytes; NaN equals NaN of the same pattern, -0 differs from 0.
bool bitwiseEqual(const HostTensor &a, const HostTensor &b);

/// `2x3xf32`, or `f32` for rank 0.
std::string formatTensorType(llvm::ArrayRef<int64_t> shape, DType dtype);

} // namespace terse

#endif // TERSE_SUPPORT_HOSTTENSOR_H
