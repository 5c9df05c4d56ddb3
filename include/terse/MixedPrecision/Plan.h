//===- Plan.h - The result as data and as a recipe --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_MIXEDPRECISION_PLAN_H
#define TERSE_MIXEDPRECISION_PLAN_H

#include "terse/MixedPrecision/Search.h"

namespace terse::mixed {

/// All that was measured and decided, as the manifest shows it.
llvm::json::Value describePlan(const SensitivityTable &table, const WholeModel &whole,
                               const SearchOptions &options, const SearchResult &result);

/// Entries of a recipe's `passes` that make the same choices, with what led to them as comments.
/// `plan` comes from describePlan.
llvm::Expected<std::string> writeRules(const llvm::json::Value &plan);

/// The plan as a table for people.
void printPlan(const llvm::json::Value &plan, llvm::raw_ostream &os);

} // namespace terse::mixed

#endif // TERSE_MIXEDPRECISION_PLAN_H
