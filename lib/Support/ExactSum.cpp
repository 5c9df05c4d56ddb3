//===- ExactSum.cpp - Sums of f64 without rounding --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Support/ExactSum.h"

#include <cmath>

using namespace terse;

void ExactSum::add(double value) {
  size_t kept = 0;
  for (double term : terms) {
    if (std::fabs(value) < std::fabs(term))
      std::swap(value, term);
    double sum = value + term;
    // Exact, the larger one having come first.
    double rest = term - (sum - value);
    if (rest != 0)
      terms[kept++] = rest;
    value = sum;
  }
  terms.truncate(kept);
  if (value != 0)
    terms.push_back(value);
}

double ExactSum::getValue() const {
  if (terms.empty())
    return 0;
  size_t left = terms.size() - 1;
  double sum = terms[left], rest = 0;
  while (left > 0 && rest == 0) {
    double before = sum, term = terms[--left];
    sum = before + term;
    rest = term - (sum - before);
  }
  // Half of a step was rounded to even, but what is left beyond says which way it goes.
  if (left > 0 && rest != 0 && (rest < 0) == (terms[left - 1] < 0)) {
    double twice = 2 * rest, other = sum + twice;
    if (other - sum == twice)
      sum = other;
  }
  return sum;
}

llvm::SmallVector<double> ExactSum::getTerms() const {
  llvm::SmallVector<double> result;
  ExactSum left = *this;
  for (double value = left.getValue(); value != 0; value = left.getValue()) {
    result.push_back(value);
    left.add(-value);
  }
  return result;
}
