//===- CodebookEncoding.cpp - #terse.codebook: syntax and types -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/IR/CodebookTables.h"
#include "EncodingSyntax.h"
#include "ParameterSlot.h"

using namespace mlir;
using namespace terse;

using EmitError = function_ref<InFlightDiagnostic()>;

//===----------------------------------------------------------------------===//
// Syntax
//===----------------------------------------------------------------------===//

/// `nf4`, `f16` or `#terse.other<...>`
static ParseResult parseTable(AsmParser &parser, Attribute &table) {
  SmallVector<StringRef> names;
  for (uint64_t i = 0; i <= getMaxEnumValForFixedTable(); ++i)
    names.push_back(stringifyFixedTable(FixedTable(i)));
  StringRef name;
  if (failed(parser.parseOptionalKeyword(&name, names)))
    return parseSlot(parser, table);
  table = FixedTableAttr::get(parser.getContext(), *symbolizeFixedTable(name));
  return success();
}

Attribute CodebookEncodingAttr::parse(AsmParser &parser, Type) {
  SMLoc start = parser.getCurrentLocation();
  Type indexType;
  GranularitySyntax granularity;
  Attribute table, scale;
  SmallVector<int64_t> group;
  int64_t groupChannels = 0, vector = 1;
  std::optional<int64_t> vectorAxis;
  if (parser.parseLess() || parser.parseType(indexType))
    return {};
  auto integer = dyn_cast<IntegerType>(indexType);
  if (!integer) { // C1
    parser.emitError(start, "expected an index type of ui1 to ui8 (got ") << indexType << ")";
    return {};
  }
  SmallVector<StringRef> keywords = {"table"};
  llvm::append_range(keywords, GranularitySyntax::keywords);
  llvm::append_values(keywords, "group", "vector", "vector_axis", "scale");
  if (parseKeywords(parser, keywords, [&](StringRef keyword) -> ParseResult {
        if (OptionalParseResult result = granularity.parse(parser, keyword); result.has_value())
          return *result;
        if (parser.parseEqual())
          return failure();
        if (keyword == "table")
          return parseTable(parser, table);
        if (keyword == "scale")
          return parseSlot(parser, scale);
        if (keyword == "vector")
          return parser.parseInteger(vector);
        if (keyword == "vector_axis")
          return parser.parseInteger(vectorAxis.emplace());
        SMLoc loc = parser.getCurrentLocation();
        OptionalParseResult number = parser.parseOptionalInteger(groupChannels);
        if (!number.has_value())
          return parseSizes(parser, group);
        if (succeeded(*number) && groupChannels <= 0)
          return parser.emitError(loc, "expected a positive number of channels (got ")
                 << groupChannels << ")";
        return *number;
      }))
    return {};
  if (!table) {
    parser.emitError(start, "expected a table: 'table = nf4', fp4, pow2, binary, ternary, or the "
                            "element type of a learned one");
    return {};
  }
  if (isa<FixedTableAttr>(table) && !scale)
    scale = TypeAttr::get(parser.getBuilder().getF32Type());
  return getChecked([&] { return parser.emitError(start); }, parser.getContext(), integer, table,
                    ArrayRef<int64_t>(group), groupChannels, vector, vectorAxis, granularity.axis,
                    ArrayRef<int64_t>(granularity.block), granularity.fit, scale);
}

void CodebookEncodingAttr::print(AsmPrinter &printer) const {
  printer << "<" << getIndexType() << ", table = ";
  if (std::optional<FixedTable> fixed = getFixedTable())
    printer << stringifyFixedTable(*fixed);
  else
    printSlot(printer, getTable());
  if (getGroupChannels())
    printer << ", group = " << getGroupChannels();
  if (!getGroup().empty()) {
    printer << ", group = ";
    printSizes(printer, getGroup());
  }
  if (getVector() != 1)
    printer << ", vector = " << getVector();
  if (getVectorAxis())
    printer << ", vector_axis = " << *getVectorAxis();
  GranularitySyntax::print(printer, getGranularity(), getFitRule());
  bool implied = getFixedTable() && getScale() == TypeAttr::get(Float32Type::get(getContext()));
  if (getScale() && !implied) {
    printer << ", scale = ";
    printSlot(printer, getScale());
  }
  printer << ">";
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

LogicalResult CodebookEncodingAttr::verify(EmitError emitError, IntegerType indexType,
                                           Attribute table, ArrayRef<int64_t> group,
                                           int64_t groupChannels, int64_t vector,
                                           std::optional<int64_t> vectorAxis,
                                           std::optional<int64_t> axis, ArrayRef<int64_t> block,
                                           FitAttr fit, Attribute scale) {
  // C1
  unsigned width = indexType.getWidth();
  if (!indexType.isUnsigned() || width == 0 || width > 8)
    return emitError() << "expected an index type of ui1 to ui8 (got " << indexType << ")";
  auto fixed = dyn_cast<FixedTableAttr>(table);
  if (fixed && !isFixedTableWidth(fixed.getValue(), width))
    return emitError() << "expected the index type of table '"
                       << stringifyFixedTable(fixed.getValue())
                       << "': ui4 for nf4 and fp4, ui2 to ui8 for pow2, ui1 for binary, ui2 for "
                          "ternary (got "
                       << indexType << ")";
  // C2
  if (failed(verifyGranularity(emitError, {axis, block}, fit)) ||
      failed(Granularity(std::nullopt, group).verify(emitError)))
    return failure();
  // C3
  if (!fixed && failed(ParameterSlot(table).verifyTable(emitError)))
    return failure();
  // C4
  if (scale && failed(ParameterSlot(scale).verifyScale(emitError)))
    return failure();
  if (fixed && !scale)
    return emitError() << "expected a scale with the fixed table '"
                       << stringifyFixedTable(fixed.getValue()) << "'";
  // C5
  if (fixed && (!group.empty() || groupChannels || vector != 1))
    return emitError() << "expected no 'group' and 'vector' with the fixed table '"
                       << stringifyFixedTable(fixed.getValue()) << "'";
  // C6
  if (!scale && (axis || !block.empty() || fit))
    return emitError() << "expected a 'scale' with 'axis', 'block' or 'channels'; tables are "
                          "shared by 'group'";
  // C7
  if (vector != 1 && vector != 2 && vector != 4 && vector != 8)
    return emitError() << "expected a 'vector' of 1, 2, 4 or 8 elements (got " << vector << ")";
  if (vectorAxis && vector == 1)
    return emitError() << "expected a 'vector' with 'vector_axis'";
  return success();
}

LogicalResult CodebookEncodingAttr::verifyEncoding(ArrayRef<int64_t> shape, Type elementType,
                                                   EmitError emitError) const {
  // C8
  if (failed(verifyLogicalElement(emitError, *this, elementType)))
    return failure();
  if (ShapedType::isDynamicShape(shape))
    return emitError() << "expected a static shape with " << *this;
  // C9, C12
  if (failed(verifyGranularityFor(emitError, *this, getGranularity(), shape)) ||
      failed(Granularity(std::nullopt, getGroup()).verifyFor(shape, emitError)))
    return failure();
  // C10
  if (std::optional<int64_t> axis = getVectorAxis()) {
    int64_t rank = shape.size();
    if (*axis < 0 || *axis >= rank)
      return emitError() << "expected a 'vector_axis' in [0, " << rank << ") (got " << *axis << ")";
    if (shape[*axis] % getVector() != 0)
      return emitError() << "expected dimension " << *axis << " to be a multiple of the vector of "
                         << getVector() << " (got " << shape[*axis] << ")";
    if (!getGroup().empty() && getGroup()[*axis] != Granularity::kWholeDimension &&
        getGroup()[*axis] % getVector() != 0)
      return emitError() << "expected the group size of dimension " << *axis
                         << " to be a multiple of the vector of " << getVector() << " (got "
                         << getGroup()[*axis] << ")";
  }
  // C11
  if (!getFixedTable() &&
      failed(ParameterSlot(getTable()).verifyFor(getTablesShape(shape), emitError)))
    return failure();
  if (getScale())
    return ParameterSlot(getScale())
        .verifyFor(getGranularity().getParameterShape(shape), emitError);
  return success();
}

//===----------------------------------------------------------------------===//
// Components
//===----------------------------------------------------------------------===//

std::optional<FixedTable> CodebookEncodingAttr::getFixedTable() const {
  auto fixed = dyn_cast<FixedTableAttr>(getTable());
  return fixed ? std::optional(fixed.getValue()) : std::nullopt;
}

Granularity CodebookEncodingAttr::getTableGranularity() const {
  Granularity result(std::nullopt, getGroup());
  if (getVectorAxis() && !result.block.empty() &&
      result.block[*getVectorAxis()] != Granularity::kWholeDimension)
    result.block[*getVectorAxis()] /= getVector();
  return result;
}

SmallVector<int64_t> CodebookEncodingAttr::getValuesShape(ArrayRef<int64_t> shape) const {
  SmallVector<int64_t> result(shape);
  if (getVectorAxis())
    result[*getVectorAxis()] /= getVector();
  return result;
}

SmallVector<int64_t> CodebookEncodingAttr::getTablesShape(ArrayRef<int64_t> shape) const {
  SmallVector<int64_t> result = getTableGranularity().getParameterShape(getValuesShape(shape));
  result.push_back(getNumEntries());
  if (getVector() != 1)
    result.push_back(getVector());
  return result;
}

std::optional<Granularity> CodebookEncodingAttr::getScaleGranularity() const {
  return getGranularity();
}

SmallVector<EncodingComponent> CodebookEncodingAttr::getComponents(RankedTensorType logical) const {
  SmallVector<EncodingComponent> components;
  components.push_back(
      {"values", RankedTensorType::get(getValuesShape(logical.getShape()), getIndexType())});
  if (!getFixedTable())
    ParameterSlot(getTable())
        .addComponents("tables", getTablesShape(logical.getShape()), components);
  if (getScale())
    ParameterSlot(getScale())
        .addComponents("scales", getGranularity().getParameterShape(logical.getShape()),
                       components);
  return components;
}

bool CodebookEncodingAttr::isRunTimeEncodable() const { return false; }

//===----------------------------------------------------------------------===//
// Templates
//===----------------------------------------------------------------------===//

bool CodebookEncodingAttr::isTemplate() const {
  return getFitRule() || getGroupChannels() || (getVector() != 1 && !getVectorAxis()) ||
         (!getFixedTable() && ParameterSlot(getTable()).isTemplate()) ||
         (getScale() && ParameterSlot(getScale()).isTemplate());
}

EncodingAttrInterface CodebookEncodingAttr::fit(RankedTensorType logical,
                                                const WeightAxes &axes) const {
  ArrayRef<int64_t> shape = logical.getShape();
  Granularity granularity = getFitRule() ? getFitRule().apply(shape, axes) : getGranularity();
  SmallVector<int64_t> group(getGroup());
  if (getGroupChannels())
    group = getChannelBlock(shape, axes, getGroupChannels());
  std::optional<int64_t> vectorAxis = getVectorAxis();
  if (getVector() != 1 && !vectorAxis) {
    vectorAxis = axes.channels.empty() ? 0 : axes.channels.back();
    for (int64_t axis : axes.contraction)
      if (shape[axis] % getVector() == 0)
        vectorAxis = axis;
  }
  auto make = [&](Attribute table, Attribute scale) {
    return get(getContext(), getIndexType(), table, group, /*groupChannels=*/0, getVector(),
               vectorAxis, granularity.axis, granularity.block, FitAttr(), scale);
  };
  // Encoded tables and scales are fitted last: their shapes follow from all of the above.
  CodebookEncodingAttr fitted = make(getTable(), getScale());
  Attribute table = getTable(), scale = getScale();
  if (!getFixedTable() && ParameterSlot(table).isTemplate())
    table = ParameterSlot(table).fit(fitted.getTablesShape(shape));
  if (scale)
    scale = ParameterSlot(scale).fit(granularity, shape);
  return make(table, scale);
}

//===----------------------------------------------------------------------===//
// As ops
//===----------------------------------------------------------------------===//

Value CodebookEncodingAttr::buildDecode(OpBuilder &builder, Location loc, RankedTensorType logical,
                                        ValueRange components) const {
  BlockOps nn{builder, loc};
  ArrayRef<int64_t> shape = logical.getShape();
  Type i32 = builder.getI32Type();
  Value values = components.front();
  components = components.drop_front();

  // One flat table; each group's indices begin where its part does.
  Value table;
  Value index = nn.cast(values, i32);
  if (std::optional<FixedTable> fixed = getFixedTable()) {
    table = nn.constant(getFixedEntries(*fixed, getIndexType().getWidth()));
  } else {
    ParameterSlot slot(getTable());
    SmallVector<int64_t> tablesShape = getTablesShape(shape);
    size_t count = slot.getNumComponents(tablesShape);
    table = slot.buildLoad(nn, tablesShape, components.take_front(count));
    components = components.drop_front(count);
    int64_t groups = ShapedType::getNumElements(tablesShape) / getNumEntries() / getVector();
    SmallVector<int64_t> flat = {groups * getNumEntries()};
    if (getVector() != 1)
      flat.push_back(getVector());
    table = nn.reshape(table, flat);
    if (groups > 1) {
      BlockLayout layout(nn, getTableGranularity(), values);
      Value offset =
          nn::IotaOp::create(builder, loc, RankedTensorType::get({groups}, i32), Value(), 0);
      offset = nn.binary(nn::BinaryKind::Mul, offset, double(getNumEntries()));
      offset = nn.reshape(offset, getTableGranularity().getParameterShape(getValuesShape(shape)));
      index = layout.fromWork(
          nn.binary(nn::BinaryKind::Add, layout.toWork(index), layout.spread(offset)));
    }
  }
  Value x = nn::GatherOp::create(builder, loc, table, index, /*axis=*/int64_t(0));
  if (getVector() != 1) {
    SmallVector<int64_t> permutation;
    int64_t rank = shape.size();
    for (int64_t d = 0; d < rank; ++d) {
      permutation.push_back(d);
      if (d == *getVectorAxis())
        permutation.push_back(rank);
    }
    x = nn::TransposeOp::create(builder, loc, x, permutation);
    x = nn.reshape(x, shape);
  }
  if (getScale()) {
    BlockLayout layout(nn, getGranularity(), x);
    Value scales = ParameterSlot(getScale())
                       .buildLoad(nn, getGranularity().getParameterShape(shape), components);
    x = layout.fromWork(nn.binary(nn::BinaryKind::Mul, layout.toWork(x), layout.spread(scales)));
  }
  return nn.cast(x, logical.getElementType());
}

FailureOr<SmallVector<Value>> CodebookEncodingAttr::buildEncode(OpBuilder &, Location, Value,
                                                                ValueRange) const {
  return failure();
}
