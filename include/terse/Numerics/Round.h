//===- Round.h - Rounding half to even --------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one rounding that Terse uses: to the nearest integer, ties to the even one (IEEE 754-2019,
// 4.3.1 roundTiesToEven). The floating-point forms assume the default rounding mode and must not be
// compiled with -ffast-math; they need no libm call and vectorize.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_NUMERICS_ROUND_H
#define TERSE_NUMERICS_ROUND_H

#include <cmath>
#include <cstdint>
#include <limits>

namespace terse::numerics {

/// Rounds to an integral value, ties to even. NaN, infinities and -0 are returned as they are, and
/// values that round to zero keep their sign. Exact: from 2^23 on every f32 is an integer.
inline float roundHalfToEven(float x) {
  constexpr float kTwo23 = 8388608.0f;
  float magnitude = std::fabs(x);
  if (!(magnitude < kTwo23))
    return x;
  // Adding 2^23 leaves no fraction bits, so that the addition itself rounds.
  float shifted = magnitude + kTwo23;
  return std::copysign(shifted - kTwo23, x);
}

/// The same for f64.
inline double roundHalfToEven(double x) {
  constexpr double kTwo52 = 4503599627370496.0;
  double magnitude = std::fabs(x);
  if (!(magnitude < kTwo52))
    return x;
  double shifted = magnitude + kTwo52;
  return std::copysign(shifted - kTwo52, x);
}

/// Rounds to the nearest integer, ties to even, and saturates to the range of `Int` (at most 64
/// bits). NaN gives 0.
template <typename Int>
inline Int roundToInt(double x) {
  using Limits = std::numeric_limits<Int>;
  if (std::isnan(x))
    return 0;
  double rounded = roundHalfToEven(x);
  // max() + 1 is a power of two, hence exact in f64 even where max() is not.
  constexpr double kUpper = static_cast<double>(Limits::max() / 2 + 1) * 2.0;
  if (rounded >= kUpper)
    return Limits::max();
  if (rounded < static_cast<double>(Limits::min()))
    return Limits::min();
  return static_cast<Int>(rounded);
}

template <typename Int>
inline Int roundToInt(float x) {
  return roundToInt<Int>(static_cast<double>(x));
}

/// value / 2^shift rounded to the nearest integer, ties to even; exact for every shift.
/// From shift 64 on, |value| <= 2^63 is at most half of 2^shift, a tie with the even 0: the result
/// is 0.
constexpr int64_t shiftRightHalfToEven(int64_t value, unsigned shift) {
  if (shift == 0)
    return value;
  if (shift >= 64)
    return 0;
  // The arithmetic shift is the floor; the bits shifted out decide the rest. This works for
  // negative values, too, because floor(v) + 1 is the other neighbour.
  int64_t floor = value >> shift;
  uint64_t mask = (uint64_t(1) << shift) - 1;
  uint64_t rest = static_cast<uint64_t>(value) & mask;
  uint64_t half = uint64_t(1) << (shift - 1);
  bool up = rest > half || (rest == half && (floor & 1) != 0);
  return floor + (up ? 1 : 0);
}

} // namespace terse::numerics

#endif // TERSE_NUMERICS_ROUND_H
