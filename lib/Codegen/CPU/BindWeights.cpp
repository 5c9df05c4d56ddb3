//===- BindWeights.cpp - Weights from one blob ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "EntryFunction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "terse/Codegen/CPU/Passes.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/Support/MathExtras.h"

namespace terse {
#define GEN_PASS_DEF_BINDWEIGHTSPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

SmallVector<WeightSlot> terse::computeWeightsLayout(ModuleOp module) {
  SmallVector<WeightSlot> layout;
  uint64_t offset = 0;
  for (auto global : module.getOps<ml_program::GlobalOp>()) {
    auto type = dyn_cast<RankedTensorType>(global.getType());
    std::optional<DType> dtype = type ? toDType(type.getElementType()) : std::nullopt;
    if (!dtype || !type.hasStaticShape())
      continue;
    WeightSlot slot;
    slot.symbol = global.getSymName().str();
    slot.offset = offset;
    if (auto fixed = global->getAttrOfType<IntegerAttr>(kWeightOffsetAttr))
      slot.offset = fixed.getInt();
    slot.bytes = getPackedBytes(*dtype, type.getNumElements());
    if (auto resource = dyn_cast_or_null<DenseResourceElementsAttr>(global.getValueAttr())) {
      if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
        slot.data = blob->getData();
    } else if (auto dense = dyn_cast_or_null<DenseElementsAttr>(global.getValueAttr())) {
      // MLIR's own layout of whole-byte elements is that of the blob; splats and bits are expanded
      // by writeWeights.
      if (!dense.isSplat() && dense.getRawData().size() == slot.bytes)
        slot.data = dense.getRawData();
    }
    offset = llvm::alignTo(slot.offset + slot.bytes, 64);
    layout.push_back(std::move(slot));
  }
  return layout;
}

func::FuncOp terse::getEntryFunction(ModuleOp module) {
  if (auto main = module.lookupSymbol<func::FuncOp>("main"))
    return main;
  func::FuncOp only;
  for (auto func : module.getOps<func::FuncOp>()) {
    if (func.isPrivate() || func.isDeclaration())
      continue;
    if (only)
      return {};
    only = func;
  }
  return only;
}

namespace {
struct BindWeightsPass : terse::impl::BindWeightsPassBase<BindWeightsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    func::FuncOp entry = getEntryFunction(module);
    if (!entry) {
      module.emitError("expected a function 'main' or exactly one public function");
      return signalPassFailure();
    }
    llvm::StringMap<uint64_t> offsets;
    for (const WeightSlot &slot : computeWeightsLayout(module))
      offsets[slot.symbol] = slot.offset;

    OpBuilder b(entry.getBody());
    auto blobType = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
    if (failed(entry.insertArgument(0, blobType, {}, entry.getLoc())))
      return signalPassFailure();
    Value blob = entry.getArgument(0);
    // Inputs belong to the caller.
    for (unsigned i = 1; i < entry.getNumArguments(); ++i)
      if (isa<TensorType>(entry.getArgument(i).getType()))
        entry.setArgAttr(i, bufferization::BufferizationDialect::kWritableAttrName,
                         b.getBoolAttr(false));

    WalkResult result = module.walk([&](ml_program::GlobalLoadConstOp load) {
      auto found = offsets.find(load.getGlobal().getLeafReference());
      auto type = dyn_cast<RankedTensorType>(load.getType());
      if (found == offsets.end() || !type || load->getParentOfType<func::FuncOp>() != entry) {
        load.emitOpError("expected a tensor global of static shape, read in the entry function");
        return WalkResult::interrupt();
      }
      b.setInsertionPoint(load);
      Location loc = load.getLoc();
      Value offset = arith::ConstantIndexOp::create(b, loc, found->second);
      auto viewType = MemRefType::get(type.getShape(), type.getElementType());
      Value view = memref::ViewOp::create(b, loc, viewType, blob, offset, ValueRange{});
      Value tensor = bufferization::ToTensorOp::create(b, loc, type, view, /*restrict=*/true,
                                                       /*writable=*/false);
      load.replaceAllUsesWith(tensor);
      load.erase();
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    for (auto global : llvm::make_early_inc_range(module.getOps<ml_program::GlobalOp>()))
      global.erase();
  }
};
} // namespace
