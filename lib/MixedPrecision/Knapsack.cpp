//===- Knapsack.cpp - One option per group under budgets --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/MixedPrecision/Knapsack.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cassert>
#include <cmath>

using namespace terse::mixed;

namespace {

/// One budget in cells: what every choice costs at least is taken off first.
struct Axis {
  uint64_t unit = 1, capacity = 0;
  std::vector<uint64_t> least;

  uint64_t toCells(size_t group, uint64_t cost) const {
    return llvm::divideCeil(cost - least[group], unit);
  }
};

using Groups = llvm::ArrayRef<std::vector<KnapsackOption>>;

/// Nothing if even the least costs pass the budget.
std::optional<Axis> makeAxis(Groups groups, uint64_t KnapsackOption::*cost, uint64_t budget,
                             uint64_t cells) {
  Axis axis;
  uint64_t least = 0, most = 0;
  for (const auto &group : groups) {
    auto [low, high] =
        std::minmax_element(group.begin(), group.end(),
                            [&](const auto &a, const auto &b) { return a.*cost < b.*cost; });
    axis.least.push_back((*low).*cost);
    least += (*low).*cost;
    most += (*high).*cost;
  }
  if (least > budget)
    return std::nullopt;
  // More than the largest costs is never used.
  uint64_t room = std::min(budget, most) - least;
  axis.unit = std::max<uint64_t>(1, llvm::divideCeil(room, cells));
  axis.capacity = room / axis.unit;
  return axis;
}

/// What is left of the budgets after rounding is spent on single changes, the most useful one
/// first.
void spendRest(Groups groups, const KnapsackBudget &budget, KnapsackChoice &choice) {
  for (;;) {
    double best = 0;
    size_t bestGroup = 0;
    unsigned bestOption = 0;
    for (auto [g, group] : llvm::enumerate(groups)) {
      const KnapsackOption &now = group[choice.picks[g]];
      for (auto [o, option] : llvm::enumerate(group)) {
        bool fits = choice.size - now.size + option.size <= budget.size &&
                    choice.time - now.time + option.time <= budget.time;
        double gain = now.loss - option.loss;
        if (fits && gain > best)
          best = gain, bestGroup = g, bestOption = o;
      }
    }
    if (!(best > 0))
      return;
    choice.picks[bestGroup] = bestOption;
    choice = sumChoice(groups, std::move(choice.picks));
  }
}

} // namespace

KnapsackChoice terse::mixed::sumChoice(Groups groups, std::vector<unsigned> picks) {
  KnapsackChoice choice;
  for (auto [group, pick] : llvm::zip_equal(groups, picks)) {
    choice.size += group[pick].size;
    choice.time += group[pick].time;
    choice.loss += group[pick].loss;
  }
  choice.picks = std::move(picks);
  return choice;
}

std::optional<KnapsackChoice> terse::mixed::solveKnapsack(Groups groups,
                                                          const KnapsackBudget &budget,
                                                          const KnapsackTable &table) {
  bool both = budget.size != KnapsackBudget::kNone && budget.time != KnapsackBudget::kNone;
  // A cost without a budget takes one cell.
  auto count = [&](uint64_t limit, uint64_t cells) {
    return limit == KnapsackBudget::kNone ? 1 : both ? cells : table.cells;
  };
  auto unlimited = [](uint64_t limit) { return limit == KnapsackBudget::kNone; };
  auto sizes =
      makeAxis(groups, &KnapsackOption::size, budget.size, count(budget.size, table.sizeCells));
  auto times =
      makeAxis(groups, &KnapsackOption::time, budget.time, count(budget.time, table.timeCells));
  if (!sizes || !times)
    return std::nullopt;
  for (Axis *axis : {&*sizes, &*times})
    if (unlimited(axis == &*sizes ? budget.size : budget.time))
      axis->capacity = 0;
  uint64_t width = times->capacity + 1, cells = (sizes->capacity + 1) * width;

  // best[c] is the least loss of the groups so far within the costs of cell c; infinite losses can
  // be compared only by how many there are.
  struct Loss {
    uint32_t infinite = 0;
    double sum = 0;
    bool operator<(const Loss &other) const {
      return infinite != other.infinite ? infinite < other.infinite : sum < other.sum;
    }
  };
  constexpr uint32_t kImpossible = std::numeric_limits<uint32_t>::max();
  std::vector<Loss> best(cells), next(cells);
  std::vector<std::vector<uint8_t>> picks;
  for (auto [g, group] : llvm::enumerate(groups)) {
    assert(!group.empty() && group.size() <= 255 && "from 1 to 255 options");
    // Of equal losses the smallest size wins, whatever the order in which options are given.
    std::vector<unsigned> order(group.size());
    for (auto [i, o] : llvm::enumerate(order))
      o = i;
    llvm::sort(order, [&options = group](unsigned a, unsigned b) {
      return options[a].size != options[b].size ? options[a].size < options[b].size : a < b;
    });
    next.assign(cells, Loss{kImpossible, 0});
    picks.emplace_back(cells, 0);
    for (unsigned o : order) {
      const KnapsackOption &option = group[o];
      uint64_t size = unlimited(budget.size) ? 0 : sizes->toCells(g, option.size);
      uint64_t time = unlimited(budget.time) ? 0 : times->toCells(g, option.time);
      if (size > sizes->capacity || time > times->capacity)
        continue;
      bool isInfinite = !std::isfinite(option.loss);
      for (uint64_t s = size; s <= sizes->capacity; ++s)
        for (uint64_t t = time; t <= times->capacity; ++t) {
          const Loss &before = best[(s - size) * width + t - time];
          if (before.infinite == kImpossible)
            continue;
          Loss after{before.infinite + isInfinite, before.sum + (isInfinite ? 0 : option.loss)};
          uint64_t cell = s * width + t;
          if (after < next[cell]) {
            next[cell] = after;
            picks.back()[cell] = o;
          }
        }
    }
    std::swap(best, next);
  }
  if (best.back().infinite == kImpossible)
    return std::nullopt;

  // The smallest cell of the same loss, then back through the groups.
  uint64_t s = sizes->capacity, t = times->capacity;
  while (s > 0 && !(best[s * width + t] < best[(s - 1) * width + t]))
    --s;
  std::vector<unsigned> chosen(groups.size());
  for (size_t g = groups.size(); g-- > 0;) {
    unsigned o = picks[g][s * width + t];
    chosen[g] = o;
    if (!unlimited(budget.size))
      s -= sizes->toCells(g, groups[g][o].size);
    if (!unlimited(budget.time))
      t -= times->toCells(g, groups[g][o].time);
  }
  KnapsackChoice choice = sumChoice(groups, std::move(chosen));
  spendRest(groups, budget, choice);
  return choice;
}
