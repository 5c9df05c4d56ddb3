//===- ParallelCalls.cpp - Ranges of kernels in parallel ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Why not OpenMP's own entry points: an artifact must run without LLVM's libomp. The loader brings
// parallel_for.

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "terse/Codegen/CPU/Passes.h"
#include "terse/Runtime/abi.h"

namespace terse {
#define GEN_PASS_DEF_PARALLELCALLSPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {
struct ParallelCallsPass : terse::impl::ParallelCallsPassBase<ParallelCallsPass> {
  // void name_range(env, begin, end): calls `part` with the arguments that `env` holds.
  static LLVM::LLVMFuncOp createRange(OpBuilder &b, LLVM::LLVMFuncOp part, StringRef name,
                                      LLVM::LLVMStructType envType) {
    Location loc = part.getLoc();
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(part);
    Type ptr = LLVM::LLVMPointerType::get(b.getContext()), i64 = b.getI64Type();
    auto type =
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), {ptr, i64, i64});
    auto range =
        LLVM::LLVMFuncOp::create(b, loc, (name + "_range").str(), type, LLVM::Linkage::Internal);
    Block *block = range.addEntryBlock(b);
    b.setInsertionPointToStart(block);
    SmallVector<Value> args;
    for (auto [i, t] : llvm::enumerate(envType.getBody())) {
      Value at = LLVM::GEPOp::create(b, loc, ptr, envType, block->getArgument(0),
                                     ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
      args.push_back(LLVM::LoadOp::create(b, loc, t, at));
    }
    args.push_back(block->getArgument(1));
    args.push_back(block->getArgument(2));
    LLVM::CallOp::create(b, loc, part, args);
    LLVM::ReturnOp::create(b, loc, ValueRange{});
    return range;
  }

  // Takes the name and the place of `function`, which calls are left as they are: hands ranges of
  // it to the services, or runs all of it.
  void dispatch(OpBuilder &b, LLVM::LLVMFuncOp function, LLVM::GlobalOp pointer) {
    Location loc = function.getLoc();
    std::string name = function.getName().str();
    function.setSymName(name + "_part");
    ArrayRef<Type> types = function.getFunctionType().getParams();
    auto envType = LLVM::LLVMStructType::getLiteral(&getContext(), types.drop_back(2));
    LLVM::LLVMFuncOp range = createRange(b, function, name, envType);
    b.setInsertionPointAfter(function);
    auto made =
        LLVM::LLVMFuncOp::create(b, loc, name, function.getFunctionType(), LLVM::Linkage::Internal);
    made.setPassthroughAttr(b.getArrayAttr(b.getStringAttr("noinline")));
    Block *start = made.addEntryBlock(b), *serial = new Block, *parallel = new Block;
    made.getBody().push_back(serial);
    made.getBody().push_back(parallel);
    ValueRange args = start->getArguments();
    b.setInsertionPointToStart(start);
    Type ptr = LLVM::LLVMPointerType::get(&getContext());
    Value one = LLVM::ConstantOp::create(b, loc, b.getI64Type(), b.getI64IntegerAttr(1));
    Value env = LLVM::AllocaOp::create(b, loc, ptr, envType, one);
    Value services = LLVM::LoadOp::create(b, loc, ptr, LLVM::AddressOfOp::create(b, loc, pointer));
    Value null = LLVM::ZeroOp::create(b, loc, ptr);
    Value none = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, services, null);
    LLVM::CondBrOp::create(b, loc, none, serial, parallel);
    b.setInsertionPointToStart(serial);
    LLVM::CallOp::create(b, loc, function, args);
    LLVM::ReturnOp::create(b, loc, ValueRange{});
    b.setInsertionPointToStart(parallel);
    for (auto [i, arg] : llvm::enumerate(args.drop_back(2))) {
      Value at =
          LLVM::GEPOp::create(b, loc, ptr, envType, env, ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
      LLVM::StoreOp::create(b, loc, arg, at);
    }
    Value run = LLVM::LoadOp::create(b, loc, ptr, services); // parallel_for is the first member.
    Value address = LLVM::AddressOfOp::create(b, loc, range);
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(&getContext()),
                                            {ptr, ptr, b.getI64Type()});
    LLVM::CallOp::create(b, loc, type, ValueRange{run, address, env, args.back()});
    LLVM::ReturnOp::create(b, loc, ValueRange{});
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    OpBuilder b(module.getBodyRegion());
    Type ptr = LLVM::LLVMPointerType::get(&getContext());
    SmallVector<LLVM::LLVMFuncOp> functions;
    for (auto function : module.getOps<LLVM::LLVMFuncOp>())
      if (function->hasAttr(cpu::kParallelAttr))
        functions.push_back(function);
    if (functions.empty())
      return;
    auto pointer = module.lookupSymbol<LLVM::GlobalOp>(TERSE_SERVICES_SYMBOL);
    if (!pointer) {
      pointer = LLVM::GlobalOp::create(b, module.getLoc(), ptr, /*isConstant=*/false,
                                       LLVM::Linkage::External, TERSE_SERVICES_SYMBOL, Attribute());
      Block *init = b.createBlock(&pointer.getInitializerRegion());
      b.setInsertionPointToStart(init);
      LLVM::ReturnOp::create(b, module.getLoc(),
                             Value(LLVM::ZeroOp::create(b, module.getLoc(), ptr)));
    }
    for (LLVM::LLVMFuncOp function : functions)
      dispatch(b, function, pointer);
  }
};
} // namespace
