//===- NarrowOperands.cpp - bf16 in the place of f32 ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Encoded as bf16, an operand is rounded (or loaded) and extended to f32 again before it is
// multiplied. Here the extension moves into the contraction, where it costs little: instructions
// for bf16 have exact products and sums in f32, and without them kernels extend what they copy.

#include "Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace terse::ukernel;

// Fewer products than these with weights of few bits stay in f32.
static constexpr int64_t kLeastRows = 8, kLeastColumns = 16, kLeastDepth = 32;

static RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

// The bf16 value that an elementwise op extends as its last step.
static Value getExtended(linalg::GenericOp op) {
  if (op.getNumReductionLoops() || op.getNumResults() != 1 || !op.hasPureTensorSemantics() ||
      op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)))
    return nullptr;
  auto extend = op.getBody()->getTerminator()->getOperand(0).getDefiningOp<arith::ExtFOp>();
  return extend && extend.getIn().getType().isBF16() ? extend.getIn() : nullptr;
}

// The tensor of zeros that `insert` writes into.
static bool insertsIntoZeros(tensor::InsertSliceOp insert) {
  auto fill = insert.getDest().getDefiningOp<linalg::FillOp>();
  return fill && matchPattern(fill.getInputs()[0], m_PosZeroFloat());
}

static bool canNarrow(Value v) {
  Operation *op = v.getDefiningOp();
  if (auto generic = dyn_cast_or_null<linalg::GenericOp>(op))
    return getExtended(generic) != nullptr;
  if (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp, linalg::TransposeOp>(op))
    return canNarrow(op->getOperand(0));
  if (auto insert = dyn_cast_or_null<tensor::InsertSliceOp>(op))
    return insertsIntoZeros(insert) && canNarrow(insert.getSource());
  return false;
}

// `v` in bf16, of which the extension is `v`.
static Value narrow(RewriterBase &b, Value v) {
  Operation *op = v.getDefiningOp();
  Location loc = op->getLoc();
  RankedTensorType type = typeOf(v).clone(b.getBF16Type());
  if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    Value extended = getExtended(generic);
    bool onlyExtends = extended == generic.getBody()->getArgument(0) &&
                       generic.getNumDpsInputs() == 1 &&
                       llvm::all_of(generic.getIndexingMapsArray(),
                                    [](AffineMap map) { return map.isIdentity(); });
    if (onlyExtends)
      return generic.getDpsInputs()[0];
    Value init = tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, v), b.getBF16Type());
    return linalg::GenericOp::create(
               b, loc, type, generic.getDpsInputs(), init, generic.getIndexingMapsArray(),
               generic.getIteratorTypesArray(),
               [&](OpBuilder &inner, Location at, ValueRange args) {
                 IRMapping mapping;
                 mapping.map(generic.getBody()->getArguments().drop_back(), args.drop_back());
                 for (Operation &step : generic.getBody()->without_terminator())
                   inner.clone(step, mapping);
                 linalg::YieldOp::create(inner, at, mapping.lookupOrDefault(extended));
               })
        .getResult(0);
  }
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op)) {
    Value source = narrow(b, insert.getSource());
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(b.getBF16Type()));
    Value empty =
        tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, v), b.getBF16Type());
    Value zeros = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
    return tensor::InsertSliceOp::create(b, loc, source, zeros, insert.getMixedOffsets(),
                                         insert.getMixedSizes(), insert.getMixedStrides());
  }
  Value source = narrow(b, op->getOperand(0));
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return tensor::ExpandShapeOp::create(b, loc, type, source, expand.getReassociationIndices(),
                                         expand.getMixedOutputShape());
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return tensor::CollapseShapeOp::create(b, loc, type, source,
                                           collapse.getReassociationIndices());
  return createTranspose(b, loc, source, cast<linalg::TransposeOp>(op).getPermutation());
}

bool terse::ukernel::isBF16Kernel(linalg::GenericOp op, bool tiles) {
  RankedTensorType weights = typeOf(op.getDpsInputs()[1]);
  int64_t rank = weights.getRank();
  if (rank == 2)
    return true;
  if (typeOf(op.getResult(0)).getRank() != rank || op.getNumReductionLoops() != 3)
    return false;
  if (rank != 5)
    return rank == 4;
  // Groups come first: of one channel each way, of as few as vectors take, of whole vectors.
  int64_t out = weights.getDimSize(1), in = weights.getDimSize(2);
  bool few = out == in && (out == 2 || out == 4 || out == 8);
  return (out == 1 && in == 1) || (!tiles && (few || out >= 16));
}

// Whether tiles multiply rows of bf16 with weights of few bits, which they decode: not for fewer
// rows or columns than pay for that.
static bool decodesToTiles(linalg::GenericOp op) {
  RankedTensorType weights = typeOf(op.getDpsInputs()[1]), result = typeOf(op.getResult(0));
  if (!op.getDpsInputs()[1].getDefiningOp<WeightsOp>() || weights.getRank() != 2 ||
      op.getNumReductionLoops() != 1 || result.getRank() == 0)
    return false;
  int64_t columns = result.getShape().back(), rows = 1;
  for (int64_t d : result.getShape().drop_back())
    rows = ShapedType::isDynamic(d) ? kLeastRows : std::min(rows * d, kLeastRows);
  return rows >= kLeastRows && columns >= kLeastColumns &&
         weights.getNumElements() / columns >= kLeastDepth;
}

linalg::GenericOp terse::ukernel::narrowContraction(RewriterBase &b, linalg::GenericOp op,
                                                    bool tiles) {
  auto isWide = [](Value x) { return typeOf(x).getElementType().isF32(); };
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 || !op.getNumReductionLoops() ||
      !isBF16Kernel(op, tiles) || !llvm::all_of(op.getDpsInputs(), isWide))
    return op;
  Value left = op.getDpsInputs()[0], right = op.getDpsInputs()[1];
  if (!canNarrow(left) || (!canNarrow(right) && !(tiles && decodesToTiles(op))))
    return op;
  b.setInsertionPoint(op);
  SmallVector<Value> inputs{narrow(b, left), canNarrow(right) ? narrow(b, right) : right};
  auto narrowed = linalg::GenericOp::create(
      b, op.getLoc(), op.getResultTypes(), inputs, op.getDpsInits(), op.getIndexingMapsArray(),
      op.getIteratorTypesArray(), [&](OpBuilder &inner, Location at, ValueRange args) {
        IRMapping mapping;
        for (auto [old, arg] : llvm::zip(op.getBody()->getArguments(), args))
          mapping.map(old, arg.getType().isBF16()
                               ? arith::ExtFOp::create(inner, at, b.getF32Type(), arg).getResult()
                               : arg);
        for (Operation &step : *op.getBody())
          inner.clone(step, mapping);
      });
  b.replaceOp(op, narrowed);
  return narrowed;
}
