//===- VectorizeLoops.cpp - Elementwise ops and reductions ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Why not leave these loops to LLVM: a reduction accumulates in memory, which may be that of its
// input for all LLVM knows, so that it neither keeps the sum in a register nor vectorizes; and it
// cannot run loops in parallel.

#include "Outline.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
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

// Elements of a row that one item of a parallel range covers.
static constexpr int64_t kPiece = 4096;
// Iterations from which a loop is worth a call.
static constexpr int64_t kLong = 1024;

namespace {
// Ops that compute each lane on its own, do not trap, and have instructions or polynomials.
bool isVectorizable(Operation &op) {
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp, arith::CeilDivSIOp,
          arith::FloorDivSIOp, arith::CeilDivUIOp, arith::RemFOp>(op))
    return false;
  if (op.getNumResults() != 1 || op.getNumRegions() || !OpTrait::hasElementwiseMappableTraits(&op))
    return false;
  return isa<arith::ArithDialect>(op.getDialect()) ||
         isa<math::AbsFOp, math::RoundEvenOp, math::SqrtOp, math::FloorOp, math::CeilOp,
             math::ExpOp, math::ExpM1Op, math::LogOp, math::Log1pOp, math::TanhOp, math::ErfOp>(op);
}

bool isPlainElement(Type type) {
  return type.isF32() || type.isInteger(8) || type.isInteger(16) || type.isInteger(32);
}

bool hasUnitStride(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset;
  return type.getRank() > 0 && succeeded(type.getStridesAndOffset(strides, offset)) &&
         strides.back() == 1;
}

// The op that joins the result so far with a new value, if lanes can do so apart from each other.
Operation *getCombiner(linalg::GenericOp op) {
  Operation *combiner = op.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  Value out = op.getRegionOutputArgs()[0];
  if (!isa_and_nonnull<arith::AddFOp, arith::AddIOp, arith::MaximumFOp, arith::MinimumFOp,
                       arith::MaxNumFOp, arith::MinNumFOp, arith::MaxSIOp, arith::MaxUIOp,
                       arith::MinSIOp, arith::MinUIOp>(combiner) ||
      !out.hasOneUse() || *out.user_begin() != combiner ||
      combiner->getOperand(0) == combiner->getOperand(1))
    return nullptr;
  return combiner;
}

// Whether all loops but the last run over single elements, and the last over vectors.
bool matches(linalg::GenericOp op) {
  if (!op.hasPureBufferSemantics() || op.getNumDpsInits() != 1 || op.hasIndexSemantics() ||
      op.getNumLoops() == 0)
    return false;
  unsigned last = op.getNumLoops() - 1;
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  bool reduction = iterators[last] == utils::IteratorType::reduction;
  if (op.getNumReductionLoops() != (reduction ? 1u : 0u) || (reduction && !getCombiner(op)))
    return false;
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    AffineMap map = op.getMatchingIndexingMap(&operand);
    // Sums are of f64; their vectors have as many lanes as those of f32.
    bool wideSum = type && type.getElementType().isF64() && !map.isFunctionOfDim(last);
    if (!type || (!isPlainElement(type.getElementType()) && !wideSum))
      return false;
    bool init = op.isDpsInit(&operand);
    if (init && !map.isProjectedPermutation())
      return false;
    if (!map.isFunctionOfDim(last)) {
      if (init && !reduction)
        return false;
      continue;
    }
    for (AffineExpr e : map.getResults().drop_back())
      if (e.isFunctionOfDim(last))
        return false;
    if ((init && reduction) || map.getResults().back() != getAffineDimExpr(last, op.getContext()) ||
        !hasUnitStride(type))
      return false;
  }
  if (!reduction && op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)))
    return false;
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (!inner.hasTrait<OpTrait::ConstantLike>() && !isVectorizable(inner))
      return false;
    for (Value v : inner.getOperands())
      if (v.getParentBlock() != op.getBody() && !matchPattern(v, m_Constant()))
        return false;
  }
  return true;
}

// Whether all that becomes of `v` is to be clamped to small constants and rounded, by name or by
// adding 1.5 * 2^23; NaN may be replaced.
bool isClampedAndRounded(Value v, unsigned clamps = 0) {
  auto getSmall = [](Value other) {
    FloatAttr attr;
    return matchPattern(other, m_Constant(&attr)) && std::abs(attr.getValueAsDouble()) <= 65536;
  };
  return llvm::all_of(v.getUsers(), [&](Operation *user) {
    if (isa<math::RoundEvenOp>(user))
      return true;
    if (auto add = dyn_cast<arith::AddFOp>(user)) {
      FloatAttr attr;
      return clamps >= 2 && matchPattern(add.getRhs(), m_Constant(&attr)) &&
             attr.getValueAsDouble() == 12582912.0;
    }
    if (auto compare = dyn_cast<arith::CmpFOp>(user))
      return compare.getLhs() == v && (compare.getRhs() == v || getSmall(compare.getRhs())) &&
             llvm::all_of(compare->getUsers(),
                          [](Operation *choice) { return isa<arith::SelectOp>(choice); });
    auto select = dyn_cast<arith::SelectOp>(user);
    if (!select || select.getCondition() == v)
      return false;
    bool isTrue = select.getTrueValue() == v;
    if (!getSmall(isTrue ? select.getFalseValue() : select.getTrueValue()))
      return false;
    // A number is kept where it is not beyond the constant.
    auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
    bool isClamp = compare && compare.getLhs() == v && compare.getRhs() != v;
    return isClampedAndRounded(select, clamps + isClamp);
  });
}

// Whether `op` is a quotient of which only the integer of at most 16 bits that it is rounded to
// matters.
bool isRoundedToSmallInteger(arith::DivFOp op, linalg::GenericOp loop) {
  auto type = dyn_cast<IntegerType>(loop.getRegionOutputArgs()[0].getType());
  return type && type.getWidth() <= 16 && op.getType().isF32() && isClampedAndRounded(op);
}

class LoopBuilder {
public:
  LoopBuilder(OpBuilder &b, linalg::GenericOp op, int64_t lanes, bool hasFMA)
      : b(b), loc(op.getLoc()), op(op), lanes(lanes), last(op.getNumLoops() - 1),
        reduction(op.getNumReductionLoops() != 0), hasFMA(hasFMA) {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    sizes.resize(op.getNumLoops());
    for (auto [map, v] : llvm::zip(maps, op->getOperands()))
      for (auto [i, e] : llvm::enumerate(map.getResults()))
        if (auto d = dyn_cast<AffineDimExpr>(e); d && !sizes[d.getPosition()]) {
          auto type = cast<MemRefType>(v.getType());
          sizes[d.getPosition()] = type.isDynamicDim(i)
                                       ? memref::DimOp::create(b, loc, v, i).getResult()
                                       : c(type.getDimSize(i));
        }
  }

  // Rows, in pieces where the pieces do not meet in one result.
  Value countItems() {
    Value count = countRows();
    return reduction ? count : mul(count, countPieces());
  }
  Value countWork() { return mul(countRows(), sizes[last]); }

  void build(Value begin, Value end) {
    loop(begin, end, 1, ValueRange(), [&](Value item, ValueRange) {
      Value from = c(0), to = sizes[last], row = item;
      if (!reduction) {
        Value pieces = countPieces();
        row = arith::DivUIOp::create(b, loc, item, pieces);
        from = mul(arith::RemUIOp::create(b, loc, item, pieces), c(kPiece));
        to = arith::MinSIOp::create(b, loc, arith::AddIOp::create(b, loc, from, c(kPiece)), to);
      }
      SmallVector<Value> dims(op.getNumLoops());
      for (int64_t d = int64_t(last) - 1; d >= 0; --d) {
        dims[d] = d ? arith::RemUIOp::create(b, loc, row, sizes[d]).getResult() : row;
        if (d)
          row = arith::DivUIOp::create(b, loc, row, sizes[d]);
      }
      Value span = arith::SubIOp::create(b, loc, to, from);
      Value whole = arith::AddIOp::create(
          b, loc, from, mul(arith::DivUIOp::create(b, loc, span, c(lanes)), c(lanes)));
      Value rest = arith::SubIOp::create(b, loc, to, whole);
      Value left = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, rest, c(0));
      auto mask = [&] {
        return vector::CreateMaskOp::create(b, loc, VectorType::get(lanes, b.getI1Type()), rest);
      };
      readInvariants(dims);
      if (reduction)
        return reduce(dims, from, whole, left, mask), SmallVector<Value>();
      loop(from, whole, lanes, ValueRange(), [&](Value i, ValueRange) {
        dims[last] = i;
        store(dims, compute(dims, Value(), Value()), Value());
        return SmallVector<Value>();
      });
      auto branch = scf::IfOp::create(b, loc, left, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      dims[last] = whole;
      Value m = mask();
      store(dims, compute(dims, Value(), m), m, rest);
      return SmallVector<Value>();
    });
  }

private:
  Value c(int64_t v) { return arith::ConstantIndexOp::create(b, loc, v); }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, loc, x, y); }
  Value countRows() {
    Value rows = c(1);
    for (unsigned d = 0; d < last; ++d)
      rows = mul(rows, sizes[d]);
    return rows;
  }
  Value countPieces() {
    return arith::DivUIOp::create(b, loc, arith::AddIOp::create(b, loc, sizes[last], c(kPiece - 1)),
                                  c(kPiece));
  }

  SmallVector<Value> loop(Value from, Value to, int64_t step, ValueRange init,
                          llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
    auto made = scf::ForOp::create(b, loc, from, to, c(step), init,
                                   [&](OpBuilder &inner, Location, Value iv, ValueRange args) {
                                     OpBuilder::InsertionGuard guard(b);
                                     b.setInsertionPoint(inner.getInsertionBlock(),
                                                         inner.getInsertionPoint());
                                     SmallVector<Value> next = body(iv, args);
                                     scf::YieldOp::create(b, loc, next);
                                   });
    return SmallVector<Value>(made.getResults());
  }

  SmallVector<Value> indices(OpOperand *operand, ArrayRef<Value> dims) {
    SmallVector<Value> at;
    for (AffineExpr e : op.getMatchingIndexingMap(operand).getResults())
      at.push_back(affine::expandAffineExpr(b, loc, e, dims, {}));
    return at;
  }

  VectorType getVectorType(OpOperand *operand) {
    return VectorType::get(lanes, cast<MemRefType>(operand->get().getType()).getElementType());
  }

  // Reads, before the innermost loop, what does not change in it.
  void readInvariants(ArrayRef<Value> dims) {
    invariants.clear();
    divisors.clear();
    for (OpOperand *input : op.getDpsInputOperands()) {
      Value arg = op.getMatchingBlockArgument(input);
      if (op.getMatchingIndexingMap(input).isFunctionOfDim(last) || arg.use_empty())
        continue;
      Value scalar = memref::LoadOp::create(b, loc, input->get(), indices(input, dims));
      invariants[arg] = vector::BroadcastOp::create(b, loc, getVectorType(input), scalar);
      for (Operation *user : arg.getUsers())
        if (auto div = dyn_cast<arith::DivFOp>(user);
            hasFMA && div && div.getRhs() == arg && isRoundedToSmallInteger(div, op)) {
          divisors[arg] = prepareDivisor(scalar);
          break;
        }
    }
  }

  // A divisor near 1, with the power of two that brought it there and its reciprocal.
  struct Divisor {
    Value scale, value, reciprocal;
  };

  Value f32(double value) {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(float(value)));
  }
  Value splat(Value scalar) {
    return vector::BroadcastOp::create(b, loc, VectorType::get(lanes, scalar.getType()), scalar);
  }

  Divisor prepareDivisor(Value scalar) {
    using P = arith::CmpFPredicate;
    Value size = math::AbsFOp::create(b, loc, scalar);
    Value isTiny = arith::CmpFOp::create(b, loc, P::OLT, size, f32(0x1p-40));
    Value isHuge = arith::CmpFOp::create(b, loc, P::OGT, size, f32(0x1p40));
    Value scale = arith::SelectOp::create(
        b, loc, isTiny, f32(0x1p80), arith::SelectOp::create(b, loc, isHuge, f32(0x1p-80), f32(1)));
    Value value = arith::MulFOp::create(b, loc, scalar, scale);
    Value reciprocal = arith::DivFOp::create(b, loc, f32(1), value);
    return {splat(scale), splat(value), splat(reciprocal)};
  }

  // Markstein's theorem (IBM J. Res. Dev. 34, 1990): with the correctly rounded reciprocal, one
  // step on the residual rounds a quotient correctly. What that does not hold for, quotients whose
  // residual underflows and those that are not finite, is far below a half or beyond 16 bits.
  Value divide(Value x, const Divisor &divisor) {
    x = arith::MulFOp::create(b, loc, x, divisor.scale);
    Value q = arith::MulFOp::create(b, loc, x, divisor.reciprocal);
    Value negative = arith::NegFOp::create(b, loc, q);
    Value residual = math::FmaOp::create(b, loc, negative, divisor.value, x);
    Value exact = math::FmaOp::create(b, loc, residual, divisor.reciprocal, q);
    Value isSmall = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT,
                                          math::AbsFOp::create(b, loc, exact), splat(f32(0x1p30)));
    return arith::SelectOp::create(b, loc, isSmall, exact, q);
  }

  Value read(OpOperand *operand, ArrayRef<Value> dims, Value mask) {
    if (Value invariant = invariants.lookup(op.getMatchingBlockArgument(operand)))
      return invariant;
    VectorType type = getVectorType(operand);
    SmallVector<Value> at = indices(operand, dims);
    if (!mask)
      return vector::LoadOp::create(b, loc, type, operand->get(), at);
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    return vector::MaskedLoadOp::create(b, loc, type, operand->get(), at, mask, zero);
  }

  // The yielded value; in a reduction `acc` takes part, whose masked lanes stay.
  Value compute(ArrayRef<Value> dims, Value acc, Value mask) {
    DenseMap<Value, Value> vectors;
    for (OpOperand *input : op.getDpsInputOperands()) {
      Value arg = op.getMatchingBlockArgument(input);
      if (!arg.use_empty())
        vectors[arg] = read(input, dims, mask);
    }
    if (acc)
      vectors[op.getRegionOutputArgs()[0]] = acc;
    auto lookup = [&](Value v) {
      Value found = vectors.lookup(v);
      if (found)
        return found;
      Attribute value;
      matchPattern(v, m_Constant(&value));
      found = arith::ConstantOp::create(
          b, loc, DenseElementsAttr::get(VectorType::get(lanes, v.getType()), value));
      vectors[v] = found;
      return found;
    };
    for (Operation &inner : op.getBody()->without_terminator()) {
      if (inner.hasTrait<OpTrait::ConstantLike>())
        continue;
      if (auto div = dyn_cast<arith::DivFOp>(inner)) {
        auto divisor = divisors.find(div.getRhs());
        if (divisor != divisors.end() && isRoundedToSmallInteger(div, op)) {
          vectors[div] = divide(lookup(div.getLhs()), divisor->second);
          continue;
        }
      }
      SmallVector<Value> operands;
      for (Value v : inner.getOperands())
        operands.push_back(lookup(v));
      OperationState state(loc, inner.getName(), operands,
                           VectorType::get(lanes, inner.getResult(0).getType()), inner.getAttrs());
      state.propertiesAttr = inner.getPropertiesAsAttribute();
      vectors[inner.getResult(0)] = b.create(state)->getResult(0);
    }
    Value result = lookup(op.getBody()->getTerminator()->getOperand(0));
    return acc && mask ? arith::SelectOp::create(b, loc, mask, result, acc).getResult() : result;
  }

  // The first `rest` lanes if there is a mask.
  void store(ArrayRef<Value> dims, Value v, Value mask, Value rest = nullptr) {
    SmallVector<Value> at = indices(op.getDpsInitOperand(0), dims);
    Value to = op.getDpsInits()[0];
    if (!mask) {
      vector::StoreOp::create(b, loc, v, to, at);
      return;
    }
    if (cast<VectorType>(v.getType()).getElementTypeBitWidth() >= 32) {
      vector::MaskedStoreOp::create(b, loc, to, at, mask, v);
      return;
    }
    // LLVM stores four bytes where it knows that one lane of truncated words is left.
    Value one = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, rest, c(1));
    auto branch = scf::IfOp::create(b, loc, one, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Value only = vector::ExtractOp::create(b, loc, v, ArrayRef<int64_t>{0});
    memref::StoreOp::create(b, loc, only, to, at);
    b.setInsertionPointToStart(branch.elseBlock());
    vector::MaskedStoreOp::create(b, loc, to, at, mask, v);
  }

  static vector::CombiningKind getKind(Operation *combiner) {
    using K = vector::CombiningKind;
    if (isa<arith::MaximumFOp>(combiner))
      return K::MAXIMUMF;
    if (isa<arith::MinimumFOp>(combiner))
      return K::MINIMUMF;
    if (isa<arith::MaxNumFOp>(combiner))
      return K::MAXNUMF;
    if (isa<arith::MinNumFOp>(combiner))
      return K::MINNUMF;
    if (isa<arith::MaxSIOp>(combiner))
      return K::MAXSI;
    if (isa<arith::MaxUIOp>(combiner))
      return K::MAXUI;
    if (isa<arith::MinSIOp>(combiner))
      return K::MINSI;
    if (isa<arith::MinUIOp>(combiner))
      return K::MINUI;
    return K::ADD;
  }

  void reduce(SmallVector<Value> dims, Value from, Value whole, Value left,
              llvm::function_ref<Value()> mask) {
    Operation *combiner = getCombiner(op);
    SmallVector<Value> at = indices(op.getDpsInitOperand(0), dims);
    Value start = memref::LoadOp::create(b, loc, op.getDpsInits()[0], at);
    Type element = start.getType();
    auto type = VectorType::get(lanes, element);
    vector::CombiningKind kind = getKind(combiner);
    // Sums start from zero (a negative one, which leaves -0 alone); others from what is there.
    Value first;
    if (kind != vector::CombiningKind::ADD)
      first = vector::BroadcastOp::create(b, loc, type, start);
    else if (isa<FloatType>(element))
      first = arith::ConstantOp::create(
          b, loc, DenseElementsAttr::get(type, b.getFloatAttr(element, -0.0)));
    else
      first = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    Value acc = loop(from, whole, lanes, first, [&](Value i, ValueRange args) {
      SmallVector<Value> at(dims);
      at[last] = i;
      return SmallVector<Value>{compute(at, args[0], Value())};
    })[0];
    auto branch = scf::IfOp::create(b, loc, type, left, /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      dims[last] = whole;
      scf::YieldOp::create(b, loc, compute(dims, acc, mask()));
      b.setInsertionPointToStart(branch.elseBlock());
      scf::YieldOp::create(b, loc, acc);
    }
    Value total = kind == vector::CombiningKind::ADD
                      ? vector::ReductionOp::create(b, loc, kind, branch.getResult(0), start)
                      : vector::ReductionOp::create(b, loc, kind, branch.getResult(0));
    memref::StoreOp::create(b, loc, total, op.getDpsInits()[0], at);
  }

  OpBuilder &b;
  Location loc;
  linalg::GenericOp op;
  int64_t lanes;
  unsigned last;
  bool reduction, hasFMA;
  SmallVector<Value> sizes;
  DenseMap<Value, Value> invariants;
  DenseMap<Value, Divisor> divisors;
};

struct VectorizeLoopsPass : terse::impl::VectorizeLoopsPassBase<VectorizeLoopsPass> {
  using VectorizeLoopsPassBase::VectorizeLoopsPassBase;

  // Operands of long loops lose their sizes, so that loops which differ in nothing else share a
  // function.
  static SmallVector<Value> forgetSizes(OpBuilder &b, linalg::GenericOp op) {
    SmallVector<Value> operands(op->getOperands());
    int64_t inner = op.getStaticLoopRanges().back();
    if (!ShapedType::isDynamic(inner) && inner < kLong)
      return operands;
    for (Value &v : operands) {
      auto type = cast<MemRefType>(v.getType());
      auto open = MemRefType::get(SmallVector<int64_t>(type.getRank(), ShapedType::kDynamic),
                                  type.getElementType(), MemRefLayoutAttrInterface(),
                                  type.getMemorySpace());
      if (type != open && type.getLayout().isIdentity())
        v = memref::CastOp::create(b, op.getLoc(), open, v);
    }
    return operands;
  }

  void runOnOperation() override {
    int64_t lanes = std::max<int64_t>(4, vectorBytes / 4);
    SmallVector<linalg::GenericOp> ops;
    getOperation().walk([&](linalg::GenericOp op) {
      if (matches(op) && !op->hasAttr(cpu::kKernelAttr))
        ops.push_back(op);
    });
    OutlinedFunctions functions(getOperation(), "loop_");
    for (linalg::GenericOp op : ops) {
      OpBuilder b(op);
      Location loc = op.getLoc();
      LoopBuilder builder(b, op, lanes, hasFMA);
      int64_t work = 1;
      for (int64_t r : op.getStaticLoopRanges())
        work = ShapedType::isDynamic(r) || ShapedType::isDynamic(work) ? ShapedType::kDynamic
                                                                       : work * r;
      bool known = !ShapedType::isDynamic(work);
      Value begin = arith::ConstantIndexOp::create(b, loc, 0), end = builder.countItems();
      ++numLoops;
      if (known && work < kLong) {
        builder.build(begin, end);
        op.erase();
        continue;
      }
      SmallVector<Value> args = forgetSizes(b, op);
      func::FuncOp serial = functions.get(
          op, ValueRange(args).getTypes(),
          [&](OpBuilder &inner, Operation *inside, Value from, Value to) {
            LoopBuilder(inner, cast<linalg::GenericOp>(inside), lanes, hasFMA).build(from, to);
          });
      args.append({begin, end});
      if (parallelWork < 0 || (known && work < parallelWork)) {
        func::CallOp::create(b, loc, serial, args);
      } else if (func::FuncOp parallel = functions.getParallel(serial); known) {
        func::CallOp::create(b, loc, parallel, args);
      } else {
        Value enough = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, builder.countWork(),
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
