//===- ScalarEncodings.cpp - Which levels elements have ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/IR/ScalarEncoding.h"

#include "terse/Dialect/Terse/IR/CodebookTables.h"
#include "ParameterSlot.h"
#include "terse/Dialect/Terse/IR/HostBlocks.h"
#include "terse/Numerics/Quantize.h"
#include "terse/Support/MLIRBridge.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace terse;

#include "terse/Dialect/Terse/IR/ScalarEncoding.cpp.inc"

ElementLevels::~ElementLevels() = default;

/// Parameters that were computed or checked load.
static InFlightDiagnostic noError() { return InFlightDiagnostic(); }

/// Which block each element of a tensor lies in.
static std::vector<int32_t> getBlocks(const Granularity &granularity, ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  std::vector<int32_t> blocks(count);
  BlockRuns(granularity, shape).visit([&](int64_t first, int64_t length, int64_t block) {
    std::fill_n(blocks.begin() + first, length, int32_t(block));
  });
  return blocks;
}

namespace {

class UniformLevels : public ElementLevels {
public:
  UniformLevels(std::vector<int32_t> blocks, std::vector<float> scales,
                std::vector<int64_t> zeroPoints, numerics::QuantRange range)
      : blocks(std::move(blocks)), scales(std::move(scales)), zeroPoints(std::move(zeroPoints)),
        range(range) {}

  Neighbours getNeighbours(int64_t element, float value) const override {
    int32_t block = blocks[element];
    float scale = scales[block];
    int64_t zero = zeroPoints.empty() ? 0 : zeroPoints[block];
    double position = std::floor(double(value) / scale) + double(zero);
    int64_t below = int64_t(std::clamp(position, double(range.min), double(range.max)));
    int64_t above = position < double(range.min) ? below : std::min(below + 1, range.max);
    Neighbours levels{numerics::dequantize(below, scale, zero),
                      numerics::dequantize(above, scale, zero)};
    // The quotient may lie beside the integer that made `value`.
    if (levels.below == value || levels.above == value)
      levels.below = levels.above = value;
    return levels;
  }

private:
  std::vector<int32_t> blocks;
  std::vector<float> scales;
  std::vector<int64_t> zeroPoints;
  numerics::QuantRange range;
};

/// Any levels, times a scale.
class TableLevels : public ElementLevels {
public:
  /// `tables` are sorted; an element's table is that of its group. Without scales they are 1.
  TableLevels(std::vector<std::vector<float>> tables, std::vector<int32_t> groups,
              std::vector<float> scales, std::vector<int32_t> blocks)
      : tables(std::move(tables)), groups(std::move(groups)), scales(std::move(scales)),
        blocks(std::move(blocks)) {}

  Neighbours getNeighbours(int64_t element, float value) const override {
    const std::vector<float> &table = tables[groups.empty() ? 0 : groups[element]];
    float scale = scales.empty() ? 1.0f : scales[blocks[element]];
    auto it = std::lower_bound(table.begin(), table.end(), value,
                               [&](float level, float v) { return level * scale < v; });
    if (it == table.end())
      return {table.back() * scale, table.back() * scale};
    float above = *it * scale;
    return {above == value || it == table.begin() ? above : *std::prev(it) * scale, above};
  }

private:
  std::vector<std::vector<float>> tables;
  std::vector<int32_t> groups;
  std::vector<float> scales;
  std::vector<int32_t> blocks;
};

struct UniformModel
    : ScalarEncodingAttrInterface::ExternalModel<UniformModel, UniformEncodingAttr> {
  std::unique_ptr<ElementLevels> getLevels(Attribute attr, RankedTensorType logical,
                                           ArrayRef<HostTensor> parameters) const {
    auto encoding = cast<UniformEncodingAttr>(attr);
    std::vector<int64_t> zeroPoints;
    if (encoding.getAsymmetric()) {
      zeroPoints = parameters.back().toInts();
      parameters = parameters.drop_back();
    }
    FailureOr<std::vector<float>> scales =
        ParameterSlot(encoding.getScale())
            .load(encoding.getScaleShape(logical.getShape()), parameters, noError);
    if (failed(scales))
      return nullptr;
    return std::make_unique<UniformLevels>(
        getBlocks(encoding.getGranularity(), logical.getShape()), std::move(*scales),
        std::move(zeroPoints), numerics::QuantRange{encoding.getQMin(), encoding.getQMax()});
  }
};

struct MinifloatModel
    : ScalarEncodingAttrInterface::ExternalModel<MinifloatModel, MinifloatEncodingAttr> {
  std::unique_ptr<ElementLevels> getLevels(Attribute attr, RankedTensorType logical,
                                           ArrayRef<HostTensor> parameters) const {
    auto encoding = cast<MinifloatEncodingAttr>(attr);
    ArrayRef<int64_t> shape = logical.getShape();
    FailureOr<std::vector<float>> scales =
        ParameterSlot(encoding.getScale())
            .load(encoding.getGranularity().getParameterShape(shape), parameters, noError);
    if (failed(scales))
      return nullptr;
    DType dtype = *toDType(encoding.getValueType());
    std::vector<float> table;
    for (uint32_t pattern = 0; pattern < (1u << dtype.getBits()); ++pattern)
      if (float value = numerics::decodeFloat(dtype.getFloatKind(), uint16_t(pattern));
          std::isfinite(value))
        table.push_back(value + 0.0f);
    llvm::sort(table);
    table.erase(std::unique(table.begin(), table.end()), table.end());
    return std::make_unique<TableLevels>(std::vector<std::vector<float>>{std::move(table)},
                                         std::vector<int32_t>(), std::move(*scales),
                                         getBlocks(encoding.getGranularity(), shape));
  }
};

struct CodebookModel
    : ScalarEncodingAttrInterface::ExternalModel<CodebookModel, CodebookEncodingAttr> {
  std::unique_ptr<ElementLevels> getLevels(Attribute attr, RankedTensorType logical,
                                           ArrayRef<HostTensor> parameters) const {
    auto encoding = cast<CodebookEncodingAttr>(attr);
    ArrayRef<int64_t> shape = logical.getShape();
    if (encoding.getVector() != 1)
      return nullptr;
    std::vector<float> entries;
    size_t size;
    std::vector<int32_t> groups;
    if (std::optional<FixedTable> fixed = encoding.getFixedTable()) {
      auto values = getFixedEntries(*fixed, encoding.getIndexType().getWidth());
      entries.assign(values.begin(), values.end());
      size = entries.size();
    } else {
      ParameterSlot slot(encoding.getTable());
      SmallVector<int64_t> tablesShape = encoding.getTablesShape(shape);
      size_t count = slot.getNumComponents(tablesShape);
      FailureOr<std::vector<float>> loaded =
          slot.load(tablesShape, parameters.take_front(count), noError);
      if (failed(loaded))
        return nullptr;
      entries = std::move(*loaded);
      parameters = parameters.drop_front(count);
      size = encoding.getNumEntries();
      groups = getBlocks(encoding.getTableGranularity(), shape);
    }
    std::vector<std::vector<float>> tables;
    for (size_t first = 0; first < entries.size(); first += size) {
      tables.emplace_back(entries.begin() + first, entries.begin() + first + size);
      llvm::sort(tables.back());
    }
    std::vector<float> scales;
    std::vector<int32_t> blocks;
    if (encoding.getScale()) {
      FailureOr<std::vector<float>> loaded =
          ParameterSlot(encoding.getScale())
              .load(encoding.getGranularity().getParameterShape(shape), parameters, noError);
      if (failed(loaded))
        return nullptr;
      scales = std::move(*loaded);
      blocks = getBlocks(encoding.getGranularity(), shape);
    }
    return std::make_unique<TableLevels>(std::move(tables), std::move(groups), std::move(scales),
                                         std::move(blocks));
  }
};

} // namespace

void terse::attachScalarEncodings(MLIRContext *context) {
  UniformEncodingAttr::attachInterface<UniformModel>(*context);
  MinifloatEncodingAttr::attachInterface<MinifloatModel>(*context);
  CodebookEncodingAttr::attachInterface<CodebookModel>(*context);
}
