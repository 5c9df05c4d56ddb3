//===- CodebookEncodingHost.cpp - #terse.codebook on constants --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/IR/CodebookTables.h"
#include "ParameterSlot.h"
#include "terse/Dialect/Terse/IR/HostBlocks.h"
#include "terse/Support/Clustering.h"
#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;

using EmitError = function_ref<InFlightDiagnostic()>;

namespace {

/// The elements of a tensor as vectors of neighbours along an axis, one for each value.
class Vectors {
public:
  Vectors(CodebookEncodingAttr encoding, ArrayRef<int64_t> shape) : width(encoding.getVector()) {
    if (!encoding.getVectorAxis())
      return;
    for (int64_t extent : shape.drop_front(*encoding.getVectorAxis() + 1))
      inner *= extent;
  }

  /// The position in the tensor of element `i` of the vector that value `value` stands for.
  int64_t getElement(int64_t value, int64_t i) const {
    if (width == 1)
      return value;
    int64_t within = value % inner, row = value / inner;
    // Rows count vectors along the axis; each is `width` rows of the tensor.
    return (row * width + i) * inner + within;
  }

  int64_t width;

private:
  int64_t inner = 1;
};

/// The scale of every element's block, or nothing where there are no scales.
std::vector<float> spreadScales(CodebookEncodingAttr encoding, ArrayRef<int64_t> shape,
                                ArrayRef<float> scales, int64_t count) {
  std::vector<float> result(count, 1.0f);
  if (encoding.getScale())
    BlockRuns(encoding.getGranularity(), shape)
        .visit([&](int64_t first, int64_t length, int64_t block) {
          std::fill_n(result.begin() + first, length, scales[block]);
        });
  return result;
}

std::vector<float> computeScales(CodebookEncodingAttr encoding, ArrayRef<int64_t> shape,
                                 const FloatView &x) {
  BlockRuns runs(encoding.getGranularity(), shape);
  std::vector<std::vector<float>> blocks(runs.getNumBlocks());
  runs.visit([&](int64_t first, int64_t count, int64_t block) {
    for (int64_t i = first; i < first + count; ++i)
      if (std::isfinite(x[i]))
        blocks[block].push_back(x[i]);
  });
  std::vector<float> scales;
  for (std::vector<float> &block : blocks)
    scales.push_back(chooseCodebookScale(encoding.getFixedTable(), block));
  return scales;
}

/// Learns a table per group from `x`, which is divided by its scales already: all blocks count
/// alike.
std::vector<float> learnTables(CodebookEncodingAttr encoding, ArrayRef<int64_t> shape,
                               ArrayRef<float> x) {
  Vectors vectors(encoding, shape);
  int64_t width = vectors.width, entries = encoding.getNumEntries();
  BlockRuns runs(encoding.getTableGranularity(), encoding.getValuesShape(shape));
  std::vector<std::vector<float>> points(runs.getNumBlocks());
  runs.visit([&](int64_t first, int64_t count, int64_t group) {
    for (int64_t value = first; value < first + count; ++value) {
      bool finite = true;
      for (int64_t i = 0; i < width; ++i)
        finite &= std::isfinite(x[vectors.getElement(value, i)]);
      for (int64_t i = 0; i < width && finite; ++i)
        points[group].push_back(x[vectors.getElement(value, i)]);
    }
  });
  std::vector<float> tables;
  for (const std::vector<float> &group : points)
    llvm::append_range(tables, width == 1 ? clusterScalars(group, {}, entries)
                                          : clusterVectors(group, width, {}, entries));
  return tables;
}

/// One table per group.
std::vector<NearestEntry> makeSearches(CodebookEncodingAttr encoding, ArrayRef<float> tables) {
  std::vector<NearestEntry> result;
  int64_t width = encoding.getVector();
  int64_t size = encoding.getFixedTable() ? tables.size() : encoding.getNumEntries() * width;
  for (size_t first = 0; first < tables.size(); first += size)
    result.emplace_back(tables.slice(first, size), width);
  return result;
}

/// The tables and scales that stand in `components` after the values.
struct Parameters {
  std::vector<float> tables, scales;
};

FailureOr<Parameters> loadParameters(CodebookEncodingAttr encoding, ArrayRef<int64_t> shape,
                                     ArrayRef<HostTensor> components, EmitError emitError) {
  Parameters result;
  if (std::optional<FixedTable> fixed = encoding.getFixedTable()) {
    auto entries = getFixedEntries(*fixed, encoding.getIndexType().getWidth());
    result.tables.assign(entries.begin(), entries.end());
  } else {
    ParameterSlot slot(encoding.getTable());
    SmallVector<int64_t> tablesShape = encoding.getTablesShape(shape);
    size_t count = slot.getNumComponents(tablesShape);
    FailureOr<std::vector<float>> tables =
        slot.load(tablesShape, components.take_front(count), emitError);
    if (failed(tables))
      return failure();
    result.tables = std::move(*tables);
    components = components.drop_front(count);
  }
  if (encoding.getScale()) {
    FailureOr<std::vector<float>> scales =
        ParameterSlot(encoding.getScale())
            .load(encoding.getGranularity().getParameterShape(shape), components, emitError);
    if (failed(scales))
      return failure();
    result.scales = std::move(*scales);
  }
  return result;
}

} // namespace

FailureOr<SmallVector<HostTensor>> CodebookEncodingAttr::encodeHost(const HostTensor &x,
                                                                    RankedTensorType logical,
                                                                    ArrayRef<HostTensor> given,
                                                                    EmitError emitError) const {
  if (failed(resolveShape(x, logical, emitError)))
    return failure();
  ArrayRef<int64_t> shape = logical.getShape();
  if (!given.empty() &&
      failed(checkComponents(given, getParameterComponents(*this, logical), emitError)))
    return failure();

  FloatView input(x);
  SmallVector<HostTensor> tableParts, scaleParts;
  Parameters parameters;
  if (!given.empty()) {
    FailureOr<Parameters> loaded = loadParameters(*this, shape, given, emitError);
    if (failed(loaded))
      return failure();
    parameters = std::move(*loaded);
    llvm::append_range(scaleParts, given);
  } else if (getScale()) {
    FailureOr<std::vector<float>> stored =
        ParameterSlot(getScale())
            .storeScales(getGranularity().getParameterShape(shape),
                         computeScales(*this, shape, input), scaleParts, emitError);
    if (failed(stored))
      return failure();
    parameters.scales = std::move(*stored);
  }

  // All that follows sees x / s.
  std::vector<float> scales = spreadScales(*this, shape, parameters.scales, input.size());
  std::vector<float> ratios(input.size());
  for (int64_t i = 0; i < input.size(); ++i)
    ratios[i] = input[i] / scales[i];
  if (given.empty()) {
    if (std::optional<FixedTable> fixed = getFixedTable()) {
      auto entries = getFixedEntries(*fixed, getIndexType().getWidth());
      parameters.tables.assign(entries.begin(), entries.end());
    } else {
      FailureOr<std::vector<float>> stored =
          ParameterSlot(getTable())
              .store(getTablesShape(shape), learnTables(*this, shape, ratios), tableParts,
                     emitError);
      if (failed(stored))
        return failure();
      parameters.tables = std::move(*stored);
    }
  }

  Vectors vectors(*this, shape);
  SmallVector<int64_t> valuesShape = getValuesShape(shape);
  HostTensor values = HostTensor::zeros(DType::ui(getIndexType().getWidth()), valuesShape);
  MutableArrayRef<uint8_t> bytes = values.getMutableAs<uint8_t>();
  std::vector<NearestEntry> searches = makeSearches(*this, parameters.tables);
  std::vector<float> vector(vectors.width);
  BlockRuns(getTableGranularity(), valuesShape)
      .visit([&](int64_t first, int64_t count, int64_t group) {
        for (int64_t value = first; value < first + count; ++value) {
          for (int64_t i = 0; i < vectors.width; ++i)
            vector[i] = ratios[vectors.getElement(value, i)];
          bytes[value] = uint8_t(searches[group].find(vector));
        }
      });
  SmallVector<HostTensor> components = {values};
  llvm::append_range(components, tableParts);
  llvm::append_range(components, scaleParts);
  return components;
}

FailureOr<HostTensor> CodebookEncodingAttr::decodeHost(ArrayRef<HostTensor> components,
                                                       RankedTensorType logical,
                                                       EmitError emitError) const {
  if (failed(checkComponents(components, getComponents(logical), emitError)))
    return failure();
  ArrayRef<int64_t> shape = logical.getShape();
  FailureOr<Parameters> parameters =
      loadParameters(*this, shape, components.drop_front(), emitError);
  if (failed(parameters))
    return failure();

  Vectors vectors(*this, shape);
  int64_t width = vectors.width;
  int64_t size = getFixedTable() ? parameters->tables.size() : getNumEntries() * width;
  ArrayRef<uint8_t> values = components.front().getAs<uint8_t>();
  HostTensor x = HostTensor::zeros(DType::f32(), shape);
  MutableArrayRef<float> out = x.getMutableAs<float>();
  std::vector<float> scales = spreadScales(*this, shape, parameters->scales, out.size());
  // An index behind the last entry, which no encoder writes, reads the last one.
  int64_t last = size / width - 1;
  BlockRuns(getTableGranularity(), getValuesShape(shape))
      .visit([&](int64_t first, int64_t count, int64_t group) {
        for (int64_t value = first; value < first + count; ++value)
          for (int64_t i = 0; i < width; ++i) {
            int64_t at = vectors.getElement(value, i);
            int64_t entry = std::min<int64_t>(values[value], last);
            float number = parameters->tables[group * size + entry * width + i];
            out[at] = getScale() ? number * scales[at] : number;
          }
      });
  return x.convertTo(*toDType(logical.getElementType()));
}
