//===- Requantize.h - From accumulators to narrow integers ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An integer contraction accumulates in i32 at the scale s_x * s_w; its result is stored at the
// scale s_y. With the real multiplier m = s_x * s_w / s_y:
//
//   f32:          q = clamp(rne(f32(acc) * f32(m)) + zero_point, qmin, qmax)
//   fixed point:  q = clamp(rne(acc * multiplier * 2^(shift - 31)) + zero_point, qmin, qmax)
//
// The f32 form is the definition. f32(acc) rounds accumulators beyond 2^24 half to even, the
// product rounds once more: together a relative error of at most 2^-23. It is what ONNX Runtime and
// XNNPACK compute.
//
// The fixed-point form is for targets without floating point. `multiplier` is a Q31 significand in
// [2^30, 2^31) (negative for a negative m), the product is exact in 64 bits and is rounded once,
// half to even; m itself is represented with a relative error of at most 2^-31. Both forms differ
// by at most one, where acc * m is within |acc * m| * 2^-22 of a tie. (gemmlowp and TFLite round
// twice and ties upwards; their results differ from these at ties.)
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_NUMERICS_REQUANTIZE_H
#define TERSE_NUMERICS_REQUANTIZE_H

#include "terse/Numerics/Quantize.h"

#include <cmath>
#include <cstdint>
#include <limits>

namespace terse::numerics {

/// The f32 form. NaN (from a NaN multiplier) gives the zero point, infinities saturate.
inline int64_t requantize(int32_t acc, float multiplier, int64_t zeroPoint, QuantRange range) {
  return quantizeRatio(static_cast<float>(acc) * multiplier, zeroPoint, range);
}

/// A real number as multiplier * 2^(shift - 31): |multiplier| in [2^30, 2^31), or both zero.
struct FixedMultiplier {
  int32_t multiplier = 0;
  int shift = 0;
};

/// The nearest fixed-point number, ties to even, with a relative error of at most 2^-31. Zero and
/// NaN give zero; infinities give the largest multiplier with a shift at which every accumulator
/// but zero saturates. Every finite f64 has a representation.
inline FixedMultiplier quantizeMultiplier(double real) {
  if (real == 0 || std::isnan(real))
    return {};
  double sign = real < 0 ? -1 : 1;
  if (std::isinf(real))
    return {static_cast<int32_t>(sign * std::numeric_limits<int32_t>::max()), 2048};
  int shift;
  double significand = std::frexp(std::fabs(real), &shift); // In [0.5, 1).
  double q31 = roundHalfToEven(significand * 2147483648.0);
  if (q31 == 2147483648.0) {
    q31 /= 2;
    ++shift;
  }
  return {static_cast<int32_t>(sign * q31), shift};
}

/// The real number that a fixed-point multiplier stands for; exact.
inline double getRealMultiplier(FixedMultiplier fixed) {
  return std::ldexp(static_cast<double>(fixed.multiplier), fixed.shift - 31);
}

/// rne(acc * multiplier * 2^(shift - 31)), exact, saturated to 64 bits.
inline int64_t multiplyByFixed(int32_t acc, FixedMultiplier fixed) {
  int64_t product = static_cast<int64_t>(acc) * fixed.multiplier; // |product| <= 2^62.
  int rightShift = 31 - fixed.shift;
  if (rightShift >= 0)
    return shiftRightHalfToEven(product, static_cast<unsigned>(rightShift));
  if (product == 0)
    return 0;
  int leftShift = -rightShift;
  int64_t limit = leftShift >= 63 ? 0 : std::numeric_limits<int64_t>::max() >> leftShift;
  if (product > limit)
    return std::numeric_limits<int64_t>::max();
  if (product < -limit)
    return std::numeric_limits<int64_t>::min();
  // Not a shift: those of negative numbers are undefined before C++20.
  return product * (int64_t(1) << leftShift);
}

/// The fixed-point form.
inline int64_t requantize(int32_t acc, FixedMultiplier fixed, int64_t zeroPoint, QuantRange range) {
  // Kept far from the ends of int64, so that the zero point can be added.
  constexpr int64_t kLimit = int64_t(1) << 62;
  int64_t scaled = clampInt(multiplyByFixed(acc, fixed), -kLimit, kLimit);
  return clampInt(scaled + zeroPoint, range.min, range.max);
}

} // namespace terse::numerics

#endif // TERSE_NUMERICS_REQUANTIZE_H
