//===- Encodings.cpp - Encoded tensors as QuantizeLinear, DequantizeLinear -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// DequantizeLinear computes (q - z) * s in f32 as #terse.uniform decodes, so that weights keep
// every bit. ONNX knows scales per tensor, along one axis, or per block of one axis; what shares a
// scale along further axes gets it several times.
//
//===----------------------------------------------------------------------===//

#include "../Exporter.h"

#include "terse/Import/ONNXTypes.h"
#include "terse/Reference/KnownValue.h"
#include "terse/Support/Constants.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::onnx;

//===----------------------------------------------------------------------===//
// How scales lie
//===----------------------------------------------------------------------===//

namespace {
struct ScaleLayout {
  std::optional<int64_t> axis;
  int64_t block = 0;
  Ints shape; ///< Of the scales.
};
} // namespace

static ScaleLayout getLayout(const Granularity &granularity, ArrayRef<int64_t> shape) {
  if (granularity.axis)
    return {granularity.axis, 0, {shape[*granularity.axis]}};
  if (granularity.block.empty())
    return {};
  Ints extents = granularity.getExtents(shape), counts;
  for (auto [size, extent] : llvm::zip(shape, extents))
    counts.push_back(llvm::divideCeil(size, std::max<int64_t>(extent, 1)));
  SmallVector<size_t> several;
  for (size_t d = 0; d < counts.size(); ++d)
    if (counts[d] > 1)
      several.push_back(d);
  if (several.empty())
    return {};
  if (several.size() == 1 && extents[several[0]] == 1)
    return {int64_t(several[0]), 0, {shape[several[0]]}};
  // Blocks run along one axis: the one that saves most.
  size_t axis = llvm::max_element(extents) - extents.begin();
  ScaleLayout layout{int64_t(axis), extents[axis], Ints(shape)};
  layout.shape[axis] = counts[axis];
  return layout;
}

/// Constant parameters of the encoding in the layout that ONNX wants.
static HostTensor spread(const HostTensor &parameters, const ScaleLayout &layout,
                         const Granularity &granularity, ArrayRef<int64_t> shape) {
  if (!layout.block)
    return parameters.reshaped(layout.shape);
  Ints extents = granularity.getExtents(shape);
  HostTensor result = HostTensor::zeros(parameters.dtype, layout.shape);
  std::vector<int64_t> strides = parameters.getStrides();
  size_t width = parameters.dtype.getHostBytes();
  uint8_t *to = result.getMutableBytes().data();
  Ints index(shape.size(), 0);
  for (int64_t i = 0, count = result.getNumElements(); i < count; ++i) {
    int64_t from = 0;
    for (size_t d = 0; d < index.size(); ++d)
      from += strides[d] * (int64_t(d) == *layout.axis ? index[d] : index[d] / extents[d]);
    std::memcpy(to + i * width, parameters.getBytes().data() + from * width, width);
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < layout.shape[d])
        break;
      index[d] = 0;
    }
  }
  return result;
}

//===----------------------------------------------------------------------===//
// What ONNX can say
//===----------------------------------------------------------------------===//

static bool isPlainScale(Attribute scale) {
  auto type = dyn_cast<TypeAttr>(scale);
  return type && isa<Float32Type, Float16Type, BFloat16Type, Float8E8M0FNUType>(type.getValue());
}

static bool areConstant(ValueRange values) {
  return llvm::all_of(values, [](Value v) { return getKnownValue(v).has_value(); });
}

/// DynamicQuantizeLinear: unsigned 8 bits, one scale and zero point from the tensor itself.
static bool isDynamicQuantize(EncodingAttrInterface encoding, Operation *op) {
  auto uniform = dyn_cast<UniformEncodingAttr>(encoding);
  auto encode = dyn_cast<EncodeOp>(op);
  return uniform && encode && encode.getParameters().empty() && uniform.isPerTensor() &&
         uniform.getAsymmetric() && uniform.getValueType().isUnsignedInteger(8) &&
         uniform.getScaleType().isF32() && !uniform.getScaleEncoding();
}

bool terse::onnx::isExpressible(EncodingAttrInterface encoding, Operation *op) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (!type.getElementType().isF32())
    return false;
  if (isa<CastEncodingAttr>(encoding) || isDynamicQuantize(encoding, op))
    return true;
  auto assemble = dyn_cast<AssembleOp>(op);
  auto encode = dyn_cast<EncodeOp>(op);
  ValueRange parameters = assemble ? ValueRange(assemble.getComponents().drop_front())
                          : encode ? ValueRange(encode.getParameters())
                                   : ValueRange();
  if (parameters.empty())
    return false;
  if (auto small = dyn_cast<MinifloatEncodingAttr>(encoding))
    return assemble && isPlainScale(small.getScale()) && areConstant(parameters) &&
           isa<Float8E4M3FNType, Float8E5M2Type>(small.getValueType());
  auto uniform = dyn_cast<UniformEncodingAttr>(encoding);
  if (!uniform || !isPlainScale(uniform.getScale()))
    return false;
  unsigned width = uniform.getValueType().getWidth();
  if (width > 16 && !(assemble && width == 32 && uniform.isSigned()))
    return false;
  if (areConstant(parameters))
    return uniform.getBlock().empty() || type.hasStaticShape();
  return uniform.getBlock().empty() && uniform.getScaleType().isF32();
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

namespace {
/// Makes the scales and zero points of one encoded tensor.
class ParameterBuilder {
public:
  ParameterBuilder(Exporter &e, Granularity granularity, ArrayRef<int64_t> shape,
                   ArrayRef<int64_t> permutation)
      : e(e), granularity(std::move(granularity)), shape(shape), permutation(permutation),
        layout(getLayout(this->granularity, shape)) {}

  Quantized describe(Value scales, Value zeroPoints) {
    Quantized result;
    result.block = layout.block;
    if (layout.axis)
      result.axis = permutation.empty()
                        ? *layout.axis
                        : llvm::find(permutation, *layout.axis) - permutation.begin();
    result.scales = makeScales(scales);
    if (zeroPoints)
      result.zeroPoints = make(zeroPoints, "zero_points");
    return result;
  }

  /// Zeros in the place of zero points.
  std::string makeZeros(DType dtype) {
    return e.constant(HostTensor::zeros(Exporter::toStored(dtype), getShape()), "zero_points");
  }

private:
  Ints getShape() {
    if (!layout.block || permutation.empty())
      return layout.shape;
    Ints result;
    for (int64_t axis : permutation)
      result.push_back(layout.shape[axis]);
    return result;
  }

  HostTensor arrange(const HostTensor &tensor) {
    HostTensor laid = spread(tensor, layout, granularity, shape);
    return layout.block && !permutation.empty() ? permute(laid, permutation) : laid;
  }

  std::string make(Value parameters, StringRef hint) {
    std::optional<HostTensor> tensor = getKnownValue(parameters);
    return tensor ? e.constant(arrange(*tensor), nameOf(parameters, hint)) : e.name(parameters);
  }

  std::string makeScales(Value scales) {
    std::optional<HostTensor> tensor = getKnownValue(scales);
    if (!tensor)
      return e.name(scales);
    HostTensor laid = arrange(*tensor);
    std::string hint = nameOf(scales, "scales");
    // f16 is as good as f32 once it has been widened; other types have fewer operators.
    if (laid.dtype == DType::f16())
      return e.step("Cast", {e.constant(laid, hint)}, {{"to", getOnnxType(DType::f32())}});
    return e.constant(laid.convertTo(DType::f32()), hint);
  }

  std::string nameOf(Value parameters, StringRef otherwise) {
    ml_program::GlobalOp global = getConstantGlobal(parameters);
    return global ? global.getSymName().str() : e.getLayer() + "/" + otherwise.str();
  }

  Exporter &e;
  Granularity granularity;
  ArrayRef<int64_t> shape, permutation;
  ScaleLayout layout;
};
} // namespace

static Attrs getAttrs(const Quantized &parts) {
  Attrs attributes;
  if (parts.axis)
    attributes.push_back({"axis", *parts.axis});
  if (parts.block)
    attributes.push_back({"block_size", parts.block});
  return attributes;
}

//===----------------------------------------------------------------------===//
// Dequantization
//===----------------------------------------------------------------------===//

static Granularity getGranularity(EncodingAttrInterface encoding) {
  if (auto uniform = dyn_cast<UniformEncodingAttr>(encoding))
    return uniform.getGranularity();
  if (auto small = dyn_cast<MinifloatEncodingAttr>(encoding))
    return small.getGranularity();
  return {};
}

/// The name of the stored elements of a constant, permuted.
static std::string makeValues(Exporter &e, Value values, ArrayRef<int64_t> permutation) {
  return permutation.empty() ? e.name(values) : e.transposed(values, permutation);
}

std::string terse::onnx::dequantize(Exporter &e, Value v, ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(v.getType());
  EncodingAttrInterface encoding = getEncoding(type);
  auto assemble = v.getDefiningOp<AssembleOp>();
  Quantized parts;
  std::string base;
  if (assemble) {
    ValueRange components = assemble.getComponents();
    if (isa<CastEncodingAttr>(encoding))
      return e.step("Cast", {makeValues(e, components.front(), permutation)},
                    {{"to", getOnnxType(DType::f32())}});
    bool hasZeros = components.size() > 2;
    ParameterBuilder builder(e, getGranularity(encoding), type.getShape(), permutation);
    parts = builder.describe(components[1], hasZeros ? components[2] : Value());
    parts.values = makeValues(e, components.front(), permutation);
    if (permutation.empty())
      e.setQuantized(v, parts);
  } else if (v.getDefiningOp<EncodeOp>()) {
    // Its handler has left them; the name asks for the floats.
    parts = e.findQuantized(v);
  } else {
    failExport("an operand is encoded by an op that is not exported");
  }
  std::string result = e.unique(parts.values + ".dequantized");
  e.node("DequantizeLinear", {parts.values, parts.scales, parts.zeroPoints}, {result},
         getAttrs(parts), result);
  return result;
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

static void exportEncode(EncodeOp op, Exporter &e) {
  auto type = cast<RankedTensorType>(op.getType());
  std::string x = e.name(op.getInput());
  EncodingAttrInterface encoding = op.getEncoding();
  if (auto narrow = dyn_cast<CastEncodingAttr>(encoding)) {
    std::string stored = e.step("Cast", {x}, {{"to", Exporter::onnxTypeOf(narrow.getValueType())}});
    e.setName(op.getResult(), e.step("Cast", {stored}, {{"to", getOnnxType(DType::f32())}}));
    return;
  }
  if (isDynamicQuantize(encoding, op)) {
    Quantized parts{e.unique(e.getLayer() + "/quantized"), e.unique(e.getLayer() + "/scale"),
                    e.unique(e.getLayer() + "/zero_point"), std::nullopt, 0};
    e.node("DynamicQuantizeLinear", {x}, {parts.values, parts.scales, parts.zeroPoints}, {},
           e.getLayer() + "/DynamicQuantizeLinear");
    e.setQuantized(op.getResult(), parts);
    return;
  }
  auto uniform = cast<UniformEncodingAttr>(encoding);
  ParameterBuilder builder(e, uniform.getGranularity(), type.getShape(), {});
  ValueRange parameters = op.getParameters();
  Quantized parts =
      builder.describe(parameters.front(), uniform.getAsymmetric() ? parameters.back() : Value());
  DType dtype = *toDType(uniform.getValueType()), stored = Exporter::toStored(dtype);
  // The type of the zero points is that of the result.
  if (parts.zeroPoints.empty())
    parts.zeroPoints = builder.makeZeros(dtype);
  parts.values = e.unique(x + ".quantized");
  std::string wide = parts.values;
  bool clips = dtype != stored || uniform.getNarrow();
  if (clips)
    wide = e.unique(x + ".unclipped");
  e.node("QuantizeLinear", {x, parts.scales, parts.zeroPoints}, {wide}, getAttrs(parts), wide);
  if (clips) {
    auto bound = [&](int64_t value) {
      HostTensor number = HostTensor::zeros(stored, {});
      number.setFromInt(0, value);
      return e.constant(number, "bound");
    };
    e.node("Clip", {wide, bound(uniform.getQMin()), bound(uniform.getQMax())}, {parts.values}, {},
           parts.values);
  }
  e.setQuantized(op.getResult(), parts);
}

/// Nothing yet: the form in which it is wanted is known at its use.
static void exportAssemble(AssembleOp, Exporter &) {}

static void exportDecode(DecodeOp op, Exporter &e) {
  e.setName(op.getResult(), e.name(op.getInput()));
}

static void exportComponents(ComponentsOp op, Exporter &e) {
  if (auto assemble = op.getInput().getDefiningOp<AssembleOp>()) {
    for (auto [result, component] : llvm::zip(op.getResults(), assemble.getComponents()))
      e.setName(result, e.name(component));
    return;
  }
  Quantized parts = e.findQuantized(op.getInput());
  std::string names[] = {parts.values, parts.scales, parts.zeroPoints};
  for (auto [i, result] : llvm::enumerate(op.getResults()))
    e.setName(result, names[i]);
}

static void exportObserve(ObserveOp op, Exporter &e) {
  e.setName(op.getResult(), e.name(op.getInput()));
}

void terse::onnx::addEncodings(HandlerTable &t) {
  t.add<EncodeOp>(exportEncode);
  t.add<AssembleOp>(exportAssemble);
  t.add<DecodeOp>(exportDecode);
  t.add<ComponentsOp>(exportComponents);
  t.add<ObserveOp>(exportObserve);
}
