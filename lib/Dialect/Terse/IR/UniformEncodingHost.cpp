//===- UniformEncodingHost.cpp - #terse.uniform on constants ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Encode and decode of constants, the definition that UniformEncodingBuilders.cpp
// and every kernel must reproduce.
//
//===----------------------------------------------------------------------===//

#include "ParameterSlot.h"
#include "mlir/IR/TypeUtilities.h"
#include "terse/Dialect/Terse/IR/HostBlocks.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Numerics/Quantize.h"
#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;

namespace {

DType hostType(IntegerType type) {
  return type.isUnsigned() ? DType::ui(type.getWidth()) : DType::si(type.getWidth());
}

/// Scales as decode sees them, and zero points where there are any, per block.
struct Parameters {
  std::vector<float> scales;
  std::vector<int64_t> zeroPoints;

  int64_t getZeroPoint(int64_t block) const { return zeroPoints.empty() ? 0 : zeroPoints[block]; }
};

numerics::QuantRange getRange(UniformEncodingAttr encoding) {
  return {encoding.getQMin(), encoding.getQMax()};
}

using EmitError = function_ref<InFlightDiagnostic()>;

/// The parameters that stand in `components` after the values.
FailureOr<Parameters> loadParameters(UniformEncodingAttr encoding, ArrayRef<int64_t> shape,
                                     ArrayRef<HostTensor> components, EmitError emitError) {
  Parameters result;
  if (encoding.getAsymmetric()) {
    result.zeroPoints = components.back().toInts();
    components = components.drop_back();
  }
  FailureOr<std::vector<float>> scales =
      ParameterSlot(encoding.getScale()).load(encoding.getScaleShape(shape), components, emitError);
  if (failed(scales))
    return failure();
  result.scales = std::move(*scales);
  return result;
}

/// Computes the parameters of `x` and appends what is stored of them to `components`.
FailureOr<Parameters> computeParameters(UniformEncodingAttr encoding, ArrayRef<int64_t> shape,
                                        const FloatView &x, const BlockRuns &runs,
                                        SmallVectorImpl<HostTensor> &components,
                                        EmitError emitError) {
  std::vector<numerics::FiniteRange> found(runs.getNumBlocks());
  runs.visit([&](int64_t first, int64_t count, int64_t block) {
    for (int64_t i = first; i < first + count; ++i)
      found[block].add(x[i]);
  });

  numerics::QuantRange range = getRange(encoding);
  std::vector<float> scales(found.size());
  for (auto [scale, values] : llvm::zip_equal(scales, found)) {
    if (encoding.getAsymmetric())
      scale = numerics::chooseAsymmetric(values.min, values.max, range).scale;
    else // An unsigned grid begins at 0.
      scale = numerics::chooseSymmetric(
                  encoding.isSigned() ? values.absMax() : std::max(values.max, 0.0f), range)
                  .scale;
  }
  Parameters result;
  FailureOr<std::vector<float>> stored =
      ParameterSlot(encoding.getScale())
          .storeScales(encoding.getScaleShape(shape), std::move(scales), components, emitError);
  if (failed(stored))
    return failure();
  result.scales = std::move(*stored);
  if (!encoding.getAsymmetric())
    return result;

  HostTensor zeroPoints =
      HostTensor::zeros(hostType(encoding.getValueType()), encoding.getScaleShape(shape));
  result.zeroPoints.resize(found.size());
  for (size_t block = 0; block < found.size(); ++block) {
    // From the scale as it is stored, so that the stored grid holds 0.
    float zero = float(range.min) - std::min(found[block].min, 0.0f) / result.scales[block];
    result.zeroPoints[block] = numerics::quantizeRatio(zero, 0, range);
    zeroPoints.setFromInt(block, result.zeroPoints[block]);
  }
  components.push_back(std::move(zeroPoints));
  return result;
}

} // namespace

FailureOr<SmallVector<HostTensor>> UniformEncodingAttr::encodeHost(const HostTensor &x,
                                                                   RankedTensorType logical,
                                                                   ArrayRef<HostTensor> given,
                                                                   EmitError emitError) const {
  FailureOr<RankedTensorType> resolved = resolveShape(x, logical, emitError);
  if (failed(resolved))
    return failure();
  logical = *resolved;
  ArrayRef<int64_t> shape = logical.getShape();
  if (!given.empty() &&
      failed(checkComponents(given, getParameterComponents(*this, logical), emitError)))
    return failure();

  FloatView input(x);
  BlockRuns runs(getGranularity(), shape);
  SmallVector<HostTensor> components(1);
  FailureOr<Parameters> parameters;
  if (given.empty()) {
    parameters = computeParameters(*this, shape, input, runs, components, emitError);
  } else {
    llvm::append_range(components, given);
    parameters = loadParameters(*this, shape, given, emitError);
  }
  if (failed(parameters))
    return failure();

  numerics::QuantRange range = getRange(*this);
  HostTensor values = HostTensor::zeros(hostType(getValueType()), shape);
  // One byte per element in all but the wide types, which are rare.
  MutableArrayRef<uint8_t> bytes;
  if (values.dtype.getHostBytes() == 1)
    bytes = values.getMutableAs<uint8_t>();
  runs.visit([&](int64_t first, int64_t count, int64_t block) {
    float scale = parameters->scales[block];
    int64_t zeroPoint = parameters->getZeroPoint(block);
    for (int64_t i = first; i < first + count; ++i) {
      int64_t q = numerics::quantize(input[i], scale, zeroPoint, range);
      if (bytes.empty())
        values.setFromInt(i, q);
      else
        bytes[i] = static_cast<uint8_t>(q);
    }
  });
  components.front() = std::move(values);
  return components;
}

FailureOr<HostTensor> UniformEncodingAttr::decodeHost(ArrayRef<HostTensor> components,
                                                      RankedTensorType logical,
                                                      EmitError emitError) const {
  if (!components.empty() &&
      succeeded(verifyCompatibleShape(components.front().shape, logical.getShape())))
    logical = RankedTensorType::get(components.front().shape, logical.getElementType());
  if (failed(checkComponents(components, getComponents(logical), emitError)))
    return failure();
  ArrayRef<int64_t> shape = logical.getShape();
  FailureOr<Parameters> parameters =
      loadParameters(*this, shape, components.drop_front(), emitError);
  if (failed(parameters))
    return failure();

  const HostTensor &values = components.front();
  HostTensor x = HostTensor::zeros(DType::f32(), shape);
  MutableArrayRef<float> out = x.getMutableAs<float>();
  BlockRuns(getGranularity(), shape).visit([&](int64_t first, int64_t count, int64_t block) {
    float scale = parameters->scales[block];
    int64_t zeroPoint = parameters->getZeroPoint(block);
    for (int64_t i = first; i < first + count; ++i)
      out[i] = numerics::dequantize(values.getAsInt(i), scale, zeroPoint);
  });
  return x.convertTo(*toDType(logical.getElementType()));
}
