//===- Resize.cpp - Interpolating resize ----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Axes are resampled one after the other. The coordinates of an axis become small tables first:
// which input elements an output element meets and with what weights. Coordinates are f64, as in
// the interpreter, because the nearest neighbour of a coordinate depends on its last bit.

#include "IndexBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace terse;

namespace {

// f64 arithmetic.
class RealBuilder : public IndexBuilder {
public:
  using IndexBuilder::IndexBuilder;
  Value real(double v) { return arith::ConstantOp::create(*this, getF64FloatAttr(v)); }
  Value realFrom(Value index) {
    return arith::SIToFPOp::create(*this, getF64Type(), fromIndex(index, getI64Type()));
  }
  Value indexFrom(Value real) {
    return toIndex(arith::FPToSIOp::create(*this, getI64Type(), real));
  }
  Value addF(Value a, Value b) { return arith::AddFOp::create(*this, a, b); }
  Value subF(Value a, Value b) { return arith::SubFOp::create(*this, a, b); }
  Value mulF(Value a, Value b) { return arith::MulFOp::create(*this, a, b); }
  Value divF(Value a, Value b) { return arith::DivFOp::create(*this, a, b); }
  Value floor(Value a) { return math::FloorOp::create(*this, a); }
  Value compareF(arith::CmpFPredicate p, Value a, Value b) {
    return arith::CmpFOp::create(*this, p, a, b);
  }
};

// What one axis is resampled by.
struct Axis {
  int64_t index;
  double scale, roiStart, roiEnd;
  Value in, out; // sizes as index values
};

// The input coordinate of output element `i` (an index) of `axis`.
Value coordinate(RealBuilder &b, nn::ResizeOp op, const Axis &axis, Value i) {
  Value x = b.realFrom(i), in = b.realFrom(axis.in), one = b.real(1), half = b.real(0.5),
        zero = b.real(0);
  // The output size before rounding.
  Value exact = b.mulF(in, b.real(axis.scale));
  Value halfPixel = b.subF(b.divF(b.addF(x, half), b.real(axis.scale)), half);
  switch (op.getCoordinate()) {
  case nn::ResizeCoordinate::HalfPixel:
    return halfPixel;
  case nn::ResizeCoordinate::HalfPixelSymmetric: {
    Value adjustment = b.divF(b.realFrom(axis.out), exact);
    Value offset = b.mulF(b.divF(in, b.real(2)), b.subF(one, adjustment));
    return b.subF(b.addF(offset, b.divF(b.addF(x, half), b.real(axis.scale))), half);
  }
  case nn::ResizeCoordinate::PytorchHalfPixel:
    return b.select(b.compareF(arith::CmpFPredicate::OEQ, exact, one), b.real(-0.5), halfPixel);
  case nn::ResizeCoordinate::AlignCorners: {
    Value spread = b.divF(b.mulF(x, b.subF(in, one)), b.subF(exact, one));
    return b.select(b.compareF(arith::CmpFPredicate::OEQ, exact, one), zero, spread);
  }
  case nn::ResizeCoordinate::Asymmetric:
    return b.divF(x, b.real(axis.scale));
  case nn::ResizeCoordinate::TfCropAndResize: {
    Value last = b.subF(in, one), span = b.mulF(b.real(axis.roiEnd - axis.roiStart), last);
    Value single = b.divF(span, b.real(2));
    Value spread = b.divF(b.mulF(b.mulF(x, b.real(axis.roiEnd - axis.roiStart)), last),
                          b.subF(b.realFrom(axis.out), one));
    Value at = b.select(b.equal(axis.out, b.constant(1)), single, spread);
    return b.addF(at, b.mulF(b.real(axis.roiStart), last));
  }
  }
  return halfPixel;
}

// The input element nearest to coordinate `x`, as an index.
Value nearest(RealBuilder &b, nn::ResizeRounding rounding, Value x, Value in) {
  Value rounded;
  switch (rounding) {
  case nn::ResizeRounding::PreferFloor:
    rounded = math::CeilOp::create(b, b.subF(x, b.real(0.5)));
    break;
  case nn::ResizeRounding::PreferCeil:
    rounded = b.floor(b.addF(x, b.real(0.5)));
    break;
  case nn::ResizeRounding::Floor:
    rounded = b.floor(x);
    break;
  case nn::ResizeRounding::Ceil:
    rounded = math::CeilOp::create(b, x);
    break;
  }
  return b.clampToAxis(b.indexFrom(rounded), in);
}

// Weight of an input element at `distance` (>= 0) from the coordinate.
Value kernelWeight(RealBuilder &b, bool cubic, double a, Value distance) {
  Value zero = b.real(0), one = b.real(1);
  if (!cubic)
    return arith::MaximumFOp::create(b, b.subF(one, distance), zero);
  // Keys: (a+2) d^3 - (a+3) d^2 + 1 up to 1, a d^3 - 5a d^2 + 8a d - 4a up to 2.
  Value d = distance;
  Value inner = b.addF(b.mulF(b.mulF(b.subF(b.mulF(b.real(a + 2), d), b.real(a + 3)), d), d), one);
  Value outer = b.subF(
      b.mulF(b.addF(b.mulF(b.subF(b.mulF(b.real(a), d), b.real(5 * a)), d), b.real(8 * a)), d),
      b.real(4 * a));
  Value beyond = b.select(b.compareF(arith::CmpFPredicate::OLT, d, b.real(2)), outer, zero);
  return b.select(b.compareF(arith::CmpFPredicate::OLE, d, one), inner, beyond);
}

struct ResizeLowering : OpConversionPattern<nn::ResizeOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(nn::ResizeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RealBuilder b(rewriter, loc);
    Value x = adaptor.getX();
    int64_t rank = typeOf(x).getRank();
    Type element = cast<RankedTensorType>(op.getX().getType()).getElementType();
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    bool crop = op.getCoordinate() == nn::ResizeCoordinate::TfCropAndResize;

    SmallVector<OpFoldResult> sizes = getSizes(b, loc, x);
    SmallVector<Axis> axes;
    for (int64_t i = 0; i < rank; ++i) {
      Axis axis{i, op.getScales()[i], 0.0, 1.0, b.size(x, i), {}};
      if (crop && !op.getRoi().empty())
        axis.roiStart = op.getRoi()[i], axis.roiEnd = op.getRoi()[i + rank];
      if (!type.isDynamicDim(i))
        sizes[i] = b.getIndexAttr(type.getDimSize(i));
      else if (axis.scale != 1.0)
        sizes[i] = b.indexFrom(b.floor(b.mulF(b.realFrom(axis.in), b.real(axis.scale))));
      axis.out = b.value(sizes[i]);
      bool same = typeOf(x).getDimSize(i) == type.getDimSize(i) && axis.scale == 1.0;
      if (!same || axis.roiStart != 0.0 || axis.roiEnd != 1.0)
        axes.push_back(axis);
    }

    Value result = op.getMode() == nn::ResizeMode::Nearest
                       ? sampleNearest(b, op, x, axes, sizes, type)
                       : interpolate(b, op, x, axes, sizes, type, element);
    if (crop)
      result = fillOutside(b, op, result, axes, sizes, type, element);
    rewriter.replaceOp(op, castTo(b, loc, result, type));
    return success();
  }

  // A table over one axis, or over one axis and the taps of its kernel.
  static Value table(IndexBuilder &b, ArrayRef<OpFoldResult> sizes, Type element,
                     llvm::function_ref<Value(RealBuilder &)> entry) {
    return createMap(b, b.getLoc(), sizes, element, {}, {},
                     [&](OpBuilder &nested, Location loc, ValueRange) {
                       RealBuilder rb(nested, loc);
                       return entry(rb);
                     });
  }

  static Value sampleNearest(RealBuilder &b, nn::ResizeOp op, Value x, ArrayRef<Axis> axes,
                             ArrayRef<OpFoldResult> sizes, Type type) {
    int64_t rank = typeOf(x).getRank();
    SmallVector<Value> tables;
    SmallVector<AffineMap> maps;
    for (const Axis &axis : axes) {
      tables.push_back(table(b, sizes[axis.index], b.getIndexType(), [&](RealBuilder &b) {
        return nearest(b, op.getRounding(), coordinate(b, op, axis, b.index(0)), axis.in);
      }));
      maps.push_back(AffineMap::get(rank, 0, b.getAffineDimExpr(axis.index), b.getContext()));
    }
    return createGenerated(b, b.getLoc(), sizes, type, tables, maps,
                           [&](IndexBuilder &b, ValueRange args) {
                             SmallVector<Value> at;
                             for (int64_t i = 0; i < rank; ++i)
                               at.push_back(b.index(i));
                             for (auto [axis, index] : llvm::zip(axes, args))
                               at[axis.index] = index;
                             return extractElement(b, x, at);
                           });
  }

  // Linear and cubic: every pass sums the taps of one axis.
  static Value interpolate(RealBuilder &b, nn::ResizeOp op, Value x, ArrayRef<Axis> axes,
                           ArrayRef<OpFoldResult> sizes, Type type, Type element) {
    Location loc = b.getLoc();
    bool real = isa<FloatType>(element);
    // Passes hold f32 (f64 for f64); integers are truncated in the end.
    Type wide = element.isF64() ? element : Type(b.getF32Type());
    AffineMap identity = b.getMultiDimIdentityMap(typeOf(x).getRank());
    auto convert = [&](Value tensor, ArrayRef<OpFoldResult> sizes, Type to,
                       llvm::function_ref<Value(OpBuilder &, Location, Value)> scalar) {
      return createMap(
          b, loc, sizes, to, tensor, identity,
          [&](OpBuilder &b, Location loc, ValueRange args) { return scalar(b, loc, args[0]); });
    };
    if (axes.empty())
      return castTo(b, loc, x, type);
    SmallVector<OpFoldResult> current = getSizes(b, loc, x);
    if (typeOf(x).getElementType() != wide)
      x = convert(x, current, wide, [&](OpBuilder &b, Location loc, Value v) {
        return real ? loadElement(b, loc, v, element) : createCast(b, loc, v, element, wide);
      });
    for (const Axis &axis : axes) {
      current[axis.index] = sizes[axis.index];
      x = resample(b, op, x, axis, current);
    }
    if (typeOf(x).getElementType() != cast<RankedTensorType>(type).getElementType())
      x = convert(x, sizes, cast<RankedTensorType>(type).getElementType(),
                  [&](OpBuilder &b, Location loc, Value v) {
                    return real ? storeElement(b, loc, v, element)
                                : createCast(b, loc, v, wide, element);
                  });
    return x;
  }

  static Value resample(RealBuilder &b, nn::ResizeOp op, Value x, const Axis &axis,
                        ArrayRef<OpFoldResult> sizes) {
    Location loc = b.getLoc();
    bool cubic = op.getMode() == nn::ResizeMode::Cubic;
    double a = op.getCubicCoefficient().convertToDouble();
    // Antialiasing stretches the kernel over the elements that one output element stands for.
    double shrink = op.getAntialias() ? std::min(axis.scale, 1.0) : 1.0;
    int64_t start = int64_t(std::floor((cubic ? -2.0 : -1.0) / shrink)) + 1, taps = 2 - 2 * start;
    OpFoldResult out = sizes[axis.index], tapCount = b.getIndexAttr(taps);
    auto base = [&](RealBuilder &b, Value &ratio) {
      Value at = coordinate(b, op, axis, b.index(0)), lower = b.floor(at);
      ratio = b.subF(at, lower);
      return b.add(b.add(b.indexFrom(lower), b.index(1)), start);
    };
    Value places = table(b, {out, tapCount}, b.getIndexType(), [&](RealBuilder &b) {
      Value ratio;
      return b.clampToAxis(base(b, ratio), axis.in);
    });
    Value weights = table(b, {out, tapCount}, b.getF64Type(), [&](RealBuilder &b) {
      Value ratio, place = base(b, ratio);
      Value offset = b.subF(b.realFrom(b.add(b.index(1), start)), ratio);
      Value distance = math::AbsFOp::create(b, b.mulF(offset, b.real(shrink)));
      Value weight = kernelWeight(b, cubic, a, distance);
      if (op.getExcludeOutside()) {
        Value inside = b.all(b.less(b.constant(-1), place), b.less(place, axis.in));
        weight = b.select(inside, weight, b.real(0));
      }
      return weight;
    });
    AffineMap byRow = AffineMap::get(2, 0, b.getAffineDimExpr(0), b.getContext());
    AffineMap identity = b.getMultiDimIdentityMap(2);
    Value sums;
    if (op.getExcludeOutside() || op.getAntialias()) {
      Value zeros = createFilled(b, loc, out, b.real(0));
      sums = linalg::GenericOp::create(
                 b, zeros.getType(), weights, zeros, ArrayRef<AffineMap>{identity, byRow},
                 ArrayRef<utils::IteratorType>{utils::IteratorType::parallel,
                                               utils::IteratorType::reduction},
                 [](OpBuilder &b, Location loc, ValueRange args) {
                   linalg::YieldOp::create(b, loc,
                                           Value(arith::AddFOp::create(b, loc, args[0], args[1])));
                 })
                 .getResult(0);
    }
    Type wide = typeOf(x).getElementType();
    if (sums || !wide.isF64()) {
      SmallVector<Value> inputs{weights};
      SmallVector<AffineMap> maps{identity};
      if (sums)
        inputs.push_back(sums), maps.push_back(byRow);
      weights =
          createMap(b, loc, {out, tapCount}, wide, inputs, maps,
                    [&](OpBuilder &b, Location loc, ValueRange args) {
                      Value w =
                          sums ? Value(arith::DivFOp::create(b, loc, args[0], args[1])) : args[0];
                      return wide.isF64() ? w : Value(arith::TruncFOp::create(b, loc, wide, w));
                    });
    }
    // Over the axes of the result and, innermost, the taps.
    int64_t rank = sizes.size();
    AffineExpr row = b.getAffineDimExpr(axis.index), tap = b.getAffineDimExpr(rank);
    AffineMap tables = AffineMap::get(rank + 1, 0, {row, tap}, b.getContext());
    AffineMap result = b.getMultiDimIdentityMap(rank + 1).getMajorSubMap(rank);
    SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
    iterators.push_back(utils::IteratorType::reduction);
    Value zeros = createFilled(b, loc, sizes, arith::ConstantOp::create(b, b.getZeroAttr(wide)));
    return linalg::GenericOp::create(
               b, zeros.getType(), ValueRange{places, weights}, zeros,
               ArrayRef<AffineMap>{tables, tables, result}, iterators,
               [&](OpBuilder &nested, Location loc, ValueRange args) {
                 IndexBuilder b(nested, loc);
                 SmallVector<Value> at;
                 for (int64_t i = 0; i < rank; ++i)
                   at.push_back(i == axis.index ? args[0] : b.index(i));
                 Value product = arith::MulFOp::create(b, args[1], extractElement(b, x, at));
                 linalg::YieldOp::create(b, loc, Value(arith::AddFOp::create(b, args[2], product)));
               })
        .getResult(0);
  }

  // Elements whose coordinate lies outside of the input get the extrapolation value.
  static Value fillOutside(RealBuilder &b, nn::ResizeOp op, Value x, ArrayRef<Axis> axes,
                           ArrayRef<OpFoldResult> sizes, Type type, Type element) {
    int64_t rank = sizes.size();
    SmallVector<Value> inputs{x};
    SmallVector<AffineMap> maps{b.getMultiDimIdentityMap(rank)};
    for (const Axis &axis : axes) {
      inputs.push_back(table(b, sizes[axis.index], b.getI1Type(), [&](RealBuilder &b) {
        Value at = coordinate(b, op, axis, b.index(0)),
              last = b.subF(b.realFrom(axis.in), b.real(1));
        return b.any(b.compareF(arith::CmpFPredicate::OLT, at, b.real(0)),
                     b.compareF(arith::CmpFPredicate::OGT, at, last));
      }));
      maps.push_back(AffineMap::get(rank, 0, b.getAffineDimExpr(axis.index), b.getContext()));
    }
    double extrapolation = op.getExtrapolation().convertToDouble();
    return createGenerated(
        b, b.getLoc(), sizes, type, inputs, maps, [&](IndexBuilder &b, ValueRange args) {
          Value outside = storeElement(
              b, b.getLoc(), createScalarConstant(b, b.getLoc(), extrapolation, element), element);
          Value result = args[0];
          for (Value flag : args.drop_front())
            result = b.select(flag, outside, result);
          return result;
        });
  }
};

} // namespace

void terse::populateResizePatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ResizeLowering>(converter, patterns.getContext());
}
