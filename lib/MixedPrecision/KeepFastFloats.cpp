//===- KeepFastFloats.cpp - Floats where rounding would not pay -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Pass/PassManager.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/IR/TerseDialect.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/MixedPrecision/Passes.h"
#include "terse/Support/Constants.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/ADT/StringSet.h"

namespace terse {
#define GEN_PASS_DEF_KEEPFASTFLOATSPASS
#include "terse/MixedPrecision/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

// Layers that share a rounded input pay for it together: without one of them, the others pay more.
static constexpr int kMostRounds = 4;

namespace {
struct KeepFastFloatsPass : terse::impl::KeepFastFloatsPassBase<KeepFastFloatsPass> {
  using KeepFastFloatsPassBase::KeepFastFloatsPassBase;

  void runOnOperation() override {
    for (int round = 0; round < kMostRounds; ++round) {
      SmallVector<OpOperand *> rounded = findRounded();
      if (rounded.empty())
        return;
      llvm::Expected<std::vector<std::string>> slow = findSlowLayers();
      if (!slow) {
        emitError(getOperation().getLoc()) << llvm::toString(slow.takeError());
        return signalPassFailure();
      }
      llvm::StringSet<> names;
      names.insert(slow->begin(), slow->end());
      bool changed = false;
      for (OpOperand *operand : rounded)
        if (names.contains(getLayerName(operand->getOwner()))) {
          ChoiceAttr::set(*operand, StringAttr::get(&getContext(), "faster in float"));
          ++numKept;
          changed = true;
        }
      if (!changed)
        return;
    }
  }

private:
  // Operands of contractions that are to be rounded to integers at run time.
  SmallVector<OpOperand *> findRounded() {
    SmallVector<OpOperand *> rounded;
    getOperation().walk([&](nn::ContractionLike op) {
      ChoiceAttr choice = ChoiceAttr::get(op);
      if (!choice)
        return;
      for (OpOperand &operand : op->getOpOperands())
        if (auto uniform = dyn_cast_or_null<UniformEncodingAttr>(
                choice.lookup(operand.getOperandNumber()));
            uniform && uniform.getDynamic())
          rounded.push_back(&operand);
    });
    return rounded;
  }

  // Carries out all choices on a copy and asks the cost model.
  llvm::Expected<std::vector<std::string>> findSlowLayers() {
    OwningOpRef<ModuleOp> trial(getOperation().clone());
    // Encoding a weight releases its memory, which the copy is not to share with the model.
    for (auto global : trial->getOps<ml_program::GlobalOp>())
      if (auto data = dyn_cast_or_null<DenseResourceElementsAttr>(global.getValueAttr())) {
        auto values = readGlobal(global);
        if (!values)
          return values.takeError();
        auto own = toDenseResource(*values, global.getSymName(), &getContext());
        global.setValueAttr(DenseResourceElementsAttr::get(data.getType(), own.getRawHandle()));
      }
    PassManager pm(&getContext(), ModuleOp::getOperationName());
    pm.addPass(createApplyEncodingsPass());
    if (failed(pm.run(*trial)))
      return llvm::createStringError("the choices cannot be carried out");
    CompileOptions options;
    options.target = target;
    auto code = layOutWeights(*trial, options);
    if (!code)
      return code.takeError();
    return std::move(code->slowIntegers);
  }
};
} // namespace
