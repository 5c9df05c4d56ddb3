//===- Budget.cpp - Limits as people write them -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/MixedPrecision/Search.h"
#include "terse/Support/Error.h"

#include <cmath>

using namespace terse;
using namespace terse::mixed;

namespace {
struct Suffix {
  llvm::StringRef text;
  double factor; ///< 0 for a ratio.
};
} // namespace

static llvm::Expected<Budget> parse(llvm::StringRef text, llvm::ArrayRef<Suffix> suffixes,
                                    llvm::StringRef examples) {
  llvm::StringRef number = text.trim();
  if (number.empty())
    return Budget();
  double factor = 1;
  bool isRatio = false, found = false;
  for (const Suffix &suffix : suffixes)
    if (!found && number.ends_with(suffix.text)) {
      number = number.drop_back(suffix.text.size()).trim();
      factor = suffix.factor;
      isRatio = factor == 0;
      found = true;
    }
  double value;
  if (number.empty() || number.getAsDouble(value) || !std::isfinite(value) || !(value > 0))
    return makeError("'{0}' is no limit; expected a positive number such as {1}", text, examples);
  return Budget{true, isRatio, isRatio ? value : value * factor};
}

llvm::Expected<Budget> Budget::parseSize(llvm::StringRef text) {
  static const Suffix suffixes[] = {{"KiB", 1024},
                                    {"MiB", 1024 * 1024},
                                    {"GiB", 1024 * 1024 * 1024},
                                    {"kB", 1e3},
                                    {"KB", 1e3},
                                    {"MB", 1e6},
                                    {"GB", 1e9},
                                    {"B", 1},
                                    {"x", 0},
                                    {"", 1}};
  return parse(text, suffixes, "500000, 500KiB, 1.5MB or 0.15x");
}

llvm::Expected<Budget> Budget::parseTime(llvm::StringRef text) {
  static const Suffix suffixes[] = {{"ms", 1e6}, {"us", 1e3}, {"ns", 1}, {"s", 1e9}, {"x", 0}};
  auto budget = parse(text, suffixes, "3ms, 800us or 0.9x");
  // A bare number would be nobody's intention.
  if (budget && budget->given && !llvm::StringRef("sx").contains(text.trim().back()))
    return makeError("'{0}' is no time; expected 3ms, 800us or 0.9x", text);
  return budget;
}

uint64_t Budget::resolve(uint64_t whole) const {
  if (!given)
    return KnapsackBudget::kNone;
  double limit = std::floor(isRatio ? value * double(whole) : value);
  return limit >= 9e18 ? uint64_t(9e18) : uint64_t(limit);
}
