//===- DecomposeReductions.cpp - Composite reductions ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "NNBuilder.h"
#include "terse/Dialect/NN/Transforms/Decompose.h"

using namespace mlir;
using namespace terse::nn;

namespace {

struct DecomposeReduce : DecomposePattern<ReduceOp> {
  using DecomposePattern::DecomposePattern;

  // Number of elements that meet in one result element.
  static Dim countOf(NNBuilder &b, Value x, ArrayRef<int64_t> axes) {
    Dim count(1);
    for (int64_t a : axes)
      count = b.product(count, b.dim(x, a));
    return count;
  }

  SmallVector<Value> decompose(ReduceOp op, NNBuilder &b) const override {
    ReduceKind kind = op.getKind();
    if (llvm::is_contained({ReduceKind::Sum, ReduceKind::Prod, ReduceKind::Max, ReduceKind::Min},
                           kind))
      return {};
    ArrayRef<int64_t> axes = op.getAxes();
    bool keep = op.getKeepdims();
    Type element = typeOf(op.getX()).getElementType();
    bool integer = isa<IntegerType>(element);
    auto sum = [&](Value v) { return b.reduce(ReduceKind::Sum, v, axes, keep); };
    // Narrow floats sum in f32. Integers wrap in their own type where the result is an integer by
    // nature, and go through f64 where it is not.
    Value x = integer ? op.getX() : b.cast(op.getX(), computeType(element));
    auto asFloat = [&] { return integer ? b.cast(x, b.getF64Type()) : x; };
    switch (kind) {
    case ReduceKind::Sum:
    case ReduceKind::Prod:
    case ReduceKind::Max:
    case ReduceKind::Min:
      break;
    case ReduceKind::Mean: {
      Value total = sum(x);
      Dim count = countOf(b, x, axes);
      Type type = typeOf(total).getElementType();
      Value divisor = count.value ? b.cast(b.reshape(count.value, {}), type)
                                  : b.scalar(double(count.size), type);
      return {b.div(total, divisor)};
    }
    case ReduceKind::L1:
      return {sum(b.unary(UnaryKind::Abs, x))};
    case ReduceKind::L2: {
      Value v = asFloat();
      return {b.unary(UnaryKind::Sqrt, sum(b.mul(v, v)))};
    }
    case ReduceKind::SumSquare:
      return {sum(b.mul(x, x))};
    case ReduceKind::LogSum:
      return {b.unary(UnaryKind::Log, sum(asFloat()))};
    case ReduceKind::LogSumExp: {
      // Subtracting the maximum keeps exp in range; an infinite maximum would only make NaNs, so it
      // counts as 0.
      Value v = asFloat();
      Type type = typeOf(v).getElementType();
      Value peak = b.reduce(ReduceKind::Max, v, axes, /*keepdims=*/true);
      Value infinite = b.compare(CompareKind::Eq, b.unary(UnaryKind::Abs, peak),
                                 b.scalar(std::numeric_limits<double>::infinity(), type));
      peak = b.select(infinite, b.scalar(0, type), peak);
      Value logarithm = b.unary(UnaryKind::Log, sum(b.unary(UnaryKind::Exp, b.sub(v, peak))));
      // The peak in the shape of the result: its kept axes have one element.
      return {b.add(logarithm,
                    keep ? peak : b.reduce(ReduceKind::Max, peak, axes, /*keepdims=*/false))};
    }
    }
    return {};
  }
};

} // namespace

void terse::nn::populateDecomposeReductionPatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeReduce>(patterns.getContext());
}
