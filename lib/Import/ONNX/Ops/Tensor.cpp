//===- Tensor.cpp - ONNX operators that move elements -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Node.h"

using namespace terse;
using namespace terse::onnx;
using mlir::ShapedType;

static constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

//===----------------------------------------------------------------------===//
// Whole tensors
//===----------------------------------------------------------------------===//

static void convertConcat(Node &n) {
  int64_t axis = Emitter::normalizeAxis(n.attrInt("axis"), n.e.rankOf(n.in(0)));
  llvm::SmallVector<Value> values;
  for (size_t i = 0; i < n.numInputs(); ++i)
    values.push_back(n.in(i));
  n.set(0, n.e.concat(values, axis));
}

static void convertTranspose(Node &n) {
  int64_t rank = n.e.rankOf(n.in(0));
  Ints permutation;
  for (int64_t i = rank - 1; i >= 0; --i)
    permutation.push_back(i);
  n.set(0, n.e.transpose(n.in(0), n.attrInts("perm").value_or(permutation)));
}

static void convertSplit(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  int64_t axis = Emitter::normalizeAxis(n.attrInt("axis", 0), e.rankOf(x));
  Ints sizes;
  if (std::optional<Ints> attribute = n.opset < 13 ? n.attrInts("split") : std::nullopt) {
    sizes = *attribute;
  } else if (n.opset >= 13 && n.opt(1)) {
    sizes = e.getInts(n.opt(1), "split");
  } else {
    int64_t size = e.staticDim(x, axis, "the size of the axis to split");
    int64_t count = n.opset >= 18 ? n.attrInt("num_outputs", n.numOutputs()) : n.numOutputs();
    if (count < 1 || count != int64_t(n.numOutputs()))
      fail("num_outputs must be the number of outputs (got " + llvm::Twine(count) + ")");
    // Equal parts; the last one is smaller if they don't come out even.
    int64_t part = (size + count - 1) / count;
    if (n.opset < 18 && size % count)
      fail("cannot split " + llvm::Twine(size) + " into " + llvm::Twine(count) + " equal parts");
    for (int64_t i = 0; i < count; ++i)
      sizes.push_back(std::clamp<int64_t>(size - i * part, 0, part));
  }
  if (sizes.size() != n.numOutputs())
    fail("expected one size per output (got " + llvm::Twine(sizes.size()) + " for " +
         llvm::Twine(n.numOutputs()) + ")");
  int64_t start = 0, size = e.shapeOf(x)[axis];
  for (auto [i, part] : llvm::enumerate(sizes)) {
    if (part < 0 || part > kMax / 2 - start)
      fail("a part cannot have size " + llvm::Twine(part));
    n.set(i, e.slice(x, axis, start, start + part));
    start += part;
  }
  if (!ShapedType::isDynamic(size) && start != size)
    fail("the parts have " + llvm::Twine(start) + " elements in all, the axis " +
         llvm::Twine(size));
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

// A vector of one entry per axis with run-time entries at `axes`.
static Value spread(Emitter &e, Value given, llvm::ArrayRef<int64_t> axes, int64_t rank,
                    int64_t other) {
  if (Emitter::elementOf(given) != e.i64())
    given = e.cast(given, e.i64());
  llvm::SmallVector<Value> pieces;
  for (int64_t i = 0; i < rank; ++i) {
    auto at = llvm::find(axes, i);
    pieces.push_back(at == axes.end()
                         ? e.ints({other})
                         : e.slice(given, 0, at - axes.begin(), at - axes.begin() + 1));
  }
  return e.concat(pieces, 0);
}

static void sliceBy(Node &n, Value x, Value starts, Value ends, std::optional<Ints> axes,
                    Value steps) {
  Emitter &e = n.e;
  int64_t rank = e.rankOf(x), count = e.rankOf(starts) == 1 ? e.shapeOf(starts)[0] : -1;
  if (count < 0 || count > rank || e.rankOf(ends) != 1 || e.shapeOf(ends)[0] != count ||
      (steps && (e.rankOf(steps) != 1 || e.shapeOf(steps)[0] != count)))
    fail("starts, ends and steps must be 1-D tensors of one length, at most the rank");
  if (!axes) {
    axes.emplace();
    for (int64_t i = 0; i < count; ++i)
      axes->push_back(i);
  }
  *axes = Emitter::normalizeAxes(*axes, rank);
  if (int64_t(axes->size()) != count)
    fail("expected one axis per start (got " + llvm::Twine(axes->size()) + " for " +
         llvm::Twine(count) + ")");

  // Bounds that are sizes of the axis itself, or constants, need no run-time form.
  std::optional<Dims> first = e.elementsOf(starts), last = e.elementsOf(ends);
  Ints stepList =
      steps ? (e.isConstant(steps) ? e.getInts(steps, "steps") : Ints()) : Ints(count, 1);
  Ints lows(rank, 0), highs(rank, kMax), strides(rank, 1);
  bool isStatic = first && last && int64_t(stepList.size()) == count;
  Dims sizes = e.dimsOf(x);
  for (int64_t i = 0; isStatic && i < count; ++i) {
    const Dim &low = (*first)[i], &high = (*last)[i];
    int64_t axis = (*axes)[i];
    isStatic = low.isConstant() && (high.isConstant() || (high == sizes[axis] && stepList[i] > 0));
    lows[axis] = low.isConstant() ? low.getConstant() : 0;
    highs[axis] = high.isConstant() ? high.getConstant() : kMax;
    strides[axis] = stepList[i];
  }
  if (isStatic) {
    n.set(0, e.op<nn::SliceOp>(
                 {x}, {e.attr("starts", lows), e.attr("ends", highs), e.attr("steps", strides)}));
    return;
  }
  // Sizes of the axes that are left alone are known.
  Ints shape(e.shapeOf(x));
  Dims dims = e.dimsOf(x);
  for (int64_t axis : *axes) {
    shape[axis] = ShapedType::kDynamic;
    dims[axis] = e.newSymbol();
  }
  // Between two points that lie a known distance apart.
  for (int64_t i = 0; i < count; ++i) {
    if (!first || !last || int64_t(stepList.size()) != count || stepList[i] != 1)
      continue;
    std::optional<Dim> distance = Dim::sub((*last)[i], (*first)[i]);
    if ((*first)[i] == Dim(0) && !(*last)[i].isConstant() && (*last)[i] == sizes[(*axes)[i]])
      dims[(*axes)[i]] = *distance;
  }
  Value result = e.op<nn::DynamicSliceOp>(
      {x, spread(e, starts, *axes, rank, 0), spread(e, ends, *axes, rank, kMax),
       steps ? spread(e, steps, *axes, rank, 1) : e.ints(Ints(rank, 1))},
      {}, {e.tensor(shape, e.elementOf(x))});
  if (!e.isConstant(result))
    e.setDims(result, dims);
  n.set(0, result);
}

static void convertSlice1(Node &n) {
  std::optional<Ints> starts = n.attrInts("starts"), ends = n.attrInts("ends");
  if (!starts || !ends)
    fail("starts or ends are missing");
  sliceBy(n, n.in(0), n.e.ints(*starts), n.e.ints(*ends), n.attrInts("axes"), nullptr);
}

static void convertSlice(Node &n) {
  std::optional<Ints> axes;
  if (n.opt(3))
    axes = n.e.getInts(n.opt(3), "axes");
  sliceBy(n, n.in(0), n.in(1), n.in(2), axes, n.opt(4));
}

//===----------------------------------------------------------------------===//
// Padding
//===----------------------------------------------------------------------===//

static void convertPad(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0), value;
  int64_t rank = e.rankOf(x);
  std::string name = n.attrString("mode", "constant");
  std::optional<nn::PadMode> mode = nn::symbolizePadMode(name);
  if (!mode)
    fail("mode '" + name + "' is not supported");
  Ints pads, axes;
  if (n.opset < 11) {
    pads = n.attrInts("pads").value_or(Ints());
    value = e.scalar(n.attrFloat("value", 0), e.elementOf(x));
  } else {
    pads = e.getInts(n.in(1), "pads");
    value = n.opt(2);
  }
  if (n.opset >= 18 && n.opt(3)) {
    axes = Emitter::normalizeAxes(e.getInts(n.opt(3), "axes"), rank);
  } else {
    for (int64_t i = 0; i < rank; ++i)
      axes.push_back(i);
  }
  if (pads.size() != 2 * axes.size())
    fail("expected two pads per axis (got " + llvm::Twine(pads.size()) + " for " +
         llvm::Twine(axes.size()) + ")");
  Ints low(rank, 0), high(rank, 0);
  for (auto [i, axis] : llvm::enumerate(axes)) {
    low[axis] = pads[i];
    high[axis] = pads[i + axes.size()];
    constexpr int64_t kLimit = int64_t(1) << 40;
    if (std::min(low[axis], high[axis]) < -kLimit || std::max(low[axis], high[axis]) > kLimit)
      fail("pads are too large");
  }
  if (*mode != nn::PadMode::Constant)
    value = nullptr;
  else if (value && e.rankOf(value) == 1)
    value = e.squeeze(value, {0});
  n.set(0, e.pad(*mode, x, value, low, high));
}

static void convertCenterCropPad(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  int64_t rank = e.rankOf(x);
  Ints target = e.getInts(n.in(1), "shape"), axes;
  if (std::optional<Ints> given = n.attrInts("axes"))
    axes = Emitter::normalizeAxes(*given, rank);
  else
    for (int64_t i = 0; i < rank; ++i)
      axes.push_back(i);
  if (target.size() != axes.size())
    fail("expected one size per axis (got " + llvm::Twine(target.size()) + " for " +
         llvm::Twine(axes.size()) + ")");
  Ints low(rank, 0), high(rank, 0);
  for (auto [size, axis] : llvm::zip(target, axes)) {
    int64_t old = e.staticDim(x, axis, "the size of a cropped or padded axis");
    if (size < 0 || size > (1ll << 40))
      fail("a size cannot be " + llvm::Twine(size));
    // Odd differences: cropping takes one more at the end, padding adds one more at the end.
    int64_t difference = size - old;
    low[axis] = difference < 0 ? -((-difference) / 2) : difference / 2;
    high[axis] = difference - low[axis];
  }
  n.set(0, e.pad(nn::PadMode::Constant, x, nullptr, low, high));
}

//===----------------------------------------------------------------------===//
// By position
//===----------------------------------------------------------------------===//

static void convertTrilu(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  int64_t rank = e.rankOf(x);
  if (rank < 2)
    fail("expected a matrix or a batch of matrices");
  bool upper = n.attrBool("upper", true);
  Value k = n.opt(1) ? n.opt(1) : e.intScalar(0, e.i64());
  if (e.rankOf(k) == 1)
    k = e.squeeze(k, {0});
  Value rows = e.unsqueeze(e.iotaOfDim(x, rank - 2, e.i64()), {1}),
        columns = e.iotaOfDim(x, rank - 1, e.i64());
  Value keep = e.compare(upper ? CompareKind::Ge : CompareKind::Le, columns, e.add(rows, k));
  n.set(0, e.select(keep, x, e.zero(e.elementOf(x))));
}

static void convertReverseSequence(Node &n) {
  Emitter &e = n.e;
  int64_t rank = e.rankOf(n.in(0));
  n.set(0, e.op<nn::ReverseSequenceOp>(
               {n.in(0), n.in(1)},
               {e.attr("time_axis", Emitter::normalizeAxis(n.attrInt("time_axis", 0), rank)),
                e.attr("batch_axis", Emitter::normalizeAxis(n.attrInt("batch_axis", 1), rank))}));
}

void terse::onnx::registerTensorOps(OpTable &t) {
  t.add("Concat", {4, 11, 13}, convertConcat);
  t.add("Transpose", {1, 13, 21, 23, 24, 25}, convertTranspose);
  t.add("Split", {2, 11, 13, 18}, convertSplit, "constant sizes");
  t.add("Slice", {1}, convertSlice1);
  t.add("Slice", {10, 11, 13}, convertSlice, "constant axes");
  t.add("Pad", {2, 11, 13, 18, 19, 21, 23, 24, 25}, convertPad, "constant pads");
  t.add("CenterCropPad", {18}, convertCenterCropPad, "constant shape");
  t.add("Trilu", {14}, convertTrilu);
  t.add("ReverseSequence", {10}, convertReverseSequence);
}
