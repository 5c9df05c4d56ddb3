//===- UniformEncoding.cpp - #terse.uniform: syntax and types ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the encoding looks like and which tensors it is stored as. The arithmetic
// stands in UniformEncodingHost.cpp (on constants) and UniformEncodingBuilders.cpp
// (as ops).
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/DialectImplementation.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;

//===----------------------------------------------------------------------===//
// Syntax
//===----------------------------------------------------------------------===//

/// `[1, 32, ?]`
static ParseResult parseBlock(AsmParser &parser, SmallVectorImpl<int64_t> &block) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&]() -> ParseResult {
    if (succeeded(parser.parseOptionalQuestion())) {
      block.push_back(UniformEncodingAttr::kWholeDimension);
      return success();
    }
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseInteger(block.emplace_back()))
      return failure();
    // `?` is stored as a negative number, so a negative number must not reach storage.
    if (block.back() <= 0) // C3
      return parser.emitError(loc, "expected a positive block size or '?' (got ")
             << block.back() << ")";
    return success();
  });
}

/// `f16` or `#terse.other<...>`
static ParseResult parseSlot(AsmParser &parser, Attribute &slot) {
  Type type;
  OptionalParseResult parsed = parser.parseOptionalType(type);
  if (parsed.has_value()) {
    if (failed(*parsed))
      return failure();
    slot = TypeAttr::get(type);
    return success();
  }
  return parser.parseAttribute(slot);
}

Attribute UniformEncodingAttr::parse(AsmParser &parser, Type) {
  SMLoc start = parser.getCurrentLocation();
  Type valueType;
  std::optional<int64_t> axis;
  SmallVector<int64_t> block;
  Attribute scale = TypeAttr::get(parser.getBuilder().getF32Type());
  bool zeroPoint = false, narrow = false, dynamic = false;
  if (parser.parseLess() || parser.parseType(valueType))
    return {};
  auto integer = dyn_cast<IntegerType>(valueType);
  if (!integer) { // C1
    parser.emitError(start, "expected an integer value type (got ") << valueType << ")";
    return {};
  }

  llvm::SmallDenseSet<StringRef> seen;
  while (succeeded(parser.parseOptionalComma())) {
    SMLoc loc = parser.getCurrentLocation();
    StringRef keyword;
    if (parser.parseKeyword(&keyword))
      return {};
    if (!seen.insert(keyword).second) {
      parser.emitError(loc, "'") << keyword << "' is given twice";
      return {};
    }
    if (keyword == "axis") {
      if (parser.parseEqual() || parser.parseInteger(axis.emplace()))
        return {};
    } else if (keyword == "block") {
      if (parser.parseEqual() || parseBlock(parser, block))
        return {};
      if (block.empty()) {
        parser.emitError(loc, "expected at least one block size; leave out 'block' for one scale "
                              "per tensor");
        return {};
      }
    } else if (keyword == "scale") {
      if (parser.parseEqual() || parseSlot(parser, scale))
        return {};
    } else if (keyword == "zero_point") {
      zeroPoint = true;
    } else if (keyword == "narrow") {
      narrow = true;
    } else if (keyword == "dynamic") {
      dynamic = true;
    } else {
      parser.emitError(loc, "expected 'axis', 'block', 'scale', 'zero_point', 'narrow' or "
                            "'dynamic' (got '")
          << keyword << "')";
      return {};
    }
  }
  if (parser.parseGreater())
    return {};
  return getChecked([&] { return parser.emitError(start); }, parser.getContext(), integer, axis,
                    ArrayRef<int64_t>(block), scale, zeroPoint, narrow, dynamic);
}

void UniformEncodingAttr::print(AsmPrinter &printer) const {
  printer << "<" << getValueType();
  if (getAxis())
    printer << ", axis = " << *getAxis();
  if (!getBlock().empty()) {
    printer << ", block = [";
    llvm::interleaveComma(getBlock(), printer, [&](int64_t size) {
      if (size == kWholeDimension)
        printer << "?";
      else
        printer << size;
    });
    printer << "]";
  }
  auto type = dyn_cast<TypeAttr>(getScale());
  if (!type)
    printer << ", scale = " << getScale();
  else if (!type.getValue().isF32())
    printer << ", scale = " << type.getValue();
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
                                          bool narrow, bool) {
  // C1
  unsigned width = valueType.getWidth();
  bool wellSpelled = width == 1 ? !valueType.isSignless() : !valueType.isSigned();
  if (!wellSpelled || width == 0 || (width > 8 && width != 16 && width != 32))
    return emitError() << "expected a value type among si1, i2 to i8, i16, i32, ui1 to ui8, ui16 "
                          "and ui32 (got "
                       << valueType << ")";
  // C2
  if (axis && !block.empty())
    return emitError() << "expected at most one of 'axis' and 'block'";
  // C3
  for (int64_t size : block)
    if (size <= 0 && size != kWholeDimension)
      return emitError() << "expected a positive block size or '?' (got " << size << ")";
  // C4
  auto type = dyn_cast<TypeAttr>(scale);
  bool floatScale = type && isa<Float32Type, Float16Type, BFloat16Type>(type.getValue());
  if (!floatScale && !isa<EncodingAttrInterface>(scale))
    return emitError() << "expected a scale of f32, f16, bf16 or a terse encoding (got " << scale
                       << ")";
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
  if (!isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(elementType))
    return emitError() << "expected an element type of f16, bf16, f32 or f64 with " << *this
                       << " (got " << elementType << ")";
  // C8
  int64_t rank = shape.size();
  if (getAxis() && (*getAxis() < 0 || *getAxis() >= rank))
    return emitError() << "expected an axis in [0, " << rank << ") for a tensor of rank " << rank
                       << " (got " << *getAxis() << ")";
  // C9
  if (!getBlock().empty() && int64_t(getBlock().size()) != rank)
    return emitError() << "expected one block size for each of " << rank << " dimensions (got "
                       << getBlock().size() << ")";
  // C10
  if (EncodingAttrInterface nested = getScaleEncoding())
    return nested.verifyEncoding(getScaleShape(shape), getScaleType(), emitError);
  return success();
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

FloatType UniformEncodingAttr::getScaleType() const {
  if (auto type = dyn_cast<TypeAttr>(getScale()))
    return cast<FloatType>(type.getValue());
  return Float32Type::get(getContext());
}

SmallVector<int64_t> UniformEncodingAttr::getScaleShape(ArrayRef<int64_t> shape) const {
  if (getAxis())
    return {shape[*getAxis()]};
  SmallVector<int64_t> counts;
  for (auto [size, block] : llvm::zip(shape, getBlock())) {
    if (block == kWholeDimension)
      counts.push_back(1);
    else if (ShapedType::isDynamic(size))
      counts.push_back(block == 1 ? size : ShapedType::kDynamic);
    else
      counts.push_back(llvm::divideCeil(size, block));
  }
  return counts;
}

SmallVector<int64_t> UniformEncodingAttr::getBlockExtents(ArrayRef<int64_t> shape) const {
  SmallVector<int64_t> extents(shape);
  if (getAxis())
    extents[*getAxis()] = 1;
  for (auto [extent, block] : llvm::zip(extents, getBlock()))
    if (block != kWholeDimension)
      extent = ShapedType::isDynamic(extent) ? block : std::min(extent, block);
  return extents;
}

SmallVector<EncodingComponent> UniformEncodingAttr::getComponents(RankedTensorType logical) const {
  SmallVector<EncodingComponent> components;
  components.push_back({"values", RankedTensorType::get(logical.getShape(), getValueType())});
  SmallVector<int64_t> scaleShape = getScaleShape(logical.getShape());
  auto scales = RankedTensorType::get(scaleShape, getScaleType());
  if (EncodingAttrInterface nested = getScaleEncoding()) {
    for (EncodingComponent &component : nested.getComponents(scales))
      components.push_back({"scales." + component.name, component.type, /*isParameter=*/true});
  } else {
    components.push_back({"scales", scales, /*isParameter=*/true});
  }
  if (getAsymmetric())
    components.push_back(
        {"zero_points", RankedTensorType::get(scaleShape, getValueType()), /*isParameter=*/true});
  return components;
}

bool UniformEncodingAttr::isRunTimeEncodable() const {
  EncodingAttrInterface nested = getScaleEncoding();
  return !nested || nested.isRunTimeEncodable();
}

bool UniformEncodingAttr::hasRunTimeParameters() const { return getDynamic(); }
