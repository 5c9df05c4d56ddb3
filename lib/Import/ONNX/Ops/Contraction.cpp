//===- Contraction.cpp - Matrix products ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Contraction.h"
#include "llvm/ADT/StringExtras.h"

using namespace terse;
using namespace terse::onnx;
using mlir::ShapedType;

//===----------------------------------------------------------------------===//
// MatMul and Gemm
//===----------------------------------------------------------------------===//

Value terse::onnx::emitMatMul(Emitter &e, Value l, Value r) {
  // A constant matrix on the right is the weight of a fully connected layer, kept as [N, K].
  if (e.isWeight(r) && e.rankOf(r) == 2 && !e.isConstant(l) && e.rankOf(l) >= 1)
    return e.op<nn::LinearOp>({l, e.transposeLast(r)});
  // Vectors: a row on the left, a column on the right; the axis goes again.
  bool row = e.rankOf(l) == 1, column = e.rankOf(r) == 1;
  if (row)
    l = e.unsqueeze(l, {0});
  if (column)
    r = e.unsqueeze(r, {1});
  Value result = e.matmul(l, r);
  Ints gone;
  if (row)
    gone.push_back(e.rankOf(result) - 2);
  if (column)
    gone.push_back(e.rankOf(result) - 1);
  return gone.empty() ? result : e.squeeze(result, gone);
}

static void convertMatMul(Node &n) { n.set(0, emitMatMul(n.e, n.in(0), n.in(1))); }

static void convertGemm(Node &n) {
  Emitter &e = n.e;
  Value a = n.in(0), b = n.in(1), c = n.opt(2);
  double alpha = n.attrFloat("alpha", 1), beta = n.attrFloat("beta", 1);
  bool transA = n.attrBool("transA", false), transB = n.attrBool("transB", false);
  if (e.rankOf(a) != 2 || e.rankOf(b) != 2)
    fail("expected matrices (got rank " + llvm::Twine(e.rankOf(a)) + " and " +
         llvm::Twine(e.rankOf(b)) + ")");
  if (transA)
    a = e.transposeLast(a);
  auto scale = [&](Value v, double by) { return by == 1 ? v : e.binary(BinaryKind::Mul, v, by); };
  if (e.isWeight(b) && !e.isConstant(a)) {
    Value weight = transB ? b : e.transposeLast(b), bias;
    // A bias per column belongs to the layer.
    if (c && alpha == 1 && beta == 1 && e.rankOf(c) == 1 && e.shapeOf(c)[0] == e.shapeOf(weight)[0])
      std::swap(bias, c);
    Value result = scale(e.op<nn::LinearOp>({a, weight, bias}), alpha);
    n.set(0, c ? e.add(result, scale(c, beta)) : result);
    return;
  }
  Value result = scale(e.matmul(a, transB ? e.transposeLast(b) : b), alpha);
  n.set(0, c ? e.add(result, scale(c, beta)) : result);
}

//===----------------------------------------------------------------------===//
// Einsum
//===----------------------------------------------------------------------===//

namespace {
/// A tensor whose axes have letters.
struct Lettered {
  Value value;
  std::string axes;
};
} // namespace

// Sums over the axes that nobody else has.
static Lettered sumOut(Emitter &e, Lettered x, llvm::StringRef kept) {
  Ints axes;
  std::string rest;
  for (auto [i, c] : llvm::enumerate(x.axes)) {
    if (kept.contains(c))
      rest += c;
    else
      axes.push_back(i);
  }
  if (axes.empty())
    return x;
  return {e.reduce(ReduceKind::Sum, x.value, axes, false), rest};
}

// The elements where axes with the same letter have the same index: masked by the diagonal and
// summed.
static Lettered takeDiagonals(Emitter &e, Lettered x) {
  for (size_t i = 0; i < x.axes.size(); ++i)
    for (size_t j = i + 1; j < x.axes.size();) {
      if (x.axes[i] != x.axes[j]) {
        ++j;
        continue;
      }
      int64_t rank = e.rankOf(x.value);
      Value row = e.alongAxis(e.iotaOfDim(x.value, i, e.i64()), i, rank),
            column = e.alongAxis(e.iotaOfDim(x.value, j, e.i64()), j, rank);
      Value on = e.compare(CompareKind::Eq, row, column);
      x.value = e.reduce(ReduceKind::Sum, e.select(on, x.value, e.zero(e.elementOf(x.value))),
                         {int64_t(j)}, false);
      x.axes.erase(j, 1);
    }
  return x;
}

static Lettered permuteTo(Emitter &e, Lettered x, llvm::StringRef order) {
  Ints permutation;
  for (char c : order)
    permutation.push_back(x.axes.find(c));
  return {e.transpose(x.value, permutation), order.str()};
}

// To axes `order`, absent ones with size 1.
static Value alignTo(Emitter &e, Lettered x, llvm::StringRef order) {
  std::string present;
  Ints missing;
  for (auto [i, c] : llvm::enumerate(order)) {
    if (x.axes.find(c) != std::string::npos)
      present += c;
    else
      missing.push_back(i);
  }
  x = permuteTo(e, x, present);
  return missing.empty() ? x.value : e.unsqueeze(x.value, missing);
}

// Axes in both operands and the result are batch; in both only, contracted; the others are rows and
// columns.
static Lettered contract(Emitter &e, Lettered l, Lettered r, llvm::StringRef kept) {
  l = sumOut(e, l, (kept + r.axes).str());
  r = sumOut(e, r, (kept + l.axes).str());
  std::string batch, sum, rows, columns;
  for (char c : l.axes) {
    bool shared = r.axes.find(c) != std::string::npos;
    (shared ? kept.contains(c) ? batch : sum : rows) += c;
  }
  for (char c : r.axes)
    if (l.axes.find(c) == std::string::npos)
      columns += c;
  if (sum.empty()) {
    std::string all = batch + rows + columns;
    return {e.mul(alignTo(e, l, all), alignTo(e, r, all)), all};
  }
  l = permuteTo(e, l, batch + rows + sum);
  r = permuteTo(e, r, batch + sum + columns);
  Dims left = e.dimsOf(l.value), right = e.dimsOf(r.value), result;
  size_t b = batch.size(), m = rows.size(), k = sum.size(), c = columns.size();
  // Both as [batch, rows, sum] and [batch, sum, columns].
  Value lv = e.collapse(e.collapse(l.value, b + m, b + m + k), b, b + m);
  Value rv = e.collapse(e.collapse(r.value, b + k, b + k + c), b, b + k);
  Value v = e.matmul(lv, rv);
  result.append(left.begin(), left.begin() + b);
  // Size 1 broadcasts in a batch.
  for (size_t i = 0; i < b; ++i)
    if (result[i] == Dim(1))
      result[i] = right[i];
  result.append(left.begin() + b, left.begin() + b + m);
  result.append(right.begin() + b + k, right.end());
  Value shape;
  if (llvm::count_if(result, [](const Dim &d) { return !d.isConstant(); }) > 1)
    shape = e.dimsVector(result, {l.value, r.value});
  return {e.reshape(v, result, shape), batch + rows + columns};
}

static void convertEinsum(Node &n) {
  Emitter &e = n.e;
  std::string equation;
  for (char c : n.attrString("equation"))
    if (c != ' ')
      equation += c;
  auto [left, right] = llvm::StringRef(equation).split("->");
  bool isExplicit = llvm::StringRef(equation).contains("->");
  llvm::SmallVector<llvm::StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != n.numInputs())
    fail("the equation '" + equation + "' has " + llvm::Twine(terms.size()) + " terms for " +
         llvm::Twine(n.numInputs()) + " inputs");
  // The axes of an ellipsis get digits, aligned at the end.
  int64_t ellipsisRank = 0;
  auto letters = [](llvm::StringRef term) {
    return llvm::count_if(term, [](char c) { return llvm::isAlpha(c); });
  };
  for (auto [i, term] : llvm::enumerate(terms)) {
    int64_t extra = e.rankOf(n.in(i)) - letters(term);
    if (extra < 0 || extra > 9 || (extra > 0 && !term.contains("...")))
      fail("term '" + term + "' does not fit an input of rank " + llvm::Twine(e.rankOf(n.in(i))));
    ellipsisRank = std::max(ellipsisRank, term.contains("...") ? extra : 0);
  }
  auto expand = [&](llvm::StringRef term, int64_t count) {
    std::string digits;
    for (int64_t i = ellipsisRank - count; i < ellipsisRank; ++i)
      digits += char('0' + i);
    auto [before, after] = term.split("...");
    std::string all = (before + (term.contains("...") ? digits : "") + after).str();
    for (char c : all)
      if (!llvm::isAlnum(c))
        fail("unexpected '" + llvm::Twine(c) + "' in the equation '" + equation + "'");
    return all;
  };
  llvm::SmallVector<Lettered> operands;
  std::string all;
  for (auto [i, term] : llvm::enumerate(terms)) {
    Lettered x{n.in(i), expand(term, e.rankOf(n.in(i)) - letters(term))};
    all += x.axes;
    operands.push_back(takeDiagonals(e, x));
  }
  std::string output;
  if (isExplicit) {
    output = expand(right, ellipsisRank);
  } else {
    // Letters that occur once, in alphabetical order (the ellipsis first).
    std::string sorted = all;
    llvm::sort(sorted);
    for (char c : sorted)
      if ((llvm::count(all, c) == 1 || (llvm::isDigit(c) && output.find(c) == std::string::npos)))
        output += c;
  }
  for (auto [i, c] : llvm::enumerate(output))
    if (all.find(c) == std::string::npos || output.find(c) != i)
      fail("output letter '" + llvm::Twine(c) + "' of the equation '" + equation +
           "' must be that of an input, and given once");
  Lettered result = operands[0];
  for (size_t i = 1; i < operands.size(); ++i) {
    std::string kept = output;
    for (size_t j = i + 1; j < operands.size(); ++j)
      kept += operands[j].axes;
    result = contract(e, result, operands[i], kept);
  }
  result = sumOut(e, result, output);
  n.set(0, permuteTo(e, result, output).value);
}

void terse::onnx::registerContractionOps(OpTable &t) {
  t.add("MatMul", {1, 9, 13}, convertMatMul);
  t.add("Gemm", {7, 9, 11, 13}, convertGemm);
  t.add("Einsum", {12}, convertEinsum);
}
