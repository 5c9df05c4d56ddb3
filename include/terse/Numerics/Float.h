//===- Float.h - Small floating-point formats -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bit patterns of every floating-point format below 32 bits, to and from f32.
//
//   format       s e m  bias  largest  smallest  infinities  NaN
//   f16          1 5 10  15   65504    2^-24     yes         exponent all ones, mantissa not 0
//   bf16         1 8 7  127   3.39e38  2^-133    yes         the same
//   f8E5M2       1 5 2   15   57344    2^-16     yes         the same
//   f8E4M3FN     1 4 3    7   448      2^-9      no          S.1111.111
//   f8E5M2FNUZ   1 5 2   16   57344    2^-17     no          1.00000.00, and no -0
//   f8E4M3FNUZ   1 4 3    8   240      2^-10     no          1.0000.000, and no -0
//   f6E3M2FN     1 3 2    3   28       2^-4      no          no
//   f6E2M3FN     1 2 3    1   7.5      2^-3      no          no
//   f4E2M1FN     1 2 1    1   6        2^-1      no          no
//   f8E8M0FNU    0 8 0  127   2^127    2^-127    no          11111111; neither zero nor sign
//
//   value = (-1)^s 2^(e - bias) (1 + m / 2^M)   for e != 0
//   value = (-1)^s 2^(1 - bias) (m / 2^M)       for e == 0
//
// Decoding is exact. Encoding rounds once, to the nearest value, ties to even (E8M0: E8M0Rounding),
// so its error is at most half the distance of the neighbours. It takes an f64, which holds every
// f32 and every integer up to 2^53 exactly: no double rounding from f16, f32 or small integers.
//
// Out of range, that is if the value rounded to the mantissa width exceeds the largest one
// (infinities included):
//   saturate = true   the largest finite value with the sign of the input;
//   saturate = false  infinity where the format has it, else NaN; formats without NaN saturate.
// NaN gives NaN with the sign kept, in formats without NaN negative zero.
//
// Sources: OCP 8-bit Floating Point Specification 1.0; OCP Microscaling Formats 1.0; ONNX Cast 25
// and "Float stored in 8 bits". Where ONNX's text and its conformance data differ, the data count:
// infinity saturates to the largest value also in FNUZ formats, and NaN becomes -0 in f4E2M1FN.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_NUMERICS_FLOAT_H
#define TERSE_NUMERICS_FLOAT_H

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace terse::numerics {

enum class FloatKind : uint8_t {
  F16,
  BF16,
  F8E5M2,
  F8E4M3FN,
  F8E5M2FNUZ,
  F8E4M3FNUZ,
  F6E3M2FN,
  F6E2M3FN,
  F4E2M1FN,
  F8E8M0FNU,
};

/// What the bit patterns beside the finite values mean.
enum class FloatSpecials : uint8_t {
  IEEE,         ///< Exponent all ones: infinities and NaN.
  NaNAllOnes,   ///< Only the pattern of all ones (and its negative) is NaN; no infinities (FN).
  NaNIsNegZero, ///< The pattern of -0 is the only NaN; no infinities, no -0 (FNUZ).
  None,         ///< Every pattern is a finite value (FN of the formats below 8 bits).
};

/// A signed format; f8E8M0FNU has its own functions below.
struct FloatFormat {
  unsigned exponentBits;
  unsigned mantissaBits;
  int bias;
  FloatSpecials specials;

  constexpr unsigned bits() const { return 1 + exponentBits + mantissaBits; }
  constexpr uint16_t signMask() const { return static_cast<uint16_t>(1u << (bits() - 1)); }
  constexpr uint16_t exponentMask() const {
    return static_cast<uint16_t>(((1u << exponentBits) - 1) << mantissaBits);
  }
  /// Pattern of the largest finite value.
  constexpr uint16_t maxFinite() const {
    switch (specials) {
    case FloatSpecials::IEEE:
      return exponentMask() - 1;
    case FloatSpecials::NaNAllOnes:
      return signMask() - 2;
    case FloatSpecials::NaNIsNegZero:
    case FloatSpecials::None:
      break;
    }
    return signMask() - 1;
  }
};

constexpr FloatFormat getFloatFormat(FloatKind kind) {
  switch (kind) {
  case FloatKind::F16:
    return {5, 10, 15, FloatSpecials::IEEE};
  case FloatKind::BF16:
    return {8, 7, 127, FloatSpecials::IEEE};
  case FloatKind::F8E5M2:
    return {5, 2, 15, FloatSpecials::IEEE};
  case FloatKind::F8E4M3FN:
    return {4, 3, 7, FloatSpecials::NaNAllOnes};
  case FloatKind::F8E5M2FNUZ:
    return {5, 2, 16, FloatSpecials::NaNIsNegZero};
  case FloatKind::F8E4M3FNUZ:
    return {4, 3, 8, FloatSpecials::NaNIsNegZero};
  case FloatKind::F6E3M2FN:
    return {3, 2, 3, FloatSpecials::None};
  case FloatKind::F6E2M3FN:
    return {2, 3, 1, FloatSpecials::None};
  case FloatKind::F4E2M1FN:
    return {2, 1, 1, FloatSpecials::None};
  case FloatKind::F8E8M0FNU:
    break;
  }
  return {8, 0, 127, FloatSpecials::None};
}

inline uint32_t f32ToBits(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return bits;
}

inline float f32FromBits(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

/// Decodes a pattern of a signed format; bits above the format's width are ignored.
inline float decodeSmallFloat(const FloatFormat &format, uint16_t pattern) {
  const unsigned mantissaBits = format.mantissaBits;
  uint32_t sign = (pattern & format.signMask()) ? 0x80000000u : 0;
  uint32_t magnitude = pattern & (format.signMask() - 1);
  uint32_t exponent = magnitude >> mantissaBits;
  uint32_t mantissa = magnitude & ((1u << mantissaBits) - 1);

  switch (format.specials) {
  case FloatSpecials::IEEE:
    if (exponent == (1u << format.exponentBits) - 1)
      return f32FromBits(sign | 0x7F800000u | (mantissa << (23 - mantissaBits)));
    break;
  case FloatSpecials::NaNAllOnes:
    if (magnitude == uint32_t(format.signMask() - 1))
      return f32FromBits(sign | 0x7FC00000u);
    break;
  case FloatSpecials::NaNIsNegZero:
    if (sign && magnitude == 0)
      return f32FromBits(0x7FC00000u);
    break;
  case FloatSpecials::None:
    break;
  }

  // A format with the exponent range of f32 (bf16) is its upper half, subnormals included.
  if (format.exponentBits == 8)
    return f32FromBits(sign | (magnitude << (23 - mantissaBits)));
  if (exponent != 0)
    return f32FromBits(sign | ((exponent + 127 - format.bias) << 23) |
                       (mantissa << (23 - mantissaBits)));
  // Subnormal: an integer times a power of two, both exact and the product normal in f32.
  float unit = f32FromBits(static_cast<uint32_t>(127 + 1 - format.bias - int(mantissaBits)) << 23);
  return f32FromBits(f32ToBits(static_cast<float>(mantissa) * unit) | sign);
}

/// Encodes into a signed format; see the head of this file.
inline uint16_t encodeSmallFloat(const FloatFormat &format, double x, bool saturate) {
  const unsigned mantissaBits = format.mantissaBits;
  uint64_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  const uint16_t sign = (bits >> 63) ? format.signMask() : 0;
  const uint64_t fraction = bits & ((uint64_t(1) << 52) - 1);
  const int rawExponent = static_cast<int>((bits >> 52) & 0x7FF);

  if (rawExponent == 0x7FF && fraction != 0) {
    switch (format.specials) {
    case FloatSpecials::IEEE:
      // Quiet, with the payload's leading bits kept, as the hardware conversions do.
      return static_cast<uint16_t>(sign | format.exponentMask() | (1u << (mantissaBits - 1)) |
                                   (fraction >> (52 - mantissaBits)));
    case FloatSpecials::NaNAllOnes:
      return sign | (format.signMask() - 1);
    case FloatSpecials::NaNIsNegZero:
    case FloatSpecials::None:
      return format.signMask();
    }
  }

  uint32_t magnitude;
  if (rawExponent == 0x7FF) {
    magnitude = format.signMask(); // Above every finite pattern.
  } else {
    const int exponent = rawExponent - 1023;
    const int minExponent = 1 - format.bias;
    // Below the normal range each step of the exponent costs one more bit of the mantissa.
    unsigned drop = 52 - mantissaBits;
    if (exponent < minExponent)
      drop += static_cast<unsigned>(minExponent - exponent);
    // With 54 or more bits dropped the value is below half of the smallest one. Subnormal f64 are
    // among them.
    if (rawExponent == 0 || drop >= 54) {
      magnitude = 0;
    } else if (exponent > minExponent + (1 << format.exponentBits)) {
      magnitude = format.signMask();
    } else {
      const uint64_t significand = (uint64_t(1) << 52) | fraction;
      uint64_t kept = significand >> drop;
      const uint64_t rest = significand & ((uint64_t(1) << drop) - 1);
      const uint64_t half = uint64_t(1) << (drop - 1);
      if (rest > half || (rest == half && (kept & 1) != 0))
        ++kept;
      // The leading one of a normal significand adds one to the exponent field, as does a carry.
      if (exponent >= minExponent)
        kept += static_cast<uint64_t>(exponent - minExponent) << mantissaBits;
      magnitude = static_cast<uint32_t>(kept);
    }
  }

  if (magnitude > format.maxFinite()) {
    if (saturate || format.specials == FloatSpecials::None)
      return sign | format.maxFinite();
    switch (format.specials) {
    case FloatSpecials::IEEE:
      return sign | format.exponentMask();
    case FloatSpecials::NaNAllOnes:
      return sign | (format.signMask() - 1);
    case FloatSpecials::NaNIsNegZero:
    case FloatSpecials::None:
      return format.signMask();
    }
  }
  if (magnitude == 0 && format.specials == FloatSpecials::NaNIsNegZero)
    return 0;
  return static_cast<uint16_t>(sign | magnitude);
}

/// Rounding of f8E8M0FNU, the `round_mode` of ONNX Cast 24: to the next power of two above or
/// below, or to the nearer one (in value) with ties (1.5 * 2^k) upwards.
enum class E8M0Rounding : uint8_t { Up, Down, Nearest };

/// Pattern p means 2^(p - 127), 255 means NaN. The smallest value is a subnormal f32.
inline float decodeE8M0(uint8_t pattern) {
  if (pattern == 0xFF)
    return f32FromBits(0x7FC00000u);
  return f32FromBits(pattern == 0 ? 0x00400000u : static_cast<uint32_t>(pattern) << 23);
}

/// Encodes as a power of two. Zero and values below 2^-127 give 2^-127, values that round above
/// 2^127 and infinity give 2^127; both give NaN without `saturate`. NaN and negative values (which
/// ONNX leaves open) give NaN; -0 counts as 0.
inline uint8_t encodeE8M0(double x, bool saturate = true,
                          E8M0Rounding rounding = E8M0Rounding::Up) {
  constexpr uint8_t kNaN = 0xFF, kMax = 0xFE, kMin = 0x00;
  if (std::isnan(x) || x < 0)
    return kNaN;
  uint64_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  int exponent = static_cast<int>((bits >> 52) & 0x7FF) - 1023;
  uint64_t fraction = bits & ((uint64_t(1) << 52) - 1);
  if (exponent < -127)
    return saturate ? kMin : kNaN;
  bool up = false;
  if (rounding == E8M0Rounding::Up)
    up = fraction != 0;
  else if (rounding == E8M0Rounding::Nearest)
    up = fraction >= (uint64_t(1) << 51);
  int biased = exponent + 127 + (up ? 1 : 0);
  if (biased > kMax)
    return saturate ? kMax : kNaN;
  return static_cast<uint8_t>(biased);
}

/// Width of the format in bits.
constexpr unsigned getFloatBits(FloatKind kind) {
  return kind == FloatKind::F8E8M0FNU ? 8 : getFloatFormat(kind).bits();
}

/// Decodes any kind; exact.
inline float decodeFloat(FloatKind kind, uint16_t pattern) {
  if (kind == FloatKind::F8E8M0FNU)
    return decodeE8M0(static_cast<uint8_t>(pattern));
  return decodeSmallFloat(getFloatFormat(kind), pattern);
}

/// Encodes any kind. For f16 and bf16, ONNX and IEEE conversions are those with saturate = false.
inline uint16_t encodeFloat(FloatKind kind, double x, bool saturate,
                            E8M0Rounding rounding = E8M0Rounding::Up) {
  if (kind == FloatKind::F8E8M0FNU)
    return encodeE8M0(x, saturate, rounding);
  return encodeSmallFloat(getFloatFormat(kind), x, saturate);
}

/// The largest finite value of a kind.
inline float getMaxFinite(FloatKind kind) {
  if (kind == FloatKind::F8E8M0FNU)
    return decodeE8M0(0xFE);
  return decodeFloat(kind, getFloatFormat(kind).maxFinite());
}

/// IEEE conversions of the two 16-bit formats: overflow gives infinity.
inline uint16_t encodeF16(double x) { return encodeFloat(FloatKind::F16, x, false); }
inline float decodeF16(uint16_t pattern) { return decodeFloat(FloatKind::F16, pattern); }
inline uint16_t encodeBF16(double x) { return encodeFloat(FloatKind::BF16, x, false); }
inline float decodeBF16(uint16_t pattern) {
  return f32FromBits(static_cast<uint32_t>(pattern) << 16);
}

/// The value rounded to the format and back: what a stored scale or cast weight is worth.
inline float roundThrough(FloatKind kind, double x, bool saturate) {
  return decodeFloat(kind, encodeFloat(kind, x, saturate));
}

} // namespace terse::numerics

#endif // TERSE_NUMERICS_FLOAT_H
