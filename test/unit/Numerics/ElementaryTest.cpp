//===- ElementaryTest.cpp - exp, log, tanh, erf -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Numerics/Elementary.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace terse::numerics;

// The largest error in units in the last place, over every 9973rd number of all; and that results
// that are special are so where they should be.
template <typename F, typename G>
static double getWorst(F function, G exact) {
  double worst = 0;
  for (uint64_t pattern = 0; pattern < (uint64_t(1) << 32); pattern += 9973) {
    float x = FloatArithmetic::fromBits(static_cast<int32_t>(pattern));
    float have = function(x);
    double want = exact(static_cast<double>(x));
    if (std::isnan(want) || std::isnan(have)) {
      EXPECT_EQ(std::isnan(want), std::isnan(have)) << x;
      continue;
    }
    EXPECT_EQ(std::signbit(want), std::signbit(have)) << x;
    float rounded = static_cast<float>(want);
    if (std::isinf(rounded) || std::isinf(have)) {
      EXPECT_EQ(rounded, have) << x;
      continue;
    }
    int exponent;
    std::frexp(want, &exponent);
    double unit = std::ldexp(1.0, std::max(exponent - 24, -149));
    worst = std::max(worst, std::fabs(have - want) / unit);
  }
  return worst;
}

#define WORST(name) getWorst([](float x) { return name(x); }, [](double x) { return std::name(x); })

TEST(Elementary, ErrorsAreSmall) {
  EXPECT_LT(WORST(exp), 1.0);
  EXPECT_LT(WORST(expm1), 1.5);
  EXPECT_LT(WORST(log), 0.9);
  EXPECT_LT(WORST(log1p), 0.9);
  EXPECT_LT(WORST(tanh), 1.5);
  EXPECT_LT(WORST(erf), 1.3);
}

TEST(Elementary, SpecialValues) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(exp(0.0f), 1.0f);
  EXPECT_EQ(exp(kInfinity), kInfinity);
  EXPECT_EQ(exp(-kInfinity), 0.0f);
  EXPECT_LT(exp(88.72283f), kInfinity);
  EXPECT_EQ(exp(88.7229f), kInfinity);
  EXPECT_GT(exp(-103.9f), 0.0f);
  EXPECT_EQ(log(0.0f), -kInfinity);
  EXPECT_EQ(log(1.0f), 0.0f);
  EXPECT_TRUE(std::isnan(log(-1.0f)));
  EXPECT_EQ(log1p(-1.0f), -kInfinity);
  EXPECT_EQ(tanh(kInfinity), 1.0f);
  EXPECT_EQ(tanh(-20.0f), -1.0f);
  EXPECT_EQ(erf(-kInfinity), -1.0f);
  float smallest = std::numeric_limits<float>::denorm_min();
  for (float zero : {0.0f, -0.0f, smallest, -smallest}) {
    for (float y : {expm1(zero), log1p(zero), tanh(zero)}) {
      EXPECT_EQ(y, zero);
      EXPECT_EQ(std::signbit(y), std::signbit(zero));
    }
  }
}
