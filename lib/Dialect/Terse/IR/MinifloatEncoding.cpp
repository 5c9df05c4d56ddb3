//===- MinifloatEncoding.cpp - #terse.minifloat: syntax and types -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "EncodingSyntax.h"
#include "ParameterSlot.h"

using namespace mlir;
using namespace terse;

Attribute MinifloatEncodingAttr::parse(AsmParser &parser, Type) {
  SMLoc start = parser.getCurrentLocation();
  Type valueType;
  GranularitySyntax granularity;
  Attribute scale = TypeAttr::get(parser.getBuilder().getF32Type());
  bool dynamic = false;
  if (parser.parseLess() || parser.parseType(valueType))
    return {};
  auto floatType = dyn_cast<FloatType>(valueType);
  if (!floatType) { // C1
    parser.emitError(start, "expected a float value type (got ") << valueType << ")";
    return {};
  }
  SmallVector<StringRef> keywords(std::begin(GranularitySyntax::keywords),
                                  std::end(GranularitySyntax::keywords));
  llvm::append_values(keywords, "scale", "dynamic");
  if (parseKeywords(parser, keywords, [&](StringRef keyword) -> ParseResult {
        if (OptionalParseResult result = granularity.parse(parser, keyword); result.has_value())
          return *result;
        if (keyword == "scale")
          return failure(parser.parseEqual() || parseSlot(parser, scale));
        dynamic = true;
        return success();
      }))
    return {};
  return getChecked([&] { return parser.emitError(start); }, parser.getContext(), floatType,
                    granularity.axis, ArrayRef<int64_t>(granularity.block), scale, dynamic,
                    granularity.fit);
}

void MinifloatEncodingAttr::print(AsmPrinter &printer) const {
  printer << "<" << getValueType();
  GranularitySyntax::print(printer, getGranularity(), getFitRule());
  printScale(printer, getScale());
  if (getDynamic())
    printer << ", dynamic";
  printer << ">";
}

LogicalResult MinifloatEncodingAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                            FloatType valueType, std::optional<int64_t> axis,
                                            ArrayRef<int64_t> block, Attribute scale, bool,
                                            FitAttr fit) {
  // C1
  if (!isa<Float8E4M3FNType, Float8E5M2Type, Float6E2M3FNType, Float6E3M2FNType, Float4E2M1FNType>(
          valueType))
    return emitError() << "expected a value type of f8E4M3FN, f8E5M2, f6E2M3FN, f6E3M2FN or "
                          "f4E2M1FN (got "
                       << valueType << ")";
  // C2, C3
  if (failed(verifyGranularity(emitError, {axis, block}, fit)))
    return failure();
  // C4
  return ParameterSlot(scale).verifyScale(emitError);
}

LogicalResult
MinifloatEncodingAttr::verifyEncoding(ArrayRef<int64_t> shape, Type elementType,
                                      function_ref<InFlightDiagnostic()> emitError) const {
  // C5
  if (failed(verifyLogicalElement(emitError, *this, elementType)))
    return failure();
  // C6, C8
  if (failed(verifyGranularityFor(emitError, *this, getGranularity(), shape)))
    return failure();
  // C7
  return ParameterSlot(getScale()).verifyFor(getGranularity().getParameterShape(shape), emitError);
}

std::optional<Granularity> MinifloatEncodingAttr::getScaleGranularity() const {
  return getGranularity();
}

SmallVector<EncodingComponent>
MinifloatEncodingAttr::getComponents(RankedTensorType logical) const {
  SmallVector<EncodingComponent> components;
  components.push_back({"values", RankedTensorType::get(logical.getShape(), getValueType())});
  ParameterSlot(getScale())
      .addComponents("scales", getGranularity().getParameterShape(logical.getShape()), components);
  return components;
}

bool MinifloatEncodingAttr::isRunTimeEncodable() const {
  return ParameterSlot(getScale()).isRunTimeEncodable();
}

bool MinifloatEncodingAttr::hasRunTimeParameters() const { return getDynamic(); }

bool MinifloatEncodingAttr::isTemplate() const {
  return getFitRule() || ParameterSlot(getScale()).isTemplate();
}

EncodingAttrInterface MinifloatEncodingAttr::fit(RankedTensorType logical,
                                                 const WeightAxes &axes) const {
  Granularity granularity =
      getFitRule() ? getFitRule().apply(logical.getShape(), axes) : getGranularity();
  Attribute scale = ParameterSlot(getScale()).fit(granularity, logical.getShape());
  return get(getContext(), getValueType(), granularity.axis, granularity.block, scale, getDynamic(),
             FitAttr());
}
