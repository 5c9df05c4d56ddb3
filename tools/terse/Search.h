//===- Search.h - Budgets of a search for formats ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_TOOLS_TERSE_SEARCH_H
#define TERSE_TOOLS_TERSE_SEARCH_H

#include "Gates.h"
#include "terse/Recipe/Recipe.h"
#include "llvm/Support/FileSystem.h"

namespace terse::tool {

/// The pass that searches.
inline constexpr llvm::StringLiteral kMixPass = "terse-mix-precision";

bool mixesPrecision(const Recipe &recipe);

/// The budgets that are passed on to the search. What it predicts and what the compressed model
/// does may differ a little; then they become tighter than what is promised.
struct SearchBudgets {
  double maxDrop = -1, maxLatency = 0;

  explicit SearchBudgets(const GateOptions &gates) : maxDrop(gates.maxDrop) {}

  /// Whether another attempt can succeed.
  bool tighten(const GateOptions &gates, const GateResult &result, const GateFailures &failures);
};

/// A file that the search hands over; it is gone when this is.
class ExchangeFile {
public:
  explicit ExchangeFile(llvm::StringRef prefix) {
    llvm::SmallString<128> unique;
    (void)llvm::sys::fs::getPotentiallyUniqueTempFileName(prefix, "json", unique);
    path = unique.str().str();
  }
  ~ExchangeFile() { (void)llvm::sys::fs::remove(path); }
  const std::string &getPath() const { return path; }

private:
  std::string path;
};

/// Tells the search its budgets and the files that it exchanges with the command.
void giveBudgets(Recipe &recipe, const GateOptions &gates, const SearchBudgets &budgets,
                 llvm::StringRef plan, llvm::StringRef sensitivities);

/// What the search decided.
llvm::Expected<llvm::json::Value> readPlan(llvm::StringRef path);

/// Writes the recipe with rules in the place of the search.
llvm::Error saveRecipe(llvm::StringRef path, const Recipe &recipe, const llvm::json::Value &plan);

} // namespace terse::tool

#endif // TERSE_TOOLS_TERSE_SEARCH_H
