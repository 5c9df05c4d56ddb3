//===- InterpretPass.cpp - Run a module's functions -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Reference/Interpreter.h"
#include "terse/Reference/Passes.h"

namespace terse {
#define GEN_PASS_DEF_INTERPRETPASS
#include "terse/Reference/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {

struct InterpretPass : terse::impl::InterpretPassBase<InterpretPass> {
  using Base::Base;

  void runOnOperation() override {
    InterpreterOptions options;
    options.f64Accumulation = f64Accumulation;
    Interpreter interpreter(getOperation(), options);
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isDeclaration() || function.getNumArguments() != 0)
        continue;
      ++numFunctions;
      auto results = interpreter.call(function, {});
      if (results)
        continue;
      // The other functions are run all the same: one report shows every failure.
      terse::emitError(results.takeError(), function.getLoc());
      signalPassFailure();
    }
    markAllAnalysesPreserved();
  }
};

} // namespace
