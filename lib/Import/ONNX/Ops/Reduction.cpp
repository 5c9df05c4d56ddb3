//===- Reduction.cpp - Reductions and scans ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Node.h"

using namespace terse;
using namespace terse::onnx;

// `axes` became an input with opset 13 for ReduceSum and with 18 for the others.
template <ReduceKind kind>
static void convertReduce(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  int64_t rank = e.rankOf(x), inputSince = kind == ReduceKind::Sum ? 13 : 18;
  bool keep = n.attrBool("keepdims", true), none = false;
  std::optional<Ints> axes;
  if (n.opset < inputSince) {
    axes = n.attrInts("axes");
  } else {
    none = n.attrBool("noop_with_empty_axes", false);
    if (n.opt(1))
      axes = e.getInts(n.opt(1), "axes");
  }
  if (!axes || axes->empty()) {
    axes.emplace();
    for (int64_t i = 0; i < rank && !none; ++i)
      axes->push_back(i);
  }
  // Over no axis an elementwise part remains (the absolute value of L1, the square of SumSquare).
  bool isBool = e.isBool(x);
  if (isBool && (kind == ReduceKind::Max || kind == ReduceKind::Min))
    x = e.cast(x, mlir::IntegerType::get(e.context, 8, mlir::IntegerType::Unsigned));
  Value result = e.reduce(kind, x, Emitter::normalizeAxes(*axes, rank), keep);
  n.set(0, isBool ? e.cast(result, e.i1()) : result);
}

template <ReduceKind kind>
static void convertArgReduce(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  bool last = n.opset >= 12 && n.attrBool("select_last_index", false);
  n.set(0,
        e.op<nn::ArgReduceOp>(
            {x}, {e.attr("kind", nn::ReduceKindAttr::get(e.context, kind)),
                  e.attr("axis", Emitter::normalizeAxis(n.attrInt("axis", 0), e.rankOf(x))),
                  e.attr("keepdims", n.attrBool("keepdims", true)), e.attr("select_last", last)}));
}

template <ReduceKind kind>
static void convertCumulative(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  int64_t axis = Emitter::normalizeAxis(e.getInt(n.in(1), "axis"), e.rankOf(x));
  n.set(0, e.op<nn::CumulativeOp>({x}, {e.attr("kind", nn::ReduceKindAttr::get(e.context, kind)),
                                        e.attr("axis", axis),
                                        e.attr("exclusive", n.attrBool("exclusive", false)),
                                        e.attr("reverse", n.attrBool("reverse", false))}));
}

void terse::onnx::registerReductionOps(OpTable &t) {
  const char *limits = "constant axes";
  t.add("ReduceSum", {1, 11, 13}, convertReduce<ReduceKind::Sum>, limits);
  t.add("ReduceMean", {1, 11, 13, 18}, convertReduce<ReduceKind::Mean>, limits);
  t.add("ReduceProd", {1, 11, 13, 18}, convertReduce<ReduceKind::Prod>, limits);
  t.add("ReduceMax", {1, 11, 12, 13, 18, 20}, convertReduce<ReduceKind::Max>, limits);
  t.add("ReduceMin", {1, 11, 12, 13, 18, 20}, convertReduce<ReduceKind::Min>, limits);
  t.add("ReduceL1", {1, 11, 13, 18}, convertReduce<ReduceKind::L1>, limits);
  t.add("ReduceL2", {1, 11, 13, 18}, convertReduce<ReduceKind::L2>, limits);
  t.add("ReduceSumSquare", {1, 11, 13, 18}, convertReduce<ReduceKind::SumSquare>, limits);
  t.add("ReduceLogSum", {1, 11, 13, 18}, convertReduce<ReduceKind::LogSum>, limits);
  t.add("ReduceLogSumExp", {1, 11, 13, 18}, convertReduce<ReduceKind::LogSumExp>, limits);
  t.add("ArgMax", {1, 11, 12, 13}, convertArgReduce<ReduceKind::Max>);
  t.add("ArgMin", {1, 11, 12, 13}, convertArgReduce<ReduceKind::Min>);
  t.add("CumSum", {11, 14}, convertCumulative<ReduceKind::Sum>, "constant axis");
  t.add("CumProd", {26}, convertCumulative<ReduceKind::Prod>, "constant axis");
}
