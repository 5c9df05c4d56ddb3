//===- TabulateBytes.cpp - Functions of one byte as tables ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Static quantization rounds between all layers: an activation, a scale and an offset behind a
// convolution become lookups and fixed arithmetic on one byte after the other. Whatever it is, it
// is a function of the first of these bytes.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "terse/Codegen/CPU/Passes.h"

namespace terse {
#define GEN_PASS_DEF_TABULATEBYTESPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

// Entries of a table, and the work from which one is faster than what it stands for. In vectors a
// lookup takes about as long as this many simple operations.
static constexpr int64_t kEntries = 256, kWorthwhile = 12;
static constexpr int64_t kDivision = 8;

namespace {
using Entries = std::vector<Attribute>;

// What the elements of one linalg op are computed from.
class Body {
public:
  explicit Body(Block &block) : block(block) {}

  // Replaces what is worth it; the number of lookups made.
  int64_t run() {
    for (BlockArgument arg : block.getArguments())
      if (isByte(arg))
        roots[arg] = arg;
    SmallVector<Operation *> ops;
    for (Operation &op : block.without_terminator()) {
      visit(op);
      ops.push_back(&op);
    }
    int64_t made = 0;
    // The last first: what only leads to a lookup needs none.
    for (Operation *op : llvm::reverse(ops)) {
      if (!isOpTriviallyDead(op) && isWorthwhile(*op) && replace(*op))
        ++made;
      if (isOpTriviallyDead(op))
        op->erase();
    }
    return made;
  }

private:
  static bool isByte(Value v) { return v.getType().isInteger(8); }

  // Ops whose value for known operands is known here exactly as it is computed.
  static bool isExact(Operation &op) {
    if (op.getNumResults() != 1 || op.getNumRegions() != 0)
      return false;
    return isa<arith::ArithDialect>(op.getDialect()) ||
           isa<math::RoundEvenOp, math::AbsFOp, math::FloorOp, math::CeilOp, tensor::ExtractOp,
               cpu::LookupOp>(op);
  }

  static bool isTable(Operation &op) {
    return isa<tensor::ExtractOp>(op) && matchPattern(op.getOperand(0), m_Constant());
  }

  // The byte that `op` is a function of, and the work since.
  void visit(Operation &op) {
    if (op.getNumResults() != 1)
      return;
    Value result = op.getResult(0), root;
    int64_t cost = isTable(op)                                              ? kWorthwhile
                   : isa<arith::DivFOp, arith::DivSIOp, arith::RemSIOp>(op) ? kDivision
                                                                            : 1;
    bool one = isExact(op);
    for (Value v : op.getOperands()) {
      if (!one || matchPattern(v, m_Constant()))
        continue;
      Value from = roots.lookup(v);
      one = from && (!root || root == from);
      root = from;
      cost += costs.lookup(v);
    }
    if (one && root) {
      roots[result] = root;
      costs[result] = std::min(cost, kWorthwhile);
    } else if (isByte(result)) {
      roots[result] = result;
    }
  }

  bool isWorthwhile(Operation &op) const {
    if (op.getNumResults() != 1 || (!isByte(op.getResult(0)) && !isTable(op)))
      return false;
    Value result = op.getResult(0), root = roots.lookup(result);
    Type type = result.getType();
    if (!type.isInteger(8) && !type.isInteger(16) && !type.isInteger(32) && !type.isF32())
      return false;
    return root && root != result && costs.lookup(result) >= kWorthwhile;
  }

  // The value of `v` for every value of its root; nothing if some is unknown.
  const Entries *evaluate(Value v) {
    std::unique_ptr<Entries> &kept = values[v];
    if (kept)
      return kept->empty() ? nullptr : kept.get();
    Entries entries;
    Builder b(v.getContext());
    Attribute constant;
    if (matchPattern(v, m_Constant(&constant))) {
      entries.assign(kEntries, constant);
    } else if (roots.lookup(v) == v) {
      for (int64_t i = 0; i < kEntries; ++i)
        entries.push_back(b.getIntegerAttr(v.getType(), APInt(8, i)));
    } else {
      entries = fold(v.getDefiningOp());
    }
    // Not `kept`: what was found on the way may have moved it.
    Entries *stored = (values[v] = std::make_unique<Entries>(std::move(entries))).get();
    return stored->empty() ? nullptr : stored;
  }

  Entries fold(Operation *op) {
    for (Value v : op->getOperands())
      if (!evaluate(v))
        return {};
    SmallVector<const Entries *> operands;
    for (Value v : op->getOperands())
      operands.push_back(evaluate(v));
    // Folding may change the op.
    Operation *copy = op->clone();
    Entries entries;
    SmallVector<Attribute> in(operands.size());
    for (int64_t i = 0; i < kEntries; ++i) {
      for (auto [attr, list] : llvm::zip(in, operands))
        attr = (*list)[i];
      SmallVector<OpFoldResult, 1> out;
      if (failed(copy->fold(in, out)) || out.size() != 1)
        break;
      Attribute result = dyn_cast<Attribute>(out[0]);
      for (auto [v, attr] : llvm::zip(copy->getOperands(), in))
        if (out[0] == OpFoldResult(v))
          result = attr;
      if (!result)
        break;
      entries.push_back(result);
    }
    copy->destroy();
    if (int64_t(entries.size()) != kEntries)
      entries.clear();
    return entries;
  }

  bool replace(Operation &op) {
    Value result = op.getResult(0);
    const Entries *entries = evaluate(result);
    if (!entries || !llvm::all_of(*entries, [&](Attribute a) {
          return cast<TypedAttr>(a).getType() == result.getType();
        }))
      return false;
    OpBuilder b(&op);
    auto table = DenseElementsAttr::get(RankedTensorType::get(kEntries, result.getType()),
                                        ArrayRef<Attribute>(*entries));
    Value lookup =
        cpu::LookupOp::create(b, op.getLoc(), result.getType(), roots.lookup(result), table);
    result.replaceAllUsesWith(lookup);
    return true;
  }

  Block &block;
  DenseMap<Value, Value> roots;
  DenseMap<Value, int64_t> costs;
  DenseMap<Value, std::unique_ptr<Entries>> values;
};

struct TabulateBytesPass : terse::impl::TabulateBytesPassBase<TabulateBytesPass> {
  void runOnOperation() override {
    getOperation().walk([&](linalg::GenericOp op) {
      if (op.hasPureTensorSemantics())
        numLookups += Body(*op.getBody()).run();
    });
  }
};
} // namespace
