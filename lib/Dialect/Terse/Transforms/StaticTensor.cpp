//===- StaticTensor.cpp - Integers with known scales ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "StaticTensor.h"

#include "terse/Reference/KnownValue.h"

using namespace mlir;
using namespace terse;

static StaticTensor read(Value encoded, ValueRange parameters) {
  auto encoding = dyn_cast_or_null<UniformEncodingAttr>(getEncoding(encoded.getType()));
  if (!encoding || encoding.getScaleEncoding() || !encoding.getBlock().empty() ||
      parameters.empty())
    return {};
  std::optional<HostTensor> scales = getKnownValue(parameters.front());
  if (!scales)
    return {};
  StaticTensor result{encoded, encoding, scales->toFloats(), {}};
  result.zeroPoints.assign(result.scales.size(), 0);
  if (encoding.getAsymmetric()) {
    std::optional<HostTensor> zeroPoints = getKnownValue(parameters.back());
    if (!zeroPoints)
      return {};
    result.zeroPoints = zeroPoints->toInts();
  }
  return result;
}

StaticTensor terse::getStaticTensor(Value value) {
  if (auto decode = value.getDefiningOp<DecodeOp>())
    value = decode.getInput();
  if (auto encode = value.getDefiningOp<EncodeOp>())
    return read(value, encode.getParameters());
  if (auto assemble = value.getDefiningOp<AssembleOp>())
    return read(value, assemble.getComponents().drop_front());
  return {};
}

StaticTensor terse::getStaticTensor(EncodeOp encode) {
  return read(encode.getResult(), encode.getParameters());
}

Value terse::getStoredValues(OpBuilder &builder, Location loc, const StaticTensor &tensor) {
  if (auto assemble = tensor.encoded.getDefiningOp<AssembleOp>())
    return assemble.getComponents().front();
  return ComponentsOp::create(builder, loc, tensor.encoded).getComponents().front();
}
