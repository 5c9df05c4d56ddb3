//===- RoundTest.cpp - Rounding, saturation, integer ranges -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Numerics/Round.h"
#include "terse/Numerics/Saturate.h"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>

using namespace terse::numerics;

static constexpr float kInf = std::numeric_limits<float>::infinity();
static constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST(Round, TiesGoToTheEvenNeighbour) {
  const float table[][2] = {
      {0.5f, 0.0f},
      {1.5f, 2.0f},
      {2.5f, 2.0f},
      {3.5f, 4.0f},
      {4.5f, 4.0f},
      {-0.5f, -0.0f},
      {-1.5f, -2.0f},
      {-2.5f, -2.0f},
      {-3.5f, -4.0f},
      {0.49999997f, 0.0f},
      {0.5000001f, 1.0f},
      {1.4999999f, 1.0f},
      {-0.50000006f, -1.0f},
      {126.5f, 126.0f},
      {127.5f, 128.0f},
      {8388607.5f, 8388608.0f},
      {8388606.5f, 8388606.0f},
      {4194304.5f, 4194304.0f},
      {8388609.0f, 8388609.0f},
  };
  for (auto &row : table) {
    EXPECT_EQ(roundHalfToEven(row[0]), row[1]) << row[0];
    EXPECT_EQ(std::signbit(roundHalfToEven(row[0])), std::signbit(row[1])) << row[0];
    EXPECT_EQ(roundHalfToEven(double(row[0])), double(row[1])) << row[0];
    EXPECT_EQ(roundToInt<int32_t>(row[0]), static_cast<int32_t>(row[1])) << row[0];
  }
  EXPECT_EQ(roundHalfToEven(0.49999999999999994), 0.0);
  EXPECT_EQ(roundHalfToEven(2251799813685248.5), 2251799813685248.0);
  EXPECT_EQ(roundHalfToEven(2251799813685249.5), 2251799813685250.0);
  EXPECT_EQ(roundHalfToEven(4503599627370497.0), 4503599627370497.0);
}

TEST(Round, SpecialValuesPass) {
  EXPECT_TRUE(std::isnan(roundHalfToEven(kNaN)));
  EXPECT_EQ(roundHalfToEven(kInf), kInf);
  EXPECT_EQ(roundHalfToEven(-kInf), -kInf);
  EXPECT_TRUE(std::signbit(roundHalfToEven(-0.0f)));
  EXPECT_TRUE(std::signbit(roundHalfToEven(-0.25)));
  EXPECT_EQ(roundHalfToEven(1e30f), 1e30f);
}

TEST(Round, AgreesWithNearbyintOnEveryExponent) {
  // Every exponent with mantissas around each fraction pattern.
  for (uint32_t high = 0; high < 0x10000; ++high)
    for (uint32_t low : {0x0000u, 0x0001u, 0x7FFFu, 0x8000u, 0x8001u, 0xFFFFu}) {
      uint32_t bits = (high << 16) | low;
      float x;
      std::memcpy(&x, &bits, 4);
      if (std::isnan(x))
        continue;
      ASSERT_EQ(roundHalfToEven(x), std::nearbyint(x)) << x;
      ASSERT_EQ(roundHalfToEven(double(x)), std::nearbyint(double(x))) << x;
    }
}

TEST(Round, ToIntSaturates) {
  EXPECT_EQ(roundToInt<int8_t>(127.5f), 127);
  EXPECT_EQ(roundToInt<int8_t>(126.5f), 126);
  EXPECT_EQ(roundToInt<int8_t>(-128.5f), -128);
  EXPECT_EQ(roundToInt<int8_t>(-129.0f), -128);
  EXPECT_EQ(roundToInt<uint8_t>(-0.5f), 0);
  EXPECT_EQ(roundToInt<uint8_t>(-1.0f), 0);
  EXPECT_EQ(roundToInt<uint8_t>(255.5f), 255);
  EXPECT_EQ(roundToInt<int32_t>(2147483648.0), INT32_MAX);
  EXPECT_EQ(roundToInt<int32_t>(2147483647.5), INT32_MAX);
  EXPECT_EQ(roundToInt<int32_t>(-2147483649.0), INT32_MIN);
  EXPECT_EQ(roundToInt<int64_t>(9223372036854775808.0), INT64_MAX);
  EXPECT_EQ(roundToInt<int64_t>(9223372036854774784.0), 9223372036854774784);
  EXPECT_EQ(roundToInt<int64_t>(-9223372036854775808.0), INT64_MIN);
  EXPECT_EQ(roundToInt<uint64_t>(18446744073709551616.0), UINT64_MAX);
  EXPECT_EQ(roundToInt<uint64_t>(18446744073709549568.0), 18446744073709549568u);
  EXPECT_EQ(roundToInt<int8_t>(kInf), 127);
  EXPECT_EQ(roundToInt<int8_t>(-kInf), -128);
  EXPECT_EQ(roundToInt<int64_t>(kInf), INT64_MAX);
  EXPECT_EQ(roundToInt<int8_t>(kNaN), 0);
}

TEST(Round, ShiftRightAgreesWithExactArithmetic) {
  const int64_t table[][3] = {
      // value, shift, result
      {1, 1, 0},  {2, 1, 1},   {3, 1, 2},    {5, 1, 2},         {7, 1, 4},
      {-1, 1, 0}, {-2, 1, -1}, {-3, 1, -2},  {-5, 1, -2},       {-7, 1, -4},
      {6, 2, 2},  {10, 2, 2},  {-6, 2, -2},  {-10, 2, -2},      {9, 2, 2},
      {11, 2, 3}, {-9, 2, -2}, {-11, 2, -3}, {12345, 0, 12345},
  };
  for (auto &row : table)
    EXPECT_EQ(shiftRightHalfToEven(row[0], row[1]), row[2]) << row[0] << " >> " << row[1];
  EXPECT_EQ(shiftRightHalfToEven(INT64_MAX, 62), 2);
  EXPECT_EQ(shiftRightHalfToEven(INT64_MAX, 63), 1);
  EXPECT_EQ(shiftRightHalfToEven(INT64_MIN, 63), -1);
  EXPECT_EQ(shiftRightHalfToEven(INT64_MIN, 64), 0);
  EXPECT_EQ(shiftRightHalfToEven(INT64_MAX, 64), 0);
  EXPECT_EQ(shiftRightHalfToEven(INT64_MIN, 200), 0);
  for (int64_t value = -4096; value <= 4096; ++value)
    for (unsigned shift = 0; shift < 16; ++shift)
      ASSERT_EQ(shiftRightHalfToEven(value, shift),
                static_cast<int64_t>(std::nearbyint(std::ldexp(double(value), -int(shift)))))
          << value << " >> " << shift;
}

TEST(Saturate, RangesOfEveryWidth) {
  EXPECT_EQ(minInt(1, true), -1);
  EXPECT_EQ(maxInt(1, true), 0);
  EXPECT_EQ(maxInt(1, false), 1);
  EXPECT_EQ(minInt(4, true), -8);
  EXPECT_EQ(maxInt(4, true), 7);
  EXPECT_EQ(maxInt(4, false), 15);
  EXPECT_EQ(minInt(64, true), INT64_MIN);
  EXPECT_EQ(maxInt(64, true), INT64_MAX);
  EXPECT_EQ(maxInt(63, false), INT64_MAX);
  EXPECT_EQ(maxInt(64, false), INT64_MAX);
  EXPECT_EQ(maxInt(32, false), 4294967295);
}

TEST(Saturate, WrapExtendsAndSaturateClamps) {
  for (unsigned bits = 1; bits <= 8; ++bits)
    for (int value = -1024; value <= 1024; ++value) {
      int modulus = 1 << bits;
      int low = ((value % modulus) + modulus) % modulus;
      EXPECT_EQ(wrapToBits(value, bits, false), low);
      EXPECT_EQ(wrapToBits(value, bits, true), low >= modulus / 2 ? low - modulus : low);
      for (bool isSigned : {false, true}) {
        int lo = isSigned ? -modulus / 2 : 0, hi = lo + modulus - 1;
        EXPECT_EQ(saturateToBits(value, bits, isSigned), std::min(std::max(value, lo), hi));
        EXPECT_EQ(fitsInBits(value, bits, isSigned), value >= lo && value <= hi);
      }
    }
  EXPECT_EQ(wrapToBits(-1, 64, false), -1);
  EXPECT_EQ(wrapToBits(int64_t(1) << 32, 32, true), 0);
}

TEST(Saturate, CastBetweenIntegerTypes) {
  EXPECT_EQ((saturateCast<int8_t>(300)), 127);
  EXPECT_EQ((saturateCast<int8_t>(-300)), -128);
  EXPECT_EQ((saturateCast<uint8_t>(-1)), 0);
  EXPECT_EQ((saturateCast<uint8_t>(256u)), 255);
  EXPECT_EQ((saturateCast<uint64_t>(int64_t(-1))), 0u);
  EXPECT_EQ((saturateCast<int64_t>(UINT64_MAX)), INT64_MAX);
  EXPECT_EQ((saturateCast<int32_t>(INT64_MIN)), INT32_MIN);
  EXPECT_EQ((saturateCast<int64_t>(int8_t(-5))), -5);
  EXPECT_EQ((saturateCast<uint32_t>(int64_t(4294967295))), 4294967295u);
}

TEST(Saturate, TruncationOfFloats) {
  EXPECT_EQ(truncateCast<int8_t>(-128.9), -128);
  EXPECT_EQ(truncateCast<int8_t>(127.9), 127);
  EXPECT_EQ(truncateCast<int8_t>(-1.9), -1);
  EXPECT_EQ(truncateCast<uint8_t>(-0.9), 0);
  EXPECT_EQ(truncateCast<uint8_t>(-3.0), 0);
  EXPECT_EQ(truncateCast<int64_t>(1e30), INT64_MAX);
  EXPECT_EQ(truncateCast<int64_t>(-1e30), INT64_MIN);
  EXPECT_EQ(truncateCast<int32_t>(std::nan("")), 0);
}
