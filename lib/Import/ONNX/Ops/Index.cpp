//===- Index.cpp - ONNX operators that gather and scatter -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Node.h"

using namespace terse;
using namespace terse::onnx;
using mlir::ShapedType;

//===----------------------------------------------------------------------===//
// Gather
//===----------------------------------------------------------------------===//

static void convertGather(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0), indices = n.in(1);
  int64_t axis = Emitter::normalizeAxis(n.attrInt("axis", 0), e.rankOf(x));
  // Rows of a constant matrix by run-time indices: a table of embeddings.
  if (axis == 0 && e.rankOf(x) == 2 && e.isFloat(x) && e.isWeight(x) && !e.isConstant(indices)) {
    n.set(0, e.op<nn::EmbeddingOp>({x, indices}));
    return;
  }
  n.set(0, e.gather(x, indices, axis));
}

static void convertGatherElements(Node &n) {
  int64_t axis = Emitter::normalizeAxis(n.attrInt("axis", 0), n.e.rankOf(n.in(0)));
  n.set(0, n.e.op<nn::GatherElementsOp>({n.in(0), n.in(1)}, {n.e.attr("axis", axis)}));
}

static void convertGatherND(Node &n) {
  int64_t batch = n.opset >= 12 ? n.attrInt("batch_dims", 0) : 0;
  n.set(0, n.e.op<nn::GatherNDOp>({n.in(0), n.in(1)}, {n.e.attr("batch_dims", batch)}));
}

//===----------------------------------------------------------------------===//
// Scatter
//===----------------------------------------------------------------------===//

static mlir::NamedAttribute getReduction(Node &n, int64_t since) {
  std::string name = n.opset >= since ? n.attrString("reduction", "none") : "none";
  std::optional<nn::ScatterKind> kind =
      nn::symbolizeScatterKind(name == "none" ? "replace" : llvm::StringRef(name));
  if (!kind || name == "replace")
    fail("reduction '" + name + "' is not supported");
  return n.e.attr("kind", nn::ScatterKindAttr::get(n.e.context, *kind));
}

static void convertScatterElements(Node &n) {
  int64_t axis = Emitter::normalizeAxis(n.attrInt("axis", 0), n.e.rankOf(n.in(0)));
  n.set(0, n.e.op<nn::ScatterElementsOp>({n.in(0), n.in(1), n.in(2)},
                                         {getReduction(n, 16), n.e.attr("axis", axis)}));
}

static void convertScatterND(Node &n) {
  n.set(0, n.e.op<nn::ScatterNDOp>({n.in(0), n.in(1), n.in(2)}, {getReduction(n, 16)}));
}

// past_cache with `update` written at write_indices[b] along the sequence axis (modulo its length,
// if circular).
static void convertTensorScatter(Node &n) {
  Emitter &e = n.e;
  Value cache = n.in(0), update = n.in(1), start = n.opt(2);
  int64_t rank = e.rankOf(cache), axis = Emitter::normalizeAxis(n.attrInt("axis", -2), rank);
  std::string mode = n.attrString("mode", "linear");
  if (mode != "linear" && mode != "circular")
    fail("mode must be 'linear' or 'circular' (got '" + mode + "')");
  if (axis == 0 || e.rankOf(update) != rank)
    fail("axis must not be the batch, and update must have the rank of the cache");
  Value position = e.alongAxis(e.iotaOfDim(update, axis, e.i64()), axis, rank);
  if (start)
    position = e.add(position, e.alongAxis(e.cast(start, e.i64()), 0, rank));
  if (mode == "circular") {
    Value length = e.squeeze(e.slice(e.shapeVector(cache), 0, axis, axis + 1), {0});
    position = e.binary(BinaryKind::Mod, position, length);
  }
  position = e.broadcastLike(position, update);
  n.set(0, e.op<nn::ScatterElementsOp>(
               {cache, position, update},
               {e.attr("kind", nn::ScatterKindAttr::get(e.context, nn::ScatterKind::Replace)),
                e.attr("axis", axis)}));
}

//===----------------------------------------------------------------------===//
// One-hot and sorted
//===----------------------------------------------------------------------===//

static void convertOneHot(Node &n) {
  Emitter &e = n.e;
  Value indices = n.in(0), values = n.in(2);
  double number = e.getDouble(n.in(1), "depth");
  // Also false for NaN.
  if (!(number >= 1 && number <= (1 << 24)))
    fail("depth must be between 1 and 2^24 (got " + std::to_string(number) + ")");
  int64_t depth = int64_t(number), rank = e.rankOf(indices);
  int64_t axis = Emitter::normalizeAxis(n.attrInt("axis", -1), rank + 1);
  Value picked = e.cast(indices, e.i64());
  // Negative indices count from the end.
  Value wrapped = e.select(e.compare(CompareKind::Lt, picked, 0.0),
                           e.add(picked, e.intScalar(depth, e.i64())), picked);
  Value on = e.compare(CompareKind::Eq, e.unsqueeze(wrapped, {axis}),
                       e.alongAxis(e.iota(depth, e.i64()), axis, rank + 1));
  auto pick = [&](int64_t i) { return e.squeeze(e.slice(values, 0, i, i + 1), {0}); };
  if (e.rankOf(values) != 1 || e.shapeOf(values)[0] != 2)
    fail("values must be [off, on]");
  n.set(0, e.select(on, pick(1), pick(0)));
}

static void convertTopK(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  int64_t axis = Emitter::normalizeAxis(n.attrInt("axis", -1), e.rankOf(x));
  int64_t k = n.opset < 10 ? n.attrInt("k") : e.getInt(n.in(1), "k");
  bool largest = n.opset < 11 || n.attrBool("largest", true);
  n.ignore("sorted"); // Sorted results are always allowed.
  if (k < 0 || (!ShapedType::isDynamic(e.shapeOf(x)[axis]) && k > e.shapeOf(x)[axis]))
    fail("k must lie between 0 and the size of the axis (got " + llvm::Twine(k) + ")");
  auto results =
      e.ops<nn::TopKOp>({x}, {e.attr("k", k), e.attr("axis", axis), e.attr("largest", largest)});
  n.set(0, results[0]);
  n.set(1, results[1]);
}

//===----------------------------------------------------------------------===//
// Results whose size depends on values: constants only
//===----------------------------------------------------------------------===//

static void convertCompress(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  std::vector<int64_t> condition = e.getConstant(n.in(1), "condition").toInts();
  std::optional<int64_t> axis;
  if (n.has("axis"))
    axis = Emitter::normalizeAxis(n.attrInt("axis"), e.rankOf(x));
  else
    x = e.collapse(x, 0, e.rankOf(x));
  Ints picked;
  for (auto [i, yes] : llvm::enumerate(condition))
    if (yes)
      picked.push_back(i);
  n.set(0, e.gather(x, e.ints(picked), axis.value_or(0)));
}

static void convertNonZero(Node &n) {
  Emitter &e = n.e;
  HostTensor x =
      e.getConstant(n.in(0), "the input, whose values determine the size of the result,");
  std::vector<Ints> found;
  std::vector<int64_t> strides = x.getStrides();
  for (int64_t i = 0, size = x.getNumElements(); i < size; ++i) {
    if (x.getAsDouble(i) == 0)
      continue;
    Ints index;
    for (auto [stride, extent] : llvm::zip(strides, x.shape))
      index.push_back(i / stride % extent);
    found.push_back(index);
  }
  HostTensor result = HostTensor::zeros(DType::i64(), {x.getRank(), int64_t(found.size())});
  for (auto [column, index] : llvm::enumerate(found))
    for (auto [row, v] : llvm::enumerate(index))
      result.setFromInt(row * found.size() + column, v);
  n.set(0, e.constant(std::move(result)));
}

void terse::onnx::registerIndexOps(OpTable &t) {
  t.add("Gather", {1, 11, 13}, convertGather);
  t.add("GatherElements", {11, 13}, convertGatherElements);
  t.add("GatherND", {11, 12, 13}, convertGatherND);
  t.add("Scatter", {9}, convertScatterElements);
  t.add("ScatterElements", {11, 13, 16, 18}, convertScatterElements);
  t.add("ScatterND", {11, 13, 16, 18}, convertScatterND);
  t.add("TensorScatter", {24}, convertTensorScatter);
  t.add("OneHot", {9, 11}, convertOneHot, "constant depth");
  t.add("TopK", {1, 10, 11, 24}, convertTopK, "constant k");
  t.add("Compress", {9, 11}, convertCompress, "constant condition");
  t.add("NonZero", {9, 13}, convertNonZero, "constant input");
}
