//===- EncodingInterface.cpp - What every encoding answers ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/IR/EncodingInterface.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

#include "terse/Dialect/Terse/IR/EncodingInterface.cpp.inc"

std::optional<int64_t> terse::sumComponentBits(ArrayRef<EncodingComponent> components) {
  int64_t bits = 0;
  for (const EncodingComponent &component : components) {
    if (!component.type.hasStaticShape())
      return std::nullopt;
    bits += component.type.getNumElements() * component.type.getElementTypeBitWidth();
  }
  return bits;
}

terse::EncodingAttrInterface terse::getEncoding(Type type) {
  auto tensor = dyn_cast_or_null<RankedTensorType>(type);
  if (!tensor)
    return {};
  return dyn_cast_or_null<EncodingAttrInterface>(tensor.getEncoding());
}

RankedTensorType terse::stripEncoding(RankedTensorType type) {
  return RankedTensorType::get(type.getShape(), type.getElementType());
}

Type terse::getLogicalType(Type type) {
  return getEncoding(type) ? stripEncoding(cast<RankedTensorType>(type)) : type;
}

SmallVector<Type> terse::getComponentTypes(EncodingAttrInterface encoding,
                                           RankedTensorType logical) {
  return llvm::map_to_vector(encoding.getComponents(logical),
                             [](const EncodingComponent &c) -> Type { return c.type; });
}

SmallVector<terse::EncodingComponent> terse::getParameterComponents(EncodingAttrInterface encoding,
                                                                    RankedTensorType logical) {
  SmallVector<EncodingComponent> components = encoding.getComponents(logical);
  llvm::erase_if(components, [](const EncodingComponent &c) { return !c.isParameter; });
  return components;
}
