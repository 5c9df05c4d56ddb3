//===- Reduction.cpp - Reductions, scans, selections ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elements.h"
#include "Functions.h"
#include "OpCall.h"

#include "terse/Dialect/NN/IR/NNOps.h"
#include "llvm/Support/ErrorHandling.h"

#include <cmath>
#include <numeric>

using namespace terse;
using namespace terse::reference;
using nn::ReduceKind;

//===----------------------------------------------------------------------===//
// nn.reduce
//===----------------------------------------------------------------------===//

/// Terms and results are rounded to T, sums are of f64 and rounded once.
template <typename T>
static T reduceFloats(ReduceKind kind, llvm::ArrayRef<T> values) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  auto sum = [&](auto term) {
    double total = 0;
    for (T v : values)
      total += term(v);
    return static_cast<T>(total);
  };
  auto plain = [](T v) { return v; };
  auto square = [](T v) { return v * v; };
  switch (kind) {
  case ReduceKind::Sum:
    return sum(plain);
  case ReduceKind::Mean:
    return sum(plain) / static_cast<T>(values.size());
  case ReduceKind::LogSum:
    return reference::log(sum(plain));
  case ReduceKind::Prod:
    return std::accumulate(values.begin(), values.end(), T(1), std::multiplies<T>());
  case ReduceKind::Max:
    return std::accumulate(values.begin(), values.end(), -kInfinity, propagatingMax<T>);
  case ReduceKind::Min:
    return std::accumulate(values.begin(), values.end(), kInfinity, propagatingMin<T>);
  case ReduceKind::L1:
    return sum([](T v) { return std::fabs(v); });
  case ReduceKind::L2:
    return std::sqrt(sum(square));
  case ReduceKind::SumSquare:
    return sum(square);
  case ReduceKind::LogSumExp: {
    T max = std::accumulate(values.begin(), values.end(), -kInfinity, propagatingMax<T>);
    // With an infinite maximum the differences would be NaN.
    if (std::isinf(max))
      max = 0;
    return reference::log(sum([&](T v) { return reference::exp(v - max); })) + max;
  }
  }
  llvm_unreachable("all kinds are handled");
}

template <typename T>
static T reduceIntegers(ReduceKind kind, llvm::ArrayRef<T> values, DType dtype) {
  T sum = 0;
  switch (kind) {
  case ReduceKind::Sum:
  case ReduceKind::Mean:
    for (T v : values)
      sum = wrappingAdd(sum, v);
    return kind == ReduceKind::Sum ? sum : T(sum / static_cast<T>(values.size()));
  case ReduceKind::Prod:
    return std::accumulate(values.begin(), values.end(), T(1), wrappingMul<T>);
  case ReduceKind::Max:
    return std::accumulate(values.begin(), values.end(), getLowest<T>(dtype), propagatingMax<T>);
  case ReduceKind::Min:
    return std::accumulate(values.begin(), values.end(), getHighest<T>(dtype), propagatingMin<T>);
  case ReduceKind::L1:
    for (T v : values)
      sum = wrappingAdd(sum, std::is_signed_v<T> && v < T(0) ? wrappingSub<T>(0, v) : v);
    return sum;
  case ReduceKind::SumSquare:
    for (T v : values)
      sum = wrappingAdd(sum, wrappingMul(v, v));
    return sum;
  case ReduceKind::L2:
  case ReduceKind::LogSum:
  case ReduceKind::LogSumExp: {
    std::vector<double> floats(values.begin(), values.end());
    return numerics::truncateCast<T>(reduceFloats<double>(kind, floats));
  }
  }
  llvm_unreachable("all kinds are handled");
}

static llvm::Error evalReduce(nn::ReduceOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  HostTensor &out = call.result();
  // Positions are those of the reduced axes within those of the kept ones.
  std::vector<int64_t> strides = x.getStrides();
  std::vector<int64_t> keptShape, keptStrides, axisShape, axisStrides;
  for (int64_t i = 0; i < x.getRank(); ++i) {
    bool reduced = llvm::is_contained(op.getAxes(), i);
    (reduced ? axisShape : keptShape).push_back(x.shape[i]);
    (reduced ? axisStrides : keptStrides).push_back(strides[i]);
  }
  int64_t count = AxisView::product(axisShape);
  ReduceKind kind = op.getKind();
  if (kind == ReduceKind::Mean && count == 0 && !x.dtype.isFloat())
    return call.fail("mean of no integers divides by zero");

  visitCompute(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> values = load<T>(x), group(count), results(out.getNumElements());
    forEachPosition<1>(keptShape, {keptStrides}, [&](int64_t i, std::array<int64_t, 1> base) {
      forEachPosition<1>(axisShape, {axisStrides}, [&](int64_t k, std::array<int64_t, 1> at) {
        group[k] = values[base[0] + at[0]];
      });
      if constexpr (std::is_floating_point_v<T>)
        results[i] = reduceFloats<T>(kind, group);
      else
        results[i] = reduceIntegers<T>(kind, group, x.dtype);
    });
    store(results, out);
  });
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// nn.arg_reduce, nn.cumulative, nn.top_k
//===----------------------------------------------------------------------===//

static llvm::Error evalArgReduce(nn::ArgReduceOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  AxisView view(x.shape, op.getAxis());
  if (view.size == 0)
    return call.fail("has no elements to choose from along axis " + llvm::Twine(op.getAxis()));
  llvm::MutableArrayRef<int64_t> out = call.result().getMutableAs<int64_t>();
  bool max = op.getKind() == ReduceKind::Max, last = op.getSelectLast();
  visitCarrier(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> values = load<T>(x);
    for (int64_t o = 0; o < view.outer; ++o)
      for (int64_t n = 0; n < view.inner; ++n) {
        int64_t best = 0;
        for (int64_t i = 1; i < view.size; ++i) {
          T candidate = values[view.offset(o, i, n)], current = values[view.offset(o, best, n)];
          bool better = max ? candidate > current : candidate < current;
          if (better || (last && candidate == current))
            best = i;
        }
        out[o * view.inner + n] = best;
      }
  });
  return llvm::Error::success();
}

static llvm::Error evalCumulative(nn::CumulativeOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  AxisView view(x.shape, op.getAxis());
  bool sum = op.getKind() == ReduceKind::Sum;
  visitCompute(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> values = load<T>(x);
    for (int64_t o = 0; o < view.outer; ++o)
      for (int64_t n = 0; n < view.inner; ++n) {
        T running = sum ? 0 : 1;
        for (int64_t step = 0; step < view.size; ++step) {
          T &value = values[view.offset(o, op.getReverse() ? view.size - 1 - step : step, n)];
          T next = sum ? wrappingAdd(running, value) : wrappingMul(running, value);
          value = op.getExclusive() ? running : next;
          running = next;
        }
      }
    store(values, call.result());
  });
  return llvm::Error::success();
}

static llvm::Error evalTopK(nn::TopKOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  AxisView view(x.shape, op.getAxis());
  int64_t k = op.getK();
  if (k > view.size)
    return call.fail("expected k of at most " + llvm::Twine(view.size) + " (got " + llvm::Twine(k) +
                     ")");
  AxisView outView(call.getResultShape(0), op.getAxis());
  llvm::MutableArrayRef<int64_t> indices = call.result(1).getMutableAs<int64_t>();
  visitCarrier(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> values = load<T>(x), chosen(call.result(0).getNumElements());
    // A strict order also among NaNs, which count as larger than everything.
    auto less = [](T a, T b) { return a < b || (b != b && a == a); };
    std::vector<int64_t> order(view.size);
    for (int64_t o = 0; o < view.outer; ++o)
      for (int64_t n = 0; n < view.inner; ++n) {
        std::iota(order.begin(), order.end(), 0);
        llvm::sort(order, [&](int64_t i, int64_t j) {
          T a = values[view.offset(o, i, n)], b = values[view.offset(o, j, n)];
          if (!op.getLargest())
            std::swap(a, b);
          return less(b, a) || (!less(a, b) && i < j);
        });
        for (int64_t i = 0; i < k; ++i) {
          chosen[outView.offset(o, i, n)] = values[view.offset(o, order[i], n)];
          indices[outView.offset(o, i, n)] = order[i];
        }
      }
    store(chosen, call.result(0));
  });
  return llvm::Error::success();
}

void reference::registerReductions(KernelTable &table) {
  table.add<nn::ReduceOp>(evalReduce);
  table.add<nn::ArgReduceOp>(evalArgReduce);
  table.add<nn::CumulativeOp>(evalCumulative);
  table.add<nn::TopKOp>(evalTopK);
}
