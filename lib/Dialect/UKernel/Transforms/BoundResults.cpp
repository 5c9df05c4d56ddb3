//===- BoundResults.cpp - Epilogues whose floats fit integers --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Intervals, from the sums through the epilogue. Products of bytes and constant scales leave most
// static models far below 2^31: their kernels convert to integers without a bound before it.

#include "Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "terse/Dialect/UKernel/Transforms/Passes.h"
#include "terse/Support/Constants.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

namespace terse::ukernel {
#define GEN_PASS_DEF_BOUNDRESULTSPASS
#include "terse/Dialect/UKernel/Transforms/Passes.h.inc"
} // namespace terse::ukernel

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

namespace {
// Of floats, ends are infinite where nothing is known: NaN is possible then, and only then.
struct Interval {
  double low = -INFINITY, high = INFINITY;

  static Interval hull(ArrayRef<double> ends) {
    Interval i{INFINITY, -INFINITY};
    for (double e : ends) {
      if (std::isnan(e))
        return {};
      i.low = std::min(i.low, e), i.high = std::max(i.high, e);
    }
    return i;
  }
  bool isWithin(double limit) const { return low > -limit && high < limit; }
};
} // namespace

// What a value of this type may be at most. Integers of these epilogues are signed, or bytes that
// are extended without a sign.
static Interval ofType(Type type) {
  auto integer = dyn_cast<IntegerType>(getElementTypeOrSelf(type));
  if (!integer)
    return {};
  unsigned bits = integer.getWidth();
  return {bits == 1 ? 0 : -std::ldexp(1.0, bits - 1), std::ldexp(1.0, bits - 1)};
}

static Interval ofConstant(const HostTensor &tensor) {
  if (tensor.getNumElements() == 0)
    return {};
  Interval i{INFINITY, -INFINITY};
  for (int64_t n = 0; n < tensor.getNumElements(); ++n) {
    double v = tensor.getAsDouble(n);
    if (std::isnan(v))
      return {};
    i.low = std::min(i.low, v), i.high = std::max(i.high, v);
  }
  return i;
}

// Integers wrap where they leave their type; floats are rounded, by less than doubles are here.
static Interval clampToType(Interval i, Type type) {
  if (isa<FloatType>(type)) {
    double slack = std::ldexp(1.0, -20);
    return {i.low - std::abs(i.low) * slack, i.high + std::abs(i.high) * slack};
  }
  Interval whole = ofType(type);
  return i.low >= whole.low && i.high <= whole.high ? i : whole;
}

static Interval ofConstantOrType(Value v) {
  FloatAttr real;
  IntegerAttr integer;
  if (matchPattern(v, m_Constant(&real)))
    return Interval::hull(real.getValueAsDouble());
  if (matchPattern(v, m_Constant(&integer)) && integer.getValue().getBitWidth() <= 32)
    return Interval::hull(double(integer.getValue().getSExtValue()));
  return ofType(v.getType());
}

static Interval evaluate(Operation &op, const llvm::DenseMap<Value, Interval> &known) {
  auto of = [&](unsigned n) {
    Value v = op.getOperand(n);
    auto it = known.find(v);
    return it == known.end() ? ofConstantOrType(v) : it->second;
  };
  auto products = [](Interval a, Interval b) {
    return Interval::hull({a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high});
  };
  Type type = op.getResult(0).getType();
  Interval i = llvm::TypeSwitch<Operation *, Interval>(&op)
                   .Case<arith::AddFOp, arith::AddIOp>([&](auto) {
                     return Interval{of(0).low + of(1).low, of(0).high + of(1).high};
                   })
                   .Case<arith::SubFOp, arith::SubIOp>([&](auto) {
                     return Interval{of(0).low - of(1).high, of(0).high - of(1).low};
                   })
                   .Case<arith::MulFOp, arith::MulIOp>([&](auto) { return products(of(0), of(1)); })
                   .Case<arith::NegFOp>([&](auto) {
                     return Interval{-of(0).high, -of(0).low};
                   })
                   .Case<arith::SIToFPOp, arith::ExtSIOp, arith::ExtFOp, arith::TruncFOp>(
                       [&](auto) { return of(0); })
                   .Case<arith::UIToFPOp, arith::ExtUIOp>([&](auto) {
                     unsigned bits = op.getOperand(0).getType().getIntOrFloatBitWidth();
                     return of(0).low >= 0 ? of(0) : Interval{0, std::ldexp(1.0, bits)};
                   })
                   .Case<math::RoundEvenOp>([&](auto) {
                     return Interval{std::floor(of(0).low), std::ceil(of(0).high)};
                   })
                   // One or the other. A choice between an unknown and a number is unknown.
                   .Case<arith::SelectOp>([&](auto) {
                     return Interval::hull({of(1).low, of(1).high, of(2).low, of(2).high});
                   })
                   .Default([&](Operation *) { return ofConstantOrType(op.getResult(0)); });
  if (std::isnan(i.low) || std::isnan(i.high))
    return ofType(type);
  return clampToType(i, type);
}

// Whether `op` only moves elements, as transposes do.
static bool isMove(linalg::GenericOp op) {
  return op && op.getNumDpsInputs() == 1 &&
         op.getBody()->getTerminator()->getOperand(0) == op.getRegionInputArgs()[0];
}

// Reshapes and moves keep what the values are.
static Value getSource(Value v) {
  while (Operation *op = v.getDefiningOp())
    if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp>(op))
      v = op->getOperand(0);
    else if (auto loops = dyn_cast<linalg::GenericOp>(op); isMove(loops))
      v = loops.getDpsInputs()[0];
    else
      break;
  return v;
}

static bool isBounded(KernelOpInterface kernel, SymbolTableCollection &symbols) {
  Block &body = kernel.getEpilogue().front();
  KernelSizes sizes = getSizes(kernel);
  Value sum = body.getArgument(0);
  // Packed weights bring starts of their own.
  if (!sum.getType().isInteger(32) || kernel.getStart())
    return false;
  llvm::DenseMap<Value, Interval> known;
  double left = kernel.getLhsUnsigned() ? 255 : 128, right = kernel.getRhsUnsigned() ? 255 : 128,
         most = double(sizes.k) * left * right;
  known[sum] = clampToType({-most, most}, sum.getType());
  for (auto [extra, argument] : llvm::zip(kernel.getExtras(), body.getArguments().drop_front())) {
    std::optional<HostTensor> tensor = getConstant(getSource(extra), &symbols);
    known[argument] = tensor ? ofConstant(*tensor) : ofType(argument.getType());
  }
  for (Operation &op : body.without_terminator()) {
    if (op.getNumResults() != 1 || op.getNumRegions() != 0)
      return false;
    Interval i = known[op.getResult(0)] = evaluate(op, known);
    // 2^31 - 128 is the last float below 2^31.
    if (isa<FloatType>(op.getResult(0).getType()) && !i.isWithin(2147483520.0))
      return false;
  }
  return true;
}

namespace {
struct BoundResultsPass : terse::ukernel::impl::BoundResultsPassBase<BoundResultsPass> {
  void runOnOperation() override {
    SymbolTableCollection symbols;
    getOperation().walk([&](KernelOpInterface kernel) {
      if (!kernel.getBounded() && isBounded(kernel, symbols)) {
        kernel.setBounded(true);
        ++numBounded;
      }
    });
  }
};
} // namespace
