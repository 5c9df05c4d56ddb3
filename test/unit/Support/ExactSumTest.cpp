//===- ExactSumTest.cpp - Sums that are never rounded ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Support/ExactSum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace terse;

TEST(ExactSum, loses_nothing) {
  ExactSum sum;
  for (double value : {1e100, 1.0, -1e100, 1e-300, -1.0})
    sum.add(value);
  EXPECT_EQ(sum.getValue(), 1e-300);
  sum.add(-1e-300);
  EXPECT_EQ(sum.getValue(), 0.0);
  EXPECT_TRUE(sum.getTerms().empty());
}

// Halfway between two numbers, what lies far below decides.
TEST(ExactSum, rounds_once) {
  double half = std::ldexp(1.0, -53), tiny = std::ldexp(1.0, -200);
  EXPECT_EQ(ExactSum({1.0, half}).getValue(), 1.0);
  EXPECT_EQ(ExactSum({1.0, half, tiny}).getValue(), 1.0 + 2 * half);
  EXPECT_EQ(ExactSum({1.0, half, -tiny}).getValue(), 1.0);
  EXPECT_EQ(ExactSum({-1.0, -half, -tiny}).getValue(), -1.0 - 2 * half);
}

// Whatever the order and the cut: the same terms, which make the same sum.
TEST(ExactSum, is_a_function_of_the_numbers) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> mantissa(-1, 1);
  std::vector<double> values(500);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = std::ldexp(mantissa(random), int(random() % 300) - 150);
  ExactSum whole(values);
  auto terms = whole.getTerms();
  EXPECT_TRUE(ExactSum(terms).getTerms() == terms);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(values.begin(), values.end(), random);
    llvm::ArrayRef<double> list(values);
    size_t cut = random() % values.size();
    ExactSum first(list.take_front(cut)), second(list.drop_front(cut));
    first.add(second);
    EXPECT_TRUE(first.getTerms() == terms);
    EXPECT_EQ(first.getValue(), terms.front());
  }
}
