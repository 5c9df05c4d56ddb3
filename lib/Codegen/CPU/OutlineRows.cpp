//===- OutlineRows.cpp - Parallel loops as functions ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Outline.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"
#include "mlir/Transforms/RegionUtils.h"
#include "terse/Codegen/CPU/Passes.h"

namespace terse {
#define GEN_PASS_DEF_OUTLINEROWSPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

// Bytes of one buffer that may lie on the stack of a thread.
static constexpr int64_t kMaxStackBytes = 16 << 10;

// Iterations that stand for loops of open size.
static constexpr int64_t kOpenWork = 1024;

// Iterations of the loops inside, for one iteration.
static int64_t countWork(scf::ForallOp loop) {
  int64_t work = 1;
  loop.walk([&](linalg::LinalgOp op) {
    SmallVector<int64_t> ranges = op.getStaticLoopRanges();
    work += ShapedType::isDynamicShape(ranges) ? kOpenWork : ShapedType::getNumElements(ranges);
  });
  return work;
}

// Gives every call of the function its buffers once.
static void hoistBuffers(OpBuilder &b, scf::ForOp loop) {
  moveLoopInvariantCode(loop);
  for (auto alloc : llvm::make_early_inc_range(loop.getBody()->getOps<memref::AllocOp>())) {
    if (!llvm::all_of(alloc->getOperands(),
                      [&](Value v) { return loop.isDefinedOutsideOfLoop(v); }))
      continue;
    MemRefType type = alloc.getType();
    if (type.hasStaticShape() && type.getElementType().isIntOrFloat() &&
        type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8) <=
            kMaxStackBytes) {
      b.setInsertionPoint(loop);
      Value buffer = memref::AllocaOp::create(b, alloc.getLoc(), type, b.getI64IntegerAttr(64));
      alloc.replaceAllUsesWith(buffer);
      alloc.erase();
      continue;
    }
    alloc->moveBefore(loop);
  }
}

namespace {
struct OutlineRowsPass : terse::impl::OutlineRowsPassBase<OutlineRowsPass> {
  using OutlineRowsPassBase::OutlineRowsPassBase;

  // `name(captured..., begin, end)`; constants are not captured.
  func::FuncOp createFunction(OpBuilder &b, scf::ForallOp forall, ValueRange captured,
                              ArrayRef<Operation *> constants, StringRef name) {
    Location loc = forall.getLoc();
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(getOperation().getBody());
    SmallVector<Type> types(captured.getTypes());
    types.append(2, b.getIndexType());
    func::FuncOp function = createOutlinedFunction(b, loc, name, b.getFunctionType(types, {}));
    function->setAttr("passthrough", b.getArrayAttr(b.getStringAttr("noinline")));
    Block *block = function.addEntryBlock();
    b.setInsertionPointToStart(block);
    IRMapping mapping;
    mapping.map(captured, block->getArguments().drop_back(2));
    for (Operation *constant : constants)
      b.clone(*constant, mapping);
    Value begin = block->getArguments().end()[-2], end = block->getArguments().end()[-1];
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    auto loop = scf::ForOp::create(b, loc, begin, end, one);
    func::ReturnOp::create(b, loc);
    b.setInsertionPoint(loop.getBody()->getTerminator());
    mapping.map(forall.getInductionVar(0), loop.getInductionVar());
    for (Operation &op : forall.getBody()->without_terminator())
      b.clone(op, mapping);
    hoistBuffers(b, loop);
    return function;
  }

  // `function`, or an equal one that was there before.
  func::FuncOp share(func::FuncOp function) {
    std::string text;
    llvm::raw_string_ostream os(text);
    os << function.getFunctionType();
    for (Operation &op : function.getBody().front())
      op.print(os, OpPrintingFlags().useLocalScope());
    func::FuncOp &first = functions[text];
    if (!first)
      return first = function;
    function.erase();
    return first;
  }

  void outline(scf::ForallOp forall, OutlinedFunctions &outlined) {
    OpBuilder b(forall);
    Location loc = forall.getLoc();
    llvm::SetVector<Value> above;
    getUsedValuesDefinedAbove(forall.getRegion(), above);
    SmallVector<Value> args;
    SmallVector<Operation *> constants;
    for (Value v : above)
      if (Operation *op = v.getDefiningOp(); op && op->hasTrait<OpTrait::ConstantLike>())
        constants.push_back(op);
      else
        args.push_back(v);
    func::FuncOp function = share(createFunction(b, forall, args, constants,
                                                 ("rows_" + llvm::Twine(functions.size())).str()));
    Value count = getValueOrCreateConstantIndexOp(b, loc, forall.getMixedUpperBound()[0]);
    args.push_back(arith::ConstantIndexOp::create(b, loc, 0));
    args.push_back(count);
    int64_t perRow = countWork(forall);
    std::optional<int64_t> rows = getConstantIntValue(count);
    auto call = [&](func::FuncOp callee) { func::CallOp::create(b, loc, callee, args); };
    if (parallelWork < 0 || (rows && perRow * *rows < parallelWork)) {
      call(function);
    } else if (rows) {
      call(outlined.getParallel(function));
    } else {
      Value least = arith::ConstantIndexOp::create(b, loc, parallelWork / perRow);
      Value pays = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, count, least);
      auto branch = scf::IfOp::create(b, loc, pays, /*withElseRegion=*/true);
      b.setInsertionPointToStart(branch.thenBlock());
      call(outlined.getParallel(function));
      b.setInsertionPointToStart(branch.elseBlock());
      call(function);
    }
    forall.erase();
  }

  void runOnOperation() override {
    SmallVector<scf::ForallOp> loops;
    getOperation().walk([&](scf::ForallOp loop) {
      if (loop.getRank() == 1 && loop->getNumResults() == 0 && loop.isNormalized())
        loops.push_back(loop);
    });
    OutlinedFunctions outlined(getOperation(), "rows_");
    functions.clear();
    for (scf::ForallOp loop : loops)
      outline(loop, outlined);
  }

  llvm::StringMap<func::FuncOp> functions;
};
} // namespace
