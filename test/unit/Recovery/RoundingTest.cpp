//===- RoundingTest.cpp - Rounding against all roundings --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Rounding.h"
#include "Matrix.h"
#include "mlir/Parser/Parser.h"
#include "terse/InitAll.h"
#include "gtest/gtest.h"

#include <cmath>
#include <numeric>
#include <random>

using namespace mlir;
using namespace terse;

namespace {

constexpr int64_t kRows = 3, kColumns = 5;

/// Whole multiples of a step, at most `limit` of them to either side.
struct Grid : ElementLevels {
  float step, limit;
  Grid(float step, float limit) : step(step), limit(limit) {}
  Neighbours getNeighbours(int64_t, float value) const override {
    float low = std::clamp(std::floor(value / step), -limit, limit);
    float high = std::clamp(std::ceil(value / step), -limit, limit);
    return {low * step, high * step};
  }
};

/// A linear layer of random weights on correlated inputs.
class RoundingTest : public ::testing::Test {
protected:
  void SetUp() override {
    DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    std::string values;
    for (int64_t r = 0; r < kRows; ++r) {
      values += r ? "], [" : "[[";
      for (int64_t c = 0; c < kColumns; ++c)
        values += (c ? ", " : "") + std::to_string(normal(random));
    }
    std::string text = "func.func @main(%x: tensor<1x5xf32>) -> tensor<1x3xf32> {\n"
                       "  %w = nn.constant dense<" +
                       values +
                       "]]> : tensor<3x5xf32>\n"
                       "  %y = nn.linear %x, %w {terse.choice = #terse.choice<1 = "
                       "#terse.uniform<i3, axis = 0>>} : (tensor<1x5xf32>, tensor<3x5xf32>) -> "
                       "tensor<1x3xf32>\n"
                       "  return %y : tensor<1x3xf32>\n}\n";
    module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module);
    auto chosen = collectChosenWeights(*module);
    ASSERT_TRUE(succeeded(chosen));
    weights = std::move(*chosen);
    layers = findLayers(*module, weights);
    ASSERT_EQ(layers.size(), 1u);
    RecoverableLayer &layer = layers.front();
    ASSERT_EQ(int64_t(layer.matrix.rows.size()), kRows);
    ASSERT_EQ(int64_t(layer.matrix.columns.size()), kColumns);
    layer.moments.assign(1, InputMoments(kColumns));
    std::vector<float> inputs(64 * layer.moments[0].getStride(), 0.0f);
    for (int64_t p = 0; p < 64; ++p) {
      float common = normal(random);
      for (int64_t c = 0; c < kColumns; ++c)
        inputs[p * layer.moments[0].getStride() + c] = common + 0.5f * normal(random) + 0.3f;
    }
    layer.moments[0].add(64, inputs.data());
    values_ = layer.weight->value.toFloats();
  }

  GroupRounding makeGroup(const RoundingOptions &options = {}) {
    return GroupRounding(layers.front(), 0, values_, options);
  }

  /// The least error of each row over all levels of the grid.
  static std::vector<double> searchAll(const GroupRounding &group, const Grid &grid) {
    std::vector<double> best(kRows, std::numeric_limits<double>::infinity());
    int64_t count = 2 * int64_t(grid.limit) + 1, total = std::pow(count, kColumns);
    for (int64_t i = 0; i < total; ++i) {
      std::vector<float> q(kRows * group.getStride(), 0.0f);
      for (int64_t r = 0; r < kRows; ++r)
        for (int64_t c = 0, left = i; c < kColumns; ++c, left /= count)
          q[r * group.getStride() + c] = (float(left % count) - grid.limit) * grid.step;
      std::vector<double> errors = group.getErrors(q);
      for (int64_t r = 0; r < kRows; ++r)
        best[r] = std::min(best[r], errors[r]);
    }
    return best;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::vector<ChosenWeight> weights;
  std::vector<RecoverableLayer> layers;
  std::vector<float> values_;
};

double sum(const std::vector<double> &values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

TEST_F(RoundingTest, FeedbackLiesBetweenNearestAndBest) {
  Grid grid(0.6f, 3);
  GroupRounding group = makeGroup();
  double nearest = sum(group.getErrors(group.roundToNearest(grid)));
  std::vector<float> q = group.roundWithFeedback(grid);
  double feedback = sum(group.getErrors(q));
  double best = sum(searchAll(group, grid));
  EXPECT_LT(feedback, 0.7 * nearest);
  EXPECT_GE(feedback, best - 1e-6);
  group.descend(grid, q, 100);
  double descended = sum(group.getErrors(q));
  EXPECT_LE(descended, feedback + 1e-6);
  EXPECT_LE(descended, 1.5 * best);
}

/// The steps of the publication, with the inverse of H recomputed for the columns that are left.
TEST_F(RoundingTest, FeedbackIsThePublishedUpdate) {
  Grid grid(0.6f, 3);
  RoundingOptions options;
  options.activationOrder = false;
  GroupRounding group = makeGroup(options);
  std::vector<float> q = group.roundWithFeedback(grid);
  const std::vector<float> &damped = group.getDamped();
  for (int64_t r = 0; r < kRows; ++r) {
    std::vector<double> w(kColumns);
    for (int64_t c = 0; c < kColumns; ++c)
      w[c] = group.getWeight(r, c);
    for (int64_t k = 0; k < kColumns; ++k) {
      float level = grid.round(0, float(w[k]));
      EXPECT_EQ(level, q[r * group.getStride() + k]);
      // The first column of the inverse of what H is for the columns from k on.
      int64_t n = kColumns - k;
      std::vector<double> a(n * n), b(n, 0.0);
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < n; ++j)
          a[i * n + j] = damped[(k + i) * group.getStride() + k + j];
      b[0] = 1;
      ASSERT_TRUE(solvePositive(n, a, b));
      double error = (w[k] - level) / b[0];
      for (int64_t i = 0; i < n; ++i)
        w[k + i] -= error * b[i];
    }
  }
}

TEST_F(RoundingTest, DescentEndsWhereNoSingleStepHelps) {
  Grid grid(0.6f, 3);
  RoundingOptions options;
  options.damping = 0;
  GroupRounding group = makeGroup(options);
  std::vector<float> q = group.roundToNearest(grid);
  group.descend(grid, q, 100);
  std::vector<double> errors = group.getErrors(q);
  for (int64_t r = 0; r < kRows; ++r)
    for (int64_t c = 0; c < kColumns; ++c)
      for (float step : {-grid.step, grid.step}) {
        std::vector<float> other = q;
        float &level = other[r * group.getStride() + c];
        level += step;
        if (std::fabs(level) > grid.limit * grid.step + 1e-6f)
          continue;
        EXPECT_GE(group.getErrors(other)[r], errors[r] - 1e-6);
      }
}

TEST_F(RoundingTest, LearnedRoundingLowersTheLoss) {
  Grid grid(0.6f, 3);
  GroupRounding group = makeGroup();
  std::vector<float> nearest = group.roundToNearest(grid);
  std::vector<float> q = learnRounding(group, grid, {});
  EXPECT_LT(sum(group.getErrors(q)), 0.8 * sum(group.getErrors(nearest)));
  for (int64_t r = 0; r < kRows; ++r)
    for (int64_t c = 0; c < kColumns; ++c) {
      int64_t i = r * group.getStride() + c;
      ElementLevels::Neighbours levels = grid.getNeighbours(0, group.getWeight(r, c));
      EXPECT_TRUE(q[i] == levels.below || q[i] == levels.above);
    }
  // Nothing is random.
  EXPECT_EQ(q, learnRounding(group, grid, {}));
}

TEST_F(RoundingTest, FittedScalesAreTheBestOnes) {
  Grid grid(0.6f, 3);
  RoundingOptions options;
  options.damping = 0;
  GroupRounding group = makeGroup(options);
  std::vector<float> q = group.roundWithFeedback(grid);
  std::vector<int32_t> sets = {0, 0, 1, 1, 1};
  std::vector<double> factors = group.fitScales(q, sets, 2);
  auto getErrors = [&](double first, double second) {
    std::vector<float> scaled = q;
    for (int64_t r = 0; r < kRows; ++r)
      for (int64_t c = 0; c < kColumns; ++c)
        scaled[r * group.getStride() + c] *=
            float(factors[r * 2 + sets[c]] * (sets[c] ? second : first));
    return group.getErrors(scaled);
  };
  std::vector<double> best = getErrors(1, 1);
  for (auto [first, second] : {std::pair(1.05, 1.0), {0.95, 1.0}, {1.0, 1.05}, {1.0, 0.95}}) {
    std::vector<double> other = getErrors(first, second);
    for (int64_t r = 0; r < kRows; ++r)
      EXPECT_LE(best[r], other[r] + 1e-6);
  }
}

TEST_F(RoundingTest, ResultsDoNotDependOnHowRowsAreShared) {
  InputMoments whole(70), parts(70);
  std::vector<float> inputs(300 * whole.getStride(), 0.0f);
  std::mt19937 random(3);
  for (int64_t p = 0; p < 300; ++p)
    for (int64_t c = 0; c < 70; ++c)
      inputs[p * whole.getStride() + c] = float(random() % 1000) / 333 - 1;
  whole.add(300, inputs.data());
  for (auto [begin, end] : {std::pair<int64_t, int64_t>(32, 70), {0, 32}})
    parts.addRows(begin, end, 300, inputs.data());
  EXPECT_EQ(whole.getCount(), parts.getCount());
  for (int64_t i = 0; i < 70; ++i) {
    EXPECT_EQ(whole.getMean(i), parts.getMean(i));
    for (int64_t j = i; j < 70; ++j)
      EXPECT_EQ(whole.getProduct(i, j, true), parts.getProduct(i, j, true));
  }
}

} // namespace
