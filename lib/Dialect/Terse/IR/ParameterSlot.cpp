//===- ParameterSlot.cpp - Where scales and tables are stored ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ParameterSlot.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/ADT/APFloat.h"

using namespace mlir;
using namespace terse;

FloatType ParameterSlot::getType() const {
  if (auto type = dyn_cast<TypeAttr>(slot))
    return cast<FloatType>(type.getValue());
  return Float32Type::get(slot.getContext());
}

Attribute ParameterSlot::fit(ArrayRef<int64_t> shape) const {
  if (!isTemplate())
    return slot;
  WeightAxes axes;
  for (size_t axis = 0; axis < shape.size(); ++axis)
    axes.contraction.push_back(axis);
  return getEncoding().fit(RankedTensorType::get(shape, getType()), axes);
}

LogicalResult ParameterSlot::verifyScale(EmitError emitError) const {
  auto type = dyn_cast<TypeAttr>(slot);
  if (isa<EncodingAttrInterface>(slot) ||
      (type && isa<Float32Type, Float16Type, BFloat16Type, Float8E8M0FNUType, Float8E4M3FNType>(
                   type.getValue())))
    return success();
  return emitError()
         << "expected a scale of f32, f16, bf16, f8E8M0FNU, f8E4M3FN or a terse encoding (got "
         << slot << ")";
}

LogicalResult ParameterSlot::verifyTable(EmitError emitError) const {
  auto type = dyn_cast<TypeAttr>(slot);
  if (isa<EncodingAttrInterface>(slot) ||
      (type && isa<Float32Type, Float16Type, BFloat16Type>(type.getValue())))
    return success();
  return emitError() << "expected a learned table of f32, f16, bf16 or a terse encoding (got "
                     << slot << ")";
}

LogicalResult ParameterSlot::verifyFor(ArrayRef<int64_t> shape, EmitError emitError) const {
  return getEncoding() ? getEncoding().verifyEncoding(shape, getType(), emitError) : success();
}

void ParameterSlot::addComponents(StringRef name, ArrayRef<int64_t> shape,
                                  SmallVectorImpl<EncodingComponent> &components) const {
  auto type = RankedTensorType::get(shape, getType());
  if (!getEncoding()) {
    components.push_back({name.str(), type, /*isParameter=*/true});
    return;
  }
  for (EncodingComponent &component : getEncoding().getComponents(type))
    components.push_back({(name + "." + component.name).str(), component.type,
                          /*isParameter=*/true});
}

size_t ParameterSlot::getNumComponents(ArrayRef<int64_t> shape) const {
  SmallVector<EncodingComponent> components;
  addComponents("", shape, components);
  return components.size();
}

std::pair<float, float> ParameterSlot::getRange() const {
  const llvm::fltSemantics &semantics = getType().getFloatSemantics();
  return {float(APFloat::getSmallest(semantics).convertToDouble()),
          float(APFloat::getLargest(semantics).convertToDouble())};
}

//===----------------------------------------------------------------------===//
// On constants
//===----------------------------------------------------------------------===//

FailureOr<std::vector<float>> ParameterSlot::store(ArrayRef<int64_t> shape, ArrayRef<float> values,
                                                   SmallVectorImpl<HostTensor> &components,
                                                   EmitError emitError) const {
  HostTensor tensor = HostTensor::from<float>(shape, values);
  EncodingAttrInterface nested = getEncoding();
  if (!nested) {
    components.push_back(tensor.convertTo(*toDType(getType())));
    return components.back().toFloats();
  }
  FailureOr<SmallVector<HostTensor>> stored =
      nested.encodeHost(tensor, RankedTensorType::get(shape, getType()), {}, emitError);
  if (failed(stored))
    return failure();
  llvm::append_range(components, *stored);
  return load(shape, *stored, emitError);
}

FailureOr<std::vector<float>> ParameterSlot::storeScales(ArrayRef<int64_t> shape,
                                                         std::vector<float> scales,
                                                         SmallVectorImpl<HostTensor> &components,
                                                         EmitError emitError) const {
  auto [smallest, largest] = getRange();
  for (float &scale : scales)
    scale = std::min(std::max(scale, smallest), largest);
  return store(shape, scales, components, emitError);
}

FailureOr<std::vector<float>> ParameterSlot::load(ArrayRef<int64_t> shape,
                                                  ArrayRef<HostTensor> components,
                                                  EmitError emitError) const {
  EncodingAttrInterface nested = getEncoding();
  if (!nested)
    return components.front().toFloats();
  FailureOr<HostTensor> values =
      nested.decodeHost(components, RankedTensorType::get(shape, getType()), emitError);
  if (failed(values))
    return failure();
  return values->toFloats();
}

//===----------------------------------------------------------------------===//
// As ops
//===----------------------------------------------------------------------===//

FailureOr<Value> ParameterSlot::buildStoreScales(BlockOps nn, Value scales,
                                                 SmallVectorImpl<Value> &components) const {
  auto [smallest, largest] = getRange();
  scales = nn.unary(nn::UnaryKind::Clamp, scales, smallest, largest);
  EncodingAttrInterface nested = getEncoding();
  if (!nested) {
    components.push_back(nn.cast(scales, getType()));
    return nn.cast(components.back(), nn.builder.getF32Type());
  }
  FailureOr<SmallVector<Value>> stored = nested.buildEncode(nn.builder, nn.loc, scales, {});
  if (failed(stored))
    return failure();
  llvm::append_range(components, *stored);
  return nested.buildDecode(nn.builder, nn.loc, cast<RankedTensorType>(scales.getType()), *stored);
}

Value ParameterSlot::buildLoad(BlockOps nn, ArrayRef<int64_t> shape, ValueRange components) const {
  Type f32 = nn.builder.getF32Type();
  if (EncodingAttrInterface nested = getEncoding())
    return nested.buildDecode(nn.builder, nn.loc, RankedTensorType::get(shape, f32), components);
  return nn.cast(components.front(), f32);
}
