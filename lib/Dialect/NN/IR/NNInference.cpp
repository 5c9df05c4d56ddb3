//===- NNInference.cpp - Result types of the nn ops -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Inference runs before verification, so it must survive ill-formed operands: whatever it cannot
// make sense of is a failure with a message, never an out-of-range access.

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/TypeUtilities.h"
#include "terse/Dialect/NN/IR/NNOps.h"

using namespace mlir;
using namespace terse::nn;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

//===----------------------------------------------------------------------===//
// Shared rules
//===----------------------------------------------------------------------===//

bool terse::nn::areCompatibleTypes(TypeRange l, TypeRange r) {
  if (l.size() != r.size())
    return false;
  for (auto [a, b] : llvm::zip(l, r)) {
    auto ta = dyn_cast<RankedTensorType>(a), tb = dyn_cast<RankedTensorType>(b);
    if (!ta || !tb || ta.getElementType() != tb.getElementType() ||
        failed(verifyCompatibleShape(ta.getShape(), tb.getShape())))
      return false;
  }
  return true;
}

std::optional<SmallVector<int64_t>> terse::nn::broadcastShapes(ArrayRef<int64_t> a,
                                                               ArrayRef<int64_t> b) {
  if (a.size() < b.size())
    std::swap(a, b);
  SmallVector<int64_t> out(a);
  size_t lead = a.size() - b.size();
  for (size_t i = 0; i < b.size(); ++i) {
    int64_t &x = out[lead + i], y = b[i];
    if (x == y || y == 1)
      continue;
    if (x == 1)
      x = y;
    else if (ShapedType::isDynamic(x))
      x = y; // y is static and not 1, so the dynamic side must be y or 1.
    else if (!ShapedType::isDynamic(y))
      return std::nullopt;
  }
  return out;
}

Type terse::nn::getAccumulatorType(Type type) {
  if (auto i = dyn_cast<IntegerType>(type); i && i.getWidth() <= 16)
    return IntegerType::get(type.getContext(), 32);
  return type;
}

int64_t terse::nn::resolveSlice(int64_t size, int64_t &start, int64_t end, int64_t step) {
  if (ShapedType::isDynamic(size)) {
    // Only a non-negative window at the front whose end may still be cut off by the dimension is
    // left: unknown.
    if (step == 1 && start < 0 && end >= 0 && end >= std::numeric_limits<int32_t>::max())
      return kDynamic;
    return kDynamic;
  }
  auto wrap = [&](int64_t v) { return v < 0 ? (v < -size ? -1 : v + size) : v; };
  if (step > 0) {
    start = std::clamp<int64_t>(start < -size ? 0 : wrap(start), 0, size);
    end = std::clamp<int64_t>(end < -size ? 0 : wrap(end), 0, size);
    return end > start ? (end - start - 1) / step + 1 : 0;
  }
  start = std::clamp<int64_t>(wrap(start), size ? 0 : -1, size - 1);
  end = std::clamp<int64_t>(wrap(end), -1, size - 1);
  // -(step + 1) + 1 without overflow for the lowest step.
  uint64_t stride = uint64_t(-(step + 1)) + 1;
  return start > end ? int64_t(uint64_t(start - end - 1) / stride + 1) : 0;
}

using Wide = __int128;

int64_t terse::nn::getWindowedSize(int64_t size, int64_t kernel, int64_t stride, int64_t padLow,
                                   int64_t padHigh, int64_t dilation, bool ceilMode) {
  if (ShapedType::isDynamic(size) || ShapedType::isDynamic(kernel) || stride <= 0)
    return kDynamic;
  // Attributes come from files: products of two of them fit here, whatever they are.
  Wide span = Wide(size) + padLow + padHigh - (Wide(kernel - 1) * dilation + 1);
  if (span < 0)
    return 0;
  Wide out = span / stride + 1;
  // A window that would start in the high padding is dropped.
  if (ceilMode && span % stride && out * stride < Wide(size) + padLow)
    ++out;
  return int64_t(std::min<Wide>(out, std::numeric_limits<int64_t>::max()));
}

// Sizes and distances beyond this are mistakes; sums of a few of them are far from overflow.
static constexpr int64_t kMaxExtent = int64_t(1) << 40;

static LogicalResult checkExtents(std::optional<Location> loc, ArrayRef<int64_t> values) {
  for (int64_t value : values)
    if (value > kMaxExtent || value < -kMaxExtent)
      return emitOptionalError(
          loc, "expected sizes, strides, dilations and pads of magnitude at most 2^40 (got ", value,
          ")");
  return success();
}

static RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

static RankedTensorType plain(RankedTensorType t) {
  return RankedTensorType::get(t.getShape(), t.getElementType());
}

static LogicalResult sameAs(Value v, SmallVectorImpl<Type> &out) {
  out.push_back(plain(typeOf(v)));
  return success();
}

static LogicalResult yield(ArrayRef<int64_t> shape, Type element, SmallVectorImpl<Type> &out) {
  out.push_back(RankedTensorType::get(shape, element));
  return success();
}

static bool inRange(int64_t axis, int64_t rank) { return axis >= 0 && axis < rank; }

static LogicalResult broadcastTo(std::optional<Location> loc, ArrayRef<Value> operands,
                                 Type element, SmallVectorImpl<Type> &out) {
  SmallVector<int64_t> shape;
  for (Value v : operands) {
    auto joined = broadcastShapes(shape, typeOf(v).getShape());
    if (!joined)
      return emitOptionalError(loc, "expected shapes that broadcast (got ",
                               operands.front().getType(), " and ", v.getType(), ")");
    shape = *joined;
  }
  return yield(shape, element, out);
}

//===----------------------------------------------------------------------===//
// One rule per op
//===----------------------------------------------------------------------===//

#define INFER(OP)                                                                                  \
  LogicalResult OP::inferReturnTypes(MLIRContext *ctx, std::optional<Location> loc, Adaptor op,    \
                                     SmallVectorImpl<Type> &out)

INFER(ConstantOp) {
  auto type = dyn_cast<RankedTensorType>(op.getValue().getType());
  if (!type)
    return emitOptionalError(loc, "expected a ranked tensor constant");
  out.push_back(type);
  return success();
}

bool ConstantOp::isCompatibleReturnTypes(TypeRange l, TypeRange r) {
  return areCompatibleTypes(l, r);
}

INFER(ShapeOp) { return yield({typeOf(op.getX()).getRank()}, IntegerType::get(ctx, 64), out); }
INFER(UnaryOp) { return sameAs(op.getX(), out); }

INFER(BinaryOp) {
  return broadcastTo(loc, {op.getLhs(), op.getRhs()}, typeOf(op.getLhs()).getElementType(), out);
}

INFER(CompareOp) {
  return broadcastTo(loc, {op.getLhs(), op.getRhs()}, IntegerType::get(ctx, 1), out);
}

INFER(SelectOp) {
  return broadcastTo(loc, {op.getCondition(), op.getOnTrue(), op.getOnFalse()},
                     typeOf(op.getOnTrue()).getElementType(), out);
}

INFER(LinearOp) {
  auto x = typeOf(op.getX()), w = typeOf(op.getWeight());
  if (x.getRank() < 1 || w.getRank() != 2)
    return emitOptionalError(loc, "expected x of rank >= 1 and weight of rank 2 (got ", x, " and ",
                             w, ")");
  SmallVector<int64_t> shape(x.getShape());
  shape.back() = w.getDimSize(0);
  return yield(shape, getAccumulatorType(x.getElementType()), out);
}

INFER(MatmulOp) {
  auto l = typeOf(op.getLhs()), r = typeOf(op.getRhs());
  if (l.getRank() < 2 || r.getRank() < 2)
    return emitOptionalError(loc, "expected operands of rank >= 2 (got ", l, " and ", r, ")");
  auto batch = broadcastShapes(l.getShape().drop_back(2), r.getShape().drop_back(2));
  if (!batch)
    return emitOptionalError(loc, "expected leading dimensions that broadcast (got ", l, " and ", r,
                             ")");
  batch->push_back(l.getDimSize(l.getRank() - 2));
  batch->push_back(r.getDimSize(r.getRank() - 1));
  return yield(*batch, getAccumulatorType(l.getElementType()), out);
}

// Whether x, weight and the attribute arrays belong to the same number of spatial dimensions.
static LogicalResult checkSpatial(std::optional<Location> loc, RankedTensorType x,
                                  ArrayRef<ArrayRef<int64_t>> perDim, ArrayRef<int64_t> pads) {
  int64_t spatial = x.getRank() - 2;
  if (spatial < 1)
    return emitOptionalError(loc, "expected x to be [N, C, spatial...] (got ", x, ")");
  for (ArrayRef<int64_t> a : perDim)
    if (int64_t(a.size()) != spatial)
      return emitOptionalError(loc, "expected one attribute entry per spatial dimension (got ",
                               a.size(), " for ", spatial, ")");
  if (int64_t(pads.size()) != 2 * spatial)
    return emitOptionalError(loc, "expected two pads per spatial dimension (got ", pads.size(),
                             " for ", spatial, ")");
  for (ArrayRef<int64_t> a : perDim)
    if (failed(checkExtents(loc, a)))
      return failure();
  return checkExtents(loc, pads);
}

INFER(ConvOp) {
  auto x = typeOf(op.getX()), w = typeOf(op.getWeight());
  if (x.getRank() != w.getRank())
    return emitOptionalError(loc, "expected x and weight of equal rank (got ", x, " and ", w, ")");
  if (failed(checkSpatial(loc, x, {op.getStrides(), op.getDilations()}, op.getPads())))
    return failure();
  int64_t n = x.getRank() - 2;
  SmallVector<int64_t> shape{x.getDimSize(0), w.getDimSize(0)};
  for (int64_t i = 0; i < n; ++i)
    shape.push_back(getWindowedSize(x.getDimSize(i + 2), w.getDimSize(i + 2), op.getStrides()[i],
                                    op.getPads()[i], op.getPads()[i + n], op.getDilations()[i],
                                    false));
  return yield(shape, getAccumulatorType(x.getElementType()), out);
}

INFER(ConvTransposeOp) {
  auto x = typeOf(op.getX()), w = typeOf(op.getWeight());
  if (x.getRank() != w.getRank())
    return emitOptionalError(loc, "expected x and weight of equal rank (got ", x, " and ", w, ")");
  if (failed(checkSpatial(loc, x, {op.getStrides(), op.getDilations(), op.getOutputPadding()},
                          op.getPads())))
    return failure();
  int64_t n = x.getRank() - 2;
  int64_t channels = w.getDimSize(1);
  if (!ShapedType::isDynamic(channels) &&
      llvm::MulOverflow<int64_t>(channels, op.getGroups(), channels))
    return emitOptionalError(loc, "expected fewer groups (got ", op.getGroups(), ")");
  SmallVector<int64_t> shape{x.getDimSize(0), channels};
  for (int64_t i = 0; i < n; ++i) {
    int64_t in = x.getDimSize(i + 2), k = w.getDimSize(i + 2);
    if (ShapedType::isDynamic(in) || ShapedType::isDynamic(k)) {
      shape.push_back(kDynamic);
      continue;
    }
    Wide size = Wide(in - 1) * op.getStrides()[i] + op.getOutputPadding()[i] +
                Wide(k - 1) * op.getDilations()[i] + 1 - op.getPads()[i] - op.getPads()[i + n];
    if (size > std::numeric_limits<int64_t>::max())
      return emitOptionalError(loc, "expected a result that can be counted: axis ", i + 2,
                               " would be longer than 2^63");
    shape.push_back(int64_t(std::max<Wide>(size, 0)));
  }
  return yield(shape, getAccumulatorType(x.getElementType()), out);
}

INFER(EmbeddingOp) {
  auto t = typeOf(op.getTable()), i = typeOf(op.getIndices());
  if (t.getRank() != 2)
    return emitOptionalError(loc, "expected a table of rank 2 (got ", t, ")");
  SmallVector<int64_t> shape(i.getShape());
  shape.push_back(t.getDimSize(1));
  return yield(shape, t.getElementType(), out);
}

static LogicalResult inferPool(std::optional<Location> loc, RankedTensorType x,
                               ArrayRef<int64_t> kernel, ArrayRef<int64_t> strides,
                               ArrayRef<int64_t> pads, ArrayRef<int64_t> dilations, bool ceilMode,
                               SmallVectorImpl<int64_t> &shape) {
  if (failed(checkSpatial(loc, x, {kernel, strides, dilations}, pads)))
    return failure();
  int64_t n = x.getRank() - 2;
  shape.assign({x.getDimSize(0), x.getDimSize(1)});
  for (int64_t i = 0; i < n; ++i)
    shape.push_back(getWindowedSize(x.getDimSize(i + 2), kernel[i], strides[i], pads[i],
                                    pads[i + n], dilations[i], ceilMode));
  return success();
}

INFER(PoolOp) {
  auto x = typeOf(op.getX());
  SmallVector<int64_t> shape;
  if (failed(inferPool(loc, x, op.getKernel(), op.getStrides(), op.getPads(), op.getDilations(),
                       op.getCeilMode(), shape)))
    return failure();
  return yield(shape, x.getElementType(), out);
}

INFER(MaxPoolIndicesOp) {
  auto x = typeOf(op.getX());
  SmallVector<int64_t> shape;
  if (failed(inferPool(loc, x, op.getKernel(), op.getStrides(), op.getPads(), op.getDilations(),
                       op.getCeilMode(), shape)))
    return failure();
  (void)yield(shape, x.getElementType(), out);
  return yield(shape, IntegerType::get(ctx, 64), out);
}

INFER(BatchNormOp) { return sameAs(op.getX(), out); }
INFER(LayerNormOp) { return sameAs(op.getX(), out); }
INFER(RmsNormOp) { return sameAs(op.getX(), out); }
INFER(GroupNormOp) { return sameAs(op.getX(), out); }
INFER(InstanceNormOp) { return sameAs(op.getX(), out); }
INFER(SoftmaxOp) { return sameAs(op.getX(), out); }

INFER(AttentionOp) {
  auto q = typeOf(op.getQ()), v = typeOf(op.getV());
  if (q.getRank() != 4 || v.getRank() != 4)
    return emitOptionalError(loc, "expected q, k and v of rank 4 (got ", q, " and ", v, ")");
  SmallVector<int64_t> shape(q.getShape());
  shape.back() = v.getDimSize(3);
  return yield(shape, q.getElementType(), out);
}

INFER(RotaryEmbeddingOp) { return sameAs(op.getX(), out); }

// y: [T, D, B, H], y_h (and y_c): [D, B, H].
static LogicalResult inferRecurrent(std::optional<Location> loc, RankedTensorType x,
                                    RankedTensorType r, int states, SmallVectorImpl<Type> &out) {
  if (x.getRank() != 3 || r.getRank() != 3)
    return emitOptionalError(loc, "expected x and recurrence of rank 3 (got ", x, " and ", r, ")");
  int64_t dirs = r.getDimSize(0), batch = x.getDimSize(1), hidden = r.getDimSize(2);
  (void)yield({x.getDimSize(0), dirs, batch, hidden}, x.getElementType(), out);
  for (int i = 0; i < states; ++i)
    (void)yield({dirs, batch, hidden}, x.getElementType(), out);
  return success();
}

INFER(LstmOp) { return inferRecurrent(loc, typeOf(op.getX()), typeOf(op.getRecurrence()), 2, out); }
INFER(GruOp) { return inferRecurrent(loc, typeOf(op.getX()), typeOf(op.getRecurrence()), 1, out); }
INFER(RnnOp) { return inferRecurrent(loc, typeOf(op.getX()), typeOf(op.getRecurrence()), 1, out); }

static LogicalResult inferReduction(std::optional<Location> loc, RankedTensorType x,
                                    ArrayRef<int64_t> axes, bool keepdims, Type element,
                                    SmallVectorImpl<Type> &out) {
  SmallVector<int64_t> shape;
  for (int64_t a : axes)
    if (!inRange(a, x.getRank()))
      return emitOptionalError(loc, "expected axes in [0, ", x.getRank(), ") (got ", a, ")");
  for (auto [i, d] : llvm::enumerate(x.getShape())) {
    if (!llvm::is_contained(axes, int64_t(i)))
      shape.push_back(d);
    else if (keepdims)
      shape.push_back(1);
  }
  return yield(shape, element, out);
}

INFER(ReduceOp) {
  auto x = typeOf(op.getX());
  return inferReduction(loc, x, op.getAxes(), op.getKeepdims(), x.getElementType(), out);
}

INFER(ArgReduceOp) {
  return inferReduction(loc, typeOf(op.getX()), {int64_t(op.getAxis())}, op.getKeepdims(),
                        IntegerType::get(ctx, 64), out);
}

INFER(CumulativeOp) { return sameAs(op.getX(), out); }

INFER(TopKOp) {
  auto x = typeOf(op.getX());
  int64_t axis = op.getAxis();
  if (!inRange(axis, x.getRank()))
    return emitOptionalError(loc, "expected axis in [0, ", x.getRank(), ") (got ", axis, ")");
  SmallVector<int64_t> shape(x.getShape());
  shape[axis] = op.getK();
  (void)yield(shape, x.getElementType(), out);
  return yield(shape, IntegerType::get(ctx, 64), out);
}

INFER(TransposeOp) {
  auto x = typeOf(op.getX());
  if (int64_t(op.getPermutation().size()) != x.getRank() ||
      !isPermutationVector(op.getPermutation()))
    return emitOptionalError(loc, "expected a permutation of ", x.getRank(), " axes (got [",
                             op.getPermutation(), "])");
  SmallVector<int64_t> shape;
  for (int64_t p : op.getPermutation())
    shape.push_back(x.getDimSize(p));
  return yield(shape, x.getElementType(), out);
}

INFER(SliceOp) {
  auto x = typeOf(op.getX());
  size_t rank = x.getRank();
  if (op.getStarts().size() != rank || op.getEnds().size() != rank || op.getSteps().size() != rank)
    return emitOptionalError(loc, "expected ", rank, " starts, ends and steps");
  SmallVector<int64_t> shape;
  for (size_t i = 0; i < rank; ++i) {
    int64_t start = op.getStarts()[i], step = op.getSteps()[i];
    if (step == 0)
      return emitOptionalError(loc, "expected steps other than 0 (got 0 for axis ", i, ")");
    shape.push_back(resolveSlice(x.getDimSize(i), start, op.getEnds()[i], step));
  }
  return yield(shape, x.getElementType(), out);
}

INFER(ConcatOp) {
  if (op.getInputs().empty())
    return emitOptionalError(loc, "expected at least one operand");
  auto first = typeOf(op.getInputs().front());
  int64_t axis = op.getAxis();
  if (!inRange(axis, first.getRank()))
    return emitOptionalError(loc, "expected axis in [0, ", first.getRank(), ") (got ", axis, ")");
  SmallVector<int64_t> shape(first.getShape());
  for (Value v : op.getInputs().drop_front()) {
    auto t = typeOf(v);
    if (t.getRank() != first.getRank() || t.getElementType() != first.getElementType())
      return emitOptionalError(loc, "expected operands of equal rank and element type (got ", first,
                               " and ", t, ")");
    for (int64_t i = 0; i < t.getRank(); ++i) {
      int64_t d = t.getDimSize(i);
      if (i == axis && (ShapedType::isDynamic(shape[i]) || ShapedType::isDynamic(d)))
        shape[i] = kDynamic;
      else if (i == axis && llvm::AddOverflow(shape[i], d, shape[i]))
        return emitOptionalError(loc, "expected a result that can be counted: axis ", i,
                                 " would be longer than 2^63");
      else if (i == axis)
        continue;
      else if (ShapedType::isDynamic(shape[i]))
        shape[i] = d;
      else if (!ShapedType::isDynamic(d) && d != shape[i])
        return emitOptionalError(loc, "expected dimension ", i, " to agree (got ", shape[i],
                                 " and ", d, ")");
    }
  }
  return yield(shape, first.getElementType(), out);
}

INFER(PadOp) {
  auto x = typeOf(op.getX());
  size_t rank = x.getRank();
  if (op.getLow().size() != rank || op.getHigh().size() != rank)
    return emitOptionalError(loc, "expected ", rank, " low and high counts");
  if (failed(checkExtents(loc, op.getLow())) || failed(checkExtents(loc, op.getHigh())))
    return failure();
  SmallVector<int64_t> shape;
  for (size_t i = 0; i < rank; ++i) {
    int64_t d = x.getDimSize(i);
    if (!ShapedType::isDynamic(d)) {
      if (llvm::AddOverflow(d, op.getLow()[i] + op.getHigh()[i], d))
        return emitOptionalError(loc, "expected a result that can be counted: axis ", i,
                                 " would be longer than 2^63");
      if (d < 0)
        return emitOptionalError(loc, "expected a non-negative size of axis ", i,
                                 " after padding (got ", d, ")");
    } else if (op.getLow()[i] == 0 && op.getHigh()[i] == 0) {
      d = kDynamic;
    }
    shape.push_back(d);
  }
  return yield(shape, x.getElementType(), out);
}

INFER(GatherOp) {
  auto x = typeOf(op.getX()), i = typeOf(op.getIndices());
  int64_t axis = op.getAxis();
  if (!inRange(axis, x.getRank()))
    return emitOptionalError(loc, "expected axis in [0, ", x.getRank(), ") (got ", axis, ")");
  SmallVector<int64_t> shape(x.getShape().take_front(axis));
  llvm::append_range(shape, i.getShape());
  llvm::append_range(shape, x.getShape().drop_front(axis + 1));
  return yield(shape, x.getElementType(), out);
}

INFER(GatherElementsOp) {
  return yield(typeOf(op.getIndices()).getShape(), typeOf(op.getX()).getElementType(), out);
}

INFER(GatherNDOp) {
  auto x = typeOf(op.getX()), i = typeOf(op.getIndices());
  int64_t batch = op.getBatchDims();
  if (i.getRank() < 1 || batch < 0 || batch >= i.getRank() || batch >= x.getRank() + 1)
    return emitOptionalError(loc, "expected batch_dims in [0, ", i.getRank(), ") (got ", batch,
                             ")");
  int64_t tuple = i.getShape().back();
  if (ShapedType::isDynamic(tuple) || tuple > x.getRank() - batch)
    return emitOptionalError(loc,
                             "expected the last dimension of indices to be static and at most ",
                             x.getRank() - batch, " (got ", i, ")");
  SmallVector<int64_t> shape(i.getShape().drop_back());
  llvm::append_range(shape, x.getShape().drop_front(batch + tuple));
  return yield(shape, x.getElementType(), out);
}

INFER(ScatterElementsOp) { return sameAs(op.getX(), out); }
INFER(ScatterNDOp) { return sameAs(op.getX(), out); }
INFER(ReverseSequenceOp) { return sameAs(op.getX(), out); }
