//===- WeightFormats.cpp - Encodings that kernels decode ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Conversion/WeightFormats.h"
#include "terse/Dialect/Terse/IR/CodebookTables.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/IR/TerseDialect.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

namespace {

/// Components come from the operands of the same op as the encoding: they fit it.
InFlightDiagnostic noError() { return InFlightDiagnostic(); }

// A slot for parameters: a float type or an encoding, whose results are f32.
Type getSlotType(Attribute slot) {
  if (auto type = dyn_cast<TypeAttr>(slot))
    return type.getValue();
  return Float32Type::get(slot.getContext());
}

// The parameters in `slot` of this shape, taken off the front of `components`.
FailureOr<std::vector<float>> takeParameters(Attribute slot, ArrayRef<int64_t> shape,
                                             ArrayRef<HostTensor> &components) {
  auto encoding = dyn_cast<EncodingAttrInterface>(slot);
  if (!encoding) {
    std::vector<float> values = components.front().toFloats();
    components = components.drop_front();
    return values;
  }
  auto type = RankedTensorType::get(shape, Float32Type::get(slot.getContext()));
  size_t count = encoding.getComponents(type).size();
  FailureOr<HostTensor> decoded = encoding.decodeHost(components.take_front(count), type, noError);
  components = components.drop_front(count);
  if (failed(decoded))
    return failure();
  return decoded->toFloats();
}

template <typename Model, typename EncodingT>
struct FormatModel : WeightFormatInterface::ExternalModel<Model, EncodingT> {
  Value buildWeights(Attribute attr, OpBuilder &builder, Location loc, RankedTensorType logical,
                     ValueRange components) const {
    return cast<EncodingAttrInterface>(attr).buildDecode(builder, loc, logical, components);
  }
};

struct UniformModel : FormatModel<UniformModel, UniformEncodingAttr> {
  std::optional<WeightForm> getForm(Attribute attr, RankedTensorType logical) const {
    auto encoding = cast<UniformEncodingAttr>(attr);
    // One bit stands for -1 and 1, not for the integers that the type holds.
    if (encoding.getValueType().getWidth() > 8 || encoding.getValueType().getWidth() < 2)
      return std::nullopt;
    WeightForm form;
    form.value = encoding.getValueType();
    form.block = encoding.getBlockExtents(logical.getShape());
    form.scale = getSlotType(encoding.getScale());
    form.zeroPoints = encoding.getAsymmetric();
    return form;
  }

  FailureOr<WeightParts> getParts(Attribute attr, RankedTensorType logical,
                                  ArrayRef<HostTensor> components) const {
    auto encoding = cast<UniformEncodingAttr>(attr);
    WeightParts parts;
    parts.codes = components.front();
    if (encoding.getAsymmetric()) {
      parts.zeroPoints = components.back().toInts();
      components = components.drop_back();
    }
    components = components.drop_front();
    auto scales =
        takeParameters(encoding.getScale(), encoding.getScaleShape(logical.getShape()), components);
    if (failed(scales))
      return failure();
    parts.scales = std::move(*scales);
    return parts;
  }
};

struct MinifloatModel : FormatModel<MinifloatModel, MinifloatEncodingAttr> {
  std::optional<WeightForm> getForm(Attribute attr, RankedTensorType logical) const {
    auto encoding = cast<MinifloatEncodingAttr>(attr);
    WeightForm form;
    form.value = encoding.getValueType();
    form.block = encoding.getGranularity().getExtents(logical.getShape());
    form.scale = getSlotType(encoding.getScale());
    return form;
  }

  FailureOr<WeightParts> getParts(Attribute attr, RankedTensorType logical,
                                  ArrayRef<HostTensor> components) const {
    auto encoding = cast<MinifloatEncodingAttr>(attr);
    WeightParts parts;
    parts.codes = components.front();
    components = components.drop_front();
    auto scales =
        takeParameters(encoding.getScale(),
                       encoding.getGranularity().getParameterShape(logical.getShape()), components);
    if (failed(scales))
      return failure();
    parts.scales = std::move(*scales);
    return parts;
  }
};

struct CodebookModel : FormatModel<CodebookModel, CodebookEncodingAttr> {
  std::optional<WeightForm> getForm(Attribute attr, RankedTensorType logical) const {
    auto encoding = cast<CodebookEncodingAttr>(attr);
    if (encoding.getVector() != 1)
      return std::nullopt;
    WeightForm form;
    form.value = encoding.getIndexType();
    form.table = true;
    ArrayRef<int64_t> shape = logical.getShape();
    form.group.assign(shape.begin(), shape.end());
    if (!encoding.getFixedTable())
      form.group = encoding.getTableGranularity().getExtents(shape);
    form.block.assign(shape.begin(), shape.end());
    if (encoding.getScale()) {
      form.block = encoding.getGranularity().getExtents(shape);
      form.scale = getSlotType(encoding.getScale());
    }
    return form;
  }

  FailureOr<WeightParts> getParts(Attribute attr, RankedTensorType logical,
                                  ArrayRef<HostTensor> components) const {
    auto encoding = cast<CodebookEncodingAttr>(attr);
    ArrayRef<int64_t> shape = logical.getShape();
    WeightParts parts;
    parts.codes = components.front();
    components = components.drop_front();
    if (std::optional<FixedTable> fixed = encoding.getFixedTable()) {
      SmallVector<float> entries = getFixedEntries(*fixed, encoding.getIndexType().getWidth());
      parts.tables.assign(entries.begin(), entries.end());
      parts.tables.resize(encoding.getNumEntries());
    } else {
      auto tables = takeParameters(encoding.getTable(), encoding.getTablesShape(shape), components);
      if (failed(tables))
        return failure();
      parts.tables = std::move(*tables);
    }
    if (!encoding.getScale())
      return parts;
    auto scales = takeParameters(encoding.getScale(),
                                 encoding.getGranularity().getParameterShape(shape), components);
    if (failed(scales))
      return failure();
    parts.scales = std::move(*scales);
    return parts;
  }
};

} // namespace

void terse::registerWeightFormats(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, TerseDialect *, UKernelDialect *) {
    UniformEncodingAttr::attachInterface<UniformModel>(*context);
    MinifloatEncodingAttr::attachInterface<MinifloatModel>(*context);
    CodebookEncodingAttr::attachInterface<CodebookModel>(*context);
  });
}
