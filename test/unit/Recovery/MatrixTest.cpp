//===- MatrixTest.cpp - Factors and products --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Matrix.h"
#include "HalfQuadratic.h"
#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace terse;

namespace {

/// A symmetric positive definite matrix.
std::vector<double> makePositive(std::mt19937 &random, int64_t n) {
  std::normal_distribution<double> normal;
  std::vector<double> x(n * (n + 3)), a(n * n, 0.0);
  for (double &value : x)
    value = normal(random);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t k = 0; k < n + 3; ++k)
        a[i * n + j] += x[i * (n + 3) + k] * x[j * (n + 3) + k] / double(n);
  return a;
}

TEST(MatrixTest, FactorIsUpperAndGivesTheMatrix) {
  std::mt19937 random(1);
  for (int64_t n : {1, 2, 9, 33, 70}) {
    std::vector<double> a = makePositive(random, n), r = a;
    ASSERT_TRUE(factorUpper(n, r.data()));
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = i; j < n; ++j) {
        double sum = 0;
        for (int64_t k = j; k < n; ++k)
          sum += r[i * n + k] * r[j * n + k];
        EXPECT_NEAR(sum, a[i * n + j], 1e-10) << n << ": " << i << ", " << j;
      }
  }
}

/// GPTQ's publication takes the upper Cholesky factor U of the inverse, H^-1 = U^T U.
TEST(MatrixTest, FactorIsTheInverseOfTheInversesFactor) {
  std::mt19937 random(2);
  constexpr int64_t n = 12;
  std::vector<double> h = makePositive(random, n), r = h;
  ASSERT_TRUE(factorUpper(n, r.data()));
  // U = R^-1 by substitution.
  std::vector<double> u(n * n, 0.0);
  for (int64_t j = 0; j < n; ++j)
    for (int64_t i = j; i >= 0; --i) {
      double sum = i == j ? 1 : 0;
      for (int64_t k = i + 1; k <= j; ++k)
        sum -= r[i * n + k] * u[k * n + j];
      u[i * n + j] = sum / r[i * n + i];
    }
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double sum = 0; // (U^T U H)_ij
      for (int64_t k = 0; k < n; ++k)
        for (int64_t l = 0; l < n; ++l)
          sum += u[k * n + i] * u[k * n + l] * h[l * n + j];
      EXPECT_NEAR(sum, i == j ? 1 : 0, 1e-9);
    }
}

TEST(MatrixTest, SolvesAndRefuses) {
  std::mt19937 random(3);
  constexpr int64_t n = 40;
  std::vector<double> a = makePositive(random, n), left = a, x(n), b(n, 0.0);
  for (int64_t i = 0; i < n; ++i)
    x[i] = double(i % 7) - 3;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      b[i] += a[i * n + j] * x[j];
  ASSERT_TRUE(solvePositive(n, left, b));
  for (int64_t i = 0; i < n; ++i)
    EXPECT_NEAR(b[i], x[i], 1e-7);
  std::vector<double> indefinite = {1, 2, 2, 1}, one = {1, 1};
  EXPECT_FALSE(solvePositive(2, indefinite, one));
  std::vector<double> singular = {0};
  EXPECT_FALSE(factorUpper(1, singular.data()));
}

TEST(MatrixTest, ProductsOfAllShapes) {
  for (int64_t m : {1, 7, 8, 19})
    for (int64_t n : {16, 32, 48})
      for (int64_t k : {1, 5, 64}) {
        std::vector<float> a(m * k), b(k * n), c(m * n, 1.0f);
        for (size_t i = 0; i < a.size(); ++i)
          a[i] = float(int(i * 7 % 11) - 5);
        for (size_t i = 0; i < b.size(); ++i)
          b[i] = float(int(i * 5 % 13) - 6);
        multiplyAdd(m, n, k, a.data(), k, 1, b.data(), n, c.data(), n);
        for (int64_t i = 0; i < m; ++i)
          for (int64_t j = 0; j < n; ++j) {
            float sum = 1;
            for (int64_t l = 0; l < k; ++l)
              sum += a[i * k + l] * b[l * n + j];
            EXPECT_EQ(c[i * n + j], sum); // Whole numbers: exact in any order.
          }
      }
}

TEST(HalfQuadraticTest, Shrinkage) {
  EXPECT_EQ(shrinkError(0, 0.7, 10), 0);
  for (double x : {0.01, 0.1, 0.3, 1.0, 5.0}) {
    double e = shrinkError(x, 0.7, 10);
    EXPECT_EQ(shrinkError(-x, 0.7, 10), -e);
    EXPECT_GE(e, 0);
    EXPECT_LT(e, x);
  }
  // Below beta^(1 / (p - 2)) nothing is put up with.
  double threshold = std::pow(10.0, 1 / (0.7 - 2));
  EXPECT_EQ(shrinkError(0.99 * threshold, 0.7, 10), 0);
  EXPECT_GT(shrinkError(1.01 * threshold, 0.7, 10), 0);
  EXPECT_NEAR(shrinkError(1, 0.7, 10), 0.9, 1e-12);
  // With p = 1 it is the soft threshold, which is exactly the least of |e| + beta / 2 (e - x)^2.
  for (double x : {0.05, 0.2, 0.7}) {
    auto cost = [&](double e) { return std::fabs(e) + 5 * (e - x) * (e - x); };
    double best = shrinkError(x, 1, 10);
    for (double e = -1; e <= 1; e += 0.001)
      EXPECT_LE(cost(best), cost(e) + 1e-12);
  }
}

} // namespace
