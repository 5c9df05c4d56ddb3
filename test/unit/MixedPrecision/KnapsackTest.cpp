//===- KnapsackTest.cpp - The choice against all choices --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/MixedPrecision/Knapsack.h"
#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace terse::mixed;

namespace {

using Groups = std::vector<std::vector<KnapsackOption>>;

/// The least loss of all choices that keep the budgets.
std::optional<double> searchAll(const Groups &groups, const KnapsackBudget &budget) {
  std::optional<double> best;
  std::vector<unsigned> picks(groups.size(), 0);
  for (;;) {
    KnapsackChoice choice = sumChoice(groups, picks);
    if (choice.size <= budget.size && choice.time <= budget.time && (!best || choice.loss < *best))
      best = choice.loss;
    size_t g = 0;
    while (g < groups.size() && ++picks[g] == groups[g].size())
      picks[g++] = 0;
    if (g == groups.size())
      return best;
  }
}

Groups makeGroups(std::mt19937 &random, unsigned count, unsigned options, uint64_t largest) {
  Groups groups(count);
  for (auto &group : groups)
    for (unsigned o = 0, n = 1 + random() % options; o < n; ++o)
      group.push_back({random() % largest, random() % largest, double(random() % 1000) / 10});
  return groups;
}

void expectKept(const Groups &groups, const KnapsackBudget &budget, const KnapsackChoice &choice) {
  KnapsackChoice sum = sumChoice(groups, choice.picks);
  EXPECT_EQ(sum.size, choice.size);
  EXPECT_EQ(sum.time, choice.time);
  EXPECT_LE(choice.size, budget.size);
  EXPECT_LE(choice.time, budget.time);
}

TEST(Knapsack, IsTheBestOfAllChoicesForOneBudget) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    Groups groups = makeGroups(random, 1 + random() % 6, 5, 40);
    KnapsackBudget budget;
    (round % 2 ? budget.size : budget.time) = random() % 150;
    auto choice = solveKnapsack(groups, budget);
    auto best = searchAll(groups, budget);
    ASSERT_EQ(choice.has_value(), best.has_value());
    if (!choice)
      continue;
    expectKept(groups, budget, *choice);
    EXPECT_NEAR(choice->loss, *best, 1e-9);
  }
}

TEST(Knapsack, IsTheBestOfAllChoicesForTwoBudgets) {
  std::mt19937 random(2);
  for (int round = 0; round < 200; ++round) {
    Groups groups = makeGroups(random, 1 + random() % 5, 5, 30);
    KnapsackBudget budget{random() % 120, random() % 120};
    auto choice = solveKnapsack(groups, budget);
    auto best = searchAll(groups, budget);
    ASSERT_EQ(choice.has_value(), best.has_value());
    if (!choice)
      continue;
    expectKept(groups, budget, *choice);
    EXPECT_NEAR(choice->loss, *best, 1e-9);
  }
}

TEST(Knapsack, KeepsItsBoundWithCoarseCells) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    Groups groups = makeGroups(random, 1 + random() % 6, 5, 100000);
    KnapsackBudget budget;
    budget.size = random() % 300000;
    KnapsackTable table;
    table.cells = 64;
    auto choice = solveKnapsack(groups, budget, table);
    if (!choice) {
      // Only where nothing fits: the least costs are taken off exactly.
      EXPECT_FALSE(searchAll(groups, budget).has_value());
      continue;
    }
    expectKept(groups, budget, *choice);
    uint64_t unit = (budget.size + 63) / 64, slack = groups.size() * unit;
    if (slack > budget.size)
      continue;
    KnapsackBudget smaller;
    smaller.size = budget.size - slack;
    if (auto best = searchAll(groups, smaller))
      EXPECT_LE(choice->loss, *best + 1e-9);
  }
}

TEST(Knapsack, WithoutBudgetsTakesTheLeastLossAndThenTheLeastSize) {
  Groups groups{{{10, 0, 1}, {5, 0, 0.5}, {3, 0, 0.5}}, {{7, 0, 0}, {7, 0, 2}}};
  auto choice = solveKnapsack(groups, {});
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->picks, (std::vector<unsigned>{2, 0}));
  EXPECT_EQ(choice->size, 10u);
}

TEST(Knapsack, PicksInfiniteLossesOnlyWhereItMust) {
  double infinite = INFINITY;
  Groups groups{{{1, 0, infinite}, {10, 0, 1}}, {{1, 0, infinite}, {10, 0, 100}}};
  KnapsackBudget budget;
  budget.size = 20;
  EXPECT_EQ(solveKnapsack(groups, budget)->picks, (std::vector<unsigned>{1, 1}));
  budget.size = 12;
  EXPECT_EQ(solveKnapsack(groups, budget)->picks, (std::vector<unsigned>{1, 0}));
  budget.size = 1;
  EXPECT_FALSE(solveKnapsack(groups, budget));
}

TEST(Knapsack, OfNothingIsNothing) {
  auto choice = solveKnapsack({}, KnapsackBudget{0, 0});
  ASSERT_TRUE(choice);
  EXPECT_TRUE(choice->picks.empty());
}

TEST(Knapsack, SolvesNetworksOfUsualSize) {
  std::mt19937 random(4);
  Groups groups = makeGroups(random, 150, 8, 5000000);
  KnapsackBudget budget;
  budget.size = 200000000;
  auto choice = solveKnapsack(groups, budget);
  ASSERT_TRUE(choice);
  expectKept(groups, budget, *choice);
}

} // namespace
