//===- MeanEncoding.cpp - #terse.mean ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "EncodingSyntax.h"
#include "ParameterSlot.h"
#include "terse/Dialect/Terse/IR/HostBlocks.h"
#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;

using EmitError = function_ref<InFlightDiagnostic()>;

LogicalResult MeanEncodingAttr::verify(EmitError emitError, FloatType valueType) {
  // C1
  if (!isa<Float32Type, Float16Type, BFloat16Type>(valueType))
    return emitError() << "expected a stored type of f32, f16 or bf16 (got " << valueType << ")";
  return success();
}

LogicalResult MeanEncodingAttr::verifyEncoding(ArrayRef<int64_t> shape, Type elementType,
                                               EmitError emitError) const {
  // C2
  if (ShapedType::isDynamicShape(shape))
    return emitError() << "expected a static shape with " << *this;
  return verifyLogicalElement(emitError, *this, elementType);
}

SmallVector<EncodingComponent> MeanEncodingAttr::getComponents(RankedTensorType) const {
  return {{"mean", RankedTensorType::get({}, getValueType())}};
}

bool MeanEncodingAttr::isRunTimeEncodable() const { return false; }

FailureOr<SmallVector<HostTensor>> MeanEncodingAttr::encodeHost(const HostTensor &x,
                                                                RankedTensorType logical,
                                                                ArrayRef<HostTensor>,
                                                                EmitError emitError) const {
  if (failed(resolveShape(x, logical, emitError)))
    return failure();
  FloatView input(x);
  double sum = 0;
  int64_t count = 0;
  for (int64_t i = 0; i < input.size(); ++i) {
    if (!std::isfinite(input[i]))
      continue;
    sum += input[i];
    ++count;
  }
  return SmallVector<HostTensor>{
      HostTensor::scalar(*toDType(getValueType()), count ? sum / double(count) : 0)};
}

FailureOr<HostTensor> MeanEncodingAttr::decodeHost(ArrayRef<HostTensor> components,
                                                   RankedTensorType logical,
                                                   EmitError emitError) const {
  if (failed(checkComponents(components, getComponents(logical), emitError)))
    return failure();
  std::vector<float> values(logical.getNumElements(), components.front().toFloats().front());
  return HostTensor::from<float>(logical.getShape(), values)
      .convertTo(*toDType(logical.getElementType()));
}

Value MeanEncodingAttr::buildDecode(OpBuilder &builder, Location loc, RankedTensorType logical,
                                    ValueRange components) const {
  BlockOps nn{builder, loc};
  Value mean = nn.cast(nn.cast(components.front(), builder.getF32Type()), logical.getElementType());
  return nn::BroadcastOp::create(builder, loc, stripEncoding(logical), mean, Value());
}

FailureOr<SmallVector<Value>> MeanEncodingAttr::buildEncode(OpBuilder &, Location, Value,
                                                            ValueRange) const {
  return failure();
}
