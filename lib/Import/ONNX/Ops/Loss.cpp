//===- Loss.cpp - Losses ----------------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Node.h"

using namespace terse;
using namespace terse::onnx;

static Value reduceAll(Emitter &e, ReduceKind kind, Value x) {
  Ints axes;
  for (int64_t i = 0; i < e.rankOf(x); ++i)
    axes.push_back(i);
  return e.reduce(kind, x, axes, false);
}

// -weight[target] * scores[n, target, ...] with axis 1 the classes; ignored targets count nothing.
static Value emitLoss(Node &n, Value scores, Value target, Value weight) {
  Emitter &e = n.e;
  std::string reduction = n.attrString("reduction", "mean");
  Type element = e.elementOf(scores);
  if (e.rankOf(scores) < 2 || e.rankOf(target) != e.rankOf(scores) - 1)
    fail("expected scores [N, C, ...] and labels [N, ...]");
  Value kept;
  Value labels = e.cast(target, e.i64());
  if (n.has("ignore_index")) {
    kept = e.compare(CompareKind::Ne, labels, e.intScalar(n.attrInt("ignore_index"), e.i64()));
    labels = e.select(kept, labels, e.intScalar(0, e.i64()));
  }
  Value picked = e.squeeze(
      e.op<nn::GatherElementsOp>({scores, e.unsqueeze(labels, {1})}, {e.attr("axis", int64_t(1))}),
      {1});
  Value loss = e.unary(UnaryKind::Neg, picked), factors;
  if (weight)
    factors = e.gather(weight, labels, 0);
  if (kept) {
    Value mask = e.cast(kept, element);
    factors = factors ? e.mul(factors, mask) : mask;
  }
  if (factors)
    // An ignored score may be infinite.
    loss = e.mul(kept ? e.select(kept, loss, e.zero(element)) : loss, factors);
  if (reduction == "none")
    return loss;
  if (reduction == "sum")
    return reduceAll(e, ReduceKind::Sum, loss);
  if (reduction != "mean")
    fail("reduction '" + reduction + "' is not supported");
  if (!factors)
    return reduceAll(e, ReduceKind::Mean, loss);
  return e.div(reduceAll(e, ReduceKind::Sum, loss), reduceAll(e, ReduceKind::Sum, factors));
}

static void convertNegativeLogLikelihood(Node &n) {
  n.set(0, emitLoss(n, n.in(0), n.in(1), n.opt(2)));
}

static void convertSoftmaxCrossEntropy(Node &n) {
  Value logarithms = n.e.softmax(n.in(0), 1, /*log=*/true);
  n.set(0, emitLoss(n, logarithms, n.in(1), n.opt(2)));
  n.set(1, logarithms);
}

void terse::onnx::registerLossOps(OpTable &t) {
  t.add("NegativeLogLikelihoodLoss", {12, 13, 22}, convertNegativeLogLikelihood);
  t.add("SoftmaxCrossEntropyLoss", {12, 13}, convertSoftmaxCrossEntropy);
}
