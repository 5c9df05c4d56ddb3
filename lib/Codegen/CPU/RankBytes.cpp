//===- RankBytes.cpp - The largest of table entries by their ranks --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Max pooling of what was looked up reads a float for each byte. The largest rank is that of the
// largest entry: comparing bytes, and one lookup for each result.

#include "VectorLoop.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "terse/Codegen/CPU/Passes.h"

namespace terse {
#define GEN_PASS_DEF_RANKBYTESPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {
// Entries in ascending order, each once, and the place there of each index.
struct Ranks {
  DenseElementsAttr entries, ranks;
  bool isAscending = true; // The ranks of unsigned indices, then, are in the order of these.
};

std::optional<Ranks> rank(DenseElementsAttr table) {
  auto type = cast<RankedTensorType>(table.getType());
  if (!type.getElementType().isF32())
    return std::nullopt;
  SmallVector<float> values(table.getValues<float>());
  if (llvm::any_of(values, [](float v) { return std::isnan(v); }))
    return std::nullopt;
  auto isLess = [](float x, float y) {
    return x < y || (x == y && std::signbit(x) && !std::signbit(y));
  };
  SmallVector<float> sorted(values);
  llvm::sort(sorted, isLess);
  auto isSame = [&](float x, float y) { return !isLess(x, y) && !isLess(y, x); };
  sorted.erase(std::unique(sorted.begin(), sorted.end(), isSame), sorted.end());
  Ranks result;
  result.isAscending = std::is_sorted(values.begin(), values.end(), isLess);
  SmallVector<int8_t> ranks;
  for (float v : values)
    ranks.push_back(int8_t(llvm::lower_bound(sorted, v, isLess) - sorted.begin()));
  sorted.resize(values.size(), sorted.back());
  result.entries = DenseElementsAttr::get(type, ArrayRef<float>(sorted));
  result.ranks = DenseElementsAttr::get(type.clone(IntegerType::get(type.getContext(), 8)),
                                        ArrayRef<int8_t>(ranks));
  if (result.isAscending)
    result.entries = table;
  return result;
}

Value createEmpty(OpBuilder &b, Location loc, Value like, Type element) {
  return tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, like), element);
}

struct RankLargest : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  // The elementwise op whose lookups `op` reduces, if they are read by it alone.
  static linalg::GenericOp getProducer(linalg::GenericOp op) {
    auto made = op.getDpsInputs()[0].getDefiningOp<linalg::GenericOp>();
    bool fits = made && made.hasPureTensorSemantics() && made.getNumReductionLoops() == 0 &&
                made.getNumDpsInits() == 1 &&
                !made.payloadUsesValueFromOperand(made.getDpsInitOperand(0));
    return fits && llvm::all_of(
                       made->getUsers(),
                       [&](Operation *user) { return user == op || isa<tensor::DimOp>(user); })
               ? made
               : linalg::GenericOp();
  }

  // `op` with bytes as its result.
  static linalg::GenericOp cloneForBytes(PatternRewriter &rewriter, linalg::GenericOp op,
                                         ValueRange inputs, Value init) {
    auto made = linalg::GenericOp::create(rewriter, op.getLoc(), init.getType(), inputs, init,
                                          op.getIndexingMapsArray(), op.getIteratorTypesArray());
    Block *block = rewriter.createBlock(&made.getRegion());
    for (Value v : made->getOperands())
      block->addArgument(getElementTypeOrSelf(v.getType()), op.getLoc());
    return made;
  }

  LogicalResult matchAndRewrite(linalg::GenericOp op, PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics() || op.getNumReductionLoops() == 0 ||
        op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 || op.hasIndexSemantics())
      return rewriter.notifyMatchFailure(op, "no reduction of one tensor");
    Operation *combiner = getCombiner(op);
    auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
    APFloat least(0.0f);
    if (!isa_and_nonnull<arith::MaximumFOp, arith::MaxNumFOp>(combiner) || !fill ||
        !matchPattern(fill.getInputs()[0], m_ConstantFloat(&least)) ||
        !(least.isInfinity() && least.isNegative()))
      return rewriter.notifyMatchFailure(op, "not the largest element");
    for (auto [type, size] : llvm::zip(op.getIteratorTypesArray(), op.getStaticLoopRanges()))
      if (type == utils::IteratorType::reduction && (ShapedType::isDynamic(size) || size == 0))
        return rewriter.notifyMatchFailure(op, "perhaps of no elements");
    Value acc = op.getRegionOutputArgs()[0], in = op.getBody()->getArgument(0);
    Value x = combiner->getOperand(combiner->getOperand(0) == acc ? 1 : 0);
    linalg::GenericOp producer;
    if (x == in && (producer = getProducer(op)))
      x = producer.getBody()->getTerminator()->getOperand(0);
    auto lookup = x.getDefiningOp<cpu::LookupOp>();
    if (!lookup || (!producer && lookup.getIndex() != in))
      return rewriter.notifyMatchFailure(op, "not of lookups");
    std::optional<Ranks> ranks = rank(cast<DenseElementsAttr>(lookup.getTable()));
    if (!ranks)
      return rewriter.notifyMatchFailure(op, "expected a table of numbers");

    Location loc = op.getLoc();
    Type byte = rewriter.getI8Type();
    auto toRank = [&](Value index) -> Value {
      if (ranks->isAscending)
        return index;
      return cpu::LookupOp::create(rewriter, loc, byte, index, ranks->ranks);
    };
    Value input = op.getDpsInputs()[0];
    if (producer) {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPoint(producer);
      Value init = createEmpty(rewriter, loc, producer.getDpsInits()[0], byte);
      auto made = cloneForBytes(rewriter, producer, producer.getDpsInputs(), init);
      IRMapping mapping;
      mapping.map(producer.getBody()->getArguments().drop_back(),
                  made.getBody()->getArguments().drop_back());
      for (Operation &inner : producer.getBody()->without_terminator())
        if (&inner != lookup)
          rewriter.clone(inner, mapping);
      linalg::YieldOp::create(rewriter, loc, toRank(mapping.lookupOrDefault(lookup.getIndex())));
      input = made.getResult(0);
    }
    Value zero = arith::ConstantOp::create(rewriter, loc, rewriter.getIntegerAttr(byte, 0));
    Value init = createEmpty(rewriter, loc, fill.getDpsInits()[0], byte);
    init = linalg::FillOp::create(rewriter, loc, zero, init).getResult(0);
    auto largest = cloneForBytes(rewriter, op, input, init);
    Block *block = largest.getBody();
    rewriter.setInsertionPointToEnd(block);
    Value next = producer ? Value(block->getArgument(0)) : toRank(block->getArgument(0));
    linalg::YieldOp::create(
        rewriter, loc,
        arith::MaxUIOp::create(rewriter, loc, block->getArgument(1), next).getResult());
    rewriter.setInsertionPointAfter(largest);
    Value result = createEmpty(rewriter, loc, fill.getDpsInits()[0], rewriter.getF32Type());
    AffineMap same =
        rewriter.getMultiDimIdentityMap(cast<RankedTensorType>(result.getType()).getRank());
    SmallVector<utils::IteratorType> loops(same.getNumDims(), utils::IteratorType::parallel);
    rewriter.replaceOpWithNewOp<linalg::GenericOp>(
        op, result.getType(), largest.getResult(0), result, ArrayRef<AffineMap>{same, same}, loops,
        [&](OpBuilder &b, Location at, ValueRange args) {
          Value entry = cpu::LookupOp::create(b, at, b.getF32Type(), args[0], ranks->entries);
          linalg::YieldOp::create(b, at, entry);
        });
    return success();
  }
};

struct RankBytesPass : terse::impl::RankBytesPassBase<RankBytesPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<RankLargest>(&getContext());
    tensor::EmptyOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
