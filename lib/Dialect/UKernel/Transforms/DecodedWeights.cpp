//===- DecodedWeights.cpp - Weights that kernels decode -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "DecodedWeights.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "terse/Numerics/Float.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/Support/MathExtras.h"

#include <map>
#include <numeric>

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

static RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

WeightOrder::WeightOrder(ArrayRef<int64_t> shape, bool transposed) : transposed(transposed) {
  int64_t count = 1;
  for (int64_t d : shape)
    count *= d;
  n = shape[transposed ? 1 : 0];
  k = count / n;
  if (shape.size() == 4)
    channels = shape[1], height = shape[2], width = shape[3];
}

int64_t WeightOrder::at(int64_t column, int64_t i) const {
  if (transposed)
    return i * n + column;
  if (!channels)
    return column * k + i;
  int64_t window = i / channels, c = i % channels;
  return (column * channels + c) * height * width + window;
}

WeightsOp terse::ukernel::getWeights(Value rhs) {
  while (Operation *op = rhs.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
      return dyn_cast<WeightsOp>(op);
    rhs = op->getOperand(0);
  }
  return {};
}

namespace {
// The row-major index of the block that holds an element.
class BlockIndex {
public:
  BlockIndex(ArrayRef<int64_t> shape, ArrayRef<int64_t> extents) : shape(shape), extents(extents) {}

  int64_t operator()(int64_t element) const {
    int64_t block = 0, factor = 1;
    for (int64_t d = shape.size() - 1; d >= 0; --d) {
      block += element % shape[d] / extents[d] * factor;
      factor *= llvm::divideCeil(shape[d], extents[d]);
      element /= shape[d];
    }
    return block;
  }

private:
  ArrayRef<int64_t> shape, extents;
};
} // namespace

// The block of each element of a column, in the order in which they come, and how many there are:
// the same in all columns.
static std::pair<std::vector<uint16_t>, int64_t> indexBlocks(const BlockIndex &block,
                                                             const WeightOrder &order) {
  std::map<int64_t, uint16_t> seen;
  std::vector<uint16_t> indices;
  for (int64_t k = 0; k < order.k; ++k)
    indices.push_back(seen.try_emplace(block(order.at(0, k)), seen.size()).first->second);
  return {std::move(indices), int64_t(seen.size())};
}

DecodingAttr terse::ukernel::chooseDecoding(WeightsOp weights, KernelOpInterface op, ISA isa) {
  RankedTensorType logical = typeOf(weights.getResult());
  WeightForm form = *weights.getFormat().getForm(logical);
  auto gemm = dyn_cast<GemmOp>(op.getOperation());
  WeightOrder order(typeOf(op.getRhs()).getShape(), gemm && gemm.getRhsTransposed());
  MLIRContext *ctx = op->getContext();
  // Every change of the scale along the contraction is the end of a group.
  BlockIndex block(logical.getShape(), form.block), table(logical.getShape(), form.group);
  int64_t group = 0;
  for (int64_t k = 1, last = block(order.at(0, 0)); k < order.k; ++k)
    if (int64_t now = block(order.at(0, k)); now != last) {
      group = std::gcd(group, k);
      last = now;
    }
  TableKind kind = TableKind::None;
  Type value = form.value;
  if (form.table) {
    kind = TableKind::Shared;
    for (int64_t n = 1, lanes = getLanes(isa); n < order.n; ++n)
      if (n % lanes && table(order.at(n, 0)) != table(order.at(n - 1, 0)))
        kind = TableKind::Column;
  } else if (mlir::isa<FloatType>(value) && value.getIntOrFloatBitWidth() == 6) {
    kind = TableKind::Shared;
    value = IntegerType::get(ctx, 6, IntegerType::Unsigned);
  }
  group = group ? group : order.k;
  // Filling up groups of few elements would cost more than an index for each.
  int64_t blocks = 0;
  if (group < 8 && group < order.k && !isBlockProduct(op))
    blocks = indexBlocks(block, order).second;
  return DecodingAttr::get(ctx, value, blocks ? order.k : group, form.scale, form.zeroPoints, kind,
                           blocks);
}

FailureOr<HostTensor> terse::ukernel::packDecoded(WeightsOp weights, PackOp op) {
  RankedTensorType logical = typeOf(weights.getResult());
  SmallVector<HostTensor> components;
  for (Attribute attr : weights.getComponents()) {
    llvm::Expected<HostTensor> tensor = toHostTensor(cast<ElementsAttr>(attr));
    if (!tensor)
      return weights.emitOpError(llvm::toString(tensor.takeError())), failure();
    components.push_back(std::move(*tensor));
  }
  WeightForm form = *weights.getFormat().getForm(logical);
  FailureOr<WeightParts> parts = weights.getFormat().getParts(logical, components);
  if (failed(parts))
    return weights.emitOpError("expected components of the format"), failure();

  DecodingAttr decoding = op.getDecodingAttr();
  WeightOrder order(typeOf(op.getWeight()).getShape(), op.getTransposed());
  WeightLayout layout({order.n, order.k}, op.getSchedule(), decoding);
  BlockIndex block(logical.getShape(), form.block);
  if (decoding.getTable() != TableKind::None && !form.table) {
    auto kind = toDType(form.value)->getFloatKind();
    for (int64_t code = 0; code < int64_t(1) << layout.bits; ++code)
      parts->tables.push_back(numerics::decodeFloat(kind, uint16_t(code)));
    form.group.assign(logical.getShape().begin(), logical.getShape().end());
  }
  BlockIndex table(logical.getShape(), form.group);
  HostTensor scales;
  if (decoding.getScale()) {
    scales = HostTensor::zeros(*toDType(decoding.getScale()), int64_t(parts->scales.size()));
    for (auto [i, scale] : llvm::enumerate(parts->scales))
      scales.setFromDouble(i, scale);
  }
  std::vector<uint16_t> indices;
  if (decoding.getBlocks())
    indices = indexBlocks(block, order).first;
  size_t scaleSize = decoding.getScale() ? scales.dtype.getHostBytes() : 0;

  HostTensor packed = HostTensor::zeros(DType::si(8), layout.getShape());
  uint8_t *bytes = packed.getMutableBytes().data();
  const uint8_t *codes = parts->codes.getBytes().data();
  uint32_t mask = (1u << layout.bits) - 1;
  for (int64_t n = 0; n < order.n; ++n) {
    // A panel's vectors one after another.
    uint8_t *vector = bytes + n / layout.lanes * layout.bytes;
    int64_t lane = n % layout.lanes;
    if (layout.tableBytes) {
      int64_t size = int64_t(1) << layout.bits;
      const float *entries = parts->tables.data() + table(order.at(n, 0)) * size;
      float *to = reinterpret_cast<float *>(vector) +
                  (decoding.getTable() == TableKind::Column ? lane * layout.entries : 0);
      for (int64_t i = 0; i < layout.entries; ++i)
        to[i] = entries[i % size];
    }
    for (int64_t g = 0; g < layout.groups; ++g) {
      uint8_t *at = vector + layout.tableBytes + g * layout.groupBytes;
      int64_t first = g * layout.group, last = std::min(first + layout.group, order.k);
      // The scales of the group: one, or one for each block.
      for (int64_t k = first; k < last; ++k) {
        int64_t i = indices.empty() ? 0 : indices[k], index = block(order.at(n, k));
        if (indices.empty() && k > first)
          break;
        if (scaleSize)
          std::memcpy(at + i * layout.scaleBytes + lane * scaleSize,
                      scales.getBytes().data() + index * scaleSize, scaleSize);
        if (decoding.getZeroPoints())
          at[layout.getZeroOffset() + i * layout.zeroBytes + lane] =
              uint8_t(parts->zeroPoints[index]);
      }
      if (!indices.empty())
        std::memcpy(at + layout.getIndexOffset(), indices.data(), indices.size() * 2);
      at += layout.getCodeOffset();
      for (int64_t k = first; k < last; ++k) {
        uint32_t code = (codes[order.at(n, k)] + layout.offset) & mask;
        int64_t unit = (k - first) / layout.unitCodes, i = (k - first) % layout.unitCodes;
        uint8_t *words = at + unit * layout.unitBytes;
        if (layout.quads) {
          for (const WeightLayout::Plane &plane : layout.getPlanes()) {
            int64_t perWord = 8 / plane.bits, quad = i / 4;
            uint8_t part = (code >> plane.from) & ((1u << plane.bits) - 1);
            words[((plane.word + quad / perWord) * layout.lanes + lane) * 4 + i % 4] |=
                part << (quad % perWord * plane.bits);
          }
          continue;
        }
        if (layout.bits == 8) {
          words[lane] = uint8_t(code);
          continue;
        }
        for (int64_t bit = i * layout.bits; bit < (i + 1) * layout.bits; ++bit, code >>= 1)
          words[(bit / 32 * layout.lanes + lane) * 4 + bit % 32 / 8] |= (code & 1) << bit % 8;
      }
    }
  }
  return packed;
}
