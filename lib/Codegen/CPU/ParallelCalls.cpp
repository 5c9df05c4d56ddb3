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
  // void body(env, begin, end): unpacks the arguments of `kernel` from `env`.
  static LLVM::LLVMFuncOp createBody(OpBuilder &b, LLVM::LLVMFuncOp kernel,
                                     LLVM::LLVMStructType envType) {
    Location loc = kernel.getLoc();
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(kernel);
    Type ptr = LLVM::LLVMPointerType::get(b.getContext()), i64 = b.getI64Type();
    auto type =
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), {ptr, i64, i64});
    auto body = LLVM::LLVMFuncOp::create(b, loc, (kernel.getName() + "_range").str(), type,
                                         LLVM::Linkage::Internal);
    Block *block = body.addEntryBlock(b);
    b.setInsertionPointToStart(block);
    SmallVector<Value> args;
    for (auto [i, t] : llvm::enumerate(envType.getBody())) {
      Value at = LLVM::GEPOp::create(b, loc, ptr, envType, block->getArgument(0),
                                     ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
      args.push_back(LLVM::LoadOp::create(b, loc, t, at));
    }
    args.push_back(block->getArgument(1));
    args.push_back(block->getArgument(2));
    LLVM::CallOp::create(b, loc, kernel, args);
    LLVM::ReturnOp::create(b, loc, ValueRange{});
    return body;
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    OpBuilder b(module.getBodyRegion());
    Type ptr = LLVM::LLVMPointerType::get(&getContext());
    SmallVector<LLVM::CallOp> calls;
    module.walk([&](LLVM::CallOp call) {
      auto callee = call.getCallee() ? module.lookupSymbol<LLVM::LLVMFuncOp>(*call.getCallee())
                                     : LLVM::LLVMFuncOp();
      if (callee && callee->hasAttr(cpu::kParallelAttr))
        calls.push_back(call);
    });
    if (calls.empty())
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
    llvm::StringMap<LLVM::LLVMFuncOp> bodies;
    for (LLVM::CallOp call : calls) {
      auto kernel = module.lookupSymbol<LLVM::LLVMFuncOp>(*call.getCallee());
      Location loc = call.getLoc();
      OperandRange args = call.getArgOperands();
      auto envType = LLVM::LLVMStructType::getLiteral(
          &getContext(), SmallVector<Type>(args.drop_back(2).getTypes()));
      LLVM::LLVMFuncOp &body = bodies[kernel.getName()];
      if (!body)
        body = createBody(b, kernel, envType);
      // One environment per call site, allocated once per run of the function.
      b.setInsertionPointToStart(&call->getParentOfType<LLVM::LLVMFuncOp>().getBody().front());
      Value one = LLVM::ConstantOp::create(b, loc, b.getI64Type(), b.getI64IntegerAttr(1));
      Value env = LLVM::AllocaOp::create(b, loc, ptr, envType, one);
      b.setInsertionPoint(call);
      Value services =
          LLVM::LoadOp::create(b, loc, ptr, LLVM::AddressOfOp::create(b, loc, pointer));
      Value null = LLVM::ZeroOp::create(b, loc, ptr);
      Value none = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, services, null);
      Block *before = call->getBlock();
      Block *serial = before->splitBlock(call);
      Block *after = serial->splitBlock(std::next(call->getIterator()));
      b.setInsertionPointToEnd(serial);
      LLVM::BrOp::create(b, loc, after);
      Block *parallel = b.createBlock(after);
      for (auto [i, arg] : llvm::enumerate(args.drop_back(2))) {
        Value at =
            LLVM::GEPOp::create(b, loc, ptr, envType, env, ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
        LLVM::StoreOp::create(b, loc, arg, at);
      }
      Value run = LLVM::LoadOp::create(b, loc, ptr, services); // parallel_for is the first member.
      Value address = LLVM::AddressOfOp::create(b, loc, body);
      auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(&getContext()),
                                              {ptr, ptr, b.getI64Type()});
      LLVM::CallOp::create(b, loc, type, ValueRange{run, address, env, args.back()});
      LLVM::BrOp::create(b, loc, after);
      b.setInsertionPointToEnd(before);
      LLVM::CondBrOp::create(b, loc, none, serial, parallel);
    }
  }
};
} // namespace
