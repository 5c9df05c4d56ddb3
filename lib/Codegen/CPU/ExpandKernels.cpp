//===- ExpandKernels.cpp - Kernels as functions ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KernelBuilder.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "terse/Codegen/CPU/Passes.h"
#include "llvm/ADT/StringMap.h"

namespace terse {
#define GEN_PASS_DEF_EXPANDKERNELSPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {
struct ExpandKernelsPass : terse::impl::ExpandKernelsPassBase<ExpandKernelsPass> {
  using ExpandKernelsPassBase::ExpandKernelsPassBase;

  // What two ops must share to share a function: everything but the operands' names.
  static std::string describe(linalg::GenericOp op, ArrayRef<Type> types) {
    std::string text;
    llvm::raw_string_ostream os(text);
    os << op->getAttrDictionary();
    for (Type type : types)
      os << ' ' << type;
    op.getRegion().front().walk([&](Operation *inner) {
      os << ' ' << inner->getName() << ' ' << inner->getAttrDictionary();
      for (Type type : inner->getResultTypes())
        os << ' ' << type;
      for (Value v : inner->getOperands()) {
        if (auto arg = dyn_cast<BlockArgument>(v))
          os << " a" << arg.getArgNumber();
        else
          os << " r" << std::distance(inner->getBlock()->begin(), v.getDefiningOp()->getIterator());
      }
    });
    return text;
  }

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
    llvm::StringMap<func::FuncOp> functions;
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
      SmallVector<Type> types(op->getOperandTypes());
      func::FuncOp &function = functions[describe(op, types)];
      if (!function) {
        types.append(2, b.getIndexType());
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(module.getBody());
        std::string name = ("kernel_" + llvm::Twine(functions.size() - 1)).str();
        function = func::FuncOp::create(b, loc, name, b.getFunctionType(types, {}));
        function.setPrivate();
        // Its code in place of the call would only make one large function of many.
        function->setAttr("passthrough", b.getArrayAttr(b.getStringAttr("noinline")));
        if (isParallel(*shape))
          function->setAttr(cpu::kParallelAttr, b.getUnitAttr());
        Block *block = function.addEntryBlock();
        b.setInsertionPointToStart(block);
        IRMapping mapping;
        mapping.map(op->getOperands(), block->getArguments().drop_back(2));
        auto inside = cast<linalg::GenericOp>(b.clone(*op, mapping));
        func::ReturnOp::create(b, loc);
        buildKernel(b, inside, *shape, tiles, target, block->getArguments().end()[-2],
                    block->getArguments().end()[-1]);
        inside.erase();
      }
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
