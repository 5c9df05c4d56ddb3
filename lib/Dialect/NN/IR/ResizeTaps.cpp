//===- ResizeTaps.cpp - What an element of a resize is a sum of -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/NN/IR/ResizeTaps.h"

#include <cmath>

using namespace terse::nn;

/// The input coordinate of output index `i`.
static double getCoordinate(ResizeCoordinate kind, const ResizeAxis &axis, int64_t i) {
  double x = static_cast<double>(i), in = static_cast<double>(axis.in);
  // The output size before it was rounded to an integer.
  double exact = in * axis.scale;
  double halfPixel = (x + 0.5) / axis.scale - 0.5;
  switch (kind) {
  case ResizeCoordinate::HalfPixel:
    return halfPixel;
  case ResizeCoordinate::HalfPixelSymmetric: {
    double adjustment = static_cast<double>(axis.out) / exact;
    return in / 2 * (1 - adjustment) + halfPixel;
  }
  case ResizeCoordinate::PytorchHalfPixel:
    return exact == 1 ? -0.5 : halfPixel;
  case ResizeCoordinate::AlignCorners:
    return exact == 1 ? 0 : x * (in - 1) / (exact - 1);
  case ResizeCoordinate::Asymmetric:
    return x / axis.scale;
  case ResizeCoordinate::TfCropAndResize: {
    double span = axis.roiEnd - axis.roiStart;
    double at = axis.out == 1 ? span * (in - 1) / 2
                              : x * span * (in - 1) / (static_cast<double>(axis.out) - 1);
    return at + axis.roiStart * (in - 1);
  }
  }
  return halfPixel;
}

static double roundCoordinate(ResizeRounding rounding, double x) {
  switch (rounding) {
  case ResizeRounding::PreferFloor:
    return std::ceil(x - 0.5);
  case ResizeRounding::PreferCeil:
    return std::floor(x + 0.5);
  case ResizeRounding::Floor:
    return std::floor(x);
  case ResizeRounding::Ceil:
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

ResizeTaps terse::nn::getResizeTaps(ResizeOp op, const ResizeAxis &axis, int64_t i) {
  double x = getCoordinate(op.getCoordinate(), axis, i);
  ResizeTaps sample;
  if (op.getCoordinate() == ResizeCoordinate::TfCropAndResize &&
      (x < 0 || x > static_cast<double>(axis.in - 1))) {
    sample.outside = true;
    return sample;
  }
  if (op.getMode() == ResizeMode::Nearest) {
    sample.places = {clampToAxis(roundCoordinate(op.getRounding(), x), axis.in)};
    sample.weights = {1};
    return sample;
  }

  bool cubic = op.getMode() == ResizeMode::Cubic;
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
