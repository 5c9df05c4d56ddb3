//===- InsertObservers.cpp - Mark what calibration measures -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "StaticActivations.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "terse/Calibration/Passes.h"
#include "terse/Dialect/NN/IR/NNInterfaces.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "llvm/ADT/StringMap.h"

namespace terse {
#define GEN_PASS_DEF_INSERTOBSERVERSPASS
#include "terse/Calibration/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

/// The name that stays with a value: its layer's, or its argument's.
static std::string getValueName(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
    StringAttr name =
        function ? function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "nn.name")
                 : StringAttr();
    return name ? name.str() : ("input" + Twine(argument.getArgNumber())).str();
  }
  std::string name = getLayerName(value.getDefiningOp());
  unsigned number = cast<OpResult>(value).getResultNumber();
  return number ? name + ":" + std::to_string(number) : name;
}

namespace {

struct InsertObserversPass : terse::impl::InsertObserversPassBase<InsertObserversPass> {
  using InsertObserversPassBase::InsertObserversPassBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isDeclaration())
        observe(function);
  }

  void observe(func::FuncOp function) {
    // Loops and branches run their bodies as often as they like: only the top level is observed.
    Block &body = function.getBody().front();
    llvm::MapVector<Value, std::optional<int64_t>>
        values; // With the channel axis of contraction inputs.
    for (Operation &op : body) {
      if (!hasIntegerForm(&op) || isFusedClamp(&op))
        continue;
      for (OpOperand *operand : getDataOperands(&op)) {
        if (!isFloatActivation(operand->get()) || operand->get().getDefiningOp<ObserveOp>())
          continue;
        std::optional<int64_t> &axis = values[operand->get()];
        if (auto contraction = dyn_cast<nn::ContractionLike>(op);
            contraction && operand == &contraction.getActivationOperand())
          axis = contraction.getActivationChannelAxis();
      }
    }
    llvm::StringMap<unsigned> names;
    for (auto &[value, axis] : values) {
      std::string name = getValueName(value);
      if (unsigned count = ++names[name]; count > 1)
        name += "#" + std::to_string(count);
      OpBuilder builder(&getContext());
      builder.setInsertionPointAfterValue(value);
      auto observe = ObserveOp::create(builder, value.getLoc(), value.getType(), value, name,
                                       ObserverKind::Histogram, IntegerAttr());
      value.replaceAllUsesExcept(observe, observe);
      ++numObservers;
      if (!channels || !axis)
        continue;
      auto perChannel = ObserveOp::create(builder, value.getLoc(), value.getType(), observe, name,
                                          ObserverKind::Channel, builder.getI64IntegerAttr(*axis));
      observe.getResult().replaceAllUsesExcept(perChannel, perChannel);
      ++numObservers;
    }
  }
};

} // namespace
