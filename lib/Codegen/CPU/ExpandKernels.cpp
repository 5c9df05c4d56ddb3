//===- ExpandKernels.cpp - Kernels as functions ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KernelBuilder.h"
#include "Outline.h"
#include "ProductKernel.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
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

  void call(OpBuilder &b, OutlinedFunctions &functions, func::FuncOp function, linalg::GenericOp op,
            const ContractionShape &shape, Value count) {
    if (isParallel(shape))
      function = functions.getParallel(function);
    SmallVector<Value> args(op->getOperands());
    args.append({arith::ConstantIndexOp::create(b, op.getLoc(), 0), count});
    func::CallOp::create(b, op.getLoc(), function, args);
  }

  void emitUnpacked(OpBuilder &b, OutlinedFunctions &functions, linalg::GenericOp op,
                    const ContractionShape &shape) {
    KernelTarget target{vectorBytes, hasFMA};
    KernelTiles tiles = chooseTiles(op, shape, target);
    func::FuncOp function = functions.get(
        op, op->getOperandTypes(),
        [&](OpBuilder &inner, Operation *inside, Value begin, Value end) {
          buildKernel(inner, cast<linalg::GenericOp>(inside), shape, tiles, target, begin, end);
        });
    Value count = arith::ConstantIndexOp::create(b, op.getLoc(), 1);
    for (Value extent : getOuterExtents(b, op, shape, tiles))
      count = arith::MulIOp::create(b, op.getLoc(), count, extent);
    call(b, functions, function, op, shape, count);
  }

  void emitProduct(OpBuilder &b, OutlinedFunctions &products, OutlinedFunctions &functions,
                   linalg::GenericOp op, const ContractionShape &shape) {
    KernelTarget target{vectorBytes, hasFMA};
    func::FuncOp function = products.get(
        op, op->getOperandTypes(),
        [&](OpBuilder &inner, Operation *inside, Value begin, Value end) {
          buildProductKernel(inner, cast<linalg::GenericOp>(inside), shape, target, begin, end);
        });
    auto packed = [&] { call(b, products, function, op, shape, countProductItems(b, op, shape)); };
    std::optional<ContractionShape> other = analyzeUnpacked(op);
    if (!ShapedType::isDynamic(op.getStaticLoopRanges()[shape.scalarDim]) || !other)
      return packed();
    // Few rows read the other operand where it lies.
    Location loc = op.getLoc();
    SmallVector<Range> ranges = cast<linalg::LinalgOp>(op.getOperation()).createLoopRanges(b, loc);
    Value rows = getValueOrCreateConstantIndexOp(b, loc, ranges[shape.scalarDim].size);
    Value least = arith::ConstantIndexOp::create(b, loc, kMinProductRows);
    Value pays = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, rows, least);
    auto branch = scf::IfOp::create(b, loc, pays, /*withElseRegion=*/true);
    b.setInsertionPointToStart(branch.thenBlock());
    packed();
    b.setInsertionPointToStart(branch.elseBlock());
    emitUnpacked(b, functions, op, *other);
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<linalg::GenericOp> ops;
    module.walk([&](linalg::GenericOp op) {
      if (op->hasAttr(cpu::kKernelAttr))
        ops.push_back(op);
    });
    OutlinedFunctions functions(module, "kernel_"), products(module, "product_");
    for (linalg::GenericOp op : ops) {
      auto kernel = dyn_cast<cpu::KernelAttr>(op->getAttr(cpu::kKernelAttr));
      std::optional<ContractionShape> shape =
          kernel ? analyzeContraction(op, kernel.getValue()) : std::nullopt;
      if (!shape) {
        op.emitOpError("expected a contraction that kernel ")
            << op->getAttr(cpu::kKernelAttr) << " can compute";
        return signalPassFailure();
      }
      OpBuilder b(op);
      if (shape->kernel == cpu::Kernel::Product)
        emitProduct(b, products, functions, op, *shape);
      else
        emitUnpacked(b, functions, op, *shape);
      op.erase();
    }
  }
};
} // namespace
