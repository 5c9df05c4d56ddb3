//===- Granularity.cpp - Which elements share a parameter -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/IR/Granularity.h"
#include "terse/Dialect/Terse/IR/BlockShape.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;

SmallVector<int64_t> Granularity::getParameterShape(ArrayRef<int64_t> shape) const {
  if (axis)
    return {shape[*axis]};
  SmallVector<int64_t> counts;
  for (auto [size, extent] : llvm::zip(shape, block)) {
    if (extent == kWholeDimension)
      counts.push_back(1);
    else if (ShapedType::isDynamic(size))
      counts.push_back(extent == 1 ? size : ShapedType::kDynamic);
    else
      counts.push_back(llvm::divideCeil(size, extent));
  }
  return counts;
}

SmallVector<int64_t> Granularity::getExtents(ArrayRef<int64_t> shape) const {
  SmallVector<int64_t> extents(shape);
  if (axis)
    extents[*axis] = 1;
  for (auto [extent, size] : llvm::zip(extents, block))
    if (size != kWholeDimension)
      extent = ShapedType::isDynamic(extent) ? size : std::min(extent, size);
  return extents;
}

LogicalResult Granularity::verify(function_ref<InFlightDiagnostic()> emitError) const {
  if (axis && !block.empty())
    return emitError() << "expected at most one of 'axis' and 'block'";
  for (int64_t size : block)
    if (size <= 0 && size != kWholeDimension)
      return emitError() << "expected a positive block size or '?' (got " << size << ")";
  return success();
}

LogicalResult Granularity::verifyFor(ArrayRef<int64_t> shape,
                                     function_ref<InFlightDiagnostic()> emitError) const {
  int64_t rank = shape.size();
  if (axis && (*axis < 0 || *axis >= rank))
    return emitError() << "expected an axis in [0, " << rank << ") for a tensor of rank " << rank
                       << " (got " << *axis << ")";
  if (!block.empty() && int64_t(block.size()) != rank)
    return emitError() << "expected one block size for each of " << rank << " dimensions (got "
                       << block.size() << ")";
  return success();
}

// C1
LogicalResult FitAttr::verify(function_ref<InFlightDiagnostic()> emitError, FitKind kind,
                              int64_t size) {
  if (size <= 0)
    return emitError() << "expected a positive number for '" << stringifyFitKind(kind) << "' (got "
                       << size << ")";
  return success();
}

SmallVector<int64_t> terse::getChannelBlock(ArrayRef<int64_t> shape, const WeightAxes &axes,
                                            int64_t channels) {
  SmallVector<int64_t> block(shape);
  for (int64_t axis : axes.channels)
    block[axis] = 1;
  if (!axes.channels.empty())
    block[axes.channels.back()] = channels;
  return block;
}

Granularity FitAttr::apply(ArrayRef<int64_t> shape, const WeightAxes &axes) const {
  Granularity result;
  switch (getKind()) {
  case FitKind::Channels: {
    // One axis says it all where the others have one element.
    SmallVector<int64_t> counting = llvm::to_vector(
        llvm::make_filter_range(axes.channels, [&](int64_t axis) { return shape[axis] != 1; }));
    if (getSize() == 1 && counting.size() <= 1 && !axes.channels.empty())
      result.axis = counting.empty() ? axes.channels.front() : counting.front();
    else
      result.block = getChannelBlock(shape, axes, getSize());
    break;
  }
  case FitKind::Block:
    result.block = getWeightBlock(shape, axes.contraction, getSize(), BlockFit::AtMost);
    break;
  case FitKind::NearestBlock:
    result.block = getWeightBlock(shape, axes.contraction, getSize(), BlockFit::Nearest);
    break;
  }
  return result;
}
