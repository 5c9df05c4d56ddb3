//===- IntegerGraph.cpp - Compute on statically encoded tensors -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One op at a time, in program order: an op whose data are integers with known
// scales is replaced, together with the clamps behind it and the encode that
// they lead to, by integer ops that end in an assemble. So the next op finds its
// data stored already.
//
//===----------------------------------------------------------------------===//

#include "Converter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"

namespace terse {
#define GEN_PASS_DEF_INTEGERGRAPHPASS
#include "terse/Dialect/Terse/Transforms/Passes.h.inc"
} // namespace terse

#define DEBUG_TYPE "terse-integer-graph"

using namespace mlir;
using namespace terse;
using namespace terse::integer;

namespace {

struct IntegerGraphPass : terse::impl::IntegerGraphPassBase<IntegerGraphPass> {
  using IntegerGraphPassBase::IntegerGraphPassBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      for (Block &block : function.getBody())
        convert(block);
  }

  void convert(Block &block) {
    SmallVector<Operation *> ops;
    for (Operation &op : block)
      if (isa<nn::ContractionLike, nn::Quantizable>(op))
        ops.push_back(&op);
    llvm::DenseSet<Operation *> gone; // Converting an op erases the clamps behind it.
    bool changed = false;
    for (Operation *op : ops) {
      if (gone.contains(op) || op->use_empty())
        continue;
      Converter converter(op, fixedPoint);
      if (!converter.isCandidate())
        continue;
      std::string reason;
      Location loc = op->getLoc();
      if (failed(converter.convert(reason))) {
        ++numKept;
        remark::missed(loc, remark::RemarkOpts::name("float").category(DEBUG_TYPE)) << reason;
        continue;
      }
      ++numConverted;
      changed = true;
      gone.insert_range(converter.getErased());
    }
    if (!changed)
      return;
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (isOpTriviallyDead(&op))
        op.erase();
  }
};

} // namespace
