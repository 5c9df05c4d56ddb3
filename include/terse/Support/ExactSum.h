//===- ExactSum.h - Sums of f64 without rounding ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_SUPPORT_EXACTSUM_H
#define TERSE_SUPPORT_EXACTSUM_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

namespace terse {

/// A sum of finite numbers that is never rounded, so that it does not depend on their order or on
/// how they were divided among sums. It is kept as terms that do not overlap (Shewchuk, "Adaptive
/// Precision Floating-Point Arithmetic", 1997): one or two of them for numbers of similar size.
/// Sums must stay within the range of f64.
class ExactSum {
  using Terms = llvm::SmallVector<double, 3>;

public:
  ExactSum() = default;
  explicit ExactSum(llvm::ArrayRef<double> terms) {
    for (double term : terms)
      add(term);
  }

  void add(double value);
  void add(const ExactSum &other) {
    // Of a copy: a sum may be added to itself.
    for (double term : Terms(other.terms))
      add(term);
  }
  /// The f64 nearest to the sum.
  double getValue() const;
  /// The sum as numbers each of which is the nearest one to what those before leave: equal for
  /// equal sums. Empty for 0.
  llvm::SmallVector<double> getTerms() const;

private:
  Terms terms; ///< By magnitude, the smallest first.
};

} // namespace terse

#endif // TERSE_SUPPORT_EXACTSUM_H
