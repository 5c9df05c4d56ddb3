//===- Pool.cpp - Pooling over windows ------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "IndexBuilder.h"

using namespace mlir;
using namespace terse;

namespace {

// Windows of a pool op over its spatial axes.
struct Windows {
  ArrayRef<int64_t> kernel, strides, pads, dilations;
  bool ceilMode;
  int64_t axes() const { return kernel.size(); }
  int64_t low(int64_t i) const { return pads[i]; }
  int64_t high(int64_t i) const { return pads[i + axes()]; }
  int64_t extent(int64_t i) const { return (kernel[i] - 1) * dilations[i] + 1; }
  int64_t elements() const {
    int64_t n = 1;
    for (int64_t k : kernel)
      n *= k;
    return n;
  }
};

template <typename OpTy>
Windows windowsOf(OpTy op) {
  return {op.getKernel(), op.getStrides(), op.getPads(), op.getDilations(), op.getCeilMode()};
}

// Output size of spatial axis `i` for `n` input elements.
OpFoldResult outputSize(IndexBuilder &b, const Windows &w, int64_t i, OpFoldResult n) {
  if (auto known = getConstantIntValue(n))
    return b.getIndexAttr(nn::getWindowedSize(*known, w.kernel[i], w.strides[i], w.low(i),
                                              w.high(i), w.dilations[i], w.ceilMode));
  Value size = b.value(n), zero = b.constant(0), stride = b.constant(w.strides[i]);
  Value span = b.add(size, w.low(i) + w.high(i) - w.extent(i));
  Value inside = b.max(span, zero);
  Value count = b.add(arith::DivSIOp::create(b, inside, stride), 1);
  if (w.ceilMode) {
    // One more window for what is left over, if it starts before the high padding.
    Value left = b.less(zero, arith::RemSIOp::create(b, inside, stride));
    Value starts = b.less(b.mul(count, stride), b.add(size, w.low(i)));
    count = b.select(b.all(left, starts), b.add(count, 1), count);
  }
  return b.select(b.less(span, zero), zero, count);
}

SmallVector<OpFoldResult> outputSizes(IndexBuilder &b, const Windows &w, Value x) {
  SmallVector<OpFoldResult> sizes = getSizes(b, b.getLoc(), x);
  for (int64_t i = 0; i < w.axes(); ++i)
    sizes[i + 2] = outputSize(b, w, i, sizes[i + 2]);
  return sizes;
}

// `x` with `fill` around it, large enough for every window: ceil mode may look beyond the high
// padding.
Value padInput(IndexBuilder &b, const Windows &w, Value x, ArrayRef<OpFoldResult> outputs,
               Value fill) {
  Location loc = b.getLoc();
  int64_t rank = typeOf(x).getRank();
  SmallVector<OpFoldResult> from = getSizes(b, loc, x), sizes = from;
  SmallVector<OpFoldResult> at(rank, b.getIndexAttr(0)), ones(rank, b.getIndexAttr(1));
  bool needed = w.ceilMode || llvm::any_of(w.pads, [](int64_t p) { return p != 0; });
  if (!needed)
    return x;
  bool changed = false;
  for (int64_t i = 0; i < w.axes(); ++i) {
    at[i + 2] = b.getIndexAttr(w.low(i));
    AffineExpr s = b.getAffineSymbolExpr(0);
    OpFoldResult padded = computeSize(b, loc, s + (w.low(i) + w.high(i)), from[i + 2]);
    OpFoldResult covered =
        computeSize(b, loc, (s - 1) * w.strides[i] + w.extent(i), outputs[i + 2]);
    auto a = getConstantIntValue(padded), c = getConstantIntValue(covered);
    if (a && c)
      sizes[i + 2] = b.getIndexAttr(std::max(*a, *c));
    else
      sizes[i + 2] = w.ceilMode ? OpFoldResult(b.max(b.value(padded), b.value(covered))) : padded;
    auto before = getConstantIntValue(from[i + 2]), after = getConstantIntValue(sizes[i + 2]);
    changed |= !before || before != after;
  }
  if (!changed)
    return x;
  Value filled = createFilled(b, loc, sizes, fill);
  return tensor::InsertSliceOp::create(b, loc, x, filled, at, from, ones);
}

// Loops n, c, o..., k...; `o * stride + k * dilation` reads the input.
struct WindowSpace {
  AffineMap input, kernel, output;
  SmallVector<utils::IteratorType> iterators;
};

WindowSpace describe(Builder &b, const Windows &w) {
  int64_t axes = w.axes(), outer = axes + 2;
  SmallVector<AffineExpr> in{b.getAffineDimExpr(0), b.getAffineDimExpr(1)}, kernel;
  for (int64_t i = 0; i < axes; ++i) {
    in.push_back(b.getAffineDimExpr(i + 2) * w.strides[i] +
                 b.getAffineDimExpr(outer + i) * w.dilations[i]);
    kernel.push_back(b.getAffineDimExpr(outer + i));
  }
  WindowSpace space;
  MLIRContext *context = b.getContext();
  space.input = AffineMap::get(outer + axes, 0, in, context);
  space.kernel = AffineMap::get(outer + axes, 0, kernel, context);
  space.output = AffineMap::getMultiDimIdentityMap(outer + axes, context).getMajorSubMap(outer);
  space.iterators.assign(outer, utils::IteratorType::parallel);
  space.iterators.append(axes, utils::IteratorType::reduction);
  return space;
}

// An operand that only gives the kernel loops their bounds.
Value windowShape(OpBuilder &b, Location loc, const Windows &w, Type element) {
  return tensor::EmptyOp::create(b, loc, w.kernel, element);
}

struct PoolLowering : OpConversionPattern<nn::PoolOp> {
  using OpConversionPattern::OpConversionPattern;

  // How many elements of the window at `o` along axis `i` lie in [first, limit), by position in the
  // unpadded input.
  static Value countInside(IndexBuilder &b, const Windows &w, int64_t i, Value o, int64_t first,
                           Value limit) {
    Value start = b.add(b.mul(o, w.strides[i]), -w.low(i)), dilation = b.constant(w.dilations[i]);
    Value zero = b.constant(0), kernel = b.constant(w.kernel[i]);
    auto stepsTo = [&](Value bound) {
      return b.min(b.max(arith::CeilDivSIOp::create(b, b.sub(bound, start), dilation), zero),
                   kernel);
    };
    return b.max(b.sub(stepsTo(limit), stepsTo(b.constant(first))), zero);
  }

  LogicalResult matchAndRewrite(nn::PoolOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    IndexBuilder b(rewriter, loc);
    Windows w = windowsOf(op);
    Value x = adaptor.getX();
    Type element = cast<RankedTensorType>(op.getX().getType()).getElementType();
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    nn::PoolKind kind = op.getKind();
    int64_t p = op.getP();
    if (kind == nn::PoolKind::Lp && !isa<FloatType>(element))
      return rewriter.notifyMatchFailure(op, "expected floats for lp pooling");

    bool maximum = kind == nn::PoolKind::Max;
    Type compute = getComputeType(element),
         accumulator = maximum ? compute : getWideSumType(element);
    Value initial =
        maximum ? createLowest(b, loc, element) : createScalarConstant(b, loc, 0, element);
    SmallVector<OpFoldResult> sizes = outputSizes(b, w, x);
    Value padded = padInput(b, w, x, sizes, storeElement(b, loc, initial, element));
    Value init = createFilled(b, loc, sizes, createCast(b, loc, initial, compute, accumulator));
    WindowSpace space = describe(b, w);
    auto pool = linalg::GenericOp::create(
        rewriter, loc, init.getType(),
        ValueRange{padded, windowShape(b, loc, w, typeOf(x).getElementType())}, init,
        ArrayRef<AffineMap>{space.input, space.kernel, space.output}, space.iterators,
        [&](OpBuilder &nested, Location loc, ValueRange args) {
          Value v = loadElement(nested, loc, args[0], element);
          if (kind == nn::PoolKind::Lp)
            v = raise(nested, loc, v, p, element);
          v = createCast(nested, loc, v, compute, accumulator);
          nn::BinaryKind function = maximum ? nn::BinaryKind::Max : nn::BinaryKind::Add;
          linalg::YieldOp::create(nested, loc,
                                  createBinary(nested, loc, function, args[2], v, element));
        });
    Value result = pool.getResult(0);
    if (!maximum || !storesComputeType(element))
      result = finish(b, op, w, x, result, sizes, type, element);
    rewriter.replaceOp(op, castTo(b, loc, result, type));
    return success();
  }

  // |v|^p
  static Value raise(OpBuilder &b, Location loc, Value v, int64_t p, Type element) {
    if (p == 2)
      return createBinary(b, loc, nn::BinaryKind::Mul, v, v, element);
    v = createUnary(b, loc, nn::UnaryKind::Abs, v, element);
    return p == 1
               ? v
               : createBinary(b, loc, nn::BinaryKind::Pow, v,
                              createScalarConstant(b, loc, double(p), element), element, element);
  }

  // From what a window accumulated to what it yields.
  static Value finish(IndexBuilder &b, nn::PoolOp op, const Windows &w, Value x, Value accumulated,
                      ArrayRef<OpFoldResult> sizes, RankedTensorType type, Type element) {
    bool padded = llvm::any_of(w.pads, [](int64_t v) { return v != 0; });
    // With ceil mode the last window may hang over the padded input, whose excess never counts.
    bool varies = w.ceilMode || (padded && !op.getCountIncludePad());
    AffineMap identity = b.getMultiDimIdentityMap(sizes.size());
    return createGenerated(
        b, b.getLoc(), sizes, type, accumulated, identity, [&](IndexBuilder &b, ValueRange args) {
          Location loc = b.getLoc();
          Value v = args[0];
          if (op.getKind() != nn::PoolKind::Max)
            v = createCast(b, loc, v, getWideSumType(element), getComputeType(element));
          if (op.getKind() == nn::PoolKind::Average && !varies) {
            v = createBinary(b, loc, nn::BinaryKind::Div, v,
                             createScalarConstant(b, loc, double(w.elements()), element), element);
          } else if (op.getKind() == nn::PoolKind::Average) {
            Value count;
            for (int64_t i = 0; i < w.axes(); ++i) {
              bool include = op.getCountIncludePad();
              Value limit = b.add(b.size(x, i + 2), include ? w.high(i) : 0);
              Value one = countInside(b, w, i, b.index(i + 2), include ? -w.low(i) : 0, limit);
              count = count ? b.mul(count, one) : one;
            }
            Value wide = b.fromIndex(count, b.getI64Type());
            Value divisor =
                loadElement(b, loc, createCast(b, loc, wide, b.getI64Type(), element), element);
            v = createBinary(b, loc, nn::BinaryKind::Div, v, divisor, element);
          } else if (op.getKind() == nn::PoolKind::Lp && op.getP() == 2) {
            v = createUnary(b, loc, nn::UnaryKind::Sqrt, v, element);
          } else if (op.getKind() == nn::PoolKind::Lp && op.getP() != 1) {
            v = createBinary(b, loc, nn::BinaryKind::Pow, v,
                             createScalarConstant(b, loc, 1.0 / double(op.getP()), element),
                             element, element);
          }
          return storeElement(b, loc, v, element);
        });
  }
};

struct MaxPoolIndicesLowering : OpConversionPattern<nn::MaxPoolIndicesOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(nn::MaxPoolIndicesOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    IndexBuilder top(rewriter, loc);
    Windows w = windowsOf(op);
    Value x = adaptor.getX();
    Type element = cast<RankedTensorType>(op.getX().getType()).getElementType();
    SmallVector<OpFoldResult> sizes = outputSizes(top, w, x);
    // Index -1 says that no element was seen yet. The result is the value as it is stored: a
    // choice, not arithmetic.
    Type storage = typeOf(x).getElementType();
    Value lowest = storeElement(top, loc, createLowest(top, loc, element), element);
    Value values = createFilled(top, loc, sizes, lowest);
    Value places =
        createFilled(top, loc, sizes, arith::ConstantOp::create(top, top.getI64IntegerAttr(-1)));
    WindowSpace space = describe(top, w);
    auto pool = linalg::GenericOp::create(
        rewriter, loc, TypeRange{values.getType(), places.getType()},
        windowShape(top, loc, w, storage), ValueRange{values, places},
        ArrayRef<AffineMap>{space.kernel, space.output, space.output}, space.iterators,
        [&](OpBuilder &nested, Location loc, ValueRange args) {
          IndexBuilder b(nested, loc);
          Value zero = b.constant(0), inside;
          SmallVector<Value> at{b.index(0), b.index(1)}, spatial;
          for (int64_t i = 0; i < w.axes(); ++i) {
            Value position = b.add(b.add(b.mul(b.index(i + 2), w.strides[i]),
                                         b.mul(b.index(w.axes() + 2 + i), w.dilations[i])),
                                   -w.low(i));
            Value n = b.size(x, i + 2);
            Value valid =
                b.all(b.compare(arith::CmpIPredicate::sge, position, zero), b.less(position, n));
            inside = inside ? b.all(inside, valid) : valid;
            spatial.push_back(position);
            at.push_back(b.clampToAxis(position, n));
          }
          Value stored = extractElement(b, x, at);
          Value v = loadElement(b, loc, stored, element),
                best = loadElement(b, loc, args[1], element);
          Value fresh = b.less(args[2], arith::ConstantOp::create(b, b.getI64IntegerAttr(0)));
          Value larger = createCompare(b, loc, nn::CompareKind::Gt, v, best, element);
          // The first NaN is a maximum, as it is for nn.pool.
          if (isa<FloatType>(v.getType()))
            larger = b.any(larger,
                           b.all(arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, v, v),
                                 arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, best, best)));
          Value take = b.all(inside, b.any(fresh, larger));
          // Position in the flattened input: batch and channel always outermost.
          Value place = b.add(b.mul(b.index(0), b.size(x, 1)), b.index(1)), area = b.constant(1),
                offset = zero;
          for (int64_t i = 0; i < w.axes(); ++i) {
            int64_t axis = op.getColumnMajor() ? i : w.axes() - 1 - i;
            offset = b.add(offset, b.mul(spatial[axis], area));
            area = b.mul(area, b.size(x, axis + 2));
          }
          place = b.fromIndex(b.add(b.mul(place, area), offset), b.getI64Type());
          linalg::YieldOp::create(
              b, loc, ValueRange{b.select(take, stored, args[1]), b.select(take, place, args[2])});
        });
    SmallVector<Value> results(pool.getResults());
    for (auto [result, old] : llvm::zip(results, op->getResults()))
      result = castTo(rewriter, loc, result, getTypeConverter()->convertType(old.getType()));
    rewriter.replaceOp(op, results);
    return success();
  }
};

} // namespace

void terse::populatePoolPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<PoolLowering, MaxPoolIndicesLowering>(converter, patterns.getContext());
}
