//===- Pad.cpp - Padding --------------------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "IndexBuilder.h"

using namespace mlir;
using namespace terse;

namespace {

struct PadLowering : OpConversionPattern<nn::PadOp> {
  using OpConversionPattern::OpConversionPattern;

  // Where element `i` of a padded axis comes from; `i` counts from the first of the `n` kept
  // elements and may lie on either side of them.
  static Value source(IndexBuilder &b, nn::PadMode mode, Value i, Value n) {
    Value zero = b.constant(0), one = b.constant(1);
    auto modulo = [&](Value v, Value m) {
      Value r = arith::RemSIOp::create(b, v, m);
      return b.select(b.less(r, zero), b.add(r, m), r);
    };
    if (mode == nn::PadMode::Wrap)
      return modulo(i, b.max(n, one));
    if (mode == nn::PadMode::Reflect) {
      // Back and forth with period 2 (n - 1); an axis of one element only repeats it.
      Value period = b.max(b.mul(b.sub(n, one), 2), one);
      Value phase = modulo(i, period);
      return b.select(b.less(phase, n), phase, b.sub(period, phase));
    }
    return i;
  }

  LogicalResult matchAndRewrite(nn::PadOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    IndexBuilder b(rewriter, loc);
    Value x = adaptor.getX();
    int64_t rank = typeOf(x).getRank();
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    SmallVector<OpFoldResult> from = getSizes(rewriter, loc, x), sizes;
    bool empty = false;
    for (int64_t i = 0; i < rank; ++i) {
      int64_t total = op.getLow()[i] + op.getHigh()[i];
      OpFoldResult size =
          computeSize(rewriter, loc, rewriter.getAffineSymbolExpr(0) + total, from[i]);
      // Cropping more than there is leaves nothing.
      if (total < 0 && !getConstantIntValue(size))
        size = b.max(b.value(size), b.constant(0));
      sizes.push_back(size);
      empty |= typeOf(x).getDimSize(i) == 0;
    }
    if (op.getMode() != nn::PadMode::Constant) {
      rewriter.replaceOp(
          op, createGenerated(rewriter, loc, sizes, type, {}, {}, [&](IndexBuilder &b, ValueRange) {
            SmallVector<Value> at;
            for (int64_t i = 0; i < rank; ++i) {
              Value index = b.index(i);
              int64_t low = op.getLow()[i], high = op.getHigh()[i];
              if (low || high) {
                // Cropping comes first: what is cut off is not mirrored or repeated either.
                int64_t cut = std::max<int64_t>(-low, 0), cutHigh = std::max<int64_t>(-high, 0);
                Value n = b.size(x, i), kept = b.add(n, -cut - cutHigh);
                Value from = b.add(index, -std::max<int64_t>(low, 0));
                from = b.clampToAxis(source(b, op.getMode(), from, kept), kept);
                index = b.clampToAxis(b.add(from, cut), n);
              }
              at.push_back(index);
            }
            return extractElement(b, x, at);
          }));
      return success();
    }
    Value fill =
        adaptor.getValue()
            ? Value(tensor::ExtractOp::create(b, adaptor.getValue()))
            : Value(arith::ConstantOp::create(b, rewriter.getZeroAttr(type.getElementType())));
    Value result = createFilled(rewriter, loc, sizes, fill);
    // Copy the part of x that is not cropped.
    SmallVector<OpFoldResult> source(rank), target(rank), extent(rank),
        ones(rank, rewriter.getIndexAttr(1));
    for (int64_t i = 0; i < rank; ++i) {
      int64_t low = op.getLow()[i], high = op.getHigh()[i],
              crop = std::max<int64_t>(-low, 0) + std::max<int64_t>(-high, 0);
      source[i] = rewriter.getIndexAttr(std::max<int64_t>(-low, 0));
      target[i] = rewriter.getIndexAttr(std::max<int64_t>(low, 0));
      extent[i] = computeSize(rewriter, loc, rewriter.getAffineSymbolExpr(0) - crop, from[i]);
      if (auto size = getConstantIntValue(extent[i])) {
        // Nothing of x is left on this axis.
        empty |= *size <= 0;
      } else if (crop) {
        Value left = b.max(b.value(extent[i]), b.constant(0)), n = b.value(from[i]);
        // An offset beyond the end is an invalid slice even if nothing is taken.
        source[i] = b.min(b.value(source[i]), n);
        target[i] = b.min(b.value(target[i]), b.value(sizes[i]));
        extent[i] = left;
      }
    }
    if (!empty) {
      Value kept = x;
      if (llvm::any_of(llvm::concat<const int64_t>(op.getLow(), op.getHigh()),
                       [](int64_t v) { return v < 0; }))
        kept = tensor::ExtractSliceOp::create(rewriter, loc, x, source, extent, ones);
      result = tensor::InsertSliceOp::create(rewriter, loc, kept, result, target, extent, ones);
    }
    rewriter.replaceOp(op, castTo(rewriter, loc, result, type));
    return success();
  }
};

} // namespace

void terse::populatePadPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<PadLowering>(converter, patterns.getContext());
}
