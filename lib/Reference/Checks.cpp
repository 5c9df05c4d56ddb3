//===- Checks.cpp - Evaluation of expectations ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elements.h"
#include "OpCall.h"

#include "terse/Reference/Check/CheckOps.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace terse;
using namespace terse::reference;

static std::string formatElement(const HostTensor &tensor, int64_t index) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (tensor.dtype.isFloat())
    os << llvm::format("%.9g", tensor.getAsDouble(index));
  else if (tensor.dtype == DType::u64())
    os << static_cast<uint64_t>(tensor.getAsInt(index));
  else
    os << tensor.getAsInt(index);
  return text;
}

/// The first position where the tensors do not meet `agree(i)`, as an error.
template <typename Fn>
static llvm::Error compare(OpCall &call, const HostTensor &actual, const HostTensor &expected,
                           Fn agree) {
  if (llvm::Error error = call.checkShape(actual, expected.shape, "a value"))
    return error;
  int64_t wrong = 0;
  std::string first;
  forEachIndex(actual.shape, [&](int64_t i, llvm::ArrayRef<int64_t> position) {
    if (agree(i) || wrong++)
      return;
    llvm::raw_string_ostream os(first);
    os << "expected " << formatElement(expected, i) << " at [";
    llvm::interleaveComma(position, os);
    os << "] (got " << formatElement(actual, i) << ")";
  });
  if (!wrong)
    return llvm::Error::success();
  return call.fail(first + (wrong > 1 ? ", and " + llvm::Twine(wrong - 1) + " more differ" : ""));
}

static llvm::Error evalExpectEq(check::ExpectEqOp op, OpCall &call) {
  const HostTensor &actual = call[op.getActual()], &expected = call[op.getExpected()];
  return visitCarrier(actual.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> a = load<T>(actual), b = load<T>(expected);
    return compare(call, actual, expected,
                   [&](int64_t i) { return a[i] == b[i] || (a[i] != a[i] && b[i] != b[i]); });
  });
}

static llvm::Error evalExpectClose(check::ExpectCloseOp op, OpCall &call) {
  const HostTensor &actual = call[op.getActual()], &expected = call[op.getExpected()];
  double atol = op.getAtol().convertToDouble(), rtol = op.getRtol().convertToDouble();
  std::vector<double> a = load<double>(actual), b = load<double>(expected);
  return compare(call, actual, expected, [&](int64_t i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])))
      return true;
    double tolerance = atol + rtol * std::fabs(b[i]);
    return std::isfinite(tolerance) && std::fabs(a[i] - b[i]) <= tolerance;
  });
}

void reference::registerChecks(KernelTable &table) {
  table.add<check::ExpectEqOp>(evalExpectEq);
  table.add<check::ExpectCloseOp>(evalExpectClose);
}
