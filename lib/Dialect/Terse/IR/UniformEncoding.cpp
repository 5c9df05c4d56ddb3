//===- UniformEncoding.cpp - #terse.uniform: syntax and types ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the encoding looks like and which tensors it is stored as. The arithmetic
// stands in UniformEncodingHost.cpp (on constants) and UniformEncodingBuilders.cpp
// (as ops).
//
//===----------------------------------------------------------------------===//

#include "EncodingSyntax.h"
#include "ParameterSlot.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;

//===----------------------------------------------------------------------===//
// Syntax
//===----------------------------------------------------------------------===//

Attribute UniformEncodingAttr::parse(AsmParser &parser, Type) {
  SMLoc start = parser.getCurrentLocation();
  Type valueType;
  GranularitySyntax granularity;
  Attribute scale = TypeAttr::get(parser.getBuilder().getF32Type());
  bool zeroPoint = false, narrow = false, dynamic = false;
  if (parser.parseLess() || parser.parseType(valueType))
    return {};
  auto integer = dyn_cast<IntegerType>(valueType);
  if (!integer) { // C1
    parser.emitError(start, "expected an integer value type (got ") << valueType << ")";
    return {};
  }
  SmallVector<StringRef> keywords(std::begin(GranularitySyntax::keywords),
                                  std::end(GranularitySyntax::keywords));
  llvm::append_values(keywords, "scale", "zero_point", "narrow", "dynamic");
  if (parseKeywords(parser, keywords, [&](StringRef keyword) -> ParseResult {
        if (OptionalParseResult result = granularity.parse(parser, keyword); result.has_value())
          return *result;
        if (keyword == "scale")
          return failure(parser.parseEqual() || parseSlot(parser, scale));
        (keyword == "zero_point" ? zeroPoint : keyword == "narrow" ? narrow : dynamic) = true;
        return success();
      }))
    return {};
  return getChecked([&] { return parser.emitError(start); }, parser.getContext(), integer,
                    granularity.axis, ArrayRef<int64_t>(granularity.block), scale, zeroPoint,
                    narrow, dynamic, granularity.fit);
}

void UniformEncodingAttr::print(AsmPrinter &printer) const {
  printer << "<" << getValueType();
  GranularitySyntax::print(printer, getGranularity(), getFitRule());
  printScale(printer, getScale());
  if (getAsymmetric())
    printer << ", zero_point";
  if (getNarrow())
    printer << ", narrow";
  if (getDynamic())
    printer << ", dynamic";
  printer << ">";
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

LogicalResult UniformEncodingAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                          IntegerType valueType, std::optional<int64_t> axis,
                                          ArrayRef<int64_t> block, Attribute scale, bool asymmetric,
                                          bool narrow, bool, FitAttr fit) {
  // C1
  unsigned width = valueType.getWidth();
  bool wellSpelled = width == 1 ? !valueType.isSignless() : !valueType.isSigned();
  if (!wellSpelled || width == 0 || (width > 8 && width != 16 && width != 32))
    return emitError() << "expected a value type among si1, i2 to i8, i16, i32, ui1 to ui8, ui16 "
                          "and ui32 (got "
                       << valueType << ")";
  // C2, C3
  if (failed(verifyGranularity(emitError, {axis, block}, fit)))
    return failure();
  // C4
  if (failed(ParameterSlot(scale).verifyScale(emitError)))
    return failure();
  // C5
  if (asymmetric && width > 16)
    return emitError() << "expected a value type of at most 16 bits with 'zero_point' (got "
                       << valueType << ")";
  // C6
  if (narrow && (valueType.isUnsigned() || width == 1))
    return emitError() << "expected a signed value type of 2 bits or more with 'narrow' (got "
                       << valueType << ")";
  if (narrow && asymmetric)
    return emitError() << "expected no 'zero_point' with 'narrow'";
  return success();
}

LogicalResult
UniformEncodingAttr::verifyEncoding(ArrayRef<int64_t> shape, Type elementType,
                                    function_ref<InFlightDiagnostic()> emitError) const {
  // C7
  if (failed(verifyLogicalElement(emitError, *this, elementType)))
    return failure();
  // C8, C9, C11
  if (failed(verifyGranularityFor(emitError, *this, getGranularity(), shape)))
    return failure();
  // C10
  return ParameterSlot(getScale()).verifyFor(getScaleShape(shape), emitError);
}

//===----------------------------------------------------------------------===//
// Parameters and components
//===----------------------------------------------------------------------===//

int64_t UniformEncodingAttr::getQMax() const {
  unsigned width = getValueType().getWidth();
  return isSigned() ? llvm::maxIntN(width) : int64_t(llvm::maxUIntN(width));
}

int64_t UniformEncodingAttr::getQMin() const {
  if (!isSigned())
    return 0;
  return getNarrow() ? -getQMax() : llvm::minIntN(getValueType().getWidth());
}

EncodingAttrInterface UniformEncodingAttr::getScaleEncoding() const {
  return dyn_cast<EncodingAttrInterface>(getScale());
}

FloatType UniformEncodingAttr::getScaleType() const { return ParameterSlot(getScale()).getType(); }

std::optional<Granularity> UniformEncodingAttr::getScaleGranularity() const {
  return getGranularity();
}

SmallVector<EncodingComponent> UniformEncodingAttr::getComponents(RankedTensorType logical) const {
  SmallVector<EncodingComponent> components;
  components.push_back({"values", RankedTensorType::get(logical.getShape(), getValueType())});
  SmallVector<int64_t> scaleShape = getScaleShape(logical.getShape());
  ParameterSlot(getScale()).addComponents("scales", scaleShape, components);
  if (getAsymmetric())
    components.push_back(
        {"zero_points", RankedTensorType::get(scaleShape, getValueType()), /*isParameter=*/true});
  return components;
}

bool UniformEncodingAttr::isRunTimeEncodable() const {
  return ParameterSlot(getScale()).isRunTimeEncodable();
}

bool UniformEncodingAttr::hasRunTimeParameters() const { return getDynamic(); }

bool UniformEncodingAttr::isTemplate() const {
  return getFitRule() || ParameterSlot(getScale()).isTemplate();
}

EncodingAttrInterface UniformEncodingAttr::fit(RankedTensorType logical,
                                               const WeightAxes &axes) const {
  Granularity granularity =
      getFitRule() ? getFitRule().apply(logical.getShape(), axes) : getGranularity();
  Attribute scale = ParameterSlot(getScale()).fit(granularity, logical.getShape());
  return get(getValueType(), granularity.axis, granularity.block, scale, getAsymmetric(),
             getNarrow(), getDynamic());
}
