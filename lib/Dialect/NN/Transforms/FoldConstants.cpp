//===- FoldConstants.cpp - Evaluate ops on constants ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All values are computed first and only those that something else still reads become constants, so
// that a chain of ops on a large weight leaves one new weight, not one per link.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/NN/Transforms/ConstantBuilder.h"
#include "terse/Dialect/NN/Transforms/Passes.h"
#include "terse/Reference/Interpreter.h"
#include "terse/Support/Constants.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/Debug.h"

#define DEBUG_TYPE "nn-fold-constants"

namespace terse::nn {
#define GEN_PASS_DEF_NNFOLDCONSTANTSPASS
#include "terse/Dialect/NN/Transforms/Passes.h.inc"
} // namespace terse::nn

using namespace mlir;
using namespace terse;
using namespace terse::nn;

namespace {

/// A constant, and the name of the global that it was computed from if there is exactly one.
struct Known {
  HostTensor tensor;
  bool fromGlobal = false;
  StringAttr origin;
};

class Folder {
public:
  Folder(ModuleOp module, uint64_t maxResultBytes)
      : module(module), maxResultBytes(maxResultBytes) {}

  unsigned run() {
    module.walk<WalkOrder::PreOrder>([&](Operation *op) { evaluate(op); });
    SmallVector<OpResult> needed;
    for (Operation *op : folded)
      for (OpResult result : op->getResults())
        if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !isFolded(user); }))
          needed.push_back(result);

    // Globals that are read no more go first, so that what replaces them can take their names.
    // Their loads dangle until the folded ops are gone.
    eraseUnreadGlobals();
    SymbolTable table(module);
    for (OpResult result : needed)
      materialize(result, table);
    for (Operation *op : llvm::reverse(folded))
      op->erase();
    for (Operation *source : sources)
      if (isOpTriviallyDead(source))
        source->erase();
    return folded.size();
  }

private:
  bool isFolded(Operation *op) const { return folded.contains(op); }

  static bool isCandidate(Operation *op) {
    auto isPlainTensor = [](Type type) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return tensor && !tensor.getEncoding();
    };
    return isa_and_nonnull<NNDialect>(op->getDialect()) && isEvaluable(op) &&
           isMemoryEffectFree(op) && !op->hasTrait<OpTrait::ConstantLike>() &&
           llvm::all_of(op->getOperandTypes(), isPlainTensor) &&
           llvm::all_of(op->getResultTypes(), isPlainTensor);
  }

  const Known *lookup(Value value) {
    if (auto it = known.find(value); it != known.end())
      return &it->second;
    std::optional<HostTensor> tensor = getConstant(value, &symbols);
    if (!tensor)
      return nullptr;
    Known entry{std::move(*tensor)};
    if (ml_program::GlobalOp global = getConstantGlobal(value, &symbols)) {
      entry.fromGlobal = true;
      entry.origin = global.getSymNameAttr();
    }
    sources.insert(value.getDefiningOp());
    return &known.try_emplace(value, std::move(entry)).first->second;
  }

  void evaluate(Operation *op) {
    if (!isCandidate(op))
      return;
    std::vector<HostTensor> operands;
    uint64_t operandBytes = 0;
    Known common;
    for (Value operand : op->getOperands()) {
      const Known *value = lookup(operand);
      if (!value)
        return;
      operands.push_back(value->tensor);
      operandBytes += getStoredBytes(value->tensor);
      if (value->fromGlobal) {
        common.origin =
            common.fromGlobal && common.origin != value->origin ? StringAttr() : value->origin;
        common.fromGlobal = true;
      }
    }
    // Weights do not grow, so that what is stored compressed is not expanded here.
    uint64_t limit = common.fromGlobal ? std::max(operandBytes, kInlineBytes)
                                       : std::max(operandBytes, maxResultBytes);
    InterpreterOptions options;
    // In memory sub-byte elements take a byte each: eight times the packed limit covers all.
    options.maxTensorBytes = 8 * limit;
    llvm::Expected<std::vector<HostTensor>> results = evaluateOp(op, operands, options);
    if (!results) {
      // The op stays; running it reports the error where it belongs.
      std::string text = llvm::toString(results.takeError());
      LLVM_DEBUG(llvm::dbgs() << text << "\n");
      return;
    }
    uint64_t resultBytes = 0;
    for (const HostTensor &tensor : *results)
      resultBytes += getStoredBytes(tensor);
    if (resultBytes > limit)
      return;
    folded.insert(op);
    for (auto [result, tensor] : llvm::zip(op->getResults(), *results))
      known.try_emplace(result, Known{std::move(tensor), common.fromGlobal, common.origin});
  }

  /// Erases the private globals that only folded ops read. Others that nothing reads stay: they are
  /// not this pass's business.
  void eraseUnreadGlobals() {
    auto isDeadLoad = [&](Operation *op) {
      return sources.contains(op) &&
             llvm::all_of(op->getUsers(), [&](Operation *user) { return isFolded(user); });
    };
    llvm::SetVector<Operation *> globals;
    for (Operation *source : sources)
      if (isDeadLoad(source))
        if (auto global = getConstantGlobal(source->getResult(0), &symbols);
            global && global.isPrivate())
          globals.insert(global);
    llvm::DenseSet<Attribute> used;
    auto uses = SymbolTable::getSymbolUses(&module.getBodyRegion());
    if (!uses)
      return; // an unknown op may use any of them
    for (SymbolTable::SymbolUse use : *uses)
      if (!isDeadLoad(use.getUser()))
        used.insert(use.getSymbolRef().getRootReference());
    for (Operation *global : globals)
      if (!used.contains(SymbolTable::getSymbolName(global)))
        global->erase();
  }

  void materialize(OpResult result, SymbolTable &table) {
    const Known &value = known.find(result)->second;
    Operation *op = result.getOwner();
    OpBuilder b(op);
    auto declared = cast<RankedTensorType>(result.getType());
    auto type = RankedTensorType::get(value.tensor.shape, declared.getElementType());
    StringRef name = value.origin ? value.origin.getValue() : "folded";
    Value constant = createConstant(b, op->getLoc(), value.tensor, type, name, table);
    // Ops of the dialect take any compatible type; others keep the one they were built with.
    Value exact = constant;
    for (OpOperand &use : llvm::make_early_inc_range(result.getUses())) {
      if (isFolded(use.getOwner()))
        continue;
      bool flexible = isa_and_nonnull<NNDialect>(use.getOwner()->getDialect());
      if (!flexible && exact.getType() != declared)
        exact = tensor::CastOp::create(b, op->getLoc(), declared, constant);
      use.set(flexible ? constant : exact);
    }
  }

  ModuleOp module;
  uint64_t maxResultBytes;
  SymbolTableCollection symbols;
  llvm::DenseMap<Value, Known> known;
  llvm::SetVector<Operation *> folded;
  /// Constants and loads of globals that evaluation has read.
  llvm::SetVector<Operation *> sources;
};

struct NNFoldConstantsPass : nn::impl::NNFoldConstantsPassBase<NNFoldConstantsPass> {
  using Base::Base;

  void runOnOperation() override { numFolded += Folder(getOperation(), maxResultBytes).run(); }
};

} // namespace
