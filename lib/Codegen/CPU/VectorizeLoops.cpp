//===- VectorizeLoops.cpp - Elementwise ops and reductions ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Why not leave these loops to LLVM: a reduction accumulates in memory, which may be that of its
// input for all LLVM knows, so that it neither keeps the sum in a register nor vectorizes; and it
// cannot run loops in parallel.

#include "Outline.h"
#include "RowLoads.h"
#include "VectorLoop.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "terse/Codegen/CPU/Passes.h"

namespace terse {
#define GEN_PASS_DEF_VECTORIZELOOPSPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

// Iterations from which a loop is worth a call.
static constexpr int64_t kLong = 1024;
// Iterations below which a side of a square is mostly empty, and LLVM does as well.
static constexpr int64_t kShort = 4;

namespace {
// Ops that compute each lane on its own, do not trap, and have instructions or polynomials.
bool isVectorizable(Operation &op) {
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp, arith::CeilDivSIOp,
          arith::FloorDivSIOp, arith::CeilDivUIOp, arith::RemFOp>(op))
    return false;
  if (op.getNumResults() != 1 || op.getNumRegions() || !OpTrait::hasElementwiseMappableTraits(&op))
    return false;
  return isa<arith::ArithDialect, cpu::TerseCPUDialect>(op.getDialect()) ||
         isa<math::AbsFOp, math::RoundEvenOp, math::SqrtOp, math::FloorOp, math::CeilOp,
             math::ExpOp, math::ExpM1Op, math::LogOp, math::Log1pOp, math::TanhOp, math::ErfOp>(op);
}

bool isPlainElement(Type type) {
  return type.isF32() || type.isF64() || type.isInteger(8) || type.isInteger(16) ||
         type.isInteger(32);
}

bool hasUnitStride(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset;
  return type.getRank() > 0 && succeeded(type.getStridesAndOffset(strides, offset)) &&
         strides.back() == 1;
}

// Whether loop `last` can run over vectors, all others over single elements. Reductions are over
// that loop, or over others while each lane has its own result. Inputs may be contiguous over
// `turned` instead.
bool matches(linalg::GenericOp op, unsigned last, std::optional<unsigned> turned = std::nullopt) {
  std::optional<RowLoads> rows = findRowLoads(op, last);
  if (turned && rows)
    return false;
  if (op.hasIndexSemantics() && !rows)
    return false;
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  bool reduction = op.getNumReductionLoops() != 0,
       acrossLanes = iterators[last] == utils::IteratorType::reduction;
  if ((acrossLanes && op.getNumReductionLoops() != 1) || (reduction && !getCombiner(op)))
    return false;
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    AffineMap map = op.getMatchingIndexingMap(&operand);
    bool isIndex = rows && type && type.getElementType().isIndex();
    if (!type || (!isPlainElement(type.getElementType()) && !isIndex))
      return false;
    // It only says how large the loops are.
    if (op.getMatchingBlockArgument(&operand).use_empty() && !op.isDpsInit(&operand))
      continue;
    bool init = op.isDpsInit(&operand);
    if (init && !map.isProjectedPermutation())
      return false;
    if (!map.isFunctionOfDim(last)) {
      if (init && !acrossLanes)
        return false;
      continue;
    }
    bool isTurned = turned && !init && hasUnitStride(type) &&
                    map.getResults().back() == getAffineDimExpr(*turned, op.getContext());
    for (AffineExpr e : map.getResults().drop_back())
      if (e.isFunctionOfDim(isTurned ? *turned : last))
        return false;
    if (isTurned)
      continue;
    if ((init && acrossLanes) ||
        map.getResults().back() != getAffineDimExpr(last, op.getContext()) || !hasUnitStride(type))
      return false;
  }
  if (!reduction && op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)))
    return false;
  // Loops have their size from an operand.
  for (unsigned d = 0; d < op.getNumLoops(); ++d)
    if (llvm::none_of(op.getIndexingMapsArray(), [&](AffineMap map) {
          return map.getResultPosition(getAffineDimExpr(d, op.getContext())).has_value();
        }))
      return false;
  if (rows && reduction)
    return false;
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (rows && rows->contains(&inner))
      continue;
    if (!inner.hasTrait<OpTrait::ConstantLike>() && !isVectorizable(inner))
      return false;
    for (Value v : inner.getOperands())
      if (v.getParentBlock() != op.getBody() && !matchPattern(v, m_Constant()))
        return false;
  }
  return true;
}

// The loop over contiguous results, and that over contiguous elements of other inputs.
std::optional<VectorLoop> findSquares(linalg::GenericOp op, unsigned last) {
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  auto isShort = [&](unsigned d) {
    return !ShapedType::isDynamic(ranges[d]) && ranges[d] < kShort;
  };
  if (op.getNumReductionLoops() || isShort(last))
    return std::nullopt;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    auto inner = map.getNumResults() ? dyn_cast<AffineDimExpr>(map.getResults().back())
                                     : AffineDimExpr(nullptr);
    if (inner && inner.getPosition() != last && map.isFunctionOfDim(last) &&
        !op.getMatchingBlockArgument(input).use_empty() && !isShort(inner.getPosition()) &&
        matches(op, last, inner.getPosition()))
      return VectorLoop{last, inner.getPosition()};
  }
  return std::nullopt;
}

// The last loop, or the one over contiguous results.
std::optional<VectorLoop> findVectorLoop(linalg::GenericOp op) {
  if (!op.hasPureBufferSemantics() || op.getNumDpsInits() != 1 || op.getNumLoops() == 0)
    return std::nullopt;
  unsigned last = op.getNumLoops() - 1;
  if (matches(op, last))
    return VectorLoop{last};
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  auto inner = map.getNumResults() ? dyn_cast<AffineDimExpr>(map.getResults().back())
                                   : AffineDimExpr(nullptr);
  if (inner && inner.getPosition() != last && matches(op, inner.getPosition()))
    return VectorLoop{inner.getPosition()};
  return inner ? findSquares(op, inner.getPosition()) : std::nullopt;
}

struct VectorizeLoopsPass : terse::impl::VectorizeLoopsPassBase<VectorizeLoopsPass> {
  using VectorizeLoopsPassBase::VectorizeLoopsPassBase;

  static SmallVector<Value> getArguments(OpBuilder &b, linalg::GenericOp op,
                                         const VectorLoop &shape) {
    SmallVector<Value> operands(op->getOperands());
    int64_t inner = op.getStaticLoopRanges()[shape.loop];
    // Squares read and write at distances that the code had better know.
    if (shape.turned || (!ShapedType::isDynamic(inner) && inner < kLong))
      return operands;
    for (Value &v : operands)
      v = forgetSizes(b, op.getLoc(), v);
    return operands;
  }

  // Lanes of words, or of bytes where there are only bytes, as many as divide the loop.
  int64_t countLanes(linalg::GenericOp op, unsigned loop) const {
    int64_t lanes = std::max<int64_t>(4, vectorBytes / 4), size = op.getStaticLoopRanges()[loop];
    auto isByte = [](Value v) { return getElementTypeOrSelf(v.getType()).isInteger(8); };
    if (ShapedType::isDynamic(size) || !llvm::all_of(op->getOperands(), isByte) ||
        !llvm::all_of(op.getBody()->without_terminator(),
                      [&](Operation &inner) { return llvm::all_of(inner.getResults(), isByte); }))
      return lanes;
    while (lanes < vectorBytes && size % (2 * lanes) == 0)
      lanes *= 2;
    return lanes;
  }

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::TransposeOp> transposes;
    getOperation().walk([&](linalg::TransposeOp op) { transposes.push_back(op); });
    for (linalg::TransposeOp op : transposes) {
      rewriter.setInsertionPoint(op);
      (void)linalg::generalizeNamedOp(rewriter, op);
    }
    SmallVector<std::pair<linalg::GenericOp, VectorLoop>> ops;
    getOperation().walk([&](linalg::GenericOp op) {
      if (op->hasAttr(cpu::kKernelAttr))
        return;
      if (std::optional<VectorLoop> loop = findVectorLoop(op))
        ops.push_back({op, VectorLoop{loop->loop, loop->turned,
                                      loop->turned ? std::max<int64_t>(4, vectorBytes / 4)
                                                   : countLanes(op, loop->loop),
                                      hasFMA}});
    });
    OutlinedFunctions functions(getOperation(), "loop_");
    for (auto &entry : ops) {
      linalg::GenericOp op = entry.first;
      const VectorLoop &shape = entry.second;
      OpBuilder b(op);
      Location loc = op.getLoc();
      int64_t work = 1;
      for (int64_t r : op.getStaticLoopRanges())
        work = ShapedType::isDynamic(r) || ShapedType::isDynamic(work) ? ShapedType::kDynamic
                                                                       : work * r;
      bool known = !ShapedType::isDynamic(work);
      Value begin = arith::ConstantIndexOp::create(b, loc, 0), end = countLoopItems(b, op, shape);
      ++numLoops;
      // Private functions are ranges that threads share already. Tables are not operands, and
      // reading their rows waits for memory.
      bool isShared = op->getParentOfType<func::FuncOp>().isPrivate() || op.hasIndexSemantics();
      if (isShared || (known && work < kLong)) {
        buildVectorLoop(b, op, shape, begin, end);
        op.erase();
        continue;
      }
      SmallVector<Value> args = getArguments(b, op, shape);
      func::FuncOp serial =
          functions.get(op, ValueRange(args).getTypes(),
                        [&](OpBuilder &inner, Operation *inside, Value from, Value to) {
                          buildVectorLoop(inner, cast<linalg::GenericOp>(inside), shape, from, to);
                        });
      args.append({begin, end});
      if (parallelWork < 0 || (known && work < parallelWork)) {
        func::CallOp::create(b, loc, serial, args);
      } else if (func::FuncOp parallel = functions.getParallel(serial); known) {
        func::CallOp::create(b, loc, parallel, args);
      } else {
        Value enough =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, countLoopWork(b, op, shape),
                                  arith::ConstantIndexOp::create(b, loc, parallelWork));
        auto branch = scf::IfOp::create(b, loc, enough, /*withElseRegion=*/true);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(branch.thenBlock());
        func::CallOp::create(b, loc, parallel, args);
        b.setInsertionPointToStart(branch.elseBlock());
        func::CallOp::create(b, loc, serial, args);
      }
      op.erase();
    }
  }
};
} // namespace
