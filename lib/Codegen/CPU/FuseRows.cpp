//===- FuseRows.cpp - Reductions of rows and what they feed ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Softmax, norms and the quantization of rows are several passes over a tensor whose rows do not
// know of each other. Row by row, what one pass writes is still in the nearest cache when the next
// one reads it.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "terse/Codegen/CPU/Passes.h"
#include "llvm/ADT/SetVector.h"

namespace terse {
#define GEN_PASS_DEF_FUSEROWSPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

// Fewer rows leave threads without work; longer ones leave the cache.
static constexpr int64_t kMinRows = 8, kMaxRowElements = 1 << 15;

// Whether the outer of at most two loops runs over rows: the first dimension of every operand that
// has rows, and of the result.
static bool isRowOp(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics() || op->getNumResults() != 1 || op.getNumLoops() == 0 ||
      op.getNumLoops() > 2 || !isa<linalg::GenericOp, linalg::FillOp>(op.getOperation()) ||
      op.hasIndexSemantics() || op.getIteratorTypesArray()[0] != utils::IteratorType::parallel)
    return false;
  AffineExpr row = getAffineDimExpr(0, op.getContext());
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    bool hasRows = map.isFunctionOfDim(0);
    if (op.isDpsInit(&operand) && !hasRows)
      return false;
    if (!hasRows)
      continue;
    if (map.getResult(0) != row)
      return false;
    for (AffineExpr e : map.getResults().drop_front())
      if (e.isFunctionOfDim(0))
        return false;
  }
  // Values from outside of the body may depend on other rows.
  return llvm::all_of(op->getRegion(0).front().without_terminator(), [&](Operation &inner) {
    return inner.getNumRegions() == 0 && isPure(&inner) &&
           llvm::all_of(inner.getOperands(), [&](Value v) {
             return v.getParentRegion() == &op->getRegion(0) ||
                    v.getDefiningOp<arith::ConstantOp>();
           });
  });
}

static bool readsRows(OpOperand &operand) {
  auto op = dyn_cast<linalg::LinalgOp>(operand.getOwner());
  return op && isRowOp(op) && op.getMatchingIndexingMap(&operand).isFunctionOfDim(0);
}

static bool isReduction(Operation *op) { return cast<linalg::LinalgOp>(op).getNumReductionLoops(); }

static int64_t countElements(Value v) {
  auto type = cast<RankedTensorType>(v.getType());
  return type.hasStaticShape() ? type.getNumElements() : ShapedType::kDynamic;
}

namespace {
// Row ops of one block that become one loop over rows, at the place of the last of them.
class Group {
public:
  explicit Group(const DenseMap<Operation *, unsigned> &position) : position(position) {}

  bool contains(Operation *op) const { return members.contains(op); }
  ArrayRef<Operation *> getMembers() const { return members.getArrayRef(); }
  ArrayRef<Operation *> getFollowers() const { return followers; }

  // Adds `op` unless members would read all rows of each other, or something in between would have
  // to run both before and after the loop.
  bool add(Operation *op) {
    members.insert(op);
    if (readRowsOnly() && findFollowers())
      return true;
    members.remove(op);
    findFollowers();
    return false;
  }

  void sort() {
    SmallVector<Operation *> order = members.takeVector();
    llvm::sort(order, [&](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    members.insert(order.begin(), order.end());
  }

private:
  bool readRowsOnly() const {
    return llvm::all_of(members, [&](Operation *op) {
      return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
        Operation *producer = operand.get().getDefiningOp();
        return !producer || !members.contains(producer) || readsRows(operand);
      });
    });
  }

  // Collects the ops between the first and the last member that need results of members.
  bool findFollowers() {
    followers.clear();
    auto compare = [&](Operation *a, Operation *b) { return position.at(a) < position.at(b); };
    Operation *first = *llvm::min_element(members, compare);
    Operation *end = (*llvm::max_element(members, compare))->getNextNode();
    DenseSet<Operation *> after;
    auto needs = [](Operation *op, auto isProducer) {
      return op
          ->walk([&](Operation *inner) {
            bool found = llvm::any_of(inner->getOperands(), [&](Value v) {
              return v.getDefiningOp() && isProducer(v.getDefiningOp());
            });
            return found ? WalkResult::interrupt() : WalkResult::advance();
          })
          .wasInterrupted();
    };
    for (Operation *op = first; op != end; op = op->getNextNode()) {
      bool follows = needs(op, [&](Operation *producer) { return after.contains(producer); });
      if (members.contains(op)) {
        if (follows)
          return false;
        continue;
      }
      if (!follows && !needs(op, [&](Operation *producer) { return members.contains(producer); }))
        continue;
      if (!isMemoryEffectFree(op))
        return false;
      after.insert(op);
      followers.push_back(op);
    }
    return true;
  }

  const DenseMap<Operation *, unsigned> &position;
  llvm::SetVector<Operation *> members;
  SmallVector<Operation *> followers;
};

// Builds the loop of a group.
class RowLoop {
public:
  RowLoop(const Group &group, OpBuilder &b) : group(group), b(b) {}

  void build() {
    auto last = cast<linalg::LinalgOp>(group.getMembers().back());
    loc = last.getLoc();
    b.setInsertionPointAfter(last);
    OpFoldResult count = tensor::getMixedSize(b, loc, getOrigin(last.getDpsInits()[0]), 0);
    SmallVector<Value> inits;
    for (Operation *op : group.getMembers())
      if (!llvm::all_of(op->getUsers(), [&](Operation *user) { return group.contains(user); })) {
        outputs.push_back(op);
        inits.push_back(getInit(cast<linalg::LinalgOp>(op)));
      }
    auto loop = scf::ForallOp::create(b, loc, ArrayRef<OpFoldResult>{count}, inits, std::nullopt);
    for (auto [op, result] : llvm::zip(outputs, loop.getResults()))
      op->getResult(0).replaceUsesWithIf(
          result, [&](OpOperand &use) { return !group.contains(use.getOwner()); });
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(loop.getTerminator());
      row = loop.getInductionVar(0);
      for (auto [op, arg] : llvm::zip(outputs, loop.getRegionIterArgs()))
        destination[op] = arg;
      for (Operation *op : group.getMembers())
        addRow(cast<linalg::LinalgOp>(op));
      for (Operation *op : outputs) {
        Value into = destination[op];
        Slice s = getSlice(into);
        OpBuilder::InsertionGuard inner(b);
        b.setInsertionPointToEnd(loop.getTerminator().getBody());
        tensor::ParallelInsertSliceOp::create(b, loc, mapping.lookup(op->getResult(0)), into,
                                              s.offsets, s.sizes, s.strides);
      }
    }
    Operation *place = loop;
    for (Operation *op : group.getFollowers()) {
      op->moveAfter(place);
      place = op;
    }
    for (Operation *op : llvm::reverse(group.getMembers()))
      op->erase();
  }

private:
  // What members started from that have led to `v`: a tensor of its type from outside.
  Value getOrigin(Value v) {
    while (Operation *producer = v.getDefiningOp()) {
      if (!group.contains(producer))
        break;
      v = cast<linalg::LinalgOp>(producer).getDpsInits()[0];
    }
    return v;
  }

  // Where the rows of a result go. One tensor may stand for several results that nothing reads
  // before; these get one each.
  Value getInit(linalg::LinalgOp op) {
    OpOperand *init = op.getDpsInitOperand(0);
    Value origin = getOrigin(init->get());
    if (origin == init->get() && op.payloadUsesValueFromOperand(init))
      return origin;
    return tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, origin),
                                   getElementTypeOrSelf(origin));
  }

  struct Slice {
    RankedTensorType type;
    SmallVector<OpFoldResult> offsets, sizes, strides;
  };
  Slice getSlice(Value v) {
    auto type = cast<RankedTensorType>(v.getType());
    Slice slice;
    slice.type = RankedTensorType::get(type.getShape().drop_front(), type.getElementType());
    slice.offsets.assign(type.getRank(), b.getIndexAttr(0));
    slice.offsets[0] = row;
    slice.strides.assign(type.getRank(), b.getIndexAttr(1));
    for (int64_t d = 0; d < type.getRank(); ++d)
      slice.sizes.push_back(d ? tensor::getMixedSize(b, loc, v, d) : b.getIndexAttr(1));
    return slice;
  }
  Value extractRow(Value v) {
    Slice s = getSlice(v);
    return tensor::ExtractSliceOp::create(b, loc, s.type, v, s.offsets, s.sizes, s.strides);
  }
  Value getRow(linalg::LinalgOp op, OpOperand &operand) {
    Value v = operand.get();
    if (Value made = mapping.lookupOrNull(v))
      return made;
    if (op.isDpsInit(&operand)) {
      if (Value into = destination.lookup(op))
        return extractRow(into);
      // Results that nothing outside needs lie in a row of their own.
      if (!op.payloadUsesValueFromOperand(&operand)) {
        Slice s = getSlice(v);
        return tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>(s.sizes).drop_front(),
                                       s.type.getElementType());
      }
    }
    return op.getMatchingIndexingMap(&operand).isFunctionOfDim(0) ? extractRow(v) : v;
  }

  void addRow(linalg::LinalgOp op) {
    SmallVector<Value> operands;
    for (OpOperand &operand : op->getOpOperands())
      operands.push_back(getRow(op, operand));
    unsigned numInputs = op.getNumDpsInputs();
    ValueRange inputs = ValueRange(operands).take_front(numInputs);
    Value init = operands.back();
    if (isa<linalg::FillOp>(op.getOperation())) {
      mapping.map(op->getResult(0), linalg::FillOp::create(b, loc, inputs, init).getResult(0));
      return;
    }
    SmallVector<AffineExpr> dims(op.getNumLoops());
    for (unsigned d = 1; d < op.getNumLoops(); ++d)
      dims[d] = b.getAffineDimExpr(d - 1);
    dims[0] = b.getAffineConstantExpr(0);
    SmallVector<AffineMap> maps;
    for (AffineMap map : op.getIndexingMapsArray()) {
      ArrayRef<AffineExpr> exprs = map.getResults();
      if (map.isFunctionOfDim(0))
        exprs = exprs.drop_front();
      SmallVector<AffineExpr> rest;
      for (AffineExpr e : exprs)
        rest.push_back(e.replaceDims(dims));
      maps.push_back(AffineMap::get(op.getNumLoops() - 1, 0, rest, b.getContext()));
    }
    SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
    auto made = linalg::GenericOp::create(b, op.getLoc(), init.getType(), inputs, init, maps,
                                          ArrayRef(iterators).drop_front());
    IRMapping body;
    op->getRegion(0).cloneInto(&made.getRegion(), body);
    mapping.map(op->getResult(0), made.getResult(0));
  }

  const Group &group;
  OpBuilder &b;
  Location loc = UnknownLoc::get(b.getContext());
  SmallVector<Operation *> outputs;
  DenseMap<Operation *, Value> destination;
  IRMapping mapping;
  Value row;
};

struct FuseRowsPass : terse::impl::FuseRowsPassBase<FuseRowsPass> {
  using FuseRowsPassBase::FuseRowsPassBase;

  // The reduction, what it is made of, and what follows from it, row by row.
  static void grow(Group &group, Operation *op) {
    if (!group.add(op))
      return;
    auto linalgOp = cast<linalg::LinalgOp>(op);
    for (OpOperand &operand : op->getOpOperands()) {
      Operation *producer = operand.get().getDefiningOp();
      auto row = dyn_cast_or_null<linalg::LinalgOp>(producer);
      if (row && producer->getBlock() == op->getBlock() && !group.contains(producer) &&
          linalgOp.getMatchingIndexingMap(&operand).isFunctionOfDim(0) && isRowOp(row))
        grow(group, producer);
    }
    for (OpOperand &use : op->getUses())
      if (use.getOwner()->getBlock() == op->getBlock() && !group.contains(use.getOwner()) &&
          readsRows(use))
        grow(group, use.getOwner());
  }

  // Whether rows are worth a loop: several passes over more than the nearest cache holds, in rows
  // that fit it.
  bool pays(const Group &group) const {
    int64_t passes = 0, elements = 0;
    bool reduces = false;
    for (Operation *op : group.getMembers()) {
      auto loops = cast<linalg::LinalgOp>(op);
      SmallVector<int64_t> ranges = loops.getStaticLoopRanges();
      if (!ShapedType::isDynamic(ranges[0]) && ranges[0] < kMinRows)
        return false;
      if (ranges.size() > 1 && ranges[1] > kMaxRowElements)
        return false;
      reduces |= isReduction(op);
      if (ranges.size() < 2 || isa<linalg::FillOp>(op))
        continue;
      ++passes;
      for (OpOperand &operand : op->getOpOperands())
        if (int64_t n = countElements(operand.get()); ShapedType::isDynamic(n))
          elements = minElements;
        else
          elements = std::max(elements, n);
    }
    return reduces && passes > 1 && elements >= minElements;
  }

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isDeclaration())
      return;
    SmallVector<Operation *> seeds;
    func.walk([&](linalg::LinalgOp op) {
      if (isRowOp(op) && op.getNumReductionLoops())
        seeds.push_back(op);
    });
    DenseSet<Operation *> done;
    OpBuilder b(func);
    for (Operation *seed : seeds) {
      if (done.contains(seed))
        continue;
      DenseMap<Operation *, unsigned> position;
      for (auto [i, op] : llvm::enumerate(*seed->getBlock()))
        position[&op] = i;
      Group group(position);
      grow(group, seed);
      group.sort();
      done.insert(group.getMembers().begin(), group.getMembers().end());
      if (!pays(group))
        continue;
      RowLoop(group, b).build();
      ++numGroups;
    }
  }
};
} // namespace
