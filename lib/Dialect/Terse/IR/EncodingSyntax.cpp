//===- EncodingSyntax.cpp - What encodings write alike ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "EncodingSyntax.h"

using namespace mlir;
using namespace terse;

ParseResult terse::parseKeywords(AsmParser &parser, ArrayRef<StringRef> keywords,
                                 function_ref<ParseResult(StringRef)> parseOne) {
  llvm::SmallDenseSet<StringRef> seen;
  while (succeeded(parser.parseOptionalComma())) {
    SMLoc loc = parser.getCurrentLocation();
    StringRef keyword;
    if (parser.parseKeyword(&keyword))
      return failure();
    if (!seen.insert(keyword).second)
      return parser.emitError(loc, "'") << keyword << "' is given twice";
    if (!llvm::is_contained(keywords, keyword)) {
      InFlightDiagnostic diag = parser.emitError(loc, "expected ");
      for (auto [i, known] : llvm::enumerate(keywords))
        diag << (i == 0 ? "'" : i + 1 == keywords.size() ? "' or '" : "', '") << known;
      return diag << "' (got '" << keyword << "')";
    }
    if (parseOne(keyword))
      return failure();
  }
  return parser.parseGreater();
}

ParseResult terse::parseSizes(AsmParser &parser, SmallVectorImpl<int64_t> &sizes) {
  SMLoc start = parser.getCurrentLocation();
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&]() -> ParseResult {
        if (succeeded(parser.parseOptionalQuestion())) {
          sizes.push_back(Granularity::kWholeDimension);
          return success();
        }
        SMLoc loc = parser.getCurrentLocation();
        if (parser.parseInteger(sizes.emplace_back()))
          return failure();
        // `?` is stored as a negative number, so a negative number must not reach storage.
        if (sizes.back() <= 0) // C2
          return parser.emitError(loc, "expected a positive block size or '?' (got ")
                 << sizes.back() << ")";
        return success();
      }))
    return failure();
  if (sizes.empty())
    return parser.emitError(start, "expected at least one block size; leave out 'block' for one "
                                   "scale per tensor");
  return success();
}

void terse::printSizes(AsmPrinter &printer, ArrayRef<int64_t> sizes) {
  printer << "[";
  llvm::interleaveComma(sizes, printer, [&](int64_t size) {
    if (size == Granularity::kWholeDimension)
      printer << "?";
    else
      printer << size;
  });
  printer << "]";
}

ParseResult terse::parseSlot(AsmParser &parser, Attribute &slot) {
  Type type;
  OptionalParseResult parsed = parser.parseOptionalType(type);
  if (!parsed.has_value())
    return parser.parseAttribute(slot);
  if (failed(*parsed))
    return failure();
  slot = TypeAttr::get(type);
  return success();
}

void terse::printSlot(AsmPrinter &printer, Attribute slot) {
  if (auto type = dyn_cast<TypeAttr>(slot))
    printer << type.getValue();
  else
    printer << slot;
}

void terse::printScale(AsmPrinter &printer, Attribute scale) {
  if (auto type = dyn_cast<TypeAttr>(scale); type && type.getValue().isF32())
    return;
  printer << ", scale = ";
  printSlot(printer, scale);
}

OptionalParseResult GranularitySyntax::parse(AsmParser &parser, StringRef keyword) {
  if (keyword == "axis")
    return failure(parser.parseEqual() || parser.parseInteger(axis.emplace()));
  std::optional<FitKind> kind = symbolizeFitKind(keyword);
  if (!kind)
    return std::nullopt;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseEqual())
    return failure();
  int64_t size;
  OptionalParseResult number = parser.parseOptionalInteger(size);
  if (!number.has_value()) {
    if (*kind != FitKind::Block)
      return parser.emitError(loc, "expected a number after '") << keyword << " ='";
    return parseSizes(parser, block);
  }
  if (failed(*number))
    return failure();
  if (fit)
    return parser.emitError(loc, "expected at most one of 'block', 'nearest_block' and 'channels'");
  fit =
      FitAttr::getChecked([&] { return parser.emitError(loc); }, parser.getContext(), *kind, size);
  return success(fit != nullptr);
}

void GranularitySyntax::print(AsmPrinter &printer, const Granularity &granularity, FitAttr fit) {
  if (granularity.axis)
    printer << ", axis = " << *granularity.axis;
  if (!granularity.block.empty()) {
    printer << ", block = ";
    printSizes(printer, granularity.block);
  }
  if (fit)
    printer << ", " << stringifyFitKind(fit.getKind()) << " = " << fit.getSize();
}

LogicalResult terse::verifyGranularity(function_ref<InFlightDiagnostic()> emitError,
                                       const Granularity &granularity, FitAttr fit) {
  if (fit && !granularity.isPerTensor())
    return emitError() << "expected no 'axis' or block sizes beside '"
                       << stringifyFitKind(fit.getKind()) << " = " << fit.getSize() << "'";
  return granularity.verify(emitError);
}

LogicalResult terse::verifyGranularityFor(function_ref<InFlightDiagnostic()> emitError,
                                          EncodingAttrInterface encoding,
                                          const Granularity &granularity, ArrayRef<int64_t> shape) {
  if (encoding.isTemplate())
    return emitError() << "expected an encoding that is fitted to its tensor (got the template "
                       << encoding << "); give 'axis' or the block size of every dimension";
  return granularity.verifyFor(shape, emitError);
}

LogicalResult terse::verifyLogicalElement(function_ref<InFlightDiagnostic()> emitError,
                                          Attribute encoding, Type type) {
  if (isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(type))
    return success();
  return emitError() << "expected an element type of f16, bf16, f32 or f64 with " << encoding
                     << " (got " << type << ")";
}
