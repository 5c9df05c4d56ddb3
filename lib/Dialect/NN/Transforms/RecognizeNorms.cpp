//===- RecognizeNorms.cpp - Norms and softmax behind compositions ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A norm is found from the product that it is: one factor x or x - mean(x), one 1 / sqrt(variance),
// and constants. Statistics (means, variances) are compared as computations, not as values, since
// exporters write some of them twice.
//
//===----------------------------------------------------------------------===//

#include "Matching.h"
#include "NNBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Dialect/NN/Transforms/Passes.h"

#include <cmath>

namespace terse::nn {
#define GEN_PASS_DEF_NNRECOGNIZENORMSPASS
#include "terse/Dialect/NN/Transforms/Passes.h.inc"
} // namespace terse::nn

using namespace mlir;
using namespace terse;
using namespace terse::nn;

namespace {

//===----------------------------------------------------------------------===//
// Statistics
//===----------------------------------------------------------------------===//

Value stripReshapes(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getX();
  return value;
}

/// Without reshapes, and without bounds that a statistic keeps anyway: 0 below a variance,
/// infinities.
Value stripBounds(Value value, double low) {
  for (;;) {
    value = stripReshapes(value);
    if (auto unary = value.getDefiningOp<UnaryOp>()) {
      bool isBound = unary.getKind() == UnaryKind::Relu
                         ? low == 0
                         : unary.getKind() == UnaryKind::Clamp &&
                               unary.getAlpha().convertToDouble() <= low &&
                               std::isinf(unary.getBeta().convertToDouble());
      if (!isBound)
        return value;
      value = unary.getX();
      continue;
    }
    auto binary = value.getDefiningOp<BinaryOp>();
    if (!binary || binary.getKind() != BinaryKind::Max)
      return value;
    std::optional<double> left = getNumber(binary.getLhs()), right = getNumber(binary.getRhs());
    if (right && *right <= low)
      value = binary.getLhs();
    else if (left && *left <= low)
      value = binary.getRhs();
    else
      return value;
  }
}

/// A function of x reduced over axes.
struct Statistic {
  Value x;
  SmallVector<int64_t> axes;

  bool operator==(const Statistic &other) const {
    return axes == other.axes && isSameComputation(x, other.x);
  }
};

std::optional<Statistic> matchReduction(Value value, ReduceKind kind) {
  auto reduce = stripReshapes(value).getDefiningOp<ReduceOp>();
  if (!reduce || reduce.getKind() != kind || reduce.getAxes().empty())
    return std::nullopt;
  SmallVector<int64_t> axes(reduce.getAxes());
  llvm::sort(axes);
  return Statistic{reduce.getX(), axes};
}

/// x of x * x and x^2.
Value matchSquare(Value value) {
  auto op = value.getDefiningOp<BinaryOp>();
  if (!op)
    return {};
  bool isSquare = (op.getKind() == BinaryKind::Mul && op.getLhs() == op.getRhs()) ||
                  (op.getKind() == BinaryKind::Pow && isNear(getNumber(op.getRhs()), 2));
  return isSquare && op.getLhs().getType() == op.getType() ? op.getLhs() : Value();
}

/// A mean, or what `kind` sums times 1 / n.
std::optional<Statistic> matchAverage(Value value, ReduceKind kind) {
  auto product = stripReshapes(value).getDefiningOp<BinaryOp>();
  if (!product)
    return std::nullopt;
  for (Value operand : {product.getLhs(), product.getRhs()}) {
    std::optional<Statistic> sum = matchReduction(operand, kind);
    if (!sum)
      continue;
    int64_t count = 1;
    for (int64_t axis : sum->axes)
      if ((count = ShapedType::isDynamic(typeOf(sum->x).getDimSize(axis))
                       ? 0
                       : count * typeOf(sum->x).getDimSize(axis)) == 0)
        return std::nullopt;
    if (matchNumber(product, BinaryKind::Mul, 1.0 / double(count)) == operand)
      return sum;
  }
  return std::nullopt;
}

std::optional<Statistic> matchMean(Value value) {
  if (std::optional<Statistic> mean = matchReduction(value, ReduceKind::Mean))
    return mean;
  return matchAverage(value, ReduceKind::Sum);
}

std::optional<Statistic> matchMeanOfSquares(Value value) {
  if (std::optional<Statistic> mean = matchAverage(value, ReduceKind::SumSquare))
    return mean;
  std::optional<Statistic> mean = matchMean(value);
  Value x = mean ? matchSquare(mean->x) : Value();
  if (!x)
    return std::nullopt;
  return Statistic{x, mean->axes};
}

/// Whether the elements of `value`, computed from reductions over `axes` of x, meet the elements of
/// x that they were computed from.
bool isBroadcastOver(Value value, Value x, ArrayRef<int64_t> axes) {
  RankedTensorType small = typeOf(value), large = typeOf(x);
  if (small.getRank() != large.getRank())
    return false;
  unsigned numDynamic = 0;
  for (int64_t i = 0; i < large.getRank(); ++i) {
    bool isReduced = llvm::is_contained(axes, i);
    if (small.getDimSize(i) != (isReduced ? 1 : large.getDimSize(i)))
      return false;
    numDynamic += small.isDynamicDim(i);
  }
  // With one unknown size a reshape cannot have exchanged sizes.
  if (numDynamic <= 1)
    return true;
  SmallVector<Value> pending{value};
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val().getDefiningOp();
    if (auto reduce = dyn_cast_if_present<ReduceOp>(op)) {
      if (!reduce.getKeepdims())
        return false;
      continue;
    }
    if (!isa_and_present<UnaryOp, BinaryOp>(op))
      return false;
    for (Value operand : op->getOperands())
      if (!isConstantExpression(operand))
        pending.push_back(operand);
  }
  return true;
}

/// x - mean(x)
std::optional<Statistic> matchCentered(Value value) {
  auto sub = value.getDefiningOp<BinaryOp>();
  if (!sub || sub.getKind() != BinaryKind::Sub || sub.getType() != sub.getLhs().getType())
    return std::nullopt;
  std::optional<Statistic> mean = matchMean(sub.getRhs());
  if (!mean || !isSameComputation(mean->x, sub.getLhs()) ||
      !isBroadcastOver(sub.getRhs(), sub.getLhs(), mean->axes))
    return std::nullopt;
  return mean;
}

std::optional<Statistic> matchVariance(Value value) {
  value = stripBounds(value, 0);
  if (std::optional<Statistic> squares = matchMeanOfSquares(value)) {
    std::optional<Statistic> centered = matchCentered(squares->x);
    return centered && centered->axes == squares->axes ? centered : std::nullopt;
  }
  // mean(x^2) - mean(x)^2
  auto sub = value.getDefiningOp<BinaryOp>();
  if (!sub || sub.getKind() != BinaryKind::Sub || sub.getLhs().getType() != sub.getType() ||
      sub.getRhs().getType() != sub.getType())
    return std::nullopt;
  std::optional<Statistic> squares = matchMeanOfSquares(sub.getLhs());
  Value base = matchSquare(stripReshapes(sub.getRhs()));
  std::optional<Statistic> mean = base ? matchMean(base) : std::nullopt;
  return squares && mean && *squares == *mean ? mean : std::nullopt;
}

/// A value and a number that is added to it.
struct Root {
  Value variance;
  double epsilon = 0;
};

std::optional<Root> matchSum(Value value) {
  value = stripReshapes(value);
  if (auto affine = value.getDefiningOp<UnaryOp>();
      affine && affine.getKind() == UnaryKind::Affine && affine.getAlpha().convertToDouble() == 1)
    return Root{affine.getX(), affine.getBeta().convertToDouble()};
  auto add = value.getDefiningOp<BinaryOp>();
  if (!add || add.getKind() != BinaryKind::Add)
    return Root{value, 0};
  for (auto [x, c] : {std::pair(add.getLhs(), add.getRhs()), std::pair(add.getRhs(), add.getLhs())})
    if (std::optional<double> epsilon = getNumber(c);
        epsilon && *epsilon >= 0 && x.getType() == add.getType())
      return Root{x, *epsilon};
  return std::nullopt;
}

/// v + eps of sqrt(v + eps), or of its reciprocal.
std::optional<Root> matchDeviation(Value value, bool inverse) {
  value = stripReshapes(value);
  if (auto unary = value.getDefiningOp<UnaryOp>()) {
    if (unary.getKind() == (inverse ? UnaryKind::Rsqrt : UnaryKind::Sqrt))
      return matchSum(unary.getX());
    if (inverse && unary.getKind() == UnaryKind::Reciprocal)
      return matchDeviation(unary.getX(), false);
    return std::nullopt;
  }
  auto binary = value.getDefiningOp<BinaryOp>();
  if (!binary)
    return std::nullopt;
  if (binary.getKind() == BinaryKind::Pow &&
      isNear(getNumber(binary.getRhs()), inverse ? -0.5 : 0.5))
    return matchSum(binary.getLhs());
  if (inverse && binary.getKind() == BinaryKind::Div && isNear(getNumber(binary.getLhs()), 1) &&
      binary.getRhs().getType() == binary.getType())
    return matchDeviation(binary.getRhs(), false);
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

/// What a product multiplies: one tensor of data, one deviation that divides it, constants.
struct Product {
  Value data, deviation;
  Root root;
  SmallVector<std::pair<Value, bool>> constants; ///< And whether they divide.
};

bool addFactors(Product &product, Value value, bool inverse, unsigned depth = 0) {
  if (isConstantExpression(value)) {
    product.constants.push_back({value, inverse});
    return true;
  }
  if (std::optional<Root> root = matchDeviation(value, !inverse)) {
    if (product.deviation)
      return false;
    product.deviation = value;
    product.root = *root;
    return true;
  }
  auto op = value.getDefiningOp<BinaryOp>();
  if (op && depth < 4 &&
      (op.getKind() == BinaryKind::Mul || (op.getKind() == BinaryKind::Div && !inverse)))
    return addFactors(product, op.getLhs(), inverse, depth + 1) &&
           addFactors(product, op.getRhs(), inverse != (op.getKind() == BinaryKind::Div),
                      depth + 1);
  if (inverse || product.data)
    return false;
  product.data = value;
  return true;
}

std::optional<Product> matchProduct(Value value) {
  Product product;
  if (!addFactors(product, value, false) || !product.data || !product.deviation)
    return std::nullopt;
  return product;
}

/// A norm without or with its parameters; computed by `last`.
struct Norm {
  Value x;
  SmallVector<int64_t> axes;
  double epsilon = 0;
  bool isCentered = true;
  SmallVector<std::pair<Value, bool>> scales; ///< Factors, and whether they divide.
  Value bias;
  bool negateBias = false;
  BinaryOp last;
};

/// Products of x - mean(x), or of x, with the reciprocal of its deviation.
std::optional<Norm> matchScaled(BinaryOp op) {
  std::optional<Product> product = matchProduct(op.getResult());
  if (!product || product->data.getType() != op.getType())
    return std::nullopt;
  Norm norm;
  norm.epsilon = product->root.epsilon;
  norm.scales = product->constants;
  norm.last = op;
  std::optional<Statistic> variance = matchVariance(product->root.variance),
                           centered = matchCentered(product->data);
  if (variance && centered && *variance == *centered) {
    norm.x = product->data.getDefiningOp()->getOperand(0);
    norm.axes = variance->axes;
  } else if (std::optional<Statistic> squares =
                 matchMeanOfSquares(stripBounds(product->root.variance, 0));
             squares && isSameComputation(squares->x, product->data)) {
    norm.x = product->data;
    norm.axes = squares->axes;
    norm.isCentered = false;
  } else {
    return std::nullopt;
  }
  if (!isBroadcastOver(product->deviation, norm.x, norm.axes))
    return std::nullopt;
  return norm;
}

/// x g + (b - mean(x) g) with g = c / sqrt(variance): x and its mean multiplied alike.
std::optional<Norm> matchShifted(BinaryOp op) {
  if (op.getKind() != BinaryKind::Add)
    return std::nullopt;
  for (auto [scaled, shift] :
       {std::pair(op.getLhs(), op.getRhs()), std::pair(op.getRhs(), op.getLhs())}) {
    auto sub = shift.getDefiningOp<BinaryOp>();
    if (!sub || sub.getKind() != BinaryKind::Sub || !isConstantExpression(sub.getLhs()) ||
        scaled.getType() != op.getType())
      continue;
    std::optional<Product> x = matchProduct(scaled), m = matchProduct(sub.getRhs());
    if (!x || !m || x->data.getType() != op.getType() ||
        !isSameComputation(x->deviation, m->deviation) ||
        x->constants.size() != m->constants.size() ||
        !llvm::all_of(llvm::zip(x->constants, m->constants), [](auto pair) {
          auto [a, b] = pair;
          return a.second == b.second && isSameComputation(a.first, b.first);
        }))
      continue;
    std::optional<Statistic> variance = matchVariance(x->root.variance), mean = matchMean(m->data);
    if (!variance || !mean || !(*variance == *mean) || !isSameComputation(mean->x, x->data) ||
        !isBroadcastOver(x->deviation, x->data, mean->axes) ||
        !isBroadcastOver(m->data, x->data, mean->axes))
      continue;
    Norm norm;
    norm.x = x->data;
    norm.axes = mean->axes;
    norm.epsilon = x->root.epsilon;
    norm.scales = x->constants;
    norm.bias = sub.getLhs();
    norm.last = op;
    return norm;
  }
  return std::nullopt;
}

/// Takes in the multiplications and the addition of constants that follow as the only readers.
void extend(Norm &norm) {
  while (!norm.bias && norm.last->hasOneUse()) {
    auto user = dyn_cast<BinaryOp>(*norm.last->user_begin());
    if (!user || user.getType() != norm.last.getType() || user->getBlock() != norm.last->getBlock())
      return;
    bool isLeft = user.getLhs() == norm.last.getResult();
    Value other = isLeft ? user.getRhs() : user.getLhs();
    BinaryKind kind = user.getKind();
    if (!isConstantExpression(other))
      return;
    if (kind == BinaryKind::Mul || (kind == BinaryKind::Div && isLeft)) {
      norm.scales.push_back({other, kind == BinaryKind::Div});
    } else if (norm.isCentered &&
               (kind == BinaryKind::Add || (kind == BinaryKind::Sub && isLeft))) {
      norm.bias = other;
      norm.negateBias = kind == BinaryKind::Sub;
    } else {
      return;
    }
    norm.last = user;
  }
}

/// A parameter for x with its axes in another order, without leading axes of size 1.
Value permuteParameter(NNBuilder &b, Value value, ArrayRef<int64_t> permutation, bool isIdentity) {
  if (isIdentity)
    return value;
  RankedTensorType type = typeOf(value);
  SmallVector<Dim> full(permutation.size() - type.getRank(), Dim(1));
  for (int64_t size : type.getShape())
    full.push_back(Dim(size));
  value = b.transpose(b.reshape(value, full), permutation);
  ArrayRef<int64_t> shape = typeOf(value).getShape();
  SmallVector<Dim> dims;
  for (int64_t size : shape.drop_while([](int64_t size) { return size == 1; }))
    dims.push_back(Dim(size));
  return b.reshape(value, dims);
}

struct RecognizeNorm : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    if (isEncoded(op) || isConstantExpression(op.getResult()))
      return rewriter.notifyMatchFailure(op, "is encoded or a constant");
    std::optional<Norm> norm = matchShifted(op);
    if (!norm && llvm::is_contained({BinaryKind::Mul, BinaryKind::Div}, op.getKind()))
      norm = matchScaled(op);
    if (!norm)
      return rewriter.notifyMatchFailure(op, "is no norm");
    extend(*norm);

    BinaryOp last = norm->last;
    rewriter.setInsertionPoint(last);
    NNBuilder b(op.getLoc(), rewriter);
    Value scale;
    for (auto [factor, divides] : norm->scales) {
      if (divides)
        factor = b.div(b.scalar(1, typeOf(factor).getElementType()), factor);
      scale = scale ? b.mul(scale, factor) : factor;
    }
    Value bias = norm->bias && norm->negateBias ? b.unary(UnaryKind::Neg, norm->bias) : norm->bias;

    int64_t rank = typeOf(norm->x).getRank(), first = rank - int64_t(norm->axes.size());
    SmallVector<int64_t> order, back(rank);
    for (int64_t i = 0; i < rank; ++i)
      if (!llvm::is_contained(norm->axes, i))
        order.push_back(i);
    llvm::append_range(order, norm->axes);
    for (auto [to, from] : llvm::enumerate(order))
      back[from] = to;
    bool isIdentity = llvm::is_sorted(order);
    Value x = isIdentity ? norm->x : b.transpose(norm->x, order);
    if (scale)
      scale = permuteParameter(b, scale, order, isIdentity);
    if (bias)
      bias = permuteParameter(b, bias, order, isIdentity);
    auto axis = b.getI64IntegerAttr(first);
    auto epsilon = b.getF64FloatAttr(norm->epsilon);
    Value y = norm->isCentered
                  ? LayerNormOp::create(b, x.getType(), x, scale, bias, axis, epsilon).getResult()
                  : RmsNormOp::create(b, x.getType(), x, scale, axis, epsilon).getResult();
    if (!isIdentity)
      y = b.transpose(y, back);
    rewriter.replaceOp(last, b.refine(y, last.getType()));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// The operand of an exponential.
Value matchExponent(Value value) {
  auto exp = value.getDefiningOp<UnaryOp>();
  return exp && exp.getKind() == UnaryKind::Exp ? exp.getX() : Value();
}

/// x of x - max(x) along the axis, otherwise the value itself.
Value stripMaximum(Value value, int64_t axis) {
  auto sub = value.getDefiningOp<BinaryOp>();
  if (!sub || sub.getKind() != BinaryKind::Sub || sub.getLhs().getType() != sub.getType())
    return value;
  constexpr double kLowest = -std::numeric_limits<double>::infinity();
  std::optional<Statistic> maximum =
      matchReduction(stripBounds(sub.getRhs(), kLowest), ReduceKind::Max);
  if (!maximum || !(*maximum == Statistic{sub.getLhs(), {axis}}))
    return value;
  // Where it is broadcast another way, what is subtracted is no constant along the axis.
  RankedTensorType type = typeOf(sub.getRhs());
  bool isBroadcast = type.getRank() == typeOf(value).getRank() && type.getDimSize(axis) == 1;
  return isBroadcast && isBroadcastOver(sub.getRhs(), value, maximum->axes) ? sub.getLhs() : value;
}

struct RecognizeSoftmax : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    if (isEncoded(op))
      return rewriter.notifyMatchFailure(op, "is encoded");
    Value left = op.getLhs(), right = op.getRhs(), exponent;
    bool isLog = op.getKind() == BinaryKind::Sub;
    if (isLog) {
      // z - log(sum(exp(z)))
      auto log = stripReshapes(right).getDefiningOp<UnaryOp>();
      if (!log || log.getKind() != UnaryKind::Log)
        return rewriter.notifyMatchFailure(op, "subtracts no logarithm");
      exponent = left;
    } else if (op.getKind() == BinaryKind::Mul) {
      // e * (1 / sum(e)), either way round
      if (!matchExponent(left))
        std::swap(left, right);
      auto reciprocal = stripReshapes(right).getDefiningOp<UnaryOp>();
      if (!reciprocal || reciprocal.getKind() != UnaryKind::Reciprocal)
        return rewriter.notifyMatchFailure(op, "is no quotient");
    } else if (op.getKind() != BinaryKind::Div) {
      return rewriter.notifyMatchFailure(op, "is no quotient");
    }
    if (!isLog)
      exponent = matchExponent(left);
    if (!exponent || exponent.getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "has no exponentials");
    // The function of the sum, if there is one; the sum's own shape does not matter below it.
    auto outer = stripReshapes(right).getDefiningOp<UnaryOp>();
    std::optional<Statistic> sum = matchReduction(outer ? outer.getX() : right, ReduceKind::Sum);
    if (!sum || sum->axes.size() != 1 || !matchExponent(sum->x) ||
        !isSameComputation(matchExponent(sum->x), exponent) ||
        !isBroadcastOver(right, exponent, sum->axes))
      return rewriter.notifyMatchFailure(op, "is not over the sum of its exponentials");
    int64_t axis = sum->axes.front();
    rewriter.replaceOpWithNewOp<SoftmaxOp>(op, op.getType(), stripMaximum(exponent, axis), axis,
                                           isLog);
    return success();
  }
};

struct NNRecognizeNorms : nn::impl::NNRecognizeNormsPassBase<NNRecognizeNorms> {
  void runOnOperation() override {
    auto count = [&] {
      unsigned n = 0;
      getOperation().walk([&](Operation *op) { n += isa<LayerNormOp, RmsNormOp, SoftmaxOp>(op); });
      return n;
    };
    unsigned before = count();
    RewritePatternSet patterns(&getContext());
    patterns.add<RecognizeNorm, RecognizeSoftmax>(&getContext());
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false).setRegionSimplificationLevel(
        GreedySimplifyRegionLevel::Disabled);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      return signalPassFailure();
    numRecognized += count() - before;
  }
};

} // namespace
