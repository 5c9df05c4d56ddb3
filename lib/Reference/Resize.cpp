//===- Resize.cpp - Interpolating resize ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Axes are resampled one after the other: every output index of an axis is a weighted sum of input
// indices. Coordinates and weights are f64; definitions follow ONNX Resize 19.
//
//===----------------------------------------------------------------------===//

#include "Elements.h"
#include "OpCall.h"

#include "terse/Dialect/NN/IR/NNOps.h"

#include <cmath>

using namespace terse;
using namespace terse::reference;

namespace {

/// How one axis is resampled.
struct Axis {
  int64_t index, in, out;
  double scale, roiStart, roiEnd;

  bool isUnchanged() const { return in == out && scale == 1 && roiStart == 0 && roiEnd == 1; }
};

/// One output index of an axis: input indices and their weights; nothing outside of the region.
struct Sample {
  bool outside = false;
  std::vector<int64_t> places;
  std::vector<double> weights;
};

} // namespace

/// The input coordinate of output index `i`.
static double getCoordinate(nn::ResizeCoordinate kind, const Axis &axis, int64_t i) {
  double x = static_cast<double>(i), in = static_cast<double>(axis.in);
  // The output size before it was rounded to an integer.
  double exact = in * axis.scale;
  double halfPixel = (x + 0.5) / axis.scale - 0.5;
  switch (kind) {
  case nn::ResizeCoordinate::HalfPixel:
    return halfPixel;
  case nn::ResizeCoordinate::HalfPixelSymmetric: {
    double adjustment = static_cast<double>(axis.out) / exact;
    return in / 2 * (1 - adjustment) + halfPixel;
  }
  case nn::ResizeCoordinate::PytorchHalfPixel:
    return exact == 1 ? -0.5 : halfPixel;
  case nn::ResizeCoordinate::AlignCorners:
    return exact == 1 ? 0 : x * (in - 1) / (exact - 1);
  case nn::ResizeCoordinate::Asymmetric:
    return x / axis.scale;
  case nn::ResizeCoordinate::TfCropAndResize: {
    double span = axis.roiEnd - axis.roiStart;
    double at = axis.out == 1 ? span * (in - 1) / 2
                              : x * span * (in - 1) / (static_cast<double>(axis.out) - 1);
    return at + axis.roiStart * (in - 1);
  }
  }
  return halfPixel;
}

static double roundCoordinate(nn::ResizeRounding rounding, double x) {
  switch (rounding) {
  case nn::ResizeRounding::PreferFloor:
    return std::ceil(x - 0.5);
  case nn::ResizeRounding::PreferCeil:
    return std::floor(x + 0.5);
  case nn::ResizeRounding::Floor:
    return std::floor(x);
  case nn::ResizeRounding::Ceil:
    return std::ceil(x);
  }
  return x;
}

/// Weight of an input element at a distance from the coordinate: a triangle, or the Keys kernel.
static double getKernelWeight(bool cubic, double a, double distance) {
  double d = std::fabs(distance);
  if (!cubic)
    return d < 1 ? 1 - d : 0;
  if (d <= 1)
    return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/// A coordinate as an index of the axis, for any f64.
static int64_t clampToAxis(double at, int64_t size) {
  return at > 0 ? static_cast<int64_t>(std::min(at, static_cast<double>(size - 1))) : 0;
}

static Sample getSample(nn::ResizeOp op, const Axis &axis, int64_t i) {
  double x = getCoordinate(op.getCoordinate(), axis, i);
  Sample sample;
  if (op.getCoordinate() == nn::ResizeCoordinate::TfCropAndResize &&
      (x < 0 || x > static_cast<double>(axis.in - 1))) {
    sample.outside = true;
    return sample;
  }
  if (op.getMode() == nn::ResizeMode::Nearest) {
    sample.places = {clampToAxis(roundCoordinate(op.getRounding(), x), axis.in)};
    sample.weights = {1};
    return sample;
  }

  bool cubic = op.getMode() == nn::ResizeMode::Cubic;
  double a = op.getCubicCoefficient().convertToDouble();
  // Antialiasing stretches the kernel over the elements that one output element stands for.
  double shrink = op.getAntialias() ? std::min(axis.scale, 1.0) : 1.0;
  double lower = std::floor(x);
  int64_t start = static_cast<int64_t>(std::floor((cubic ? -2.0 : -1.0) / shrink)) + 1;
  double sum = 0;
  for (int64_t tap = start; tap < 2 - start; ++tap) {
    double place = lower + static_cast<double>(tap);
    double weight = getKernelWeight(cubic, a, (place - x) * shrink);
    if (op.getExcludeOutside() && (place < 0 || place >= static_cast<double>(axis.in)))
      weight = 0;
    // Elements beyond the border are the border's.
    sample.places.push_back(clampToAxis(place, axis.in));
    sample.weights.push_back(weight);
    sum += weight;
  }
  if (op.getExcludeOutside() || op.getAntialias())
    for (double &weight : sample.weights)
      weight /= sum;
  return sample;
}

/// Resamples one axis of `values`, of shape `shape`, which changes accordingly.
template <typename T>
static std::vector<T> resample(const std::vector<T> &values, std::vector<int64_t> &shape,
                               const Axis &axis, llvm::ArrayRef<Sample> samples, T extrapolation) {
  AxisView in(shape, axis.index);
  shape[axis.index] = axis.out;
  AxisView out(shape, axis.index);
  std::vector<T> results(out.outer * out.size * out.inner);
  for (int64_t o = 0; o < out.outer; ++o)
    for (int64_t i = 0; i < out.size; ++i)
      for (int64_t n = 0; n < out.inner; ++n) {
        const Sample &sample = samples[i];
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
  std::vector<Axis> axes;
  for (int64_t i = 0; i < x.getRank(); ++i) {
    Axis axis{i, x.shape[i], type.getDimSize(i), op.getScales()[i], 0, 1};
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

  std::vector<std::vector<Sample>> samples;
  for (const Axis &axis : axes) {
    std::vector<Sample> &table = samples.emplace_back();
    for (int64_t i = 0; i < axis.out; ++i)
      table.push_back(getSample(op, axis, i));
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
