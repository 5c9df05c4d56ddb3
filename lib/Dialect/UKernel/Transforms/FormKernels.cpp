//===- FormKernels.cpp - Contractions to kernels --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "terse/Dialect/UKernel/Transforms/Passes.h"

namespace terse::ukernel {
#define GEN_PASS_DEF_FORMKERNELSPASS
#include "terse/Dialect/UKernel/Transforms/Passes.h.inc"
} // namespace terse::ukernel

using namespace mlir;
using namespace terse::ukernel;

namespace {
RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

// A sum of products of two inputs, and the signedness of 8-bit ones.
struct Products {
  bool lhsUnsigned = false, rhsUnsigned = false;
};

// Whether `v` is `arg`, or extends its bytes to i32, or its bf16 to f32.
bool readsOperand(Value v, BlockArgument arg, bool &isUnsigned) {
  if (v == arg)
    return arg.getType().isF32();
  Operation *op = v.getDefiningOp();
  if (isa_and_nonnull<arith::ExtFOp>(op) && op->getOperand(0) == arg)
    return v.getType().isF32() && arg.getType().isBF16();
  if (!isa_and_nonnull<arith::ExtSIOp, arith::ExtUIOp>(op) || op->getOperand(0) != arg ||
      !v.getType().isInteger(32))
    return false;
  isUnsigned = isa<arith::ExtUIOp>(op);
  return arg.getType().isInteger(8);
}

std::optional<Products> matchProducts(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 || !op.hasPureTensorSemantics() ||
      op.hasIndexSemantics())
    return std::nullopt;
  Block *body = op.getBody();
  Operation *sum = body->getTerminator()->getOperand(0).getDefiningOp();
  if (!isa_and_nonnull<arith::AddFOp, arith::AddIOp>(sum))
    return std::nullopt;
  BlockArgument acc = body->getArgument(2);
  Value rest = sum->getOperand(0) == acc ? sum->getOperand(1) : sum->getOperand(0);
  if ((sum->getOperand(0) == acc) == (sum->getOperand(1) == acc))
    return std::nullopt;
  Operation *product = rest.getDefiningOp();
  Products p;
  if (!isa_and_nonnull<arith::MulFOp, arith::MulIOp>(product) ||
      !readsOperand(product->getOperand(0), body->getArgument(0), p.lhsUnsigned) ||
      !readsOperand(product->getOperand(1), body->getArgument(1), p.rhsUnsigned))
    return std::nullopt;
  return p;
}

// The tensor that `v` shows under another shape.
Value lookThroughReshapes(Value v) {
  while (Operation *op = v.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
      break;
    v = op->getOperand(0);
  }
  return v;
}

bool isConstantWeight(Value v) {
  Operation *op = lookThroughReshapes(v).getDefiningOp();
  return isa_and_nonnull<ml_program::GlobalLoadConstOp, arith::ConstantOp, WeightsOp>(op);
}

// Whether `v` is computed from constants alone, as weights are that no kernel decodes.
bool isDecodedWeight(Value v, int64_t depth = 32) {
  Operation *op = v.getDefiningOp();
  if (!op || depth == 0)
    return false;
  if (isa<ml_program::GlobalLoadConstOp, tensor::EmptyOp>(op) ||
      op->hasTrait<OpTrait::ConstantLike>())
    return true;
  if (!isMemoryEffectFree(op))
    return false;
  llvm::SetVector<Value> used;
  used.insert(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), used);
  return llvm::all_of(used, [&](Value x) { return isDecodedWeight(x, depth - 1); });
}

// The epilogue under construction: what is added to a sum before it is stored.
struct Start {
  SmallVector<Value> extras;
  SmallVector<AffineMap> maps;
  // In the block whose arguments are the sum and the extras.
  std::function<Value(OpBuilder &, Location, Block &, Value sum)> build;
};

// Weights that are 8-bit integers times one scale for each output channel: the kernel decodes the
// integers, the scale goes to the epilogue.
struct Decoding {
  Value values, scale;
  bool isUnsigned = false;
};
std::optional<Decoding> readDecoding(Value weight) {
  auto op = lookThroughReshapes(weight).getDefiningOp<linalg::GenericOp>();
  if (!op || op.getNumDpsInputs() != 2 || op.getNumReductionLoops() || op.hasIndexSemantics() ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return std::nullopt;
  Operation *product = op.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  if (!isa_and_nonnull<arith::MulFOp>(product) || !product->getResult(0).getType().isF32())
    return std::nullopt;
  for (int values : {0, 1})
    for (int at : {0, 1}) {
      Operation *convert = product->getOperand(at).getDefiningOp();
      BlockArgument x = op.getBody()->getArgument(values),
                    s = op.getBody()->getArgument(1 - values);
      if (!isa_and_nonnull<arith::SIToFPOp, arith::UIToFPOp>(convert) ||
          convert->getOperand(0) != x || product->getOperand(1 - at) != s ||
          !x.getType().isInteger(8) || !s.getType().isF32())
        continue;
      Decoding decoding{op.getDpsInputs()[values], op.getDpsInputs()[1 - values],
                        isa<arith::UIToFPOp>(convert)};
      AffineMap map = op.getMatchingIndexingMap(op.getDpsInputOperand(1 - values));
      // Of the channels only: everything but the first dimension is 1.
      auto type = typeOf(decoding.scale);
      for (int64_t d = 0; d < type.getRank(); ++d)
        if (type.getDimSize(d) != 1 &&
            (d != 0 || map.getResult(0) != getAffineDimExpr(0, op.getContext())))
          return std::nullopt;
      if (!op.getMatchingIndexingMap(op.getDpsInputOperand(values)).isIdentity() ||
          !isConstantWeight(decoding.values))
        return std::nullopt;
      return decoding;
    }
  return std::nullopt;
}

// What sums start with: `init` of the contraction as an addition. `toResult` maps dimensions of
// `init` to those of the kernel's result.
Start readStart(Value init, ArrayRef<unsigned> toResult) {
  MLIRContext *ctx = init.getContext();
  Start start;
  start.build = [](OpBuilder &, Location, Block &, Value sum) { return sum; };
  Value source = init;
  // Of a grouped convolution.
  while (auto expand = source.getDefiningOp<tensor::ExpandShapeOp>())
    source = expand.getSrc();
  if (auto fill = source.getDefiningOp<linalg::FillOp>())
    if (matchPattern(fill.getInputs()[0], m_Zero()) ||
        matchPattern(fill.getInputs()[0], m_AnyZeroFloat()))
      return start;
  unsigned rank = toResult.size();
  auto add = [](OpBuilder &b, Location loc, Value x, Value y) -> Value {
    if (isa<FloatType>(x.getType()))
      return arith::AddFOp::create(b, loc, x, y);
    return arith::AddIOp::create(b, loc, x, y);
  };
  auto result = [&](AffineMap map) {
    SmallVector<AffineExpr> dims;
    for (unsigned d : toResult)
      dims.push_back(getAffineDimExpr(d, ctx));
    return map.replaceDimsAndSymbols(dims, {}, rank, 0);
  };
  // A bias that was broadcast.
  auto generic = source.getDefiningOp<linalg::GenericOp>();
  if (generic && typeOf(source).getRank() == int64_t(rank) && generic.getNumDpsInputs() == 1 &&
      generic.getNumReductionLoops() == 0 && !generic.hasIndexSemantics() &&
      generic.getMatchingIndexingMap(generic.getDpsInitOperand(0)).isIdentity()) {
    start.extras.push_back(generic.getDpsInputs()[0]);
    start.maps.push_back(result(generic.getMatchingIndexingMap(generic.getDpsInputOperand(0))));
    start.build = [generic, add](OpBuilder &b, Location loc, Block &block, Value sum) {
      IRMapping mapping;
      linalg::GenericOp op = generic;
      mapping.map(op.getBody()->getArgument(0), block.getArgument(1));
      for (Operation &inner : op.getBody()->without_terminator())
        b.clone(inner, mapping);
      return add(b, loc, sum,
                 mapping.lookupOrDefault(op.getBody()->getTerminator()->getOperand(0)));
    };
    return start;
  }
  if (typeOf(source).getRank() != int64_t(rank))
    source = init;
  start.extras.push_back(source);
  start.maps.push_back(result(AffineMap::getMultiDimIdentityMap(rank, ctx)));
  start.build = [add](OpBuilder &b, Location loc, Block &block, Value sum) {
    return add(b, loc, sum, block.getArgument(1));
  };
  return start;
}

// `x` with what `tensor.insert_slice` into a constant puts around it taken off: the tensor inside,
// the rows above, the columns to the left and the constant.
struct Padding {
  Value inside;
  int64_t top = 0, left = 0, value = 0;
};
Padding readPadding(Value x) {
  Padding none{x};
  auto insert = x.getDefiningOp<tensor::InsertSliceOp>();
  if (!insert || !insert.hasUnitStride() || insert.getSourceType().getRank() != 4)
    return none;
  auto fill = insert.getDest().getDefiningOp<linalg::FillOp>();
  Attribute value;
  if (!fill || !matchPattern(fill.getInputs()[0], m_Constant(&value)))
    return none;
  ArrayRef<int64_t> at = insert.getStaticOffsets();
  if (llvm::any_of(at, ShapedType::isDynamic) || at[0] || at[1])
    return none;
  SmallVector<OpFoldResult> sizes = insert.getMixedSizes();
  for (int64_t d : {0, 1})
    if (insert.getDestType().getDimSize(d) != insert.getSourceType().getDimSize(d))
      return none;
  Padding padding{insert.getSource(), at[2], at[3], 0};
  if (auto integer = dyn_cast<IntegerAttr>(value))
    padding.value = integer.getInt();
  else if (auto real = dyn_cast<FloatAttr>(value); !real || !real.getValue().isPosZero())
    return none;
  return padding;
}

struct KernelFormer {
  RewriterBase &b;
  linalg::GenericOp op;
  Products products;
  SmallVector<AffineMap> maps;
  Location loc;
  std::optional<Decoding> decoding;

  KernelFormer(RewriterBase &b, linalg::GenericOp op, Products products)
      : b(b), op(op), products(products), maps(op.getIndexingMapsArray()), loc(op.getLoc()) {
    if (typeOf(op.getDpsInputs()[0]).getElementType().isF32())
      decoding = readDecoding(op.getDpsInputs()[1]);
    if (decoding)
      this->products.rhsUnsigned = decoding->isUnsigned;
  }

  // The weights, or the integers that they are decoded from.
  Value getWeight() {
    Value weight = op.getDpsInputs()[1];
    return decoding && typeOf(decoding->values).getShape() == typeOf(weight).getShape()
               ? decoding->values
               : weight;
  }

  std::optional<unsigned> dimOf(AffineExpr e) {
    if (auto d = dyn_cast<AffineDimExpr>(e))
      return d.getPosition();
    return std::nullopt;
  }
  bool isReduction(unsigned d) {
    return op.getIteratorTypesArray()[d] == utils::IteratorType::reduction;
  }

  template <typename OpTy, typename... Extra>
  Value create(Value lhs, Value rhs, Start start, ArrayRef<OpFoldResult> sizes, Extra &&...extra) {
    if (decoding) {
      auto type = typeOf(decoding->scale);
      Value scale = decoding->scale;
      bool single = type.getNumElements() == 1;
      SmallVector<ReassociationIndices> groups(single ? 0 : 1);
      for (int64_t d = 0; !single && d < type.getRank(); ++d)
        groups[0].push_back(d);
      SmallVector<int64_t> shape(single ? 0 : 1, type.getNumElements());
      if (type.getRank() != int64_t(shape.size()))
        scale = tensor::CollapseShapeOp::create(
            b, loc, RankedTensorType::get(shape, type.getElementType()), scale, groups);
      start.extras.push_back(scale);
      SmallVector<AffineExpr> channel;
      if (!single)
        channel.push_back(b.getAffineDimExpr(sizes.size() - 1));
      start.maps.push_back(AffineMap::get(sizes.size(), 0, channel, b.getContext()));
    }
    Type sum = typeOf(op.getResult(0)).getElementType();
    Value init = tensor::EmptyOp::create(b, loc, sizes, sum);
    auto kernel = OpTy::create(b, loc, init.getType(), lhs, rhs, Value(), start.extras, init,
                               Value(), b.getAffineMapArrayAttr(start.maps), products.lhsUnsigned,
                               products.rhsUnsigned, /*bounded=*/false, ScheduleAttr(),
                               DecodingAttr(), std::forward<Extra>(extra)..., ChainAttr());
    OpBuilder::InsertionGuard guard(b);
    Block *block = b.createBlock(&kernel.getEpilogue());
    block->addArgument(sum, loc);
    for (Value v : start.extras)
      block->addArgument(typeOf(v).getElementType(), loc);
    Value first = block->getArgument(0);
    if (decoding)
      first = arith::MulFOp::create(b, loc, first, block->getArguments().back());
    Value result = start.build(b, loc, *block, first);
    YieldOp::create(b, loc, result);
    return kernel.getResult(0);
  }

  LogicalResult formGemm() {
    AffineMap lhs = maps[0], rhs = maps[1], out = maps[2];
    unsigned rank = out.getNumResults();
    if (rhs.getNumResults() != 2 || lhs.getNumResults() != rank || rank < 2 ||
        !out.isProjectedPermutation() || !lhs.isProjectedPermutation() ||
        !rhs.isProjectedPermutation() || op.getNumReductionLoops() != 1)
      return b.notifyMatchFailure(op, "no product of matrices");
    unsigned k = *dimOf(lhs.getResults().back()), n = *dimOf(out.getResults().back());
    if (lhs.getResults().drop_back() != out.getResults().drop_back() || !isReduction(k))
      return b.notifyMatchFailure(op, "expected the same leading dimensions");
    bool transposed = dimOf(rhs.getResult(0)) == k && dimOf(rhs.getResult(1)) == n;
    if (!transposed && !(dimOf(rhs.getResult(0)) == n && dimOf(rhs.getResult(1)) == k))
      return b.notifyMatchFailure(op, "expected weights of the contracted and the last dimension");
    Value x = op.getDpsInputs()[0], w = getWeight();
    // Output channels are the first dimension of what is decoded.
    if (decoding && (transposed || w == op.getDpsInputs()[1]))
      return b.notifyMatchFailure(op, "expected weights of output channels first");
    if (typeOf(x).isDynamicDim(rank - 1) || !typeOf(w).hasStaticShape() ||
        typeOf(w).getNumElements() == 0)
      return b.notifyMatchFailure(op, "expected static channels");
    Value init = op.getDpsInits()[0];
    SmallVector<unsigned> same(llvm::to_vector(llvm::seq<unsigned>(0, rank)));
    Value result = create<GemmOp>(x, w, readStart(init, same), tensor::getMixedSizes(b, loc, init),
                                  transposed);
    b.replaceOp(op, result);
    return success();
  }

  // s and d with expr == dim(o) * s + dim(i) * d.
  std::optional<std::pair<int64_t, int64_t>> matchWindow(AffineExpr expr, unsigned o, unsigned i) {
    auto factor = [&](unsigned dim) {
      SmallVector<AffineExpr> values(maps[0].getNumDims(), b.getAffineConstantExpr(0));
      values[dim] = b.getAffineConstantExpr(1);
      auto c = dyn_cast<AffineConstantExpr>(simplifyAffineExpr(expr.replaceDims(values), 0, 0));
      return c ? c.getValue() : 0;
    };
    int64_t s = factor(o), d = factor(i);
    if (s < 1 || d < 1 || b.getAffineDimExpr(o) * s + b.getAffineDimExpr(i) * d != expr)
      return std::nullopt;
    return std::pair(s, d);
  }

  // Dimensions b, o, y, x | c, i, j of a convolution, with a group in front of o where `g`.
  LogicalResult formConv(bool g) {
    AffineMap lhs = maps[0], rhs = maps[1], out = maps[2];
    unsigned e = g ? 1 : 0;
    if (out.getNumResults() != 4 + e || lhs.getNumResults() != 4 + e ||
        rhs.getNumResults() != 4 + e || !out.isProjectedPermutation() ||
        !rhs.isProjectedPermutation() || op.getNumReductionLoops() != 3)
      return b.notifyMatchFailure(op, "no convolution over two dimensions");
    auto dims = [&](AffineMap map) {
      SmallVector<unsigned> result;
      for (AffineExpr expr : map.getResults())
        result.push_back(*dimOf(expr));
      return result;
    };
    SmallVector<unsigned> o = dims(out), w = dims(rhs);
    if (g && o[1] != w[0])
      return b.notifyMatchFailure(op, "expected the group in front");
    unsigned c = w[1 + e], i = w[2 + e], j = w[3 + e], y = o[2 + e], x = o[3 + e];
    if (w[e] != o[1 + e] || !isReduction(c) || !isReduction(i) || !isReduction(j) ||
        lhs.getResult(0) != out.getResult(0) || (g && lhs.getResult(1) != out.getResult(1)) ||
        dimOf(lhs.getResult(1 + e)) != c)
      return b.notifyMatchFailure(op, "expected operands of a convolution");
    auto rows = matchWindow(lhs.getResult(2 + e), y, i),
         columns = matchWindow(lhs.getResult(3 + e), x, j);
    if (!rows || !columns)
      return b.notifyMatchFailure(op, "expected strides and dilations");
    Value weight = getWeight(), input = op.getDpsInputs()[0], init = op.getDpsInits()[0];
    if (!typeOf(weight).hasStaticShape() || typeOf(weight).getNumElements() == 0)
      return b.notifyMatchFailure(op, "expected static weights");
    if (decoding && weight != decoding->values && (!g || typeOf(decoding->values).getRank() != 4))
      return b.notifyMatchFailure(op, "expected the shape of the decoded weights");
    // Weights are [group, o, c, i, j] then. A kernel of channels side by side takes groups of one
    // channel each way, and small ones of floats.
    bool depthwise = false;
    if (g) {
      int64_t size = typeOf(weight).getDimSize(1);
      bool floats = isa<FloatType>(typeOf(input).getElementType());
      depthwise = size == typeOf(weight).getDimSize(2) &&
                  (size == 1 || (floats && (size == 2 || size == 4 || size == 8)));
      // Parts of fewer columns than a vector has leave lanes idle, which bytes make up for by
      // groups side by side.
      if (!depthwise && size < 16 && isa<FloatType>(typeOf(input).getElementType()))
        return b.notifyMatchFailure(op, "expected more channels in a group of floats");
    }
    int64_t parts = g && !depthwise ? typeOf(weight).getDimSize(0) : 1;
    if (g) {
      auto expand = input.getDefiningOp<tensor::ExpandShapeOp>();
      if (!expand || expand.getSrcType().getRank() != 4 ||
          expand.getReassociationIndices() !=
              SmallVector<ReassociationIndices>{{0}, {1, 2}, {3}, {4}})
        return b.notifyMatchFailure(op, "expected groups split off the channels");
      ArrayRef<int64_t> wide = typeOf(weight).getShape();
      auto narrow = RankedTensorType::get({wide[0] * wide[1], wide[2], wide[3], wide[4]},
                                          typeOf(weight).getElementType());
      if (decoding && weight != decoding->values)
        weight = decoding->values;
      else
        weight = tensor::CollapseShapeOp::create(
            b, loc, narrow, weight, SmallVector<ReassociationIndices>{{0, 1}, {2}, {3}, {4}});
      input = expand.getSrc();
    }
    if (typeOf(input).isDynamicDim(1))
      return b.notifyMatchFailure(op, "expected static channels");
    Padding padding = readPadding(input);
    ArrayRef<int64_t> shape = typeOf(weight).getShape();
    auto window = WindowAttr::get(b.getContext(), {shape[2], shape[3]},
                                  {rows->first, columns->first}, {rows->second, columns->second},
                                  {padding.top, padding.left}, padding.value);
    Value inside = createTranspose(b, loc, padding.inside, {0, 2, 3, 1});
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, init), last;
    if (g)
      sizes.erase(sizes.begin() + 2);
    last = {sizes[0], sizes[2], sizes[3], g ? b.getIndexAttr(shape[0]) : sizes[1]};
    Start start = readStart(init, {0, 3, 1, 2});
    Value result;
    bool single = shape[2] == 1 && shape[3] == 1 && rows->first == 1 && columns->first == 1 &&
                  padding.top == 0 && padding.left == 0 && padding.inside == input;
    if (depthwise) {
      result = create<DepthwiseConvOp>(inside, weight, start, last, window);
    } else if (g) {
      result = create<ConvOp>(inside, weight, start, last, window, parts);
    } else if (single) {
      auto flat = RankedTensorType::get({shape[0], shape[1]}, typeOf(weight).getElementType());
      Value w2 = tensor::CollapseShapeOp::create(b, loc, flat, weight,
                                                 SmallVector<ReassociationIndices>{{0}, {1, 2, 3}});
      result = create<GemmOp>(inside, w2, start, last, /*rhs_transposed=*/false);
    } else {
      result = create<ConvOp>(inside, weight, start, last, window, /*parts=*/1);
    }
    result = createTranspose(b, loc, result, {0, 3, 1, 2});
    if (g)
      result =
          tensor::ExpandShapeOp::create(b, loc, op.getResult(0).getType(), result,
                                        SmallVector<ReassociationIndices>{{0}, {1, 2}, {3}, {4}},
                                        tensor::getMixedSizes(b, loc, init));
    b.replaceOp(op, result);
    return success();
  }
};

struct FormKernelsPass : terse::ukernel::impl::FormKernelsPassBase<FormKernelsPass> {
  using FormKernelsPassBase::FormKernelsPassBase;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::GenericOp> ops;
    getOperation().walk([&](linalg::GenericOp op) { ops.push_back(op); });
    for (linalg::GenericOp op : ops) {
      op = narrowContraction(rewriter, op, bf16Tiles);
      std::optional<Products> products = matchProducts(op);
      if (!products)
        continue;
      // Both or none.
      auto isBF16 = [&](int i) { return typeOf(op.getDpsInputs()[i]).getElementType().isBF16(); };
      Value weight = op.getDpsInputs()[1];
      bool decodes = isBF16(0) && weight.getDefiningOp<WeightsOp>();
      if ((isBF16(0) != isBF16(1) && !decodes) || (isBF16(0) && !isBF16Kernel(op, bf16Tiles)))
        continue;
      // Windows pass over their weights many times: packing those that were decoded pays.
      if (!anyWeights && !isConstantWeight(weight) && !readDecoding(weight) &&
          !(typeOf(weight).getRank() >= 4 && isDecodedWeight(weight)))
        continue;
      rewriter.setInsertionPoint(op);
      KernelFormer former(rewriter, op, *products);
      if (succeeded(former.formGemm()))
        ++numGemms;
      else if (succeeded(former.formConv(false)) || succeeded(former.formConv(true)))
        ++numConvs;
    }
  }
};
} // namespace
