//===- Saturate.h - Integer ranges, saturation, wrapping --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Integers of 1 to 64 bits held in an int64_t. Signed b-bit integers are two's complement with the
// range [-2^(b-1), 2^(b-1) - 1], unsigned ones [0, 2^b - 1]. A u64 above 2^63 - 1 does not fit in
// the carrier: ranges of 64-bit unsigned integers end at 2^63 - 1 here.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_NUMERICS_SATURATE_H
#define TERSE_NUMERICS_SATURATE_H

#include <cstdint>
#include <limits>
#include <type_traits>

namespace terse::numerics {

/// Smallest value of a `bits` wide integer, 1 <= bits <= 64.
constexpr int64_t minInt(unsigned bits, bool isSigned) {
  if (!isSigned)
    return 0;
  return bits >= 64 ? std::numeric_limits<int64_t>::min() : -(int64_t(1) << (bits - 1));
}

/// Largest value of a `bits` wide integer, 1 <= bits <= 64; 2^63 - 1 for 64 unsigned bits.
constexpr int64_t maxInt(unsigned bits, bool isSigned) {
  unsigned magnitudeBits = isSigned ? bits - 1 : bits;
  return magnitudeBits >= 63 ? std::numeric_limits<int64_t>::max()
                             : (int64_t(1) << magnitudeBits) - 1;
}

/// Clamps to [lo, hi], lo <= hi.
constexpr int64_t clampInt(int64_t value, int64_t lo, int64_t hi) {
  return value < lo ? lo : (value > hi ? hi : value);
}

/// The nearest value that a `bits` wide integer holds.
constexpr int64_t saturateToBits(int64_t value, unsigned bits, bool isSigned) {
  return clampInt(value, minInt(bits, isSigned), maxInt(bits, isSigned));
}

/// Keeps the low `bits` bits and extends them by sign or by zeros: conversion modulo 2^bits.
constexpr int64_t wrapToBits(int64_t value, unsigned bits, bool isSigned) {
  if (bits >= 64)
    return value;
  uint64_t mask = (uint64_t(1) << bits) - 1;
  uint64_t low = static_cast<uint64_t>(value) & mask;
  bool negative = isSigned && ((low >> (bits - 1)) & 1) != 0;
  return static_cast<int64_t>(negative ? (low | ~mask) : low);
}

/// True if a `bits` wide integer holds the value.
constexpr bool fitsInBits(int64_t value, unsigned bits, bool isSigned) {
  return value >= minInt(bits, isSigned) && value <= maxInt(bits, isSigned);
}

/// The nearest value of integer type `To`; every integer type of at most 64 bits on either side.
template <typename To, typename From>
constexpr To saturateCast(From value) {
  static_assert(std::is_integral_v<To> && std::is_integral_v<From>);
  using Limits = std::numeric_limits<To>;
  if constexpr (std::is_signed_v<From>) {
    if (value < 0) {
      if constexpr (std::is_signed_v<To>)
        return static_cast<int64_t>(value) < static_cast<int64_t>(Limits::min())
                   ? Limits::min()
                   : static_cast<To>(value);
      else
        return 0;
    }
  }
  return static_cast<uint64_t>(value) > static_cast<uint64_t>(Limits::max())
             ? Limits::max()
             : static_cast<To>(value);
}

/// Truncates towards zero, then saturates to `To`; NaN gives 0. (Rounding: Round.h, roundToInt.)
template <typename To>
constexpr To truncateCast(double value) {
  static_assert(std::is_integral_v<To>);
  using Limits = std::numeric_limits<To>;
  constexpr double kUpper = static_cast<double>(Limits::max() / 2 + 1) * 2.0;
  if (value != value)
    return 0;
  if (value >= kUpper)
    return Limits::max();
  // min() is zero or a power of two, hence exact; above min() - 1 truncation gives min() or more.
  if (value < static_cast<double>(Limits::min()))
    return Limits::min();
  return static_cast<To>(value);
}

} // namespace terse::numerics

#endif // TERSE_NUMERICS_SATURATE_H
