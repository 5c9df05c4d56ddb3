//===- Norm.cpp - Normalizations and softmaxes ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Node.h"

using namespace terse;
using namespace terse::onnx;

//===----------------------------------------------------------------------===//
// With statistics
//===----------------------------------------------------------------------===//

static void convertBatchNorm(Node &n) {
  Emitter &e = n.e;
  if (n.opset >= 14 && n.attrBool("training_mode", false))
    fail("training mode is not supported; export the model for inference");
  if (n.opset < 9 && !n.attrBool("spatial", true))
    fail("spatial = 0 is not supported");
  n.ignore("momentum");
  Value x = n.in(0);
  Type element = e.elementOf(x);
  auto parameter = [&](size_t i) { return e.cast(n.in(i), element); };
  n.set(0, e.op<nn::BatchNormOp>({x, parameter(1), parameter(2), parameter(3), parameter(4)},
                                 {e.attr("epsilon", n.attrFloat("epsilon", 1e-5f))}));
}

static Ints axesFrom(int64_t axis, int64_t rank) {
  Ints axes;
  for (int64_t i = axis; i < rank; ++i)
    axes.push_back(i);
  return axes;
}

static void convertLayerNorm(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  int64_t rank = e.rankOf(x), axis = Emitter::normalizeAxis(n.attrInt("axis", -1), rank);
  double epsilon = n.attrFloat("epsilon", 1e-5f);
  Type stash = n.elementType(n.attrInt("stash_type", 1));
  n.set(0, e.op<nn::LayerNormOp>({x, n.in(1), n.opt(2)},
                                 {e.attr("axis", axis), e.attr("epsilon", epsilon)}));
  if (!n.wants(1) && !n.wants(2))
    return;
  Value wide = e.cast(x, stash);
  Value mean = e.reduce(ReduceKind::Mean, wide, axesFrom(axis, rank), true);
  Value centered = e.sub(wide, mean);
  Value variance =
      e.reduce(ReduceKind::Mean, e.mul(centered, centered), axesFrom(axis, rank), true);
  n.set(1, mean);
  n.set(2, e.unary(UnaryKind::Reciprocal,
                   e.unary(UnaryKind::Sqrt, e.binary(BinaryKind::Add, variance, epsilon))));
}

static void convertRmsNorm(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  n.ignore("stash_type"); // The op computes in f32 at least.
  int64_t axis = Emitter::normalizeAxis(n.attrInt("axis", -1), e.rankOf(x));
  n.set(0, e.op<nn::RmsNormOp>({x, n.in(1)}, {e.attr("axis", axis),
                                              e.attr("epsilon", n.attrFloat("epsilon", 1e-5f))}));
}

static void convertInstanceNorm(Node &n) {
  Emitter &e = n.e;
  n.set(0, e.op<nn::InstanceNormOp>({n.in(0), n.in(1), n.in(2)},
                                    {e.attr("epsilon", n.attrFloat("epsilon", 1e-5f))}));
}

static void convertGroupNorm(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0), scale = n.in(1), bias = n.in(2);
  n.ignore("stash_type");
  int64_t groups = n.attrInt("num_groups");
  if (e.rankOf(x) < 2)
    fail("expected [N, C, ...] (got rank " + llvm::Twine(e.rankOf(x)) + ")");
  int64_t channels = e.staticDim(x, 1, "the number of channels");
  if (groups < 1 || channels % groups)
    fail("num_groups must divide the number of channels (got " + llvm::Twine(groups) + " for " +
         llvm::Twine(channels) + ")");
  // Opset 18 has one scale per group.
  auto perChannel = [&](Value v) {
    if (n.opset >= 21 || e.rankOf(v) != 1 || e.shapeOf(v)[0] != groups)
      return v;
    return e.collapse(e.broadcastTo(e.appendOnes(v, 1), {Dim(groups), Dim(channels / groups)}), 0,
                      2);
  };
  n.set(0, e.op<nn::GroupNormOp>(
               {x, perChannel(scale), perChannel(bias)},
               {e.attr("groups", groups), e.attr("epsilon", n.attrFloat("epsilon", 1e-5f))}));
}

//===----------------------------------------------------------------------===//
// By composition
//===----------------------------------------------------------------------===//

static void convertLpNorm(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  int64_t axis = Emitter::normalizeAxis(n.attrInt("axis", -1), e.rankOf(x)), p = n.attrInt("p", 2);
  if (p != 1 && p != 2)
    fail("p must be 1 or 2 (got " + llvm::Twine(p) + ")");
  Value norm = e.reduce(p == 1 ? ReduceKind::L1 : ReduceKind::L2, x, {axis}, true);
  // A zero vector stays one.
  Value isZero = e.compare(CompareKind::Eq, norm, 0.0);
  n.set(0, e.div(x, e.select(isZero, e.scalar(1, e.elementOf(x)), norm)));
}

static void convertMeanVarianceNorm(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  Ints axes = Emitter::normalizeAxes(n.attrInts("axes").value_or(Ints{0, 2, 3}), e.rankOf(x));
  Value centered = e.sub(x, e.reduce(ReduceKind::Mean, x, axes, true));
  Value deviation =
      e.unary(UnaryKind::Sqrt, e.reduce(ReduceKind::Mean, e.mul(centered, centered), axes, true));
  n.set(0, e.div(centered, e.binary(BinaryKind::Add, deviation, 1e-9)));
}

// x / (bias + alpha / size * sum of squares over a window of channels)^beta. The sum is an average
// pool along the channels.
static void convertLRN(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  int64_t size = n.attrInt("size");
  double alpha = n.attrFloat("alpha", 1e-4f), beta = n.attrFloat("beta", 0.75),
         bias = n.attrFloat("bias", 1);
  if (size < 1 || size > (1 << 24))
    fail("size must be positive (got " + llvm::Twine(size) + ")");
  if (e.rankOf(x) < 3)
    fail("expected [N, C, spatial...] (got rank " + llvm::Twine(e.rankOf(x)) + ")");
  int64_t before = (size - 1) / 2, after = size - 1 - before;
  Value squares = e.unsqueeze(e.collapse(e.mul(x, x), 2, e.rankOf(x)), {1}); // [N, 1, C, pixels]
  Value sum = e.op<nn::PoolOp>(
      {squares}, {e.attr("kind", nn::PoolKindAttr::get(e.context, nn::PoolKind::Average)),
                  e.attr("kernel", Ints{size, 1}), e.attr("strides", Ints{1, 1}),
                  e.attr("pads", Ints{before, 0, after, 0}), e.attr("dilations", Ints{1, 1}),
                  e.attr("ceil_mode", false), e.attr("count_include_pad", true)});
  Dims dims = e.dimsOf(x);
  Value shape = e.hasStaticShape(x) ? Value() : e.shapeVector(x);
  // The average over the window is the sum divided by its size, as alpha / size asks.
  Value base = e.binary(BinaryKind::Add,
                        e.binary(BinaryKind::Mul, e.reshape(sum, dims, shape), alpha), bias);
  n.set(0, e.div(x, e.binary(BinaryKind::Pow, base, beta)));
}

//===----------------------------------------------------------------------===//
// Softmaxes
//===----------------------------------------------------------------------===//

// Before opset 13 all axes from `axis` on are one.
template <typename Function>
static Value overFlattened(Node &n, Value x, Function apply) {
  Emitter &e = n.e;
  int64_t rank = e.rankOf(x),
          axis = Emitter::normalizeAxis(n.attrInt("axis", n.opset < 13 ? 1 : -1),
                                        std::max<int64_t>(rank, 1));
  if (n.opset >= 13 || axis == rank - 1)
    return apply(x, axis);
  Dims dims = e.dimsOf(x);
  Value shape = e.hasStaticShape(x) ? Value() : e.shapeVector(x);
  return e.reshape(apply(e.collapse(x, axis, rank), axis), dims, shape);
}

template <bool log>
static void convertSoftmax(Node &n) {
  n.set(0, overFlattened(n, n.in(0),
                         [&](Value x, int64_t axis) { return n.e.softmax(x, axis, log); }));
}

static void convertHardmax(Node &n) {
  Emitter &e = n.e;
  n.set(0, overFlattened(n, n.in(0), [&](Value x, int64_t axis) {
          Value best = e.op<nn::ArgReduceOp>(
              {x}, {e.attr("kind", nn::ReduceKindAttr::get(e.context, ReduceKind::Max)),
                    e.attr("axis", axis), e.attr("keepdims", true)});
          Value index = e.alongAxis(e.iotaOfDim(x, axis, e.i64()), axis, e.rankOf(x));
          return e.cast(e.compare(CompareKind::Eq, best, index), e.elementOf(x));
        }));
}

void terse::onnx::registerNormOps(OpTable &t) {
  t.add("BatchNormalization", {7, 9, 14, 15}, convertBatchNorm, "inference only");
  t.add("LayerNormalization", {17}, convertLayerNorm);
  t.add("RMSNormalization", {23}, convertRmsNorm);
  t.add("InstanceNormalization", {6, 22}, convertInstanceNorm);
  t.add("GroupNormalization", {18, 21}, convertGroupNorm);
  t.add("LpNormalization", {1, 22}, convertLpNorm);
  t.add("MeanVarianceNormalization", {9, 13}, convertMeanVarianceNorm);
  t.add("LRN", {1, 13}, convertLRN);
  t.add("Softmax", {1, 11, 13}, convertSoftmax<false>);
  t.add("LogSoftmax", {1, 11, 13}, convertSoftmax<true>);
  t.add("Hardmax", {1, 11, 13}, convertHardmax);
}
