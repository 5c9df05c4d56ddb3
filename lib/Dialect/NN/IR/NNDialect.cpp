//===- NNDialect.cpp - The nn dialect -------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/IR/DialectImplementation.h"
#include "terse/Dialect/NN/IR/NNChannels.h"
#include "terse/Dialect/NN/IR/NNFactors.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/NN/IR/NNQuantization.h"
#include "terse/Dialect/NN/IR/NNUnfold.h"
#include "terse/Dialect/NN/IR/NNWeights.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace terse::nn;

#include "terse/Dialect/NN/IR/NNDialect.cpp.inc"
#include "terse/Dialect/NN/IR/NNEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "terse/Dialect/NN/IR/NNAttributes.cpp.inc"

void NNDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "terse/Dialect/NN/IR/NNAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "terse/Dialect/NN/IR/NNOps.cpp.inc"
      >();
  attachQuantizationInterfaces(getContext());
  attachWeightInterfaces(getContext());
  attachChannelInterfaces(getContext());
  attachUnfoldInterfaces(getContext());
  attachFactorInterfaces(getContext());
}

Operation *NNDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type,
                                          Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, type, elements);
}
