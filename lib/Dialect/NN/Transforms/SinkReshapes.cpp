//===- SinkReshapes.cpp - Reshapes out of attention -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Patterns move a reshape of leading dimensions behind the op that reads it, until two of them
// meet that undo each other. They are applied to the ops around a softmax between two products.

#include "NNBuilder.h"
#include "Sizes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Dialect/NN/Transforms/Passes.h"
#include "llvm/ADT/SetVector.h"

namespace terse::nn {
#define GEN_PASS_DEF_NNSINKRESHAPESPASS
#include "terse/Dialect/NN/Transforms/Passes.h.inc"
} // namespace terse::nn

using namespace mlir;
using namespace terse::nn;

/// How many ops stand between a product and the softmax, and in front of an operand.
static constexpr unsigned kDepth = 16;

static int64_t rankOf(Value v) { return typeOf(v).getRank(); }

// How many trailing dimensions `reshape` leaves as they are.
static int64_t countKept(ReshapeOp reshape) {
  Value from = reshape.getX(), to = reshape.getResult();
  int64_t kept = 0;
  while (kept < std::min(rankOf(from), rankOf(to)) &&
         getSize(from, rankOf(from) - 1 - kept) == getSize(to, rankOf(to) - 1 - kept))
    ++kept;
  return kept;
}

static bool sameSize(Value a, int64_t i, Value b, int64_t j) {
  return getSize(a, i) == getSize(b, j);
}

// Dimension `i` of the result of `reshape`, not read from it where something else says it.
static Dim dimOf(NNBuilder &b, ReshapeOp reshape, int64_t i) {
  if (typeOf(reshape.getResult()).isDynamicDim(i) && reshape.getShape())
    return Dim(b.slice(reshape.getShape(), 0, i, i + 1));
  return b.dim(reshape.getResult(), i);
}

// `x` in the leading dimensions of `reshape` up to `lead`, and its own last ones.
static Value reshapeLike(NNBuilder &b, ReshapeOp reshape, int64_t lead, Value x, int64_t trailing,
                         RankedTensorType type) {
  SmallVector<Dim> dims;
  for (int64_t i = 0; i < lead; ++i)
    dims.push_back(dimOf(b, reshape, i));
  for (int64_t i = rankOf(x) - trailing; i < rankOf(x); ++i)
    dims.push_back(b.dim(x, i));
  // What the op knew of its result stays known.
  for (auto [i, dim] : llvm::enumerate(dims))
    if (!type.isDynamicDim(i))
      dim = Dim(type.getDimSize(i));
  Value made = b.reshape(x, dims);
  return b.refine(made, type);
}

// Whether `v`, whose first `leading` dimensions are others in front of `reshape`, does not have
// them.
static bool stretchesAlong(Value v, int64_t leading) {
  return llvm::all_of(llvm::seq<int64_t>(0, leading),
                      [&](int64_t d) { return typeOf(v).getDimSize(d) == 1; });
}

// Whether `v`, which broadcasts to the result of `reshape`, can be made to do so to its operand;
// `kept` trailing dimensions are the same for both.
static bool canUnreshape(ReshapeOp reshape, int64_t kept, Value v) {
  int64_t leading = std::max<int64_t>(rankOf(v) - kept, 0);
  return stretchesAlong(v, leading) ||
         (rankOf(v) == rankOf(reshape) &&
          llvm::all_of(llvm::seq<int64_t>(0, leading),
                       [&](int64_t d) { return sameSize(v, d, reshape, d); }));
}

static Value unreshape(NNBuilder &b, ReshapeOp reshape, int64_t kept, Value v) {
  int64_t leading = std::max<int64_t>(rankOf(v) - kept, 0);
  if (!leading)
    return v;
  SmallVector<Dim> dims;
  for (int64_t d = 0; !stretchesAlong(v, leading) && d < rankOf(reshape.getX()) - kept; ++d)
    dims.push_back(b.dim(reshape.getX(), d));
  for (int64_t d = leading; d < rankOf(v); ++d)
    dims.push_back(b.dim(v, d));
  return b.reshape(v, dims);
}

// Whether `v` is what a product becomes by ops that patterns here look through.
static bool isFromMatmul(Value v, unsigned depth) {
  Operation *op = v.getDefiningOp();
  if (!op || !depth)
    return false;
  if (isa<MatmulOp>(op))
    return true;
  if (isa<ReshapeOp, TransposeOp, SoftmaxOp>(op))
    return isFromMatmul(op->getOperand(0), depth - 1);
  return isa<UnaryOp, BinaryOp, SelectOp>(op) &&
         llvm::any_of(op->getOperands(), [&](Value x) { return isFromMatmul(x, depth - 1); });
}

namespace {

struct SinkThroughSoftmax : OpRewritePattern<SoftmaxOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SoftmaxOp op, PatternRewriter &rewriter) const override {
    auto reshape = op.getX().getDefiningOp<ReshapeOp>();
    if (!reshape || op.getAxis() != rankOf(op) - 1 || isEncoded(op) || isEncoded(reshape))
      return rewriter.notifyMatchFailure(op, "no reshape before a softmax along rows");
    if (!rankOf(reshape.getX()) || countKept(reshape) < 1)
      return rewriter.notifyMatchFailure(op, "the reshape changes rows");
    NNBuilder b(op.getLoc(), rewriter);
    Value x = reshape.getX();
    Value made = SoftmaxOp::create(b, x.getType(), x, rankOf(x) - 1, op.getLog());
    rewriter.replaceOp(op, reshapeLike(b, reshape, rankOf(op) - 1, made, 1, typeOf(op)));
    return success();
  }
};

struct SinkThroughElementwise : RewritePattern {
  SinkThroughElementwise(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isa<UnaryOp, BinaryOp, SelectOp>(op) || isEncoded(op))
      return rewriter.notifyMatchFailure(op, "not elementwise");
    // One operand alone decides: two, each moved for the other's sake, would never rest.
    Value result = op->getResult(0);
    auto binary = dyn_cast<BinaryOp>(op);
    bool alone = isa<UnaryOp>(op) || (binary && rankOf(binary.getRhs()) == 0);
    auto isMain = [&](Value v) { return rankOf(v) && (alone || isFromMatmul(v, kDepth)); };
    auto main = llvm::find_if(op->getOperands(), isMain);
    if (main == op->getOperands().end())
      return rewriter.notifyMatchFailure(op, "not computed from a product");
    auto reshape = (*main).getDefiningOp<ReshapeOp>();
    // What is smaller than the result stretches, and reshapes of it do not commute.
    if (!reshape || isEncoded(reshape) || rankOf(reshape) != rankOf(result) ||
        llvm::any_of(llvm::seq<int64_t>(0, rankOf(result)),
                     [&](int64_t d) { return !sameSize(reshape, d, result, d); }))
      return rewriter.notifyMatchFailure(op, "no reshape to its own shape in front");
    int64_t kept = countKept(reshape);
    if (llvm::any_of(op->getOperands(),
                     [&](Value v) { return v != *main && !canUnreshape(reshape, kept, v); }))
      return rewriter.notifyMatchFailure(op, "an operand stretches where the reshape changes");
    NNBuilder b(op->getLoc(), rewriter);
    SmallVector<Value> operands;
    for (Value v : op->getOperands())
      operands.push_back(v == *main ? reshape.getX() : unreshape(b, reshape, kept, v));
    Type type = typeOf(reshape.getX()).clone(typeOf(result).getElementType());
    OperationState state(op->getLoc(), op->getName(), operands, type, op->getAttrs());
    Value made = rewriter.create(state)->getResult(0);
    SmallVector<Dim> dims;
    for (int64_t i = 0; i < rankOf(result); ++i)
      dims.push_back(dimOf(b, reshape, i));
    rewriter.replaceOp(op, b.refine(b.reshape(made, dims), result.getType()));
    return success();
  }
};

struct SinkThroughTranspose : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    auto reshape = op.getX().getDefiningOp<ReshapeOp>();
    if (!reshape || isEncoded(op) || isEncoded(reshape))
      return rewriter.notifyMatchFailure(op, "no reshape in front");
    ArrayRef<int64_t> permutation = op.getPermutation();
    int64_t lead = 0, rank = rankOf(op), kept = countKept(reshape);
    while (lead < rank && permutation[lead] == lead)
      ++lead;
    int64_t moved = rank - lead, from = rankOf(reshape.getX());
    if (moved == 0 || moved > kept)
      return rewriter.notifyMatchFailure(op, "turns dimensions that the reshape makes");
    SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, from - moved));
    for (int64_t d = lead; d < rank; ++d)
      order.push_back(permutation[d] - lead + from - moved);
    NNBuilder b(op.getLoc(), rewriter);
    Value made = b.transpose(reshape.getX(), order);
    rewriter.replaceOp(op, reshapeLike(b, reshape, lead, made, moved, typeOf(op)));
    return success();
  }
};

struct SinkThroughMatmul : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override {
    auto left = op.getLhs().getDefiningOp<ReshapeOp>(),
         right = op.getRhs().getDefiningOp<ReshapeOp>();
    if (!left || !right || isEncoded(op) || isEncoded(left) || isEncoded(right))
      return rewriter.notifyMatchFailure(op, "no reshapes in front of both operands");
    Value x = left.getX(), y = right.getX();
    int64_t rank = rankOf(op), from = rankOf(x);
    if (rankOf(left) != rank || rankOf(right) != rank || from != rankOf(y) || countKept(left) < 2 ||
        countKept(right) < 2)
      return rewriter.notifyMatchFailure(op, "a reshape changes the matrices");
    for (int64_t d = 0; d < from - 2; ++d)
      if (!sameSize(x, d, y, d))
        return rewriter.notifyMatchFailure(op, "the batches differ");
    // Equal products, if there is but one.
    for (int64_t d = 0; rank > 3 && d < rank - 2; ++d)
      if (!sameSize(left, d, right, d))
        return rewriter.notifyMatchFailure(op, "the batches of the reshapes differ");
    NNBuilder b(op.getLoc(), rewriter);
    Value made = b.matmul(x, y);
    rewriter.replaceOp(op, reshapeLike(b, left, rank - 2, made, 2, typeOf(op)));
    return success();
  }
};

struct JoinReshapes : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override {
    Value x = op.getX();
    if (isEncoded(op))
      return rewriter.notifyMatchFailure(op, "an operand or result is encoded");
    if (auto before = x.getDefiningOp<ReshapeOp>(); before && !isEncoded(before)) {
      rewriter.modifyOpInPlace(op, [&] { op.getXMutable().assign(before.getX()); });
      return success();
    }
    if (x.getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "changes the shape");
    // As the number of elements is the same, one dimension follows from the others.
    int64_t open = 0;
    for (int64_t d = 0; d < rankOf(x); ++d)
      open += !sameSize(x, d, op, d);
    if (open > 1)
      return rewriter.notifyMatchFailure(op, "may change the shape");
    rewriter.replaceOp(op, x);
    return success();
  }
};

// The ops around a softmax between two products.
class Chain {
public:
  explicit Chain(SoftmaxOp softmax) : softmax(softmax) {}

  /// Whether there are products, and reshapes between them and the softmax.
  bool collect() {
    ops.insert(softmax);
    return findScores(softmax.getX(), kDepth) && findValues(softmax.getResult()) && hasReshape;
  }

  llvm::SetVector<Operation *> ops;

private:
  bool findScores(Value v, unsigned depth) {
    Operation *op = v.getDefiningOp();
    if (!op || !depth)
      return false;
    if (auto product = dyn_cast<MatmulOp>(op)) {
      addOperand(product.getLhs(), kDepth);
      addOperand(product.getRhs(), kDepth);
      ops.insert(op);
      return true;
    }
    bool reshape = isa<ReshapeOp>(op);
    if (!reshape && !isa<UnaryOp, BinaryOp, SelectOp>(op))
      return false;
    for (Value operand : reshape ? op->getOperands().take_front() : op->getOperands())
      if (findScores(operand, depth - 1)) {
        hasReshape |= reshape;
        ops.insert(op);
        return true;
      }
    return false;
  }

  bool findValues(Value v) {
    if (!v.hasOneUse())
      return false;
    Operation *op = *v.user_begin();
    auto product = dyn_cast<MatmulOp>(op);
    if (!product && !isa<ReshapeOp>(op))
      return false;
    ops.insert(op);
    if (!product) {
      hasReshape = true;
      return findValues(op->getResult(0));
    }
    addOperand(product.getRhs(), kDepth);
    for (v = product.getResult(); v.hasOneUse() && isa<ReshapeOp, TransposeOp>(*v.user_begin());
         v = v.user_begin()->getResult(0))
      ops.insert(*v.user_begin());
    return product.getLhs() != product.getRhs();
  }

  // Reshapes, transposes and factors in front of an operand.
  void addOperand(Value v, unsigned depth) {
    Operation *op = v.getDefiningOp();
    if (!op || !depth || !isa<ReshapeOp, TransposeOp, UnaryOp, BinaryOp>(op))
      return;
    if (isa<BinaryOp>(op) && rankOf(op->getOperand(1)))
      return;
    addOperand(op->getOperand(0), depth - 1);
    ops.insert(op);
  }

  SoftmaxOp softmax;
  bool hasReshape = false;
};

struct NNSinkReshapes : terse::nn::impl::NNSinkReshapesPassBase<NNSinkReshapes> {
  void runOnOperation() override {
    RewritePatternSet set(&getContext());
    set.add<SinkThroughSoftmax, SinkThroughElementwise, SinkThroughTranspose, SinkThroughMatmul,
            JoinReshapes>(&getContext());
    FrozenRewritePatternSet patterns(std::move(set));
    SmallVector<SoftmaxOp> softmaxes;
    getOperation()->walk([&](SoftmaxOp op) { softmaxes.push_back(op); });
    for (SoftmaxOp op : softmaxes) {
      Chain chain(op);
      if (!chain.collect())
        continue;
      GreedyRewriteConfig config;
      config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
      bool changed = false;
      if (failed(applyOpPatternsGreedily(chain.ops.getArrayRef(), patterns, config, &changed)))
        return signalPassFailure();
      numChains += changed;
    }
  }
};

} // namespace
