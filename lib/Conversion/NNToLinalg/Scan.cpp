//===- Scan.cpp - Running sums, top-k -------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "IndexBuilder.h"

using namespace mlir;
using namespace terse;

namespace {

// Sizes of all axes but one, and a full index from the loop variables of those and one of the axis.
SmallVector<Value> otherSizes(IndexBuilder &b, Value x, int64_t axis) {
  SmallVector<Value> bounds;
  for (int64_t i = 0; i < typeOf(x).getRank(); ++i)
    if (i != axis)
      bounds.push_back(b.size(x, i));
  return bounds;
}

SmallVector<Value> withAxis(ValueRange others, int64_t axis, Value index) {
  SmallVector<Value> at(others);
  at.insert(at.begin() + axis, index);
  return at;
}

struct CumulativeLowering : OpConversionPattern<nn::CumulativeOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(nn::CumulativeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    IndexBuilder b(rewriter, op.getLoc());
    Value x = adaptor.getX();
    Type element = cast<RankedTensorType>(op.getX().getType()).getElementType();
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    int64_t axis = op.getAxis();
    bool sum = op.getKind() == nn::ReduceKind::Sum;
    Value empty = createEmpty(b, op.getLoc(), getSizes(b, op.getLoc(), x), type.getElementType());
    Value count = b.size(x, axis), zero = b.constant(0), one = b.constant(1);
    Value identity = createScalarConstant(b, op.getLoc(), sum ? 0 : 1, element);
    Value result = createTensorLoops(
        b, otherSizes(b, x, axis), empty,
        [&](IndexBuilder &b, ValueRange others, ValueRange carried) {
          auto loop = scf::ForOp::create(b, zero, count, one, ValueRange{carried[0], identity});
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPointToStart(loop.getBody());
          Value i = loop.getInductionVar(), running = loop.getRegionIterArgs()[1];
          if (op.getReverse())
            i = b.sub(b.sub(count, one), i);
          SmallVector<Value> at = withAxis(others, axis, i);
          Value v = loadElement(b, b.getLoc(), tensor::ExtractOp::create(b, x, at), element);
          Value next = createBinary(b, b.getLoc(), sum ? nn::BinaryKind::Add : nn::BinaryKind::Mul,
                                    running, v, element);
          Value stored = storeElement(b, b.getLoc(), op.getExclusive() ? running : next, element);
          Value out = tensor::InsertOp::create(b, stored, loop.getRegionIterArgs()[0], at);
          scf::YieldOp::create(b, ValueRange{out, next});
          return SmallVector<Value>{loop.getResult(0)};
        })[0];
    rewriter.replaceOp(op, castTo(rewriter, op.getLoc(), result, type));
    return success();
  }
};

// Selection: the j-th result is the best element behind the (j-1)-th in the order "larger (or
// smaller) value first, then lower index". No scratch memory, and no data-dependent branches.
struct TopKLowering : OpConversionPattern<nn::TopKOp> {
  using OpConversionPattern::OpConversionPattern;

  // Whether `l` stands strictly before `r`. NaN counts as larger than every number.
  static Value before(IndexBuilder &b, Value l, Value r, Type element, bool largest) {
    Value ordered = createCompare(
        b, b.getLoc(), largest ? nn::CompareKind::Gt : nn::CompareKind::Lt, l, r, element);
    if (!isa<FloatType>(l.getType()))
      return ordered;
    Value nan = largest ? l : r, number = largest ? r : l;
    Value isNaN = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, nan, nan);
    Value isNumber = arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, number, number);
    return b.any(ordered, b.all(isNaN, isNumber));
  }

  LogicalResult matchAndRewrite(nn::TopKOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    IndexBuilder b(rewriter, loc);
    Value x = adaptor.getX();
    Type element = cast<RankedTensorType>(op.getX().getType()).getElementType();
    Type storage = typeOf(x).getElementType();
    int64_t axis = op.getAxis();
    bool largest = op.getLargest();
    SmallVector<OpFoldResult> sizes = getSizes(b, loc, x);
    sizes[axis] = b.getIndexAttr(op.getK());
    Value values = createEmpty(b, loc, sizes, storage),
          places = createEmpty(b, loc, sizes, b.getI64Type());
    Value count = b.size(x, axis), zero = b.constant(0), one = b.constant(1), none = b.constant(-1);
    Value wanted = b.constant(op.getK()), nothing = createScalarConstant(b, loc, 0, element);
    SmallVector<Value> results = createTensorLoops(
        b, otherSizes(b, x, axis), {values, places},
        [&](IndexBuilder &b, ValueRange others, ValueRange carried) {
          auto rounds = scf::ForOp::create(b, zero, wanted, one,
                                           ValueRange{carried[0], carried[1], nothing, none});
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPointToStart(rounds.getBody());
          Value lastValue = rounds.getRegionIterArgs()[2],
                lastPlace = rounds.getRegionIterArgs()[3];

          auto scan = scf::ForOp::create(b, zero, count, one, ValueRange{nothing, none});
          {
            OpBuilder::InsertionGuard inner(b);
            b.setInsertionPointToStart(scan.getBody());
            Value i = scan.getInductionVar(), best = scan.getRegionIterArgs()[0],
                  place = scan.getRegionIterArgs()[1];
            Value v = loadElement(
                b, loc, tensor::ExtractOp::create(b, x, withAxis(others, axis, i)), element);
            // Behind the last one: the last stands before it, or they tie and its index is higher.
            Value tie = b.equal(b.any(before(b, lastValue, v, element, largest),
                                      before(b, v, lastValue, element, largest)),
                                arith::ConstantOp::create(b, b.getBoolAttr(false)));
            Value behind =
                b.any(before(b, lastValue, v, element, largest), b.all(tie, b.less(lastPlace, i)));
            behind = b.any(behind, b.less(lastPlace, zero));
            Value better = b.any(b.less(place, zero), before(b, v, best, element, largest));
            Value take = b.all(behind, better);
            scf::YieldOp::create(b, ValueRange{b.select(take, v, best), b.select(take, i, place)});
          }
          // A run-time axis may be shorter than k; then the first element fills up.
          Value place = b.max(scan.getResult(1), zero);
          Value found = extractElement(b, x, withAxis(others, axis, place));
          SmallVector<Value> at = withAxis(others, axis, rounds.getInductionVar());
          Value nextValues = tensor::InsertOp::create(b, found, rounds.getRegionIterArgs()[0], at);
          Value nextPlaces = tensor::InsertOp::create(b, b.fromIndex(place, b.getI64Type()),
                                                      rounds.getRegionIterArgs()[1], at);
          scf::YieldOp::create(
              b, ValueRange{nextValues, nextPlaces, scan.getResult(0), scan.getResult(1)});
          return SmallVector<Value>{rounds.getResult(0), rounds.getResult(1)};
        });
    for (auto [result, old] : llvm::zip(results, op->getResults()))
      result = castTo(rewriter, loc, result, getTypeConverter()->convertType(old.getType()));
    rewriter.replaceOp(op, results);
    return success();
  }
};

} // namespace

void terse::populateScanPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<CumulativeLowering, TopKLowering>(converter, patterns.getContext());
}
