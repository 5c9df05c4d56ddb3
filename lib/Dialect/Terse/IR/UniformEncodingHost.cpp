//===- UniformEncodingHost.cpp - #terse.uniform on constants ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Encode and decode of constants, the definition that UniformEncodingBuilders.cpp
// and every kernel must reproduce.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/TypeUtilities.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Numerics/Quantize.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;

namespace {

/// Visits a row-major tensor as runs of neighbouring elements that share a scale.
class BlockRuns {
public:
  BlockRuns(UniformEncodingAttr encoding, ArrayRef<int64_t> shape)
      : shape(shape), extents(encoding.getBlockExtents(shape)) {
    for (int64_t count : encoding.getScaleShape(shape))
      numBlocks *= count;
    if (encoding.isPerTensor())
      extents.assign(shape.begin(), shape.end());
    for (auto [size, extent] : llvm::zip(this->shape, extents)) {
      elements *= size;
      counts.push_back(size == 0 ? 0 : llvm::divideCeil(size, extent));
    }
  }

  int64_t getNumBlocks() const { return numBlocks; }

  /// Calls visit(first element, number of elements, block) in memory order.
  template <typename Visitor>
  void visit(Visitor visit) const {
    if (elements == 0)
      return;
    if (shape.empty())
      return visit(int64_t(0), int64_t(1), int64_t(0));
    int64_t inner = shape.back(), innerExtent = extents.back();
    SmallVector<int64_t> position(shape.size() - 1, 0);
    for (int64_t row = 0; row < elements; row += inner) {
      int64_t block = 0;
      for (auto [at, extent, count] : llvm::zip_first(position, extents, counts))
        block = block * count + at / extent;
      block *= counts.back();
      for (int64_t at = 0; at < inner; at += innerExtent)
        visit(row + at, std::min(innerExtent, inner - at), block + at / innerExtent);
      for (int64_t d = position.size() - 1; d >= 0 && ++position[d] == shape[d]; --d)
        position[d] = 0;
    }
  }

private:
  SmallVector<int64_t> shape, extents, counts;
  int64_t elements = 1, numBlocks = 1;
};

DType hostType(IntegerType type) {
  return type.isUnsigned() ? DType::ui(type.getWidth()) : DType::si(type.getWidth());
}

/// The elements as f32, without a copy where they are.
class FloatView {
public:
  explicit FloatView(const HostTensor &tensor) {
    if (tensor.dtype == DType::f32()) {
      view = tensor.getAs<float>();
      return;
    }
    copy = tensor.toFloats();
    view = copy;
  }
  float operator[](int64_t i) const { return view[i]; }

private:
  std::vector<float> copy;
  ArrayRef<float> view;
};

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

/// Rounds `scales`, which are positive, to what the scale slot stores, appends that to `components`
/// and returns the values it stands for.
FailureOr<std::vector<float>> storeScales(UniformEncodingAttr encoding, ArrayRef<int64_t> shape,
                                          std::vector<float> scales,
                                          SmallVectorImpl<HostTensor> &components,
                                          EmitError emitError) {
  const llvm::fltSemantics &semantics = encoding.getScaleType().getFloatSemantics();
  float smallest = float(APFloat::getSmallest(semantics).convertToDouble());
  float largest = float(APFloat::getLargest(semantics).convertToDouble());
  // No scale becomes 0 or infinite by rounding.
  for (float &scale : scales)
    scale = std::min(std::max(scale, smallest), largest);
  HostTensor tensor = HostTensor::from<float>(encoding.getScaleShape(shape), scales);

  if (EncodingAttrInterface nested = encoding.getScaleEncoding()) {
    auto type = RankedTensorType::get(tensor.shape, encoding.getScaleType());
    FailureOr<SmallVector<HostTensor>> stored = nested.encodeHost(tensor, type, {}, emitError);
    if (failed(stored))
      return failure();
    FailureOr<HostTensor> seen = nested.decodeHost(*stored, type, emitError);
    if (failed(seen))
      return failure();
    llvm::append_range(components, *stored);
    return seen->toFloats();
  }
  components.push_back(tensor.convertTo(*toDType(encoding.getScaleType())));
  return components.back().toFloats();
}

/// The parameters that stand in `components` after the values.
FailureOr<Parameters> loadParameters(UniformEncodingAttr encoding, ArrayRef<int64_t> shape,
                                     ArrayRef<HostTensor> components, EmitError emitError) {
  Parameters result;
  if (encoding.getAsymmetric()) {
    result.zeroPoints = components.back().toInts();
    components = components.drop_back();
  }
  if (EncodingAttrInterface nested = encoding.getScaleEncoding()) {
    auto type = RankedTensorType::get(encoding.getScaleShape(shape), encoding.getScaleType());
    FailureOr<HostTensor> scales = nested.decodeHost(components, type, emitError);
    if (failed(scales))
      return failure();
    result.scales = scales->toFloats();
  } else {
    result.scales = components.front().toFloats();
  }
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
      storeScales(encoding, shape, std::move(scales), components, emitError);
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

/// Whether `tensors` are `expected`, in number, shape and element type.
LogicalResult checkComponents(ArrayRef<HostTensor> tensors, ArrayRef<EncodingComponent> expected,
                              EmitError emitError) {
  if (tensors.size() != expected.size())
    return emitError() << "expected " << expected.size() << " components (got " << tensors.size()
                       << ")";
  for (auto [tensor, component] : llvm::zip_equal(tensors, expected)) {
    std::optional<DType> dtype = toDType(component.type.getElementType());
    if (!dtype || tensor.dtype != *dtype ||
        ArrayRef<int64_t>(tensor.shape) != component.type.getShape())
      return emitError() << "expected component '" << component.name << "' of type "
                         << component.type << " (got " << tensor.getTypeString() << ")";
  }
  return success();
}

} // namespace

FailureOr<SmallVector<HostTensor>> UniformEncodingAttr::encodeHost(const HostTensor &x,
                                                                   RankedTensorType logical,
                                                                   ArrayRef<HostTensor> given,
                                                                   EmitError emitError) const {
  ArrayRef<int64_t> shape = x.shape;
  if (failed(verifyCompatibleShape(shape, logical.getShape())))
    return emitError() << "expected a tensor of type " << logical << " (got " << x.getTypeString()
                       << ")";
  logical = RankedTensorType::get(shape, logical.getElementType());
  if (!given.empty() &&
      failed(checkComponents(given, getParameterComponents(*this, logical), emitError)))
    return failure();

  FloatView input(x);
  BlockRuns runs(*this, shape);
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
  BlockRuns(*this, shape).visit([&](int64_t first, int64_t count, int64_t block) {
    float scale = parameters->scales[block];
    int64_t zeroPoint = parameters->getZeroPoint(block);
    for (int64_t i = first; i < first + count; ++i)
      out[i] = numerics::dequantize(values.getAsInt(i), scale, zeroPoint);
  });
  return x.convertTo(*toDType(logical.getElementType()));
}
