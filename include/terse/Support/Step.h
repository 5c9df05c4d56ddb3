//===- Step.h - How far long work has got ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A pass that runs a model on many samples, or works on many layers, says so by actions of MLIR:
// whoever drives it (the terse command, another compiler) registers a handler in the context and
// shows them, or does not.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_SUPPORT_STEP_H
#define TERSE_SUPPORT_STEP_H

#include "mlir/IR/Action.h"
#include "mlir/IR/MLIRContext.h"

namespace terse {

/// One of several equal steps begins.
class StepAction : public mlir::tracing::ActionImpl<StepAction> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(StepAction)
  static constexpr llvm::StringLiteral tag = "terse-step";

  StepAction(llvm::ArrayRef<mlir::IRUnit> units, llvm::StringRef work, uint64_t index,
             uint64_t total)
      : ActionImpl(units), work(work), index(index), total(total) {}

  /// What is done, such as `running samples`.
  llvm::StringRef getWork() const { return work; }
  /// The number of this step, from 0, and how many there are.
  uint64_t getIndex() const { return index; }
  uint64_t getTotal() const { return total; }

  void print(llvm::raw_ostream &os) const override {
    os << work << " " << index + 1 << "/" << total;
  }

private:
  llvm::StringRef work;
  uint64_t index, total;
};

/// Says that a step begins. From any thread; costs nothing without a handler.
inline void beginStep(mlir::MLIRContext *context, llvm::StringRef work, uint64_t index,
                      uint64_t total) {
  context->executeAction<StepAction>([] {}, {}, work, index, total);
}

} // namespace terse

#endif // TERSE_SUPPORT_STEP_H
