//===- VectorLoop.cpp - One linalg op as a loop over vectors ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "VectorLoop.h"
#include "Quotient.h"
#include "RowLoads.h"
#include "VectorSquare.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace terse;

// Elements of a row that one item of a parallel range covers.
static constexpr int64_t kPiece = 4096;
// Rows of results that squares side by side make: they read a line of the cache of floats at once.
static constexpr int64_t kStrip = 16;

Operation *terse::getCombiner(linalg::GenericOp op) {
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

namespace {
class LoopBuilder {
public:
  LoopBuilder(OpBuilder &b, linalg::GenericOp op, const VectorLoop &shape)
      : b(b), loc(op.getLoc()), op(op), lanes(shape.lanes), last(shape.loop), turned(shape.turned),
        hasFMA(shape.hasFMA) {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    for (auto [d, type] : llvm::enumerate(op.getIteratorTypesArray()))
      if (type == utils::IteratorType::reduction)
        reductions.push_back(d);
      else if (d != last)
        rows.push_back(d);
    acrossLanes = llvm::is_contained(reductions, last);
    if (op.hasIndexSemantics())
      rowLoads = findRowLoads(op, last).value_or(RowLoads());
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

  // Rows or strips of them, in pieces where the pieces do not meet in one result.
  Value countItems() {
    Value count = countRows();
    return acrossLanes ? count : mul(count, countPieces());
  }
  Value countWork() {
    Value work = c(1);
    for (Value size : sizes)
      work = mul(work, size);
    return work;
  }

  void build(Value begin, Value end) {
    loop(begin, end, 1, ValueRange(), [&](Value item, ValueRange) {
      Value from = c(0), to = sizes[last], row = item;
      if (!acrossLanes) {
        Value pieces = countPieces();
        row = arith::DivUIOp::create(b, loc, item, pieces);
        from = mul(arith::RemUIOp::create(b, loc, item, pieces), c(kPiece));
        to = arith::MinSIOp::create(b, loc, arith::AddIOp::create(b, loc, from, c(kPiece)), to);
      }
      SmallVector<Value> dims(op.getNumLoops());
      for (unsigned d : llvm::reverse(rows)) {
        bool first = d == rows.front();
        dims[d] = first ? row : arith::RemUIOp::create(b, loc, row, countRows(d)).getResult();
        if (!first)
          row = arith::DivUIOp::create(b, loc, row, countRows(d));
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
      if (acrossLanes)
        return reduce(dims, from, whole, left, mask), SmallVector<Value>();
      if (turned)
        return buildStrip(dims, from, whole, to), SmallVector<Value>();
      loop(from, whole, lanes, ValueRange(), [&](Value i, ValueRange) {
        dims[last] = i;
        store(dims, computeLanes(dims, Value()), Value());
        return SmallVector<Value>();
      });
      auto branch = scf::IfOp::create(b, loc, left, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      dims[last] = whole;
      Value m = mask();
      store(dims, computeLanes(dims, m), m, rest);
      return SmallVector<Value>();
    });
  }

private:
  Value c(int64_t v) { return arith::ConstantIndexOp::create(b, loc, v); }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, loc, x, y); }
  Value countRows() {
    Value count = c(1);
    for (unsigned d : rows)
      count = mul(count, countRows(d));
    return count;
  }
  Value countRows(unsigned d) {
    return d == turned ? arith::CeilDivUIOp::create(b, loc, sizes[d], c(kStrip)).getResult()
                       : sizes[d];
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

  // Whether lanes do not read `arg`, but the rows of loads are computed from it.
  bool isIndexOnly(Value arg) const {
    return !rowLoads.loads.empty() && llvm::all_of(arg.getUsers(), [&](Operation *user) {
      return rowLoads.indices.contains(user);
    });
  }

  // Which rows the innermost loop loads from.
  void computeRows(ArrayRef<Value> dims) {
    rowIndices.clear();
    if (rowLoads.loads.empty())
      return;
    for (OpOperand *input : op.getDpsInputOperands()) {
      Value arg = op.getMatchingBlockArgument(input);
      bool isNeeded = llvm::any_of(
          arg.getUsers(), [&](Operation *user) { return rowLoads.indices.contains(user); });
      if (isNeeded)
        rowIndices.map(arg, memref::LoadOp::create(b, loc, input->get(), indices(input, dims)));
    }
    for (Operation &inner : op.getBody()->without_terminator()) {
      if (!rowLoads.indices.contains(&inner))
        continue;
      auto index = dyn_cast<linalg::IndexOp>(inner);
      if (!index)
        b.clone(inner, rowIndices);
      else if (index.getDim() != last)
        rowIndices.map(index.getResult(), dims[index.getDim()]);
    }
  }

  Value loadRow(memref::LoadOp load, Value column, Value mask) {
    auto type = VectorType::get(lanes, load.getType());
    SmallVector<Value> at;
    for (Value v : load.getIndices().drop_back())
      at.push_back(rowIndices.lookupOrDefault(v));
    at.push_back(column);
    if (!mask)
      return vector::LoadOp::create(b, loc, type, load.getMemRef(), at);
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    return vector::MaskedLoadOp::create(b, loc, type, load.getMemRef(), at, mask, zero);
  }

  // Reads, before the innermost loop, what does not change in it.
  void readInvariants(ArrayRef<Value> dims) {
    loaded.clear();
    divisors.clear();
    computeRows(dims);
    for (OpOperand *input : op.getDpsInputOperands()) {
      Value arg = op.getMatchingBlockArgument(input);
      AffineMap map = op.getMatchingIndexingMap(input);
      auto changes = [&](unsigned d) { return d != last && map.isFunctionOfDim(d); };
      if (map.isFunctionOfDim(last) || arg.use_empty() || llvm::any_of(reductions, changes) ||
          isIndexOnly(arg) || (turned && map.isFunctionOfDim(*turned)))
        continue;
      Value scalar = memref::LoadOp::create(b, loc, input->get(), indices(input, dims));
      loaded[arg] = vector::BroadcastOp::create(b, loc, getVectorType(input), scalar);
      for (Operation *user : arg.getUsers())
        if (auto div = dyn_cast<arith::DivFOp>(user);
            hasFMA && div && div.getRhs() == arg && isRoundedToSmallInteger(div, op)) {
          divisors.try_emplace(arg, b, loc, scalar, lanes);
          break;
        }
    }
  }

  Value read(OpOperand *operand, ArrayRef<Value> dims, Value mask) {
    if (Value vector = loaded.lookup(op.getMatchingBlockArgument(operand)))
      return vector;
    VectorType type = getVectorType(operand);
    SmallVector<Value> at = indices(operand, dims);
    if (!op.getMatchingIndexingMap(operand).isFunctionOfDim(last))
      return vector::BroadcastOp::create(b, loc, type,
                                         memref::LoadOp::create(b, loc, operand->get(), at));
    if (!mask)
      return vector::LoadOp::create(b, loc, type, operand->get(), at);
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    return vector::MaskedLoadOp::create(b, loc, type, operand->get(), at, mask, zero);
  }

  // The yielded value; in a reduction `acc` takes part, whose masked lanes stay.
  Value compute(ArrayRef<Value> dims, Value acc, Value mask, bool keepsLanes = true) {
    DenseMap<Value, Value> vectors;
    for (OpOperand *input : op.getDpsInputOperands()) {
      Value arg = op.getMatchingBlockArgument(input);
      if (!arg.use_empty() && !isIndexOnly(arg))
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
      if (inner.hasTrait<OpTrait::ConstantLike>() || rowLoads.indices.contains(&inner))
        continue;
      if (auto load = dyn_cast<memref::LoadOp>(inner)) {
        vectors[load] = loadRow(load, dims[last], mask);
        continue;
      }
      if (auto div = dyn_cast<arith::DivFOp>(inner)) {
        auto divisor = divisors.find(div.getRhs());
        if (divisor != divisors.end() && isRoundedToSmallInteger(div, op)) {
          vectors[div] = divisor->second.divide(lookup(div.getLhs()));
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
    return acc && mask && keepsLanes
               ? arith::SelectOp::create(b, loc, mask, result, acc).getResult()
               : result;
  }

  // Results of the lanes from `dims` on: what reductions over other loops leave, or the value.
  Value computeLanes(SmallVector<Value> dims, Value mask) {
    if (reductions.empty())
      return compute(dims, Value(), mask);
    return reduceLanes(dims, 0, read(op.getDpsInitOperand(0), dims, mask), mask);
  }

  Value reduceLanes(SmallVector<Value> dims, unsigned i, Value acc, Value mask) {
    if (i == reductions.size()) // Lanes beyond the end are never stored.
      return compute(dims, acc, mask, /*keepsLanes=*/false);
    return loop(c(0), sizes[reductions[i]], 1, acc, [&](Value iv, ValueRange args) {
      dims[reductions[i]] = iv;
      return SmallVector<Value>{reduceLanes(dims, i + 1, args[0], mask)};
    })[0];
  }

  // The part of a loop that is less than a vector: how much, and which lanes.
  struct Rest {
    Value count, mask;
    std::optional<int64_t> known;
  };
  Rest getRest(unsigned d, Value from, Value to) {
    int64_t size = op.getStaticLoopRanges()[d];
    Rest rest;
    if (!ShapedType::isDynamic(size))
      rest.known = size % lanes;
    rest.count = rest.known ? c(*rest.known) : arith::SubIOp::create(b, loc, to, from).getResult();
    rest.mask =
        vector::CreateMaskOp::create(b, loc, VectorType::get(lanes, b.getI1Type()), rest.count);
    return rest;
  }
  void ifLess(Value x, Value y, llvm::function_ref<void()> body) {
    auto branch =
        scf::IfOp::create(b, loc, arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    body();
  }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }

  // Results of a strip, [from, to) along each of its rows: squares one below the other, then
  // along the rows.
  void buildStrip(SmallVector<Value> dims, Value from, Value whole, Value to) {
    int64_t height = op.getStaticLoopRanges()[*turned], width = op.getStaticLoopRanges()[last];
    Value first = mul(dims[*turned], c(kStrip)), end = add(first, c(kStrip));
    end = arith::MinSIOp::create(b, loc, end, sizes[*turned]);
    Value middle =
        add(first,
            mul(arith::DivUIOp::create(b, loc, arith::SubIOp::create(b, loc, end, first), c(lanes)),
                c(lanes)));
    auto column = [&](Value at, const Rest &right) {
      dims[last] = at;
      loop(first, middle, lanes, ValueRange(), [&](Value row, ValueRange) {
        dims[*turned] = row;
        buildSquare(dims, Rest(), right);
        return SmallVector<Value>();
      });
      if (!ShapedType::isDynamic(height) && height % lanes == 0)
        return;
      ifLess(middle, end, [&] {
        dims[*turned] = middle;
        buildSquare(dims, getRest(*turned, middle, end), right);
      });
    };
    if (ShapedType::isDynamic(width) || width >= lanes)
      loop(from, whole, lanes, ValueRange(), [&](Value at, ValueRange) {
        column(at, Rest());
        return SmallVector<Value>();
      });
    if (ShapedType::isDynamic(width) || width % lanes)
      ifLess(whole, to, [&] { column(whole, getRest(last, whole, to)); });
  }

  // A square of results, of which there may be fewer rows and columns.
  void buildSquare(SmallVector<Value> dims, const Rest &below, const Rest &right) {
    SmallVector<std::pair<Value, SmallVector<Value>>> operands;
    for (OpOperand *input : op.getDpsInputOperands()) {
      Value arg = op.getMatchingBlockArgument(input);
      AffineMap map = op.getMatchingIndexingMap(input);
      if (arg.use_empty() || !map.isFunctionOfDim(last) ||
          map.getResults().back() != getAffineDimExpr(*turned, op.getContext()))
        continue;
      SmallVector<Value> columns;
      VectorType type = getVectorType(input);
      for (int64_t i = 0; i < lanes; ++i) {
        // What stands in for columns past the end is not stored.
        if (right.known && i >= *right.known) {
          columns.push_back(columns.front());
          continue;
        }
        SmallVector<Value> at(dims);
        at[last] = add(dims[last], c(i));
        if (right.mask && !right.known)
          at[last] = arith::MinSIOp::create(b, loc, at[last],
                                            arith::SubIOp::create(b, loc, sizes[last], c(1)));
        at = indices(input, at);
        if (below.mask)
          columns.push_back(
              vector::MaskedLoadOp::create(b, loc, type, input->get(), at, below.mask,
                                           arith::ConstantOp::create(b, loc, b.getZeroAttr(type))));
        else
          columns.push_back(vector::LoadOp::create(b, loc, type, input->get(), at));
      }
      operands.push_back({arg, transposeSquare(b, loc, columns)});
    }
    Value row = dims[*turned];
    for (int64_t i = 0; i < below.known.value_or(lanes); ++i) {
      auto buildRow = [&] {
        dims[*turned] = add(row, c(i));
        for (auto &[arg, vectors] : operands)
          loaded[arg] = vectors[i];
        store(dims, compute(dims, Value(), right.mask), right.mask, right.count);
      };
      if (below.mask && !below.known)
        ifLess(c(i), below.count, buildRow);
      else
        buildRow();
    }
    for (auto &[arg, vectors] : operands)
      loaded.erase(arg);
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
  std::optional<unsigned> turned;
  bool acrossLanes, hasFMA;
  SmallVector<unsigned> rows,
      reductions; // All loops but the last, and its own if it reduces.
  SmallVector<Value> sizes;
  // Operands that are in registers already, by their arguments.
  DenseMap<Value, Value> loaded;
  DenseMap<Value, Quotient> divisors;
  RowLoads rowLoads;
  IRMapping rowIndices;
};
} // namespace

Value terse::countLoopItems(OpBuilder &b, linalg::GenericOp op, const VectorLoop &shape) {
  return LoopBuilder(b, op, shape).countItems();
}

Value terse::countLoopWork(OpBuilder &b, linalg::GenericOp op, const VectorLoop &shape) {
  return LoopBuilder(b, op, shape).countWork();
}

void terse::buildVectorLoop(OpBuilder &b, linalg::GenericOp op, const VectorLoop &shape,
                            Value begin, Value end) {
  LoopBuilder(b, op, shape).build(begin, end);
}
