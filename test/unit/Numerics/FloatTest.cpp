//===- FloatTest.cpp - Small floating-point formats -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Numerics/Float.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <vector>

using namespace terse::numerics;

static constexpr float kInf = std::numeric_limits<float>::infinity();
static constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

static const FloatKind kSigned[] = {
    FloatKind::F16,      FloatKind::BF16,       FloatKind::F8E5M2,
    FloatKind::F8E4M3FN, FloatKind::F8E5M2FNUZ, FloatKind::F8E4M3FNUZ,
    FloatKind::F6E3M2FN, FloatKind::F6E2M3FN,   FloatKind::F4E2M1FN,
};

/// The value of a pattern by the formula at the head of Float.h, in f64.
static double decodeByFormula(const FloatFormat &f, unsigned pattern) {
  unsigned sign = pattern >> (f.bits() - 1);
  unsigned exponent = (pattern >> f.mantissaBits) & ((1u << f.exponentBits) - 1);
  unsigned mantissa = pattern & ((1u << f.mantissaBits) - 1);
  double fraction = mantissa / double(1u << f.mantissaBits);
  double value = exponent ? std::ldexp(1 + fraction, int(exponent) - f.bias)
                          : std::ldexp(fraction, 1 - f.bias);
  return sign ? -value : value;
}

TEST(Float, DecodeIsTheFormula) {
  for (FloatKind kind : kSigned) {
    FloatFormat f = getFloatFormat(kind);
    for (unsigned p = 0; p < (1u << f.bits()); ++p) {
      float value = decodeFloat(kind, p);
      if (std::isfinite(value)) {
        ASSERT_EQ(double(value), decodeByFormula(f, p)) << int(kind) << " pattern " << p;
        ASSERT_EQ(std::signbit(value), (p >> (f.bits() - 1)) != 0);
        ASSERT_LE(p & (f.signMask() - 1), f.maxFinite());
      }
    }
  }
}

TEST(Float, NumberOfSpecialPatterns) {
  struct Row {
    FloatKind kind;
    int infinities, nans;
    float largest, smallest;
  };
  const Row table[] = {
      {FloatKind::F16, 2, 2046, 65504.0f, 0x1p-24f},
      {FloatKind::BF16, 2, 254, 0x1.FEp127f, 0x1p-133f},
      {FloatKind::F8E5M2, 2, 6, 57344.0f, 0x1p-16f},
      {FloatKind::F8E4M3FN, 0, 2, 448.0f, 0x1p-9f},
      {FloatKind::F8E5M2FNUZ, 0, 1, 57344.0f, 0x1p-17f},
      {FloatKind::F8E4M3FNUZ, 0, 1, 240.0f, 0x1p-10f},
      {FloatKind::F6E3M2FN, 0, 0, 28.0f, 0x1p-4f},
      {FloatKind::F6E2M3FN, 0, 0, 7.5f, 0x1p-3f},
      {FloatKind::F4E2M1FN, 0, 0, 6.0f, 0x1p-1f},
      {FloatKind::F8E8M0FNU, 0, 1, 0x1p127f, 0x1p-127f},
  };
  for (const Row &row : table) {
    int infinities = 0, nans = 0;
    float largest = 0, smallest = kInf;
    for (unsigned p = 0; p < (1u << getFloatBits(row.kind)); ++p) {
      float x = decodeFloat(row.kind, p);
      infinities += std::isinf(x);
      nans += std::isnan(x);
      if (std::isfinite(x)) {
        largest = std::max(largest, x);
        if (x > 0)
          smallest = std::min(smallest, x);
      }
    }
    EXPECT_EQ(infinities, row.infinities);
    EXPECT_EQ(nans, row.nans);
    EXPECT_EQ(largest, row.largest);
    EXPECT_EQ(smallest, row.smallest);
    EXPECT_EQ(getMaxFinite(row.kind), row.largest);
  }
}

TEST(Float, EncodeInvertsDecode) {
  for (FloatKind kind : kSigned) {
    FloatFormat f = getFloatFormat(kind);
    for (unsigned p = 0; p < (1u << f.bits()); ++p) {
      float value = decodeFloat(kind, p);
      for (bool saturate : {false, true}) {
        unsigned encoded = encodeFloat(kind, value, saturate);
        if (std::isinf(value)) {
          unsigned expected = saturate ? (p & f.signMask()) | f.maxFinite() : p;
          ASSERT_EQ(encoded, expected);
        } else if (std::isnan(value) && f.specials == FloatSpecials::IEEE) {
          // Signalling patterns become quiet, everything else stays.
          ASSERT_EQ(encoded, p | (1u << (f.mantissaBits - 1)));
        } else {
          ASSERT_EQ(encoded, p) << int(kind);
        }
      }
    }
  }
  for (unsigned p = 0; p < 256; ++p)
    for (E8M0Rounding r : {E8M0Rounding::Up, E8M0Rounding::Down, E8M0Rounding::Nearest})
      ASSERT_EQ(encodeE8M0(decodeE8M0(p), false, r), p);
}

TEST(Float, DecodeIsMonotonic) {
  for (FloatKind kind : kSigned) {
    FloatFormat f = getFloatFormat(kind);
    for (unsigned p = 1; p <= f.maxFinite(); ++p) {
      ASSERT_LT(decodeFloat(kind, p - 1), decodeFloat(kind, p));
      unsigned negative = p | f.signMask();
      if (p > 1 || f.specials != FloatSpecials::NaNIsNegZero)
        ASSERT_GT(decodeFloat(kind, negative - 1), decodeFloat(kind, negative));
    }
  }
}

TEST(Float, TiesGoToTheEvenPatternAndNearTiesDoNot) {
  for (FloatKind kind : kSigned) {
    FloatFormat f = getFloatFormat(kind);
    for (unsigned p = 0; p < f.maxFinite(); ++p) {
      double lower = decodeFloat(kind, p), upper = decodeFloat(kind, p + 1);
      double middle = (lower + upper) / 2;
      unsigned even = (p & 1) ? p + 1 : p;
      for (bool saturate : {false, true}) {
        ASSERT_EQ(encodeFloat(kind, middle, saturate), even);
        ASSERT_EQ(encodeFloat(kind, std::nextafter(middle, lower), saturate), p);
        ASSERT_EQ(encodeFloat(kind, std::nextafter(middle, upper), saturate), p + 1);
        bool noNegativeZero = f.specials == FloatSpecials::NaNIsNegZero && even == 0;
        ASSERT_EQ(encodeFloat(kind, -middle, saturate), noNegativeZero ? 0 : (even | f.signMask()));
      }
    }
  }
}

TEST(Float, OverflowStartsAtHalfAStepAboveTheLargest) {
  for (FloatKind kind : kSigned) {
    FloatFormat f = getFloatFormat(kind);
    unsigned max = f.maxFinite();
    double largest = decodeFloat(kind, max), below = decodeFloat(kind, max - 1);
    double limit = largest + (largest - below) / 2;
    // The value in the middle is rounded away from an odd largest pattern, towards an even one.
    double inside = (max & 1) ? std::nextafter(limit, 0) : limit;
    double outside = (max & 1) ? limit : std::nextafter(limit, double(kInf));
    EXPECT_EQ(encodeFloat(kind, inside, false), max);
    EXPECT_EQ(encodeFloat(kind, inside, true), max);
    EXPECT_EQ(encodeFloat(kind, outside, true), max);
    EXPECT_EQ(encodeFloat(kind, -1e300, true), max | f.signMask());
    float overflowed = decodeFloat(kind, encodeFloat(kind, outside, false));
    switch (f.specials) {
    case FloatSpecials::IEEE:
      EXPECT_EQ(overflowed, kInf);
      EXPECT_EQ(decodeFloat(kind, encodeFloat(kind, -1e300, false)), -kInf);
      break;
    case FloatSpecials::NaNAllOnes:
    case FloatSpecials::NaNIsNegZero:
      EXPECT_TRUE(std::isnan(overflowed));
      break;
    case FloatSpecials::None:
      EXPECT_EQ(overflowed, float(largest));
    }
  }
}

TEST(Float, TinyValuesKeepTheirSign) {
  for (FloatKind kind : kSigned) {
    FloatFormat f = getFloatFormat(kind);
    unsigned negativeZero = f.specials == FloatSpecials::NaNIsNegZero ? 0 : f.signMask();
    for (double tiny : {0.0, 1e-300, 5e-324, 0x1p-140}) {
      EXPECT_EQ(encodeFloat(kind, tiny, true), 0);
      EXPECT_EQ(encodeFloat(kind, -tiny, true), negativeZero);
    }
  }
}

/// The conformance data of ONNX Cast: inputs, and the patterns with and without saturation.
TEST(Float, OnnxCastTable) {
  const float x[] = {0.47892547f, 0.48033667f, 0.49968487f, 0.81910545f, 0.47031248f,
                     0.7229038f,  1000000.0f,  1e-7f,       kNaN,        kInf,
                     kInf,        -kInf,       -1e-7f,      1e-7f,       -1000000.0f};
  struct Row {
    FloatKind kind;
    bool saturate;
    uint8_t expected[15];
  };
  const Row table[] = {
      {FloatKind::F8E4M3FN,
       true,
       {0x2f, 0x2f, 0x30, 0x35, 0x2f, 0x34, 0x7e, 0x00, 0x7f, 0x7e, 0x7e, 0xfe, 0x80, 0x00, 0xfe}},
      {FloatKind::F8E4M3FN,
       false,
       {0x2f, 0x2f, 0x30, 0x35, 0x2f, 0x34, 0x7f, 0x00, 0x7f, 0x7f, 0x7f, 0xff, 0x80, 0x00, 0xff}},
      {FloatKind::F8E4M3FNUZ,
       true,
       {0x37, 0x37, 0x38, 0x3d, 0x37, 0x3c, 0x7f, 0x00, 0x80, 0x7f, 0x7f, 0xff, 0x00, 0x00, 0xff}},
      {FloatKind::F8E4M3FNUZ,
       false,
       {0x37, 0x37, 0x38, 0x3d, 0x37, 0x3c, 0x80, 0x00, 0x80, 0x80, 0x80, 0x80, 0x00, 0x00, 0x80}},
      {FloatKind::F8E5M2,
       true,
       {0x38, 0x38, 0x38, 0x3b, 0x38, 0x3a, 0x7b, 0x00, 0x7e, 0x7b, 0x7b, 0xfb, 0x80, 0x00, 0xfb}},
      {FloatKind::F8E5M2,
       false,
       {0x38, 0x38, 0x38, 0x3b, 0x38, 0x3a, 0x7c, 0x00, 0x7e, 0x7c, 0x7c, 0xfc, 0x80, 0x00, 0xfc}},
      {FloatKind::F8E5M2FNUZ,
       true,
       {0x3c, 0x3c, 0x3c, 0x3f, 0x3c, 0x3e, 0x7f, 0x00, 0x80, 0x7f, 0x7f, 0xff, 0x00, 0x00, 0xff}},
      {FloatKind::F8E5M2FNUZ,
       false,
       {0x3c, 0x3c, 0x3c, 0x3f, 0x3c, 0x3e, 0x80, 0x00, 0x80, 0x80, 0x80, 0x80, 0x00, 0x00, 0x80}},
  };
  for (const Row &row : table)
    for (int i = 0; i < 15; ++i)
      EXPECT_EQ(encodeFloat(row.kind, x[i], row.saturate), row.expected[i])
          << int(row.kind) << " saturate " << row.saturate << " of " << x[i];
}

TEST(Float, Float4Table) {
  const float x[] = {0.48f, 0.25f, 1.05f, -3.5f, -8.0f, 9.0f,  1e6f, 1e-7f,
                     kNaN,  kInf,  kInf,  -kInf, -4.0f, 0.01f, -0.0f};
  const uint8_t expected[] = {1, 0, 2, 0xe, 0xf, 7, 7, 0, 8, 7, 7, 0xf, 0xe, 0, 8};
  for (int i = 0; i < 15; ++i)
    EXPECT_EQ(encodeFloat(FloatKind::F4E2M1FN, x[i], true), expected[i]) << x[i];
  const float values[] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
  for (int p = 0; p < 8; ++p) {
    EXPECT_EQ(decodeFloat(FloatKind::F4E2M1FN, p), values[p]);
    EXPECT_EQ(decodeFloat(FloatKind::F4E2M1FN, p | 8), -values[p]);
  }
}

TEST(Float, E8M0Table) {
  struct Row {
    double x;
    int up, down, nearest;
  };
  const Row table[] = {
      {1.0, 127, 127, 127}, {1.1, 128, 127, 127},  {1.4999, 128, 127, 127},
      {1.5, 128, 127, 128}, {1.75, 128, 127, 128}, {0.124, 124, 123, 124},
      {2.0, 128, 128, 128}, {3.0, 129, 128, 129},  {0x1p127, 254, 254, 254},
      {0x1p-127, 0, 0, 0},  {0x1.8p-127, 1, 0, 1}, {0x1.01p-127, 1, 0, 0},
  };
  for (const Row &row : table)
    for (bool saturate : {false, true}) {
      EXPECT_EQ(encodeE8M0(row.x, saturate, E8M0Rounding::Up), row.up) << row.x;
      EXPECT_EQ(encodeE8M0(row.x, saturate, E8M0Rounding::Down), row.down) << row.x;
      EXPECT_EQ(encodeE8M0(row.x, saturate, E8M0Rounding::Nearest), row.nearest) << row.x;
    }
  for (E8M0Rounding r : {E8M0Rounding::Up, E8M0Rounding::Down, E8M0Rounding::Nearest}) {
    for (double small : {0.0, -0.0, 0x1p-128, 1e-300}) {
      EXPECT_EQ(encodeE8M0(small, true, r), 0);
      EXPECT_EQ(encodeE8M0(small, false, r), 255);
    }
    for (double large : {0x1p128, 1e300, double(kInf)}) {
      EXPECT_EQ(encodeE8M0(large, true, r), 254);
      EXPECT_EQ(encodeE8M0(large, false, r), 255);
    }
    EXPECT_EQ(encodeE8M0(kNaN, true, r), 255);
    EXPECT_EQ(encodeE8M0(-1.0, true, r), 255);
  }
  EXPECT_EQ(encodeE8M0(0x1.8p127, true, E8M0Rounding::Up), 254);
  EXPECT_EQ(encodeE8M0(0x1.8p127, false, E8M0Rounding::Up), 255);
  EXPECT_EQ(encodeE8M0(0x1.8p127, false, E8M0Rounding::Down), 254);
  EXPECT_EQ(decodeE8M0(0), 0x1p-127f);
  EXPECT_TRUE(std::isnan(decodeE8M0(255)));
}

#ifdef __FLT16_MANT_DIG__
/// All 2^32 f32 take too long here; these cover every exponent, every f16 mantissa, and the bits
/// around the rounding position.
TEST(Float, F16AgreesWithTheCompilersType) {
  for (uint32_t high = 0; high < 0x80000; ++high)
    for (uint32_t low : {0x0000u, 0x0001u, 0x0FFFu, 0x1000u, 0x1001u, 0x1FFFu}) {
      uint32_t bits = (high << 13) | low;
      float x = f32FromBits(bits);
      _Float16 half = static_cast<_Float16>(x);
      uint16_t expected;
      std::memcpy(&expected, &half, 2);
      uint16_t actual = encodeF16(x);
      if (std::isnan(x)) {
        ASSERT_TRUE(std::isnan(decodeF16(actual)));
        continue;
      }
      ASSERT_EQ(actual, expected) << x;
    }
  for (uint32_t p = 0; p < 0x10000; ++p) {
    _Float16 half;
    uint16_t pattern = static_cast<uint16_t>(p);
    std::memcpy(&half, &pattern, 2);
    float expected = static_cast<float>(half);
    if (std::isnan(expected))
      ASSERT_TRUE(std::isnan(decodeF16(pattern)));
    else
      ASSERT_EQ(f32ToBits(decodeF16(pattern)), f32ToBits(expected));
  }
}
#endif

TEST(Float, BF16AgreesWithRoundingOfTheBits) {
  for (uint32_t high = 0; high < 0x10000; ++high)
    for (uint32_t low : {0x0000u, 0x0001u, 0x7FFFu, 0x8000u, 0x8001u, 0xFFFFu}) {
      uint32_t bits = (high << 16) | low;
      float x = f32FromBits(bits);
      if (std::isnan(x))
        continue;
      uint32_t expected = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
      ASSERT_EQ(encodeBF16(x), expected) << x;
    }
}

TEST(Float, EncodesF64WithoutDoubleRounding) {
  // Just above a tie of f16; f32 in between would make it the tie.
  double x = 1.0 + 0x1p-11 + 0x1p-40;
  EXPECT_EQ(decodeF16(encodeF16(x)), 1.0f + 0x1p-10f);
  EXPECT_EQ(decodeF16(encodeF16(static_cast<float>(x))), 1.0f);
  EXPECT_EQ(roundThrough(FloatKind::BF16, 1.0 + 0x1p-8 + 0x1p-40, false), 1.0f + 0x1p-7f);
}
