//===- QuantizeTest.cpp - Affine quantization, requantization ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Numerics/Quantize.h"
#include "terse/Numerics/Requantize.h"

#include <gtest/gtest.h>
#include <random>

using namespace terse::numerics;

static constexpr float kInf = std::numeric_limits<float>::infinity();
static constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
static constexpr QuantRange kI8 = getQuantRange(8, true);
static constexpr QuantRange kU8 = getQuantRange(8, false);
static constexpr QuantRange kI4 = getQuantRange(4, true);

TEST(Quantize, Ranges) {
  EXPECT_EQ(kI8.min, -128);
  EXPECT_EQ(kI8.max, 127);
  EXPECT_EQ(getQuantRange(8, true, true).min, -127);
  EXPECT_EQ(getQuantRange(4, true, true).min, -7);
  EXPECT_EQ(getQuantRange(1, true, true).min, -1);
  EXPECT_EQ(getQuantRange(1, true).max, 0);
  EXPECT_EQ(getQuantRange(8, false, true).min, 0);
  EXPECT_EQ(getQuantRange(32, false).max, 4294967295);
}

TEST(Quantize, HandComputedTable) {
  struct Row {
    float x, scale;
    int64_t zeroPoint;
    QuantRange range;
    int64_t q;
  };
  const Row table[] = {
      // Ties at a scale of one half.
      {0.25f, 0.5f, 0, kI8, 0},
      {0.75f, 0.5f, 0, kI8, 2},
      {1.25f, 0.5f, 0, kI8, 2},
      {-0.25f, 0.5f, 0, kI8, 0},
      {-0.75f, 0.5f, 0, kI8, -2},
      // The zero point is added after rounding: 2.5 -> 2, plus 1.
      {2.5f, 1.0f, 1, kI8, 3},
      {3.5f, 1.0f, 1, kI8, 5},
      // Saturation.
      {1000.0f, 1.0f, 0, kI8, 127},
      {-1000.0f, 1.0f, 0, kI8, -128},
      {127.5f, 1.0f, 0, kI8, 127},
      {-128.5f, 1.0f, 0, kI8, -128},
      {-1.0f, 1.0f, 0, kU8, 0},
      {300.0f, 1.0f, 128, kU8, 255},
      {7.5f, 1.0f, 0, kI4, 7},
      {-8.5f, 1.0f, 0, kI4, -8},
      {3e38f, 1e-38f, 0, kI8, 127},
      // NaN gives the zero point, infinities saturate.
      {kNaN, 1.0f, 3, kI8, 3},
      {kNaN, 1.0f, 300, kI8, 127},
      {kInf, 1.0f, -5, kI8, 127},
      {-kInf, 1.0f, 100, kU8, 0},
      // Scales that are none.
      {0.0f, 0.0f, 7, kI8, 7},
      {1.0f, 0.0f, 7, kI8, 127},
      {-1.0f, 0.0f, 7, kI8, -128},
      {5.0f, kInf, 7, kI8, 7},
      {5.0f, kNaN, 7, kI8, 7},
      // 0.1f / 0.2f is exactly one half in f32, hence a tie.
      {0.1f, 0.2f, 0, kI8, 0},
  };
  for (const Row &row : table)
    EXPECT_EQ(quantize(row.x, row.scale, row.zeroPoint, row.range), row.q)
        << row.x << " / " << row.scale << " + " << row.zeroPoint;
}

TEST(Quantize, DequantizeSubtractsInIntegers) {
  EXPECT_EQ(dequantize(-128, 0.5f, 127), -127.5f);
  EXPECT_EQ(dequantize(255, 0.25f, 0), 63.75f);
  EXPECT_EQ(dequantize(2147483647, 1.0f, 2147483646), 1.0f);
  EXPECT_EQ(dequantize(3, 0.1f, 0), 3.0f * 0.1f);
}

TEST(Quantize, EveryIntegerSurvivesDequantizeAndQuantize) {
  for (unsigned bits = 1; bits <= 8; ++bits)
    for (bool isSigned : {false, true}) {
      QuantRange range = getQuantRange(bits, isSigned);
      for (float scale : {1.0f, 0.1f, 0.0078125f, 3.14159f, 1e-20f})
        for (int64_t zeroPoint : {range.min, (range.min + range.max) / 2, range.max})
          for (int64_t q = range.min; q <= range.max; ++q)
            ASSERT_EQ(quantize(dequantize(q, scale, zeroPoint), scale, zeroPoint, range), q);
    }
}

TEST(Quantize, SymmetricParameters) {
  EXPECT_EQ(chooseSymmetric(12.7f, kI8).scale, 12.7f / 127.0f);
  EXPECT_EQ(chooseSymmetric(7.0f, kI4).scale, 1.0f);
  EXPECT_EQ(chooseSymmetric(3.0f, getQuantRange(2, true)).scale, 3.0f);
  EXPECT_EQ(chooseSymmetric(3.0f, getQuantRange(1, true)).scale, 3.0f);
  EXPECT_EQ(chooseSymmetric(0.0f, kI8).scale, 1.0f);
  EXPECT_GT(chooseSymmetric(std::numeric_limits<float>::denorm_min(), kI8).scale, 0.0f);
  QuantParams params = chooseSymmetric(0.37f, kI8);
  EXPECT_EQ(params.zeroPoint, 0);
  EXPECT_EQ(quantize(0.37f, params.scale, 0, kI8), 127);
  EXPECT_EQ(quantize(-0.37f, params.scale, 0, kI8), -127);
}

TEST(Quantize, AsymmetricParametersRepresentZeroExactly) {
  struct Row {
    float min, max;
    QuantRange range;
    float scale;
    int64_t zeroPoint;
  };
  const Row table[] = {
      {0.0f, 255.0f, kU8, 1.0f, 0},
      {-128.0f, 127.0f, kU8, 1.0f, 128},
      {-128.0f, 127.0f, kI8, 1.0f, 0},
      {10.0f, 510.0f, kU8, 2.0f, 0},
      {-510.0f, -3.0f, kU8, 2.0f, 255},
      {0.0f, 0.0f, kU8, 1.0f, 0},
      {0.0f, 0.0f, {10, 20}, 1.0f, 10},
      {-1.0f, 2.0f, getQuantRange(2, false), 1.0f, 1},
      // rne(2.5) = 2 and rne(3.5) = 4: the zero point is a tie.
      {-2.5f, 12.5f, getQuantRange(4, false), 1.0f, 2},
      {-3.5f, 11.5f, getQuantRange(4, false), 1.0f, 4},
      {-3e38f, 3e38f, kU8, 3e38f / 255.0f + 3e38f / 255.0f, 128},
  };
  for (const Row &row : table) {
    QuantParams params = chooseAsymmetric(row.min, row.max, row.range);
    EXPECT_EQ(params.scale, row.scale) << row.min << ".." << row.max;
    EXPECT_EQ(params.zeroPoint, row.zeroPoint) << row.min << ".." << row.max;
    EXPECT_EQ(dequantize(quantize(0.0f, params.scale, params.zeroPoint, row.range), params.scale,
                         params.zeroPoint),
              0.0f);
  }
  // ONNX's test of DynamicQuantizeLinear.
  const float x[] = {0, 2, -3, -2.5f, 1.34f, 0.5f};
  const int64_t expected[] = {153, 255, 0, 26, 221, 179};
  FiniteRange extremes;
  for (float value : x)
    extremes.add(value);
  QuantParams params = chooseAsymmetric(extremes.min, extremes.max, kU8);
  EXPECT_FLOAT_EQ(params.scale, 0.0196078438f);
  EXPECT_EQ(params.zeroPoint, 153);
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(quantize(x[i], params.scale, params.zeroPoint, kU8), expected[i]);
}

TEST(Quantize, FiniteRangeCountsWhatItLeavesOut) {
  FiniteRange range;
  for (float x : {3.0f, kNaN, 5.0f, -kInf, 4.0f})
    range.add(x);
  EXPECT_EQ(range.min, 3.0f);
  EXPECT_EQ(range.max, 5.0f);
  EXPECT_EQ(range.finite, 3u);
  EXPECT_EQ(range.nonFinite, 2u);
  range.add(-9.0f);
  EXPECT_EQ(range.absMax(), 9.0f);
}

TEST(Quantize, ToSmallFloats) {
  EXPECT_EQ(quantizeToFloat(FloatKind::F8E4M3FN, 1.0f, 1.0f), 0x38);
  EXPECT_EQ(quantizeToFloat(FloatKind::F8E4M3FN, 1000.0f, 1.0f), 0x7E);
  EXPECT_EQ(quantizeToFloat(FloatKind::F8E4M3FN, 1000.0f, 1.0f, false), 0x7F);
  EXPECT_EQ(quantizeToFloat(FloatKind::F4E2M1FN, 10.0f, 2.0f), 6); // 5 is a tie of 4 and 6.
}

TEST(Requantize, FloatTable) {
  EXPECT_EQ(requantize(5, 0.5f, 0, kI8), 2);
  EXPECT_EQ(requantize(7, 0.5f, 0, kI8), 4);
  EXPECT_EQ(requantize(-5, 0.5f, 0, kI8), -2);
  EXPECT_EQ(requantize(-7, 0.5f, 10, kI8), 6);
  EXPECT_EQ(requantize(1000, 0.5f, 0, kI8), 127);
  EXPECT_EQ(requantize(INT32_MIN, 1.0f, 0, kI8), -128);
  EXPECT_EQ(requantize(0, 1e30f, -3, kI8), -3);
  EXPECT_EQ(requantize(1, kInf, 0, kI8), 127);
  EXPECT_EQ(requantize(0, kInf, 4, kI8), 4); // 0 * inf is NaN.
  EXPECT_EQ(requantize(12, kNaN, 4, kI8), 4);
  // f32(16777217) is the tie that rounds to 16777216.
  EXPECT_EQ(requantize(16777217, 1.0f, 0, getQuantRange(32, true)), 16777216);
}

TEST(Requantize, MultiplierTable) {
  struct Row {
    double real;
    int32_t multiplier;
    int shift;
  };
  const Row table[] = {
      {1.0, 1 << 30, 1},           {0.5, 1 << 30, 0},
      {0.25, 1 << 30, -1},         {0.75, 3 << 29, 0},
      {2.0, 1 << 30, 2},           {-0.5, -(1 << 30), 0},
      {0.1, 1717986918, -3},       {0.0, 0, 0},
      {1.0 - 0x1p-33, 1 << 30, 1}, {1.0 - 0x1p-31, 2147483647, 0},
  };
  for (const Row &row : table) {
    FixedMultiplier fixed = quantizeMultiplier(row.real);
    EXPECT_EQ(fixed.multiplier, row.multiplier) << row.real;
    EXPECT_EQ(fixed.shift, row.shift) << row.real;
  }
  EXPECT_EQ(quantizeMultiplier(std::nan("")).multiplier, 0);
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> exponent(-60, 60);
  for (int i = 0; i < 10000; ++i) {
    double real = std::exp2(exponent(random)) * (i % 2 ? 1 : -1);
    FixedMultiplier fixed = quantizeMultiplier(real);
    ASSERT_GE(std::abs(int64_t(fixed.multiplier)), int64_t(1) << 30);
    ASSERT_LE(std::fabs(getRealMultiplier(fixed) - real), std::fabs(real) * 0x1p-31);
  }
}

/// acc * multiplier / 2^right rounded half to even in 128-bit arithmetic.
static __int128 exactFixed(int32_t acc, FixedMultiplier fixed) {
  __int128 product = static_cast<__int128>(acc) * fixed.multiplier;
  int right = 31 - fixed.shift;
  if (right <= 0)
    return product * (static_cast<__int128>(1) << -right);
  __int128 divisor = static_cast<__int128>(1) << right;
  __int128 quotient = product / divisor, rest = product % divisor; // Towards zero.
  if (rest < 0) {
    rest += divisor;
    --quotient;
  }
  if (2 * rest > divisor || (2 * rest == divisor && quotient % 2 != 0))
    ++quotient;
  return quotient;
}

TEST(Requantize, FixedAgreesWithExactArithmetic) {
  std::mt19937_64 random(5);
  const int32_t edges[] = {0, 1, -1, 2, 3, -3, 127, -128, 32767, INT32_MAX, INT32_MIN, 1 << 30};
  for (int shift = -40; shift <= 60; ++shift)
    for (int i = 0; i < 400; ++i) {
      int32_t acc = i < 12 ? edges[i] : static_cast<int32_t>(random() >> (32 + random() % 31));
      int32_t magnitude = static_cast<int32_t>((1u << 30) | (random() & 0x3FFFFFFF));
      // Many zero bits at the end make ties likely.
      if (i % 3 == 0)
        magnitude &= ~((1 << (random() % 31)) - 1);
      FixedMultiplier fixed{i % 2 ? magnitude : -magnitude, shift};
      __int128 exact = exactFixed(acc, fixed);
      __int128 lo = INT64_MIN, hi = INT64_MAX;
      int64_t expected = static_cast<int64_t>(exact < lo ? lo : (exact > hi ? hi : exact));
      ASSERT_EQ(multiplyByFixed(acc, fixed), expected)
          << acc << " * " << fixed.multiplier << " shift " << shift;
      for (QuantRange range : {kI8, kU8, kI4}) {
        __int128 q = exact + 3;
        int64_t clamped = q < range.min   ? range.min
                          : q > range.max ? range.max
                                          : static_cast<int64_t>(q);
        ASSERT_EQ(requantize(acc, fixed, 3, range), clamped);
      }
    }
}

TEST(Requantize, FixedTies) {
  FixedMultiplier half = quantizeMultiplier(0.5);
  const int64_t table[][2] = {{1, 0},  {3, 2},   {5, 2},   {7, 4},
                              {-1, 0}, {-3, -2}, {-5, -2}, {-7, -4}};
  for (auto &row : table)
    EXPECT_EQ(requantize(static_cast<int32_t>(row[0]), half, 0, kI8), row[1]);
  EXPECT_EQ(requantize(100, quantizeMultiplier(double(kInf)), 0, kI8), 127);
  EXPECT_EQ(requantize(-100, quantizeMultiplier(double(kInf)), 0, kI8), -128);
  EXPECT_EQ(requantize(0, quantizeMultiplier(double(kInf)), 5, kI8), 5);
  EXPECT_EQ(requantize(INT32_MAX, quantizeMultiplier(1e-300), 5, kI8), 5);
}

TEST(Requantize, BothFormsDifferByAtMostOne) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> exponent(-16, -2);
  for (int i = 0; i < 200000; ++i) {
    float multiplier = static_cast<float>(std::exp2(exponent(random)));
    int32_t acc = static_cast<int32_t>(random()) >> (random() % 24);
    int64_t a = requantize(acc, multiplier, 0, kI8);
    int64_t b = requantize(acc, quantizeMultiplier(multiplier), 0, kI8);
    ASSERT_LE(std::abs(a - b), 1);
    double exact = double(acc) * multiplier;
    double toTie = std::fabs(exact - std::floor(exact) - 0.5);
    if (toTie > std::fabs(exact) * 0x1p-22)
      ASSERT_EQ(a, b) << acc << " * " << multiplier;
  }
}
