//===- Compare.cpp - Comparison of results ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Case.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace terse;

std::string conformance::compare(const HostTensor &actual, const HostTensor &expected,
                                 double relative) {
  if (actual.dtype != expected.dtype || actual.shape != expected.shape)
    return "expected " + expected.getTypeString() + " (got " + actual.getTypeString() + ")";
  int64_t count = expected.getNumElements(), bad = 0, first = -1;
  // Expected values computed in f32 carry its rounding error: where 0 is exact, they have an ulp of
  // the largest element.
  double largest = 0;
  if (expected.dtype == DType::f32())
    for (int64_t i = 0; i < count; ++i)
      if (double e = std::fabs(expected.getAsDouble(i)); std::isfinite(e))
        largest = std::max(largest, e);
  double absolute = std::max(1e-7, std::ldexp(largest, -23));
  for (int64_t i = 0; i < count; ++i) {
    bool same;
    if (expected.dtype.isFloat()) {
      double a = actual.getAsDouble(i), e = expected.getAsDouble(i);
      if (std::isnan(e) || std::isnan(a))
        same = std::isnan(e) && std::isnan(a);
      else if (std::isinf(e) || std::isinf(a))
        same = a == e;
      else
        same = std::fabs(a - e) <= absolute + relative * std::fabs(e);
    } else {
      same = actual.getAsInt(i) == expected.getAsInt(i);
    }
    if (!same && bad++ == 0)
      first = i;
  }
  if (!bad)
    return "";
  auto show = [&](const HostTensor &t) {
    return t.dtype.isFloat() ? llvm::formatv("{0:e9}", t.getAsDouble(first)).str()
                             : std::to_string(t.getAsInt(first));
  };
  return std::to_string(bad) + " of " + std::to_string(count) + " elements differ, the first at " +
         std::to_string(first) + ": expected " + show(expected) + " (got " + show(actual) + ")";
}
