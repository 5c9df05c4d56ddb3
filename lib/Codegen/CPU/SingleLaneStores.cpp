//===- SingleLaneStores.cpp - Masked stores of one element ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "SingleLaneStores.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"

#include <optional>

using namespace llvm;

// The lane of `mask`, if it is a constant with one.
static std::optional<unsigned> getSingleLane(Value *mask) {
  auto *type = dyn_cast<FixedVectorType>(mask->getType());
  auto *constant = dyn_cast<Constant>(mask);
  if (!type || !constant)
    return std::nullopt;
  std::optional<unsigned> lane;
  for (unsigned i = 0; i < type->getNumElements(); ++i) {
    Constant *bit = constant->getAggregateElement(i);
    if (!bit || bit->isNullValue())
      continue;
    if (lane)
      return std::nullopt;
    lane = i;
  }
  return lane;
}

void terse::lowerSingleLaneStores(Module &module) {
  const DataLayout &layout = module.getDataLayout();
  for (Function &function : module)
    for (Instruction &inst : make_early_inc_range(instructions(function))) {
      auto *masked = dyn_cast<IntrinsicInst>(&inst);
      if (!masked || masked->getIntrinsicID() != Intrinsic::masked_store)
        continue;
      Value *vector = masked->getArgOperand(0), *to = masked->getArgOperand(1);
      Type *element = vector->getType()->getScalarType();
      std::optional<unsigned> lane = getSingleLane(masked->getArgOperand(2));
      if (!lane || !element->isIntegerTy() || element->getIntegerBitWidth() % 8)
        continue;
      IRBuilder<> b(masked);
      uint64_t offset = *lane * layout.getTypeStoreSize(element).getFixedValue();
      Align align = commonAlignment(masked->getParamAlign(1).valueOrOne(), offset);
      StoreInst *store =
          b.CreateAlignedStore(b.CreateExtractElement(vector, *lane),
                               b.CreateConstInBoundsGEP1_64(element, to, *lane), align);
      store->setAAMetadata(masked->getAAMetadata());
      masked->eraseFromParent();
    }
}
