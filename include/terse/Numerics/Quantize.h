//===- Quantize.h - Affine quantization to 1 to 32 bits ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The affine quantizer and its parameters, in f32 arithmetic:
//
//   quantize(x)   = clamp(rne(x / scale) + zero_point, qmin, qmax)
//   dequantize(q) = f32(q - zero_point) * scale       (integer subtraction, one f32 multiplication)
//
// x / scale is one f32 division, not a multiplication by the reciprocal: the two differ in the last
// place and therefore at ties. rne rounds half to even. NaN gives the zero point (clamped), which
// dequantizes to 0; infinities saturate. A scale of zero, infinity or NaN is not an error here: the
// quotient is then NaN, infinite or zero and the same rules hold.
//
// For x / scale inside the range the error |x - dequantize(quantize(x))| is at most scale / 2, plus
// the two f32 roundings.
//
// Sources: ONNX QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear; Jacob et al.,
// "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference"
// (2018), section 2.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_NUMERICS_QUANTIZE_H
#define TERSE_NUMERICS_QUANTIZE_H

#include "terse/Numerics/Float.h"
#include "terse/Numerics/Round.h"
#include "terse/Numerics/Saturate.h"

#include <cstddef>
#include <cstdint>

namespace terse::numerics {

/// The integers [min, max] that a quantizer uses.
struct QuantRange {
  int64_t min;
  int64_t max;
};

/// The range of a `bits` wide integer (1 to 32 bits). The narrow one leaves out the smallest signed
/// value, [-(2^(b-1) - 1), 2^(b-1) - 1], so that it is symmetric; it does not exist for one bit,
/// and for unsigned integers it is the whole range.
constexpr QuantRange getQuantRange(unsigned bits, bool isSigned, bool narrow = false) {
  int64_t min = minInt(bits, isSigned);
  return {narrow && isSigned && bits > 1 ? min + 1 : min, maxInt(bits, isSigned)};
}

/// Adds the zero point to a quotient and clamps; `ratio` is rounded here.
inline int64_t quantizeRatio(float ratio, int64_t zeroPoint, QuantRange range) {
  if (std::isnan(ratio))
    return clampInt(zeroPoint, range.min, range.max);
  // Beyond 2^40 every ratio saturates whatever the zero point; the clamp makes the conversion safe.
  constexpr float kLimit = 1099511627776.0f;
  float rounded = roundHalfToEven(ratio);
  rounded = rounded < -kLimit ? -kLimit : (rounded > kLimit ? kLimit : rounded);
  return clampInt(static_cast<int64_t>(rounded) + zeroPoint, range.min, range.max);
}

/// See the head of this file.
inline int64_t quantize(float x, float scale, int64_t zeroPoint, QuantRange range) {
  return quantizeRatio(x / scale, zeroPoint, range);
}

/// See the head of this file. Exact in the subtraction; q - zeroPoint rounds to f32 beyond 2^24.
inline float dequantize(int64_t q, float scale, int64_t zeroPoint) {
  return static_cast<float>(q - zeroPoint) * scale;
}

/// Quantizes to f8 and smaller floats: rounds x / scale to the format, saturating as told.
inline uint16_t quantizeToFloat(FloatKind kind, float x, float scale, bool saturate = true) {
  return encodeFloat(kind, static_cast<double>(x / scale), saturate);
}

struct QuantParams {
  float scale;
  int64_t zeroPoint;
};

/// The extremes of finite values; NaN and infinities are counted and left out.
struct FiniteRange {
  float min = 0;
  float max = 0;
  uint64_t finite = 0;
  uint64_t nonFinite = 0;

  void add(float x) {
    if (!std::isfinite(x)) {
      ++nonFinite;
      return;
    }
    min = finite == 0 || x < min ? x : min;
    max = finite == 0 || x > max ? x : max;
    ++finite;
  }
  /// The largest magnitude.
  float absMax() const { return -min > max ? -min : max; }
};

/// Symmetric parameters from the largest magnitude: scale = absMax / max(range.max, 1), zero point
/// 0. The divisor is the positive end, so that every value is represented without saturation; the
/// one extra negative value of the full signed range stays unused. One signed bit {-1, 0} divides
/// by 1. absMax = 0 gives scale 1. A quotient that underflows gives the smallest positive f32, so
/// that the scale is never zero. absMax must be finite and not negative.
inline QuantParams chooseSymmetric(float absMax, QuantRange range) {
  if (absMax == 0)
    return {1.0f, 0};
  float scale = absMax / static_cast<float>(range.max > 0 ? range.max : 1);
  if (scale == 0)
    scale = std::numeric_limits<float>::denorm_min();
  return {scale, 0};
}

/// Asymmetric parameters from the extremes of the values, which must be finite, with zero exactly
/// representable:
///   lo = min(min, 0), hi = max(max, 0)
///   scale = (hi - lo) / (qmax - qmin)
///   zero_point = clamp(rne(qmin - lo / scale), qmin, qmax)
/// All in f32, as ONNX DynamicQuantizeLinear. lo = hi = 0 gives scale 1 and the zero point that
/// clamps 0 into the range.
inline QuantParams chooseAsymmetric(float min, float max, QuantRange range) {
  float lo = min < 0 ? min : 0.0f;
  float hi = max > 0 ? max : 0.0f;
  if (lo == 0 && hi == 0)
    return {1.0f, clampInt(0, range.min, range.max)};
  float steps = static_cast<float>(range.max - range.min);
  float scale = (hi - lo) / steps;
  // The difference of finite values may overflow where the scale itself does not.
  if (std::isinf(scale))
    scale = hi / steps - lo / steps;
  if (scale == 0)
    scale = std::numeric_limits<float>::denorm_min();
  float zero = static_cast<float>(range.min) - lo / scale;
  return {scale, quantizeRatio(zero, 0, range)};
}

} // namespace terse::numerics

#endif // TERSE_NUMERICS_QUANTIZE_H
