//===- Search.cpp - Budgets of a search for formats -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Search.h"
#include "terse/MixedPrecision/Plan.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace terse;
using namespace terse::tool;

bool tool::mixesPrecision(const Recipe &recipe) {
  return llvm::any_of(recipe.passes,
                      [](llvm::StringRef pass) { return pass.starts_with(kMixPass); });
}

bool SearchBudgets::tighten(const GateOptions &gates, const GateResult &result,
                            const GateFailures &failures) {
  bool changed = false;
  if (!failures.drop.empty() && maxDrop > 0) {
    maxDrop = std::max(0.0, maxDrop - (result.getDrop() - gates.maxDrop) -
                                100.0 / double(result.samples));
    changed = true;
  }
  if (!failures.latency.empty()) {
    auto limit = mixed::Budget::parseTime(gates.maxLatency);
    double allowed = limit ? limit->value : 0;
    if (limit && !limit->isRatio)
      allowed /= 1e6 * *result.floatMilliseconds;
    llvm::consumeError(limit.takeError());
    double before = maxLatency > 0 ? maxLatency : allowed;
    maxLatency = before * 0.98 * allowed * *result.floatMilliseconds / *result.milliseconds;
    changed = maxLatency > 0;
  }
  return changed && failures.size.empty();
}

void tool::giveBudgets(Recipe &recipe, const GateOptions &gates, const SearchBudgets &budgets,
                       llvm::StringRef plan, llvm::StringRef sensitivities) {
  auto give = [&](llvm::StringRef name, llvm::StringRef value) {
    if (!value.empty())
      recipe.giveOption(name, value);
  };
  give("labels", gates.labels);
  if (gates.metric != "top1")
    give("metric", gates.metric);
  give("max-size", gates.maxSize);
  give("max-latency", budgets.maxLatency > 0 ? llvm::formatv("{0:F6}x", budgets.maxLatency).str()
                                             : gates.maxLatency);
  if (budgets.maxDrop >= 0)
    give("max-drop", llvm::formatv("{0:F6}", budgets.maxDrop).str());
  give("plan", plan);
  give("sensitivities", sensitivities);
}

llvm::Expected<llvm::json::Value> tool::readPlan(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return makeError("the plan of mixed precision was not written: {0}",
                     buffer.getError().message());
  return llvm::json::parse((*buffer)->getBuffer());
}

llvm::Error tool::saveRecipe(llvm::StringRef path, const Recipe &recipe,
                             const llvm::json::Value &plan) {
  auto rules = mixed::writeRules(plan);
  if (!rules)
    return rules.takeError();
  std::string text =
      "# Made by a search under budgets (recipe " + recipe.name +
      "). Every line may be edited.\n"
      "terse_recipe: 1\ndescription: formats per layer, found by mixed precision\npasses:\n";
  for (llvm::StringRef pass : recipe.passes) {
    if (pass.starts_with(kMixPass)) {
      text += *rules;
      continue;
    }
    text += "  - \"";
    for (char c : pass) {
      if (c == '"' || c == '\\')
        text += '\\';
      text += c;
    }
    text += "\"\n";
  }
  return writeText(path, text);
}
