//===- StorageTypes.cpp - How elements are stored -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Conversion/NNToLinalg/NNToLinalg.h"

using namespace mlir;
using namespace terse;

Type terse::getStorageElementType(Type element) {
  MLIRContext *ctx = element.getContext();
  if (auto i = dyn_cast<IntegerType>(element)) {
    if (i.isSignless() && i.getWidth() == 1)
      return element;
    return IntegerType::get(ctx, std::max(8u, i.getWidth()));
  }
  if (auto f = dyn_cast<FloatType>(element); f && f.getWidth() <= 8)
    return IntegerType::get(ctx, 8);
  return element;
}

Type terse::getComputeType(Type element) {
  if (auto f = dyn_cast<FloatType>(element))
    return f.getWidth() < 32 ? Float32Type::get(element.getContext()) : element;
  return getStorageElementType(element);
}

bool terse::isUnsignedElement(Type element) {
  auto i = dyn_cast<IntegerType>(element);
  return i && (i.isUnsigned() || i.isSignlessInteger(1));
}

StorageTypeConverter::StorageTypeConverter() {
  addConversion([](Type type) { return type; });
  addConversion([](RankedTensorType type) -> Type {
    Type element = getStorageElementType(type.getElementType());
    return element == type.getElementType()
               ? type
               : RankedTensorType::get(type.getShape(), element, type.getEncoding());
  });
  auto materialize = [](OpBuilder &b, Type type, ValueRange inputs, Location loc) -> Value {
    return UnrealizedConversionCastOp::create(b, loc, type, inputs).getResult(0);
  };
  addSourceMaterialization(materialize);
  addTargetMaterialization(materialize);
}
