//===- LowerBF16Memory.cpp - bf16 in memory as integers -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Without instructions for bf16, LLVM takes vectors of it apart where a mask stands beside them or
// one of two is selected, and converts each element by calls of compiler-rt. All arithmetic has
// become that of integers by now: so does what is loaded and stored.

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"
#include "terse/Codegen/CPU/Passes.h"

namespace terse {
#define GEN_PASS_DEF_LOWERBF16MEMORYPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {
struct LowerBF16MemoryPass : terse::impl::LowerBF16MemoryPassBase<LowerBF16MemoryPass> {
  using LowerBF16MemoryPassBase::LowerBF16MemoryPassBase;

  void runOnOperation() override {
    IRRewriter b(&getContext());
    auto getWords = [&](Type type) -> Type {
      auto vector = dyn_cast<VectorType>(type);
      return vector ? Type(vector.clone(b.getI16Type())) : b.getI16Type();
    };
    auto useWords = [&](OpOperand &operand) {
      Value v = operand.get();
      if (getElementTypeOrSelf(v.getType()).isBF16())
        operand.set(LLVM::BitcastOp::create(b, v.getLoc(), getWords(v.getType()), v));
    };
    auto giveWords = [&](Value v) {
      Type type = v.getType();
      if (!getElementTypeOrSelf(type).isBF16())
        return;
      v.setType(getWords(type));
      b.setInsertionPointAfter(v.getDefiningOp());
      auto back = LLVM::BitcastOp::create(b, v.getLoc(), type, v);
      v.replaceAllUsesExcept(back, back);
    };
    getOperation()->walk([&](Operation *op) {
      b.setInsertionPoint(op);
      if (auto store = dyn_cast<LLVM::StoreOp>(op)) {
        useWords(store.getValueMutable());
      } else if (auto store = dyn_cast<LLVM::MaskedStoreOp>(op)) {
        useWords(store.getValueMutable());
      } else if (auto load = dyn_cast<LLVM::LoadOp>(op)) {
        giveWords(load.getRes());
      } else if (auto load = dyn_cast<LLVM::MaskedLoadOp>(op)) {
        for (OpOperand &other : load.getPassThruMutable())
          useWords(other);
        giveWords(load.getRes());
      }
    });
  }
};
} // namespace
