//===- RecognizeActivations.cpp - Functions behind compositions -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Matching.h"
#include "NNBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Dialect/NN/Transforms/Passes.h"

#include <cmath>

namespace terse::nn {
#define GEN_PASS_DEF_NNRECOGNIZEACTIVATIONSPASS
#include "terse/Dialect/NN/Transforms/Passes.h.inc"
} // namespace terse::nn

using namespace mlir;
using namespace terse;
using namespace terse::nn;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The factors of a product, numbers multiplied into one.
struct Product {
  double number = 1;
  SmallVector<Value> factors;
};
Product getFactors(Value value, unsigned depth = 0) {
  auto op = value.getDefiningOp<BinaryOp>();
  if (std::optional<double> number = getNumber(value))
    return {*number, {}};
  bool isProduct = op && op.getKind() == BinaryKind::Mul,
       isQuotient = op && op.getKind() == BinaryKind::Div && getNumber(op.getRhs());
  if ((!isProduct && !isQuotient) || depth > 3 || (depth && !value.hasOneUse()))
    return {1, {value}};
  Product l = getFactors(op.getLhs(), depth + 1);
  if (isQuotient) {
    l.number /= *getNumber(op.getRhs());
    return l;
  }
  Product r = getFactors(op.getRhs(), depth + 1);
  l.number *= r.number;
  llvm::append_range(l.factors, r.factors);
  return l;
}

/// min, max, relu and clamp as bounds on their operand.
std::optional<std::tuple<Value, double, double>> getBounds(Value value) {
  if (auto op = value.getDefiningOp<UnaryOp>()) {
    if (op.getKind() == UnaryKind::Relu)
      return std::tuple(op.getX(), 0.0, kInfinity);
    if (op.getKind() == UnaryKind::Clamp)
      return std::tuple(op.getX(), op.getAlpha().convertToDouble(), op.getBeta().convertToDouble());
    return std::nullopt;
  }
  auto op = value.getDefiningOp<BinaryOp>();
  if (!op || (op.getKind() != BinaryKind::Min && op.getKind() != BinaryKind::Max))
    return std::nullopt;
  for (auto [x, c] : {std::pair(op.getLhs(), op.getRhs()), std::pair(op.getRhs(), op.getLhs())})
    if (std::optional<double> number = getNumber(c);
        number && !std::isnan(*number) && x.getType() == op.getType())
      return op.getKind() == BinaryKind::Max ? std::tuple(x, *number, kInfinity)
                                             : std::tuple(x, -kInfinity, *number);
  return std::nullopt;
}

/// Bounds one after another are one pair of bounds.
template <typename OpTy>
struct RecognizeBounds : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    auto outer = getBounds(op.getResult());
    if (!outer || isEncoded(op))
      return rewriter.notifyMatchFailure(op, "is no bound");
    auto [x, low, high] = *outer;
    bool changed = isa<BinaryOp>(op.getOperation());
    if (auto inner = getBounds(x); inner && x.hasOneUse()) {
      // clamp(clamp(x, a, b), c, d) moves a and b into [c, d].
      auto [y, a, b] = *inner;
      double newLow = std::min(std::max(a, low), high), newHigh = std::min(std::max(b, low), high);
      x = y, low = newLow, high = newHigh;
      changed = true;
    }
    if (low == -kInfinity && high == kInfinity) {
      rewriter.replaceOp(op, x);
      return success();
    }
    bool isRelu = low == 0 && high == kInfinity;
    auto unary = dyn_cast<UnaryOp>(op.getOperation());
    if (!changed && (!unary || unary.getKind() == UnaryKind::Relu || !isRelu))
      return rewriter.notifyMatchFailure(op, "has its name already");
    auto kind = isRelu ? UnaryKind::Relu : UnaryKind::Clamp;
    rewriter.replaceOpWithNewOp<UnaryOp>(op, kind, x, isRelu ? 0.0 : low, isRelu ? 0.0 : high);
    return success();
  }
};

/// Products of x with a function of x.
struct RecognizeProducts : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    if (isEncoded(op))
      return rewriter.notifyMatchFailure(op, "is encoded");
    Product product = getFactors(op.getResult());
    if (product.factors.size() != 2)
      return rewriter.notifyMatchFailure(op, "is no product of two tensors");
    for (auto [x, f] : {std::pair(product.factors[0], product.factors[1]),
                        std::pair(product.factors[1], product.factors[0])}) {
      if (x.getType() != op.getType() || f.getType() != op.getType())
        continue;
      if (std::optional<double> alpha = matchSilu(x, f); alpha && isNear(product.number, 1)) {
        rewriter.replaceOpWithNewOp<UnaryOp>(op, UnaryKind::Silu, x, *alpha);
        return success();
      }
      if (std::optional<UnaryKind> kind = match(x, f, product.number)) {
        rewriter.replaceOpWithNewOp<UnaryOp>(op, *kind, x);
        return success();
      }
    }
    return rewriter.notifyMatchFailure(op, "is no known function");
  }

  /// 0.044715 x^3
  static bool isCubeOf(Value value, Value x) {
    Product product = getFactors(value);
    if (!isNear(product.number, 0.044715))
      return false;
    if (product.factors.size() == 3)
      return llvm::all_of(product.factors, [&](Value factor) { return factor == x; });
    auto pow = product.factors.size() == 1 ? product.factors.front().getDefiningOp<BinaryOp>()
                                           : BinaryOp();
    return pow && pow.getKind() == BinaryKind::Pow && pow.getLhs() == x &&
           isNear(getNumber(pow.getRhs()), 3);
  }

  /// The number a, if f = sigmoid(a x).
  static std::optional<double> matchSilu(Value x, Value f) {
    auto sigmoid = f.getDefiningOp<UnaryOp>();
    if (!sigmoid || sigmoid.getKind() != UnaryKind::Sigmoid)
      return std::nullopt;
    if (sigmoid.getX() == x)
      return 1.0;
    Product product = getFactors(sigmoid.getX());
    if (product.factors.size() != 1 || product.factors.front() != x)
      return std::nullopt;
    return product.number;
  }

  static std::optional<UnaryKind> match(Value x, Value f, double number) {
    if (auto unary = f.getDefiningOp<UnaryOp>(); unary && unary.getX() == x && isNear(number, 1)) {
      if (unary.getKind() == UnaryKind::HardSigmoid &&
          isNear(unary.getAlpha().convertToDouble(), 1.0 / 6) &&
          isNear(unary.getBeta().convertToDouble(), 0.5))
        return UnaryKind::HardSwish;
    }
    if (auto bounds = getBounds(f); bounds && isNear(number, 1.0 / 6)) {
      auto [y, low, high] = *bounds;
      if (low == 0 && high == 6 && matchNumber(y, BinaryKind::Add, 3) == x)
        return UnaryKind::HardSwish;
    }
    if (Value erf = matchNumber(f, BinaryKind::Add, 1); erf && isNear(number, 0.5))
      if (auto unary = erf.getDefiningOp<UnaryOp>();
          unary && unary.getKind() == UnaryKind::Erf &&
          matchNumber(unary.getX(), BinaryKind::Mul, std::sqrt(0.5)) == x)
        return UnaryKind::Gelu;
    if (Value tanh = matchNumber(f, BinaryKind::Add, 1); tanh && isNear(number, 0.5))
      if (auto unary = tanh.getDefiningOp<UnaryOp>(); unary && unary.getKind() == UnaryKind::Tanh)
        if (Value sum =
                matchNumber(unary.getX(), BinaryKind::Mul, std::sqrt(2 / 3.14159265358979323846)))
          if (auto add = sum.getDefiningOp<BinaryOp>(); add && add.getKind() == BinaryKind::Add)
            for (auto [y, cube] :
                 {std::pair(add.getLhs(), add.getRhs()), std::pair(add.getRhs(), add.getLhs())})
              if (y == x && isCubeOf(cube, x))
                return UnaryKind::GeluTanh;
    return std::nullopt;
  }
};

struct NNRecognizeActivations : nn::impl::NNRecognizeActivationsPassBase<NNRecognizeActivations> {
  void runOnOperation() override {
    auto count = [&] {
      unsigned n = 0;
      getOperation().walk([&](Operation *op) { n += isa<BinaryOp, UnaryOp>(op); });
      return n;
    };
    unsigned before = count();
    RewritePatternSet patterns(&getContext());
    patterns.add<RecognizeBounds<UnaryOp>, RecognizeBounds<BinaryOp>, RecognizeProducts>(
        &getContext());
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false).setRegionSimplificationLevel(
        GreedySimplifyRegionLevel::Disabled);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      return signalPassFailure();
    numRecognized += before - count();
  }
};

} // namespace
