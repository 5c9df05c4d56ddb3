//===- UniformEncodingBuilders.cpp - #terse.uniform as ops ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decode and run-time encode as nn ops, the same arithmetic in the same order as
// UniformEncodingHost.cpp.
//
//===----------------------------------------------------------------------===//

#include "BlockLayout.h"
#include "ParameterSlot.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"

using namespace mlir;
using namespace terse;

namespace {

/// Scales (f32, scale shape), and where there are zero points these (f32 integers), of each block.
struct Parameters {
  Value scales, zeroPoints;
};

/// The scales for blocks whose values span `span` (f32, not negative), stored in the scale slot of
/// `encoding`: appends what is stored to `components` and returns the scales as decode will see
/// them, in f32.
FailureOr<Value> storeScales(BlockOps nn, UniformEncodingAttr encoding, Value span, double steps,
                             SmallVectorImpl<Value> &components) {
  Type f32 = nn.builder.getF32Type();
  Value scales = nn.binary(nn::BinaryKind::Div, span, steps);
  scales = nn.select(nn::CompareKind::Eq, span, nn.constant(f32, 0), nn.constant(f32, 1), scales);
  return ParameterSlot(encoding.getScale()).buildStoreScales(nn, scales, components);
}

/// Reads the parameters that stand in `components` after the values.
Parameters loadParameters(BlockOps nn, UniformEncodingAttr encoding, RankedTensorType logical,
                          ValueRange components) {
  Parameters result;
  Type f32 = nn.builder.getF32Type();
  if (encoding.getAsymmetric()) {
    result.zeroPoints = nn.cast(components.back(), f32);
    components = components.drop_back();
  }
  result.scales = ParameterSlot(encoding.getScale())
                      .buildLoad(nn, encoding.getScaleShape(logical.getShape()), components);
  return result;
}

/// Computes the parameters from `x` (f32) and appends what is stored of them to `components`.
FailureOr<Parameters> computeParameters(BlockOps nn, UniformEncodingAttr encoding, Value x,
                                        BlockLayout &layout, SmallVectorImpl<Value> &components) {
  Type f32 = nn.builder.getF32Type();
  double qmin = encoding.getQMin(), qmax = encoding.getQMax();
  Value finite = buildFiniteOrZero(nn, x, encoding.isSigned() && !encoding.getAsymmetric());
  Value high =
      nn.binary(nn::BinaryKind::Max, layout.reduceBlocks(nn::ReduceKind::Max, finite), 0.0);
  if (!encoding.getAsymmetric()) {
    // si1 has no positive value; its one step is -1.
    FailureOr<Value> stored = storeScales(nn, encoding, high, std::max(qmax, 1.0), components);
    if (failed(stored))
      return failure();
    return Parameters{*stored, {}};
  }

  Value low = nn.binary(nn::BinaryKind::Min, layout.reduceBlocks(nn::ReduceKind::Min, finite), 0.0);
  FailureOr<Value> stored =
      storeScales(nn, encoding, nn.binary(nn::BinaryKind::Sub, high, low), qmax - qmin, components);
  if (failed(stored))
    return failure();
  // From the scale as it is stored, so that the stored grid holds 0.
  Value zero = nn.binary(nn::BinaryKind::Sub, nn.constant(f32, qmin),
                         nn.binary(nn::BinaryKind::Div, low, *stored));
  zero = nn.unary(nn::UnaryKind::Clamp, nn.unary(nn::UnaryKind::Round, zero), qmin, qmax);
  components.push_back(nn.cast(zero, encoding.getValueType()));
  return Parameters{*stored, zero};
}

} // namespace

Value UniformEncodingAttr::buildDecode(OpBuilder &builder, Location loc, RankedTensorType logical,
                                       ValueRange components) const {
  BlockOps nn{builder, loc};
  Value values = components.front();
  BlockLayout layout(nn, getGranularity(), values);
  Parameters parameters = loadParameters(nn, *this, logical, components.drop_front());
  Value x = nn.cast(layout.toWork(values), builder.getF32Type());
  if (parameters.zeroPoints)
    x = nn.binary(nn::BinaryKind::Sub, x, layout.spread(parameters.zeroPoints));
  x = nn.binary(nn::BinaryKind::Mul, x, layout.spread(parameters.scales));
  return layout.fromWork(nn.cast(x, logical.getElementType()));
}

FailureOr<SmallVector<Value>> UniformEncodingAttr::buildEncode(OpBuilder &builder, Location loc,
                                                               Value x, ValueRange given) const {
  if (!isRunTimeEncodable() && given.empty())
    return failure();
  BlockOps nn{builder, loc};
  BlockLayout layout(nn, getGranularity(), x);
  Value input = nn.cast(x, builder.getF32Type());
  SmallVector<Value> components(1);
  Parameters parameters;
  if (given.empty()) {
    FailureOr<Parameters> computed = computeParameters(nn, *this, input, layout, components);
    if (failed(computed))
      return failure();
    parameters = *computed;
  } else {
    llvm::append_range(components, given);
    parameters = loadParameters(nn, *this, typeOf(x), given);
  }

  Value q = nn.binary(nn::BinaryKind::Div, layout.toWork(input), layout.spread(parameters.scales));
  // NaN becomes the zero point. Without one this is what the cast to integers does.
  if (parameters.zeroPoints)
    q = nn.select(nn::CompareKind::Eq, q, q, q, nn.constant(builder.getF32Type(), 0));
  q = nn.unary(nn::UnaryKind::Round, q);
  if (parameters.zeroPoints)
    q = nn.binary(nn::BinaryKind::Add, q, layout.spread(parameters.zeroPoints));
  q = nn.unary(nn::UnaryKind::Clamp, q, getQMin(), getQMax());
  components.front() = layout.fromWork(nn.cast(q, getValueType()));
  return components;
}
