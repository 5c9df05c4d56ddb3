//===- FormChains.cpp - Kernels of a chain, grouped -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Chain.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "terse/Codegen/CPU/Passes.h"

namespace terse {
#define GEN_PASS_DEF_FORMCHAINSPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// The memory that `v` is part of.
static Value getMemory(Value v) {
  while (auto view = v.getDefiningOp<ViewLikeOpInterface>())
    v = view.getViewSource();
  return v;
}

// The kernel that writes what `op` reads, if nothing else uses that.
static KernelOpInterface getBefore(KernelOpInterface op) {
  auto alloc = op.getLhs().getDefiningOp<memref::AllocOp>();
  if (!alloc || !alloc.getType().getLayout().isIdentity())
    return {};
  KernelOpInterface before;
  for (OpOperand &use : alloc->getUses()) {
    auto user = dyn_cast<KernelOpInterface>(use.getOwner());
    if (user == op && use.get() == op.getLhs() && use.getOperandNumber() == 0)
      continue;
    if (!user || before || user->getBlock() != op->getBlock() ||
        !cast<DestinationStyleOpInterface>(user.getOperation()).isDpsInit(&use))
      return {};
    before = user;
  }
  return before;
}

// The kernels of the chain that ends at `last`, the first one first; none if they cannot be
// grouped.
static SmallVector<KernelOpInterface> collect(KernelOpInterface last) {
  SmallVector<KernelOpInterface> kernels{last};
  while (int64_t(kernels.size()) < last.getChainAttr().getKernels()) {
    KernelOpInterface before = getBefore(kernels.back());
    if (!before || !before->isBeforeInBlock(kernels.back()))
      return {};
    kernels.push_back(before);
  }
  std::reverse(kernels.begin(), kernels.end());
  // The first ones move down to the last.
  for (Operation *op = kernels.front(); op != last; op = op->getNextNode())
    if (!llvm::is_contained(kernels, op) && !isa<memref::AllocOp>(op) && !isMemoryEffectFree(op))
      return {};
  // What a strip writes no other one may have to read.
  Value result = getMemory(last.getInit());
  if (!result.getDefiningOp<memref::AllocOp>())
    return {};
  for (KernelOpInterface kernel : ArrayRef(kernels).drop_back())
    for (Value v : kernel->getOperands())
      if (getMemory(v) == result)
        return {};
  if (getMemory(last.getRhs()) == result || getMemory(last.getLhs()) == result)
    return {};
  return kernels;
}

namespace {
struct FormChainsPass : terse::impl::FormChainsPassBase<FormChainsPass> {
  using FormChainsPassBase::FormChainsPassBase;

  void runOnOperation() override {
    if (slots < 1) {
      getOperation().emitError("expected one or more parts of the scratch in option slots (got ")
          << int64_t(slots) << ")";
      return signalPassFailure();
    }
    SmallVector<KernelOpInterface> lasts;
    getOperation().walk([&](KernelOpInterface op) {
      if (op.getChainAttr())
        lasts.push_back(op);
    });
    for (KernelOpInterface last : lasts) {
      SmallVector<KernelOpInterface> kernels = collect(last);
      int64_t rows = last.getChainAttr().getRows();
      // Equal kernels share code, wherever they stand.
      last.setChainAttr({});
      SmallVector<ChainStage> stages;
      for (KernelOpInterface kernel : kernels)
        if (std::optional<ChainStage> stage = ChainStage::get(kernel))
          stages.push_back(*stage);
      if (stages.empty() || stages.size() != kernels.size())
        continue;
      OpBuilder b(last);
      Location loc = last.getLoc();
      auto type = MemRefType::get({getScratchBytes(stages, rows, slots)}, b.getI8Type());
      Value scratch = memref::AllocOp::create(b, loc, type, b.getI64IntegerAttr(64));
      auto chain = ChainOp::create(b, loc, scratch, rows, slots);
      b.setInsertionPointToStart(b.createBlock(&chain.getBody()));
      EndOp::create(b, loc);
      Block &body = chain.getBody().front();
      b.setInsertionPointToStart(&body);
      for (KernelOpInterface kernel : ArrayRef(kernels).drop_back()) {
        auto alloc = kernel.getInit().getDefiningOp<memref::AllocOp>();
        Value buffer = memref::AllocaOp::create(b, loc, alloc.getType(), alloc.getDynamicSizes());
        alloc.replaceAllUsesWith(buffer);
        alloc.erase();
      }
      for (KernelOpInterface kernel : kernels)
        kernel->moveBefore(body.getTerminator());
      ++numChains;
    }
  }
};
} // namespace
