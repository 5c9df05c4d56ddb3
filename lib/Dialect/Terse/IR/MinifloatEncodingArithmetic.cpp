//===- MinifloatEncodingArithmetic.cpp - #terse.minifloat --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Encode and decode, on constants (the definition) and as nn ops with the same
// f32 arithmetic in the same order.
//
//===----------------------------------------------------------------------===//

#include "ParameterSlot.h"
#include "terse/Dialect/Terse/IR/HostBlocks.h"
#include "terse/Numerics/Quantize.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/ADT/APFloat.h"

using namespace mlir;
using namespace terse;

using EmitError = function_ref<InFlightDiagnostic()>;

namespace {

/// What a scale is computed from.
struct ScaleRule {
  explicit ScaleRule(MinifloatEncodingAttr encoding) {
    const llvm::fltSemantics &semantics = encoding.getValueType().getFloatSemantics();
    largest = float(APFloat::getLargest(semantics).convertToDouble());
    exponent = std::ilogb(largest);
    auto type = dyn_cast<TypeAttr>(encoding.getScale());
    isPowerOfTwo = type && isa<Float8E8M0FNUType>(type.getValue());
  }

  /// The largest finite value of the value type, and its exponent (emax of the MX specification).
  float largest;
  int exponent;
  /// Scales are of f8E8M0FNU and follow the MX specification, section 6.3.
  bool isPowerOfTwo;

  /// 2^-emax
  float getFactor() const { return std::ldexp(1.0f, -exponent); }

  float apply(float magnitude) const {
    if (magnitude == 0)
      return 1;
    if (!isPowerOfTwo)
      return magnitude / largest;
    // Rounding down gives 2^floor(log2 m); the factor is exact.
    uint8_t floor = numerics::encodeE8M0(magnitude, true, numerics::E8M0Rounding::Down);
    return std::max(numerics::decodeE8M0(floor) * getFactor(), numerics::decodeE8M0(0));
  }

  /// The same as ops.
  Value build(BlockOps nn, Value magnitude) const {
    Type f32 = nn.builder.getF32Type();
    Value scales;
    if (isPowerOfTwo) {
      auto type = RankedTensorType::get(typeOf(magnitude).getShape(),
                                        Float8E8M0FNUType::get(nn.builder.getContext()));
      auto down = nn::CastOp::create(nn.builder, nn.loc, type, magnitude);
      down.setRounding(nn::CastRounding::Down);
      scales = nn.binary(nn::BinaryKind::Mul, nn.cast(down, f32), double(getFactor()));
    } else {
      scales = nn.binary(nn::BinaryKind::Div, magnitude, double(largest));
    }
    return nn.select(nn::CompareKind::Eq, magnitude, nn.constant(f32, 0), nn.constant(f32, 1),
                     scales);
  }
};

} // namespace

//===----------------------------------------------------------------------===//
// On constants
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<HostTensor>> MinifloatEncodingAttr::encodeHost(const HostTensor &x,
                                                                     RankedTensorType logical,
                                                                     ArrayRef<HostTensor> given,
                                                                     EmitError emitError) const {
  FailureOr<RankedTensorType> resolved = resolveShape(x, logical, emitError);
  if (failed(resolved))
    return failure();
  ArrayRef<int64_t> shape = resolved->getShape();
  if (!given.empty() &&
      failed(checkComponents(given, getParameterComponents(*this, *resolved), emitError)))
    return failure();

  FloatView input(x);
  BlockRuns runs(getGranularity(), shape);
  ParameterSlot slot(getScale());
  SmallVector<int64_t> scaleShape = getGranularity().getParameterShape(shape);
  SmallVector<HostTensor> components(1);
  FailureOr<std::vector<float>> scales;
  if (given.empty()) {
    std::vector<numerics::FiniteRange> found(runs.getNumBlocks());
    runs.visit([&](int64_t first, int64_t count, int64_t block) {
      for (int64_t i = first; i < first + count; ++i)
        found[block].add(input[i]);
    });
    ScaleRule rule(*this);
    std::vector<float> computed;
    for (const numerics::FiniteRange &range : found)
      computed.push_back(rule.apply(range.absMax()));
    scales = slot.storeScales(scaleShape, std::move(computed), components, emitError);
  } else {
    llvm::append_range(components, given);
    scales = slot.load(scaleShape, given, emitError);
  }
  if (failed(scales))
    return failure();

  DType dtype = *toDType(getValueType());
  numerics::FloatKind kind = dtype.getFloatKind();
  HostTensor values = HostTensor::zeros(dtype, shape);
  MutableArrayRef<uint8_t> patterns = values.getMutableAs<uint8_t>();
  runs.visit([&](int64_t first, int64_t count, int64_t block) {
    for (int64_t i = first; i < first + count; ++i)
      patterns[i] = uint8_t(numerics::quantizeToFloat(kind, input[i], (*scales)[block]));
  });
  components.front() = std::move(values);
  return components;
}

FailureOr<HostTensor> MinifloatEncodingAttr::decodeHost(ArrayRef<HostTensor> components,
                                                        RankedTensorType logical,
                                                        EmitError emitError) const {
  if (!components.empty()) {
    FailureOr<RankedTensorType> resolved = resolveShape(components.front(), logical, emitError);
    if (failed(resolved))
      return failure();
    logical = *resolved;
  }
  if (failed(checkComponents(components, getComponents(logical), emitError)))
    return failure();
  ArrayRef<int64_t> shape = logical.getShape();
  FailureOr<std::vector<float>> scales =
      ParameterSlot(getScale())
          .load(getGranularity().getParameterShape(shape), components.drop_front(), emitError);
  if (failed(scales))
    return failure();

  numerics::FloatKind kind = components.front().dtype.getFloatKind();
  ArrayRef<uint8_t> patterns = components.front().getAs<uint8_t>();
  HostTensor x = HostTensor::zeros(DType::f32(), shape);
  MutableArrayRef<float> out = x.getMutableAs<float>();
  BlockRuns(getGranularity(), shape).visit([&](int64_t first, int64_t count, int64_t block) {
    for (int64_t i = first; i < first + count; ++i)
      out[i] = numerics::decodeFloat(kind, patterns[i]) * (*scales)[block];
  });
  return x.convertTo(*toDType(logical.getElementType()));
}

//===----------------------------------------------------------------------===//
// As ops
//===----------------------------------------------------------------------===//

Value MinifloatEncodingAttr::buildDecode(OpBuilder &builder, Location loc, RankedTensorType logical,
                                         ValueRange components) const {
  BlockOps nn{builder, loc};
  Value values = components.front();
  BlockLayout layout(nn, getGranularity(), values);
  Value scales = ParameterSlot(getScale())
                     .buildLoad(nn, getGranularity().getParameterShape(logical.getShape()),
                                components.drop_front());
  Value x = nn.cast(layout.toWork(values), builder.getF32Type());
  x = nn.binary(nn::BinaryKind::Mul, x, layout.spread(scales));
  return layout.fromWork(nn.cast(x, logical.getElementType()));
}

FailureOr<SmallVector<Value>> MinifloatEncodingAttr::buildEncode(OpBuilder &builder, Location loc,
                                                                 Value x, ValueRange given) const {
  if (!isRunTimeEncodable() && given.empty())
    return failure();
  BlockOps nn{builder, loc};
  BlockLayout layout(nn, getGranularity(), x);
  ParameterSlot slot(getScale());
  Value input = nn.cast(x, builder.getF32Type());
  SmallVector<Value> components(1);
  Value scales;
  if (given.empty()) {
    Value magnitude =
        layout.reduceBlocks(nn::ReduceKind::Max, buildFiniteOrZero(nn, input, /*magnitude=*/true));
    magnitude = nn.binary(nn::BinaryKind::Max, magnitude, 0.0);
    FailureOr<Value> stored =
        slot.buildStoreScales(nn, ScaleRule(*this).build(nn, magnitude), components);
    if (failed(stored))
      return failure();
    scales = *stored;
  } else {
    llvm::append_range(components, given);
    scales = slot.buildLoad(nn, getGranularity().getParameterShape(typeOf(x).getShape()), given);
  }
  Value ratio = nn.binary(nn::BinaryKind::Div, layout.toWork(input), layout.spread(scales));
  components.front() = layout.fromWork(nn.cast(ratio, getValueType()));
  return components;
}
