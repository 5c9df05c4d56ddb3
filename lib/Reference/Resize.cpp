//===- Resize.cpp - Interpolating resize ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Axes are resampled one after the other, as nn::getResizeTaps says.
//
//===----------------------------------------------------------------------===//

#include "Elements.h"
#include "OpCall.h"

#include "terse/Dialect/NN/IR/ResizeTaps.h"

#include <cmath>

using namespace terse;
using namespace terse::reference;
using nn::ResizeAxis;
using nn::ResizeTaps;

/// Resamples one axis of `values`, of shape `shape`, which changes accordingly.
template <typename T>
static std::vector<T> resample(const std::vector<T> &values, std::vector<int64_t> &shape,
                               const ResizeAxis &axis, llvm::ArrayRef<ResizeTaps> samples,
                               T extrapolation) {
  AxisView in(shape, axis.index);
  shape[axis.index] = axis.out;
  AxisView out(shape, axis.index);
  std::vector<T> results(out.outer * out.size * out.inner);
  for (int64_t o = 0; o < out.outer; ++o)
    for (int64_t i = 0; i < out.size; ++i)
      for (int64_t n = 0; n < out.inner; ++n) {
        const ResizeTaps &sample = samples[i];
        T &result = results[out.offset(o, i, n)];
        if (sample.outside) {
          result = extrapolation;
        } else if constexpr (std::is_floating_point_v<T>) {
          double sum = 0;
          for (auto [place, weight] : llvm::zip(sample.places, sample.weights))
            sum += weight * values[in.offset(o, place, n)];
          result = sum;
        } else {
          result = values[in.offset(o, sample.places.front(), n)];
        }
      }
  return results;
}

static llvm::Error evalResize(nn::ResizeOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  auto type = mlir::cast<mlir::RankedTensorType>(op.getType());
  bool crop = op.getCoordinate() == nn::ResizeCoordinate::TfCropAndResize;
  std::vector<int64_t> shape;
  std::vector<ResizeAxis> axes;
  for (int64_t i = 0; i < x.getRank(); ++i) {
    ResizeAxis axis{i, x.shape[i], type.getDimSize(i), op.getScales()[i], 0, 1};
    if (!std::isfinite(axis.scale) || axis.scale <= 0)
      return call.fail("expected positive scales (got " + std::to_string(axis.scale) + ")");
    if (type.isDynamicDim(i)) {
      double size = std::floor(static_cast<double>(axis.in) * axis.scale);
      if (size > 1e15)
        return call.fail("would have a dimension of " + std::to_string(size) + " elements");
      axis.out = static_cast<int64_t>(size);
    }
    if (crop && !op.getRoi().empty()) {
      axis.roiStart = op.getRoi()[i];
      axis.roiEnd = op.getRoi()[i + x.getRank()];
    }
    if (axis.in == 0 && axis.out > 0)
      return call.fail("has no elements to resize along axis " + llvm::Twine(i));
    // A shrinking kernel meets about 4 / scale elements for every output element.
    if (op.getAntialias() && static_cast<double>(axis.out) / axis.scale > 1e8)
      return call.fail("has a scale that is too small (got " + std::to_string(axis.scale) + ")");
    shape.push_back(axis.out);
    if (!axis.isUnchanged())
      axes.push_back(axis);
  }
  if (llvm::Error error = call.setResultShape(0, shape))
    return error;
  HostTensor &out = call.result();
  if (out.getNumElements() == 0)
    return llvm::Error::success();

  std::vector<std::vector<ResizeTaps>> samples;
  for (const ResizeAxis &axis : axes) {
    std::vector<ResizeTaps> &table = samples.emplace_back();
    for (int64_t i = 0; i < axis.out; ++i)
      table.push_back(getResizeTaps(op, axis, i));
  }
  double extrapolation = op.getExtrapolation().convertToDouble();
  auto run = [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> values = load<T>(x);
    std::vector<int64_t> current = x.shape;
    for (auto [axis, table] : llvm::zip(axes, samples)) {
      T outside;
      if constexpr (std::is_floating_point_v<T>)
        outside = extrapolation;
      else
        outside = numerics::truncateCast<T>(extrapolation);
      values = resample<T>(values, current, axis, table, outside);
    }
    return values;
  };
  // Picking elements is exact for every type; interpolated integers are truncated.
  if (op.getMode() == nn::ResizeMode::Nearest)
    visitCarrier(x.dtype, [&](auto zero) { store(run(zero), out); });
  else if (x.dtype.isFloat())
    store(run(double()), out);
  else
    for (auto [i, value] : llvm::enumerate(run(double())))
      out.setFromDouble(i, std::trunc(value));
  return llvm::Error::success();
}

void reference::registerResize(KernelTable &table) { table.add<nn::ResizeOp>(evalResize); }
