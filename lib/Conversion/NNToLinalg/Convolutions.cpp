//===- Convolutions.cpp - Convolutions to linalg --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One linalg.generic per convolution, over a padded input. Groups are a dimension of their own; a
// depthwise convolution is one whose groups have one channel each way.

#include "Contract.h"
#include "IndexBuilder.h"

using namespace mlir;
using namespace terse;
using namespace terse::nn;
using utils::IteratorType;

namespace {
Type elementOf(Value v) { return typeOf(v).getElementType(); }

OpFoldResult plus(OpBuilder &b, Location loc, OpFoldResult size, int64_t scale, int64_t offset) {
  return computeSize(b, loc, b.getAffineSymbolExpr(0) * scale + offset, size);
}

// `x` with `low` and `high` zeros around its spatial dimensions, which lie `spread` apart; negative
// counts crop.
Value createPadded(OpBuilder &b, Location loc, Value x, ArrayRef<int64_t> low,
                   ArrayRef<int64_t> high, ArrayRef<int64_t> spread) {
  size_t n = low.size();
  auto isZero = [](int64_t v) { return v == 0; };
  auto isOne = [](int64_t v) { return v == 1; };
  if (llvm::all_of(low, isZero) && llvm::all_of(high, isZero) && llvm::all_of(spread, isOne))
    return x;
  SmallVector<OpFoldResult> sizes = getSizes(b, loc, x), padded = sizes;
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0)),
      cropped = offsets, strides(sizes.size(), b.getIndexAttr(1));
  SmallVector<OpFoldResult> ones = strides, kept = sizes;
  for (size_t i = 0; i < n; ++i) {
    int64_t pl = std::max<int64_t>(low[i], 0), ph = std::max<int64_t>(high[i], 0);
    padded[i + 2] = plus(b, loc, sizes[i + 2], spread[i], 1 - spread[i] + pl + ph);
    kept[i + 2] = plus(b, loc, sizes[i + 2], spread[i], 1 - spread[i] + low[i] + high[i]);
    offsets[i + 2] = b.getIndexAttr(pl);
    cropped[i + 2] = b.getIndexAttr(pl - low[i]);
    strides[i + 2] = b.getIndexAttr(spread[i]);
  }
  for (size_t i = 0; i < 2; ++i)
    kept[i] = sizes[i];
  Type storage = elementOf(x);
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(storage));
  Value filled = createFilled(b, loc, padded, zero);
  Value result = tensor::InsertSliceOp::create(b, loc, x, filled, offsets, sizes, strides);
  if (llvm::any_of(llvm::concat<const int64_t>(low, high), [](int64_t v) { return v < 0; }))
    result = tensor::ExtractSliceOp::create(b, loc, result, cropped, kept, ones);
  return result;
}

// Dimension `dim` of `x` as [groups, rest]; only called for static sizes of that dimension.
Value splitGroups(OpBuilder &b, Location loc, Value x, int64_t dim, int64_t groups) {
  auto type = typeOf(x);
  SmallVector<ReassociationIndices> map;
  SmallVector<int64_t> shape;
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0, out = 0; i < type.getRank(); ++i) {
    if (i == dim) {
      map.push_back({out, out + 1});
      shape.append({groups, type.getDimSize(i) / groups});
      sizes.append({b.getIndexAttr(groups), b.getIndexAttr(type.getDimSize(i) / groups)});
      out += 2;
    } else {
      map.push_back({out++});
      shape.push_back(type.getDimSize(i));
      sizes.push_back(getSize(b, loc, x, i));
    }
  }
  return tensor::ExpandShapeOp::create(b, loc, RankedTensorType::get(shape, type.getElementType()),
                                       x, map, sizes);
}

Value joinGroups(OpBuilder &b, Location loc, Value x, int64_t dim) {
  SmallVector<ReassociationIndices> map;
  for (int64_t i = 0; i < typeOf(x).getRank(); ++i) {
    if (i == dim + 1)
      map.back().push_back(i);
    else
      map.push_back({i});
  }
  return tensor::CollapseShapeOp::create(b, loc, x, map);
}

struct Convolution {
  Value x, weight, bias; // x padded; weight [O, C/groups, k...]
  Type xElement, weightElement, biasElement, resultElement;
  ArrayRef<int64_t> strides, dilations;
  int64_t groups;
};

Value createConvolution(OpBuilder &b, Location loc, const Convolution &conv) {
  int64_t n = conv.strides.size(), groups = conv.groups;
  bool grouped = groups > 1;
  Type sum = getSumType(conv.xElement);
  SmallVector<OpFoldResult> sizes{getSize(b, loc, conv.x, 0), getSize(b, loc, conv.weight, 0)};
  for (int64_t i = 0; i < n; ++i) {
    // floor((x - (k - 1) * d - 1) / s) + 1
    AffineExpr x = b.getAffineSymbolExpr(0), k = b.getAffineSymbolExpr(1);
    AffineExpr size = (x - (k - 1) * conv.dilations[i] - 1).floorDiv(conv.strides[i]) + 1;
    sizes.push_back(computeSize(
        b, loc, size, {getSize(b, loc, conv.x, i + 2), getSize(b, loc, conv.weight, i + 2)}));
  }
  Value init = createSumInit(b, loc, sizes, sum, conv.bias, conv.biasElement, 1);
  Value x = conv.x, w = conv.weight;
  if (grouped) {
    x = splitGroups(b, loc, x, 1, groups);
    w = splitGroups(b, loc, w, 0, groups);
    init = splitGroups(b, loc, init, 1, groups);
  }
  // Iterators: batch, [group,] output channel, positions..., input channel, kernel...
  int64_t g = grouped ? 1 : 0, rank = 3 + g + 2 * n;
  auto dim = [&](int64_t i) { return b.getAffineDimExpr(i); };
  SmallVector<AffineExpr> xs{dim(0)}, ws, os{dim(0)};
  if (grouped)
    xs.push_back(dim(1)), ws.push_back(dim(1)), os.push_back(dim(1));
  xs.push_back(dim(2 + g + n));
  ws.push_back(dim(1 + g));
  ws.push_back(dim(2 + g + n));
  os.push_back(dim(1 + g));
  for (int64_t i = 0; i < n; ++i) {
    xs.push_back(dim(2 + g + i) * conv.strides[i] + dim(3 + g + n + i) * conv.dilations[i]);
    ws.push_back(dim(3 + g + n + i));
    os.push_back(dim(2 + g + i));
  }
  SmallVector<AffineMap> maps;
  for (auto &e : {xs, ws, os})
    maps.push_back(AffineMap::get(rank, 0, e, b.getContext()));
  SmallVector<IteratorType> iterators(2 + g + n, IteratorType::parallel);
  iterators.append(1 + n, IteratorType::reduction);
  Value sums =
      createContraction(b, loc, x, conv.xElement, w, conv.weightElement, init, maps, iterators);
  if (grouped)
    sums = joinGroups(b, loc, sums, 1);
  return finishSums(b, loc, sums, sum, conv.resultElement);
}

// `x` with a dimension of 1 in front of its only spatial one: kernels have two.
Value addHeight(OpBuilder &b, Location loc, Value x) {
  auto type = typeOf(x);
  SmallVector<int64_t> shape{type.getDimSize(0), type.getDimSize(1), 1, type.getDimSize(2)};
  SmallVector<OpFoldResult> sizes = getSizes(b, loc, x);
  sizes.insert(sizes.begin() + 2, b.getIndexAttr(1));
  return tensor::ExpandShapeOp::create(b, loc, RankedTensorType::get(shape, type.getElementType()),
                                       x, SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}},
                                       sizes);
}

struct ConvLowering : OpConversionPattern<ConvOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ConvOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    size_t n = op.getStrides().size();
    if (op.getGroups() > 1 &&
        (typeOf(op.getX()).isDynamicDim(1) || typeOf(op.getWeight()).isDynamicDim(0)))
      return rewriter.notifyMatchFailure(op, "grouped convolutions need static channels");
    SmallVector<int64_t> low(op.getPads().take_front(n)), high(op.getPads().drop_front(n)),
        strides(op.getStrides()), dilations(op.getDilations());
    Value x = adaptor.getX(), weight = adaptor.getWeight();
    if (n == 1) {
      x = addHeight(rewriter, loc, x);
      weight = addHeight(rewriter, loc, weight);
      for (SmallVector<int64_t> *values : {&low, &high})
        values->insert(values->begin(), 0);
      for (SmallVector<int64_t> *values : {&strides, &dilations})
        values->insert(values->begin(), 1);
    }
    x = createPadded(rewriter, loc, x, low, high, SmallVector<int64_t>(low.size(), 1));
    Convolution conv{x,
                     weight,
                     adaptor.getBias(),
                     elementOf(op.getX()),
                     elementOf(op.getWeight()),
                     op.getBias() ? elementOf(op.getBias()) : Type(),
                     elementOf(op.getResult()),
                     strides,
                     dilations,
                     int64_t(op.getGroups())};
    Value result = createConvolution(rewriter, loc, conv);
    if (n == 1)
      result = tensor::CollapseShapeOp::create(rewriter, loc, result,
                                               SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}});
    rewriter.replaceOp(
        op, castTo(rewriter, loc, result, getTypeConverter()->convertType(op.getType())));
    return success();
  }
};

// A convolution of the input spread by the strides with the kernel turned around.
struct ConvTransposeLowering : OpConversionPattern<ConvTransposeOp> {
  using OpConversionPattern::OpConversionPattern;

  // [C, O/groups, k...] to [O, C/groups, k reversed...].
  static Value turnWeight(OpBuilder &b, Location loc, Value w, int64_t groups, int64_t n) {
    w = splitGroups(b, loc, w, 0, groups);
    SmallVector<OpFoldResult> sizes = getSizes(b, loc, w);
    std::swap(sizes[1], sizes[2]);
    Value turned = createMap(
        b, loc, sizes, elementOf(w), {}, {}, [&](OpBuilder &builder, Location loc, ValueRange) {
          IndexBuilder i(builder, loc);
          SmallVector<Value> at{i.index(0), i.index(2), i.index(1)};
          for (int64_t d = 0; d < n; ++d)
            at.push_back(i.sub(i.sub(i.value(sizes[d + 3]), i.constant(1)), i.index(d + 3)));
          return tensor::ExtractOp::create(i, w, at).getResult();
        });
    return joinGroups(b, loc, turned, 0);
  }

  LogicalResult matchAndRewrite(ConvTransposeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto weight = typeOf(op.getWeight());
    if (!weight.hasStaticShape() || typeOf(op.getX()).isDynamicDim(1))
      return rewriter.notifyMatchFailure(
          op, "transposed convolutions need a static kernel and static channels");
    size_t n = op.getStrides().size();
    SmallVector<int64_t> low, high, ones(n, 1);
    for (size_t i = 0; i < n; ++i) {
      int64_t reach = (weight.getDimSize(i + 2) - 1) * op.getDilations()[i];
      low.push_back(reach - op.getPads()[i]);
      high.push_back(reach - op.getPads()[i + n] + op.getOutputPadding()[i]);
    }
    Value x = createPadded(rewriter, loc, adaptor.getX(), low, high, op.getStrides());
    Value w = turnWeight(rewriter, loc, adaptor.getWeight(), op.getGroups(), n);
    Convolution conv{x,
                     w,
                     adaptor.getBias(),
                     elementOf(op.getX()),
                     elementOf(op.getWeight()),
                     op.getBias() ? elementOf(op.getBias()) : Type(),
                     elementOf(op.getResult()),
                     ones,
                     op.getDilations(),
                     int64_t(op.getGroups())};
    Value result = createConvolution(rewriter, loc, conv);
    rewriter.replaceOp(
        op, castTo(rewriter, loc, result, getTypeConverter()->convertType(op.getType())));
    return success();
  }
};
} // namespace

void terse::populateConvolutionPatterns(const TypeConverter &converter,
                                        RewritePatternSet &patterns) {
  patterns.add<ConvLowering, ConvTransposeLowering>(converter, patterns.getContext());
}
