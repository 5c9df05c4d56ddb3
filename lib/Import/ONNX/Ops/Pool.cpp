//===- Pool.cpp - Pooling ---------------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Contraction.h"

using namespace terse;
using namespace terse::onnx;

static Value emitPool(Emitter &e, nn::PoolKind kind, Value x, const Window &w, bool ceilMode,
                      bool countPad, int64_t p) {
  return e.op<nn::PoolOp>(
      {x}, {e.attr("kind", nn::PoolKindAttr::get(e.context, kind)), e.attr("kernel", w.kernel),
            e.attr("strides", w.strides), e.attr("pads", w.pads), e.attr("dilations", w.dilations),
            e.attr("ceil_mode", ceilMode), e.attr("count_include_pad", countPad), e.attr("p", p)});
}

template <nn::PoolKind kind>
static void convertPool(Node &n) {
  bool ceilMode = n.attrBool("ceil_mode", false);
  bool countPad = kind == nn::PoolKind::Average && n.attrBool("count_include_pad", false);
  int64_t p = kind == nn::PoolKind::Lp ? n.attrInt("p", 2) : 2;
  Window w = getWindow(n, n.in(0), {}, ceilMode);
  n.set(0, emitPool(n.e, kind, n.in(0), w, ceilMode, countPad, p));
}

static void convertMaxPool(Node &n) {
  Emitter &e = n.e;
  bool columnMajor = n.attrBool("storage_order", false);
  if (!n.wants(1)) {
    convertPool<nn::PoolKind::Max>(n);
    return;
  }
  bool ceilMode = n.attrBool("ceil_mode", false);
  Window w = getWindow(n, n.in(0), {}, ceilMode);
  auto results = e.ops<nn::MaxPoolIndicesOp>(
      {n.in(0)}, {e.attr("kernel", w.kernel), e.attr("strides", w.strides), e.attr("pads", w.pads),
                  e.attr("dilations", w.dilations), e.attr("ceil_mode", ceilMode),
                  e.attr("column_major", columnMajor)});
  n.set(0, results[0]);
  n.set(1, results[1]);
}

static Ints spatialAxes(Emitter &e, Value x) {
  Ints axes;
  for (int64_t i = 2; i < e.rankOf(x); ++i)
    axes.push_back(i);
  return axes;
}

template <ReduceKind kind>
static void convertGlobalPool(Node &n) {
  if (n.e.rankOf(n.in(0)) < 2)
    fail("expected [N, C, spatial...] (got rank " + llvm::Twine(n.e.rankOf(n.in(0))) + ")");
  n.set(0, n.e.reduce(kind, n.in(0), spatialAxes(n.e, n.in(0)), true));
}

static void convertGlobalLpPool(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  int64_t p = n.attrInt("p", 2);
  if (p == 1 || p == 2) {
    n.set(0, e.reduce(p == 1 ? ReduceKind::L1 : ReduceKind::L2, x, spatialAxes(e, x), true));
    return;
  }
  Value powers = e.binary(BinaryKind::Pow, e.unary(UnaryKind::Abs, x), double(p));
  n.set(0, e.binary(BinaryKind::Pow, e.reduce(ReduceKind::Sum, powers, spatialAxes(e, x), true),
                    1.0 / double(p)));
}

// The inverse of MaxPool with indices: every value goes to its index in the flattened output.
static void convertMaxUnpool(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0), indices = n.in(1);
  Window w = getWindow(n, x, {});
  int64_t rank = e.rankOf(x);
  Ints natural(e.shapeOf(x)), target;
  int64_t spatial = rank - 2;
  for (int64_t i = 0; i < rank; ++i)
    natural[i] = e.staticDim(x, i, "the shape of the input");
  for (int64_t i = 0; i < spatial; ++i)
    natural[i + 2] =
        (natural[i + 2] - 1) * w.strides[i] - w.pads[i] - w.pads[i + spatial] + w.kernel[i];
  target = n.opt(2) ? e.getInts(n.opt(2), "output_shape") : natural;
  if (int64_t(target.size()) != rank)
    fail("output_shape must have one entry per axis");
  std::optional<int64_t> count = countElements(natural), wanted = countElements(target);
  if (!count || *count > (1ll << 40) || !wanted)
    fail("the output is too large");
  // Indices count in the natural output; the given one is a frame around it.
  Value flat = e.broadcastTo(e.zero(e.elementOf(x)), {Dim(*count)});
  flat = e.op<nn::ScatterElementsOp>(
      {flat, e.collapse(indices, 0, rank), e.collapse(x, 0, rank)},
      {e.attr("kind", nn::ScatterKindAttr::get(e.context, nn::ScatterKind::Replace)),
       e.attr("axis", int64_t(0))});
  Value result = e.reshapeTo(flat, natural);
  if (target != natural) {
    Ints low(rank, 0), high(rank, 0);
    for (int64_t i = 0; i < rank; ++i)
      high[i] = target[i] - natural[i];
    result = e.pad(nn::PadMode::Constant, result, nullptr, low, high);
  }
  n.set(0, result);
}

void terse::onnx::registerPoolOps(OpTable &t) {
  t.add("MaxPool", {1, 8, 10, 11, 12, 22}, convertMaxPool);
  t.add("AveragePool", {7, 10, 11, 19, 22}, convertPool<nn::PoolKind::Average>);
  t.add("LpPool", {2, 11, 18, 22}, convertPool<nn::PoolKind::Lp>);
  t.add("GlobalAveragePool", {1, 22}, convertGlobalPool<ReduceKind::Mean>);
  t.add("GlobalMaxPool", {1, 22}, convertGlobalPool<ReduceKind::Max>);
  t.add("GlobalLpPool", {2, 22}, convertGlobalLpPool);
  t.add("MaxUnpool", {9, 11, 22}, convertMaxUnpool, "static shapes");
}
