//===- VerifyIntegerGraph.cpp - Is a graph integer throughout? --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Interfaces/CallInterfaces.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"

namespace terse {
#define GEN_PASS_DEF_VERIFYINTEGERGRAPHPASS
#include "terse/Dialect/Terse/Transforms/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {

struct VerifyIntegerGraphPass : terse::impl::VerifyIntegerGraphPassBase<VerifyIntegerGraphPass> {
  using VerifyIntegerGraphPassBase::VerifyIntegerGraphPassBase;

  void runOnOperation() override {
    bool ok = true;
    getOperation().walk([&](EncodeOp encode) {
      Operation *producer = encode.getInput().getDefiningOp();
      if (!producer || isa<CallOpInterface>(producer)) // Comes from elsewhere.
        return;
      ok = false;
      InFlightDiagnostic diagnostic =
          producer->emitOpError("computes in float what becomes integers again");
      diagnostic.attachNote(encode.getLoc()) << "encoded here";
    });
    if (!ok)
      signalPassFailure();
  }
};

} // namespace
