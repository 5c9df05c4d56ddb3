//===- ConstantBuilder.cpp - Host tensors as constants of the module -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/NN/Transforms/ConstantBuilder.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;

uint64_t nn::getStoredBytes(const HostTensor &tensor) {
  return getPackedBytes(tensor.dtype, tensor.getNumElements());
}

Value nn::createConstant(OpBuilder &b, Location loc, const HostTensor &tensor,
                         RankedTensorType type, StringRef name, SymbolTable &symbols) {
  MLIRContext *context = b.getContext();
  if (getStoredBytes(tensor) <= kInlineBytes)
    return ConstantOp::create(b, loc, type, toDenseElements(tensor, context, type));
  // Behind the globals that are there, in the order in which they are made.
  Block &body = symbols.getOp()->getRegion(0).front();
  auto end = llvm::find_if_not(body, llvm::IsaPred<ml_program::GlobalOp>);
  OpBuilder globals(&body, end);
  auto global = ml_program::GlobalOp::create(globals, loc, name, type, /*is_mutable=*/false,
                                             toDenseResource(tensor, name, context),
                                             b.getStringAttr("private"));
  symbols.insert(global); // Makes the name unique.
  return ml_program::GlobalLoadConstOp::create(b, loc, type, FlatSymbolRefAttr::get(global));
}
