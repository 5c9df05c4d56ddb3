//===- ExpandKernels.cpp - Kernels as functions ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KernelBuilder.h"
#include "Outline.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "terse/Codegen/CPU/Passes.h"

namespace terse {
#define GEN_PASS_DEF_EXPANDKERNELSPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {
struct ExpandKernelsPass : terse::impl::ExpandKernelsPassBase<ExpandKernelsPass> {
  using ExpandKernelsPassBase::ExpandKernelsPassBase;

  bool isParallel(const ContractionShape &shape) const {
    return parallelWork >= 0 && (ShapedType::isDynamic(shape.work) || shape.work >= parallelWork);
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    KernelTarget target{vectorBytes, hasFMA};
    SmallVector<linalg::GenericOp> ops;
    module.walk([&](linalg::GenericOp op) {
      if (op->hasAttr(cpu::kKernelAttr))
        ops.push_back(op);
    });
    OutlinedFunctions functions(module, "kernel_");
    for (linalg::GenericOp op : ops) {
      auto kernel = dyn_cast<cpu::KernelAttr>(op->getAttr(cpu::kKernelAttr));
      std::optional<ContractionShape> shape =
          kernel ? analyzeContraction(op, kernel.getValue()) : std::nullopt;
      if (!shape) {
        op.emitOpError("expected a contraction that kernel ")
            << op->getAttr(cpu::kKernelAttr) << " can compute";
        return signalPassFailure();
      }
      KernelTiles tiles = chooseTiles(op, *shape, target);
      Location loc = op.getLoc();
      OpBuilder b(op);
      func::FuncOp function = functions.get(
          op, op->getOperandTypes(),
          [&](OpBuilder &inner, Operation *inside, Value begin, Value end) {
            buildKernel(inner, cast<linalg::GenericOp>(inside), *shape, tiles, target, begin, end);
          });
      if (isParallel(*shape))
        function = functions.getParallel(function);
      SmallVector<Value> args(op->getOperands());
      Value count = arith::ConstantIndexOp::create(b, loc, 1);
      for (Value extent : getOuterExtents(b, op, *shape, tiles))
        count = arith::MulIOp::create(b, loc, count, extent);
      args.push_back(arith::ConstantIndexOp::create(b, loc, 0));
      args.push_back(count);
      func::CallOp::create(b, loc, function, args);
      op.erase();
    }
  }
};
} // namespace
