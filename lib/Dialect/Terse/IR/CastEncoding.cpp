//===- CastEncoding.cpp - #terse.cast ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;

LogicalResult CastEncodingAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                       FloatType valueType) {
  // C1
  if (!isa<Float16Type, BFloat16Type>(valueType))
    return emitError() << "expected a stored type of f16 or bf16 (got " << valueType << ")";
  return success();
}

LogicalResult CastEncodingAttr::verifyEncoding(ArrayRef<int64_t>, Type elementType,
                                               function_ref<InFlightDiagnostic()> emitError) const {
  // C2
  auto logical = dyn_cast<FloatType>(elementType);
  if (!logical || logical.getWidth() < getValueType().getWidth())
    return emitError() << "expected a float element type at least as wide as " << getValueType()
                       << " (got " << elementType << ")";
  return success();
}

SmallVector<EncodingComponent> CastEncodingAttr::getComponents(RankedTensorType logical) const {
  return {{"values", RankedTensorType::get(logical.getShape(), getValueType())}};
}

bool CastEncodingAttr::isRunTimeEncodable() const { return true; }

FailureOr<SmallVector<HostTensor>>
CastEncodingAttr::encodeHost(const HostTensor &x, RankedTensorType, ArrayRef<HostTensor>,
                             function_ref<InFlightDiagnostic()>) const {
  return SmallVector<HostTensor>{x.convertTo(*toDType(getValueType()))};
}

FailureOr<HostTensor>
CastEncodingAttr::decodeHost(ArrayRef<HostTensor> components, RankedTensorType logical,
                             function_ref<InFlightDiagnostic()> emitError) const {
  if (components.size() != 1)
    return emitError() << "expected 1 component (got " << components.size() << ")";
  return components.front().convertTo(*toDType(logical.getElementType()));
}

Value CastEncodingAttr::buildDecode(OpBuilder &builder, Location loc, RankedTensorType logical,
                                    ValueRange components) const {
  return nn::CastOp::create(builder, loc, stripEncoding(logical), components.front());
}

FailureOr<SmallVector<Value>> CastEncodingAttr::buildEncode(OpBuilder &builder, Location loc,
                                                            Value x, ValueRange) const {
  auto logical = cast<RankedTensorType>(x.getType());
  return SmallVector<Value>{nn::CastOp::create(
      builder, loc, RankedTensorType::get(logical.getShape(), getValueType()), x)};
}
