//===- Recurrent.cpp - LSTM, GRU and RNN ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Node.h"

using namespace terse;
using namespace terse::onnx;

namespace {
struct Activation {
  UnaryKind kind;
  double alpha, beta;
};
} // namespace

// ONNX names, with the defaults that the operator's text gives.
static Activation getActivation(llvm::StringRef name) {
  std::string lower = name.lower();
  if (lower == "sigmoid")
    return {UnaryKind::Sigmoid, 0, 0};
  if (lower == "tanh")
    return {UnaryKind::Tanh, 0, 0};
  if (lower == "relu")
    return {UnaryKind::Relu, 0, 0};
  if (lower == "affine")
    return {UnaryKind::Affine, 1, 0};
  if (lower == "leakyrelu")
    return {UnaryKind::LeakyRelu, 0.01f, 0};
  if (lower == "thresholdedrelu")
    return {UnaryKind::ThresholdedRelu, 1, 0};
  if (lower == "scaledtanh")
    return {UnaryKind::ScaledTanh, 1, 1};
  if (lower == "hardsigmoid")
    return {UnaryKind::HardSigmoid, 0.2f, 0.5};
  if (lower == "elu")
    return {UnaryKind::Elu, 1, 0};
  if (lower == "softsign")
    return {UnaryKind::Softsign, 0, 0};
  if (lower == "softplus")
    return {UnaryKind::Softplus, 0, 0};
  fail("activation '" + name + "' is not supported");
}

static bool takesAlpha(UnaryKind kind) {
  return llvm::is_contained({UnaryKind::Affine, UnaryKind::LeakyRelu, UnaryKind::ThresholdedRelu,
                             UnaryKind::ScaledTanh, UnaryKind::HardSigmoid, UnaryKind::Elu},
                            kind);
}
static bool takesBeta(UnaryKind kind) {
  return llvm::is_contained({UnaryKind::Affine, UnaryKind::ScaledTanh, UnaryKind::HardSigmoid},
                            kind);
}

namespace {
/// What the three operators have in common.
struct Recurrent {
  Node &n;
  Emitter &e;
  llvm::SmallVector<mlir::NamedAttribute> attributes;
  bool batchFirst = false;
  int64_t directions = 1;

  Recurrent(Node &n, llvm::ArrayRef<const char *> defaults) : n(n), e(n.e) {
    std::string name = n.attrString("direction", "forward");
    std::optional<nn::Direction> direction = nn::symbolizeDirection(name);
    if (!direction)
      fail("direction '" + name + "' is not supported");
    directions = *direction == nn::Direction::Bidirectional ? 2 : 1;
    batchFirst = n.opset >= 14 && n.attrBool("layout", false);
    n.ignore("hidden_size");
    std::vector<std::string> names =
        n.attrStrings("activations").value_or(std::vector<std::string>());
    if (names.empty())
      for (int64_t d = 0; d < directions; ++d)
        names.insert(names.end(), defaults.begin(), defaults.end());
    if (names.size() != defaults.size() * directions)
      fail("expected " + llvm::Twine(defaults.size() * directions) + " activations (got " +
           llvm::Twine(names.size()) + ")");
    // alpha and beta are listed for the functions that take them, in order.
    std::vector<float> alphas = n.attrFloats("activation_alpha").value_or(std::vector<float>()),
                       betas = n.attrFloats("activation_beta").value_or(std::vector<float>());
    llvm::SmallVector<mlir::Attribute> kinds;
    llvm::SmallVector<double> alpha, beta;
    size_t nextAlpha = 0, nextBeta = 0;
    for (const std::string &activation : names) {
      Activation a = getActivation(activation);
      kinds.push_back(nn::UnaryKindAttr::get(e.context, a.kind));
      if (takesAlpha(a.kind) && nextAlpha < alphas.size())
        a.alpha = alphas[nextAlpha++];
      if (takesBeta(a.kind) && nextBeta < betas.size())
        a.beta = betas[nextBeta++];
      alpha.push_back(a.alpha);
      beta.push_back(a.beta);
    }
    attributes = {e.attr("direction", nn::DirectionAttr::get(e.context, *direction)),
                  e.attr("activations", e.b.getArrayAttr(kinds)),
                  e.attr("activation_alpha", mlir::DenseF64ArrayAttr::get(e.context, alpha)),
                  e.attr("activation_beta", mlir::DenseF64ArrayAttr::get(e.context, beta)),
                  e.attr("clip", n.attrFloat("clip", 0))};
  }

  Value x() { return batchFirst ? e.transpose(n.in(0), {1, 0, 2}) : n.in(0); }
  /// [batch, directions, hidden] to [directions, batch, hidden].
  Value state(size_t i) {
    return n.opt(i) && batchFirst ? e.transpose(n.opt(i), {1, 0, 2}) : n.opt(i);
  }

  void setResults(llvm::ArrayRef<Value> results) {
    n.set(0, batchFirst ? e.transpose(results[0], {2, 0, 1, 3}) : results[0]);
    for (size_t i = 1; i < results.size(); ++i)
      n.set(i, batchFirst ? e.transpose(results[i], {1, 0, 2}) : results[i]);
  }
};
} // namespace

static void convertLstm(Node &n) {
  Recurrent r(n, {"Sigmoid", "Tanh", "Tanh"});
  r.attributes.push_back(n.e.attr("input_forget", n.attrBool("input_forget", false)));
  r.setResults(n.e.ops<nn::LstmOp>(
      {r.x(), n.in(1), n.in(2), n.opt(3), n.opt(4), r.state(5), r.state(6), n.opt(7)},
      r.attributes));
}

static void convertGru(Node &n) {
  Recurrent r(n, {"Sigmoid", "Tanh"});
  r.attributes.push_back(n.e.attr("linear_before_reset", n.attrBool("linear_before_reset", false)));
  r.setResults(
      n.e.ops<nn::GruOp>({r.x(), n.in(1), n.in(2), n.opt(3), n.opt(4), r.state(5)}, r.attributes));
}

static void convertRnn(Node &n) {
  Recurrent r(n, {"Tanh"});
  r.setResults(
      n.e.ops<nn::RnnOp>({r.x(), n.in(1), n.in(2), n.opt(3), n.opt(4), r.state(5)}, r.attributes));
}

void terse::onnx::registerRecurrentOps(OpTable &t) {
  t.add("LSTM", {7, 14, 22}, convertLstm);
  t.add("GRU", {7, 14, 22}, convertGru);
  t.add("RNN", {7, 14, 22}, convertRnn);
}
