//===- Search.cpp - Which layer gets which format ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Losses of layers are taken to add up. That is an assumption, so nothing that is
// promised rests on it: with a limit on the metric each proposal is evaluated as a
// whole, and the smallest one is kept that is seen to be within it.
//
//===----------------------------------------------------------------------===//

#include "terse/MixedPrecision/Search.h"
#include "terse/Support/Error.h"

#include <cmath>
#include <map>

using namespace terse;
using namespace terse::mixed;

double terse::mixed::getLoss(const OptionSensitivity &option, LossKind kind) {
  switch (kind) {
  case LossKind::Divergence:
    return option.divergence;
  case LossKind::Noise:
    return option.noise;
  case LossKind::Metric:
    return std::max(option.drop, 0.0) / 100 + 0.01 * option.divergence;
  }
  llvm_unreachable("unknown loss");
}

namespace {

class Search {
public:
  using Picks = std::vector<std::optional<size_t>>;

  Search(const SensitivityTable &table, const WholeModel &whole, const SearchOptions &options,
         llvm::function_ref<llvm::Expected<OutputMeasure>(llvm::ArrayRef<std::optional<size_t>>)>
             evaluate,
         std::optional<double> floatMetric)
      : table(table), whole(whole), options(options), evaluate(evaluate), floatMetric(floatMetric) {
  }

  llvm::Expected<SearchResult> run();

private:
  llvm::Error makeGroups();
  llvm::Expected<KnapsackBudget> getBudget();
  llvm::Expected<KnapsackChoice> solve(const KnapsackBudget &budget);
  Picks getPicks(const KnapsackChoice &choice) const;
  double getDrop(const OutputMeasure &measure) const {
    return 100 * (*floatMetric - *measure.metric);
  }
  llvm::Expected<OutputMeasure> evaluateChoice(const KnapsackChoice &choice);
  llvm::Expected<KnapsackChoice> searchDrop(KnapsackBudget budget);
  std::string explain(size_t unit, unsigned pick) const;
  SearchResult describe(const KnapsackChoice &choice);

  const SensitivityTable &table;
  const WholeModel &whole;
  const SearchOptions &options;
  llvm::function_ref<llvm::Expected<OutputMeasure>(llvm::ArrayRef<std::optional<size_t>>)> evaluate;
  std::optional<double> floatMetric;

  std::vector<std::vector<KnapsackOption>> groups;
  std::vector<Picks> meanings;   ///< Per unit and option, the candidate.
  std::vector<std::string> kept; ///< Per unit, the reason of float.
  uint64_t otherTime = 0;
  std::map<std::vector<unsigned>, OutputMeasure> evaluated;
};

} // namespace

llvm::Error Search::makeGroups() {
  bool measured = options.time == TimeKind::Measured;
  uint64_t ownTime = 0;
  for (const UnitSensitivity &unit : table.units) {
    auto &group = groups.emplace_back();
    Picks &meaning = meanings.emplace_back();
    uint64_t time = measured ? unit.nanoseconds : unit.operations;
    ownTime += time;
    std::string obstacle;
    for (auto [c, option] : llvm::enumerate(unit.options)) {
      if (!option.obstacle.empty()) {
        obstacle = option.obstacle;
        continue;
      }
      group.push_back({option.bytes, measured ? option.nanoseconds : option.operations,
                       getLoss(option, options.loss)});
      meaning.push_back(c);
    }
    if (options.keepFloat || group.empty()) {
      // Where no format is possible it stays float in any case.
      kept.push_back(group.empty() ? "no format that was tried fits: " + obstacle
                                   : "every format that was tried costs more than it saves");
      group.push_back({unit.plainBytes, time, 0});
      meaning.push_back(std::nullopt);
    }
    kept.resize(groups.size());
    if (group.size() > 255)
      return makeError("{0} candidates; expected at most 254", group.size() - 1);
  }
  otherTime = whole.time > ownTime ? whole.time - ownTime : 0;
  return llvm::Error::success();
}

llvm::Expected<KnapsackBudget> Search::getBudget() {
  KnapsackBudget budget;
  uint64_t size = options.size.resolve(whole.plainBytes),
           time = options.latency.resolve(whole.time);
  if (size != KnapsackBudget::kNone) {
    uint64_t least = whole.otherBytes;
    for (const auto &group : groups)
      least += std::min_element(group.begin(), group.end(), [](auto &a, auto &b) {
                 return a.size < b.size;
               })->size;
    if (least > size)
      return makeError("the weights take {0} bytes at least, {1} of them in layers that the "
                       "candidates do not concern; "
                       "max-size allows {2}: allow smaller formats or more bytes",
                       least, whole.otherBytes, size);
    budget.size = size - whole.otherBytes;
  }
  if (time != KnapsackBudget::kNone) {
    uint64_t least = otherTime;
    for (const auto &group : groups)
      least += std::min_element(group.begin(), group.end(), [](auto &a, auto &b) {
                 return a.time < b.time;
               })->time;
    if (least > time)
      return makeError("the fastest choice is expected to take {0:F4}x of the float model's time; "
                       "max-latency allows "
                       "{1:F4}x: allow faster formats or more time",
                       double(least) / double(std::max<uint64_t>(whole.time, 1)),
                       double(time) / double(std::max<uint64_t>(whole.time, 1)));
    budget.time = time - otherTime;
  }
  return budget;
}

llvm::Expected<KnapsackChoice> Search::solve(const KnapsackBudget &budget) {
  auto choice = solveKnapsack(groups, budget);
  if (!choice)
    return makeError("no choice of formats keeps both max-size and max-latency: allow other "
                     "formats or more of one");
  return std::move(*choice);
}

Search::Picks Search::getPicks(const KnapsackChoice &choice) const {
  Picks picks;
  for (auto [unit, pick] : llvm::enumerate(choice.picks))
    picks.push_back(meanings[unit][pick]);
  return picks;
}

llvm::Expected<OutputMeasure> Search::evaluateChoice(const KnapsackChoice &choice) {
  auto known = evaluated.find(choice.picks);
  if (known != evaluated.end())
    return known->second;
  auto measure = evaluate(getPicks(choice));
  if (measure)
    evaluated[choice.picks] = *measure;
  return measure;
}

/// Bisects over sizes. Between neighbours of the bisection the drop need not be monotone; whatever
/// is returned was seen to be within the limit.
llvm::Expected<KnapsackChoice> Search::searchDrop(KnapsackBudget budget) {
  auto largest = solve(budget);
  if (!largest)
    return largest;
  auto measure = evaluateChoice(*largest);
  if (!measure)
    return measure.takeError();
  if (getDrop(*measure) > options.maxDrop)
    return makeError("the best choice within the budgets loses {0:F2} points of the metric ({1:F4} "
                     "of {2:F4} on {3} "
                     "samples) with {4} bytes of weights; max-drop allows {5:F2}: allow more size, "
                     "time or loss, or other formats",
                     getDrop(*measure), *measure->metric, *floatMetric, measure->samples,
                     largest->size + whole.otherBytes, options.maxDrop);
  KnapsackChoice best = *largest;
  uint64_t low = 0, high = best.size;
  for (const auto &group : groups)
    low += std::min_element(group.begin(), group.end(), [](auto &a, auto &b) {
             return a.size < b.size;
           })->size;
  // Down to a thousandth of the size: finer steps change single small layers.
  uint64_t step = std::max<uint64_t>(1, high / 1000);
  while (low + step <= high) {
    KnapsackBudget trial = budget;
    trial.size = low + (high - low) / 2;
    auto choice = solveKnapsack(groups, trial);
    bool good = false;
    if (choice) {
      auto result = evaluateChoice(*choice);
      if (!result)
        return result.takeError();
      good = getDrop(*result) <= options.maxDrop;
    }
    if (good) {
      if (choice->size < best.size)
        best = *choice;
      high = std::min(trial.size, choice->size);
    } else {
      low = trial.size + 1;
    }
  }
  return best;
}

/// `4.531 bits per weight`; the neighbours in size say why not more and not less.
std::string Search::explain(size_t unit, unsigned pick) const {
  const auto &group = groups[unit];
  const KnapsackOption &own = group[pick];
  const KnapsackOption *below = nullptr, *above = nullptr;
  for (const KnapsackOption &option : group) {
    if (option.size < own.size && (!below || option.size > below->size ||
                                   (option.size == below->size && option.loss < below->loss)))
      below = &option;
    if (option.size > own.size && option.loss < own.loss && (!above || option.size < above->size))
      above = &option;
  }
  double elements = double(std::max<uint64_t>(table.units[unit].elements, 1));
  std::string text = llvm::formatv("{0:F3} bits per weight, loss {1:e2}",
                                   8 * double(own.size) / elements, own.loss)
                         .str();
  if (below)
    text += llvm::formatv("; {0:F3} bits would save {1} bytes at loss {2:e2}",
                          8 * double(below->size) / elements, own.size - below->size, below->loss)
                .str();
  if (above)
    text += llvm::formatv("; {0:F3} bits would take {1} bytes more at loss {2:e2}",
                          8 * double(above->size) / elements, above->size - own.size, above->loss)
                .str();
  return text;
}

SearchResult Search::describe(const KnapsackChoice &choice) {
  SearchResult result;
  result.bytes = choice.size + whole.otherBytes;
  result.time = choice.time + otherTime;
  result.predictedLoss = choice.loss;
  result.floatMetric = floatMetric;
  auto known = evaluated.find(choice.picks);
  if (known != evaluated.end())
    result.measured = known->second;
  result.evaluations = evaluated.size();
  for (auto [unit, pick] : llvm::enumerate(choice.picks)) {
    const KnapsackOption &option = groups[unit][pick];
    result.decisions.push_back({meanings[unit][pick], option.size, option.time, option.loss,
                                explain(unit, pick),
                                meanings[unit][pick] ? std::string() : kept[unit]});
  }
  return result;
}

llvm::Expected<SearchResult> Search::run() {
  if (llvm::Error error = makeGroups())
    return std::move(error);
  auto budget = getBudget();
  if (!budget)
    return budget.takeError();
  auto choice = options.maxDrop >= 0 ? searchDrop(*budget) : solve(*budget);
  if (!choice)
    return choice.takeError();
  return describe(*choice);
}

llvm::Expected<SearchResult> terse::mixed::searchFormats(
    const SensitivityTable &table, const WholeModel &whole, const SearchOptions &options,
    llvm::function_ref<llvm::Expected<OutputMeasure>(llvm::ArrayRef<std::optional<size_t>>)>
        evaluate,
    std::optional<double> floatMetric) {
  return Search(table, whole, options, evaluate, floatMetric).run();
}
