//===- ResizeTaps.h - What an element of a resize is a sum of -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Axes are resampled one after the other: every output index of an axis is a weighted sum of input
// indices. Coordinates and weights are f64; definitions follow ONNX Resize 19.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_DIALECT_NN_IR_RESIZETAPS_H
#define TERSE_DIALECT_NN_IR_RESIZETAPS_H

#include "terse/Dialect/NN/IR/NNOps.h"

#include <vector>

namespace terse::nn {

/// How one axis is resampled.
struct ResizeAxis {
  int64_t index, in, out;
  double scale, roiStart, roiEnd;

  bool isUnchanged() const { return in == out && scale == 1 && roiStart == 0 && roiEnd == 1; }
};

/// One output index of an axis: input indices and their weights; nothing outside of the region.
struct ResizeTaps {
  bool outside = false;
  std::vector<int64_t> places;
  std::vector<double> weights;
};

ResizeTaps getResizeTaps(ResizeOp op, const ResizeAxis &axis, int64_t i);

} // namespace terse::nn

#endif // TERSE_DIALECT_NN_IR_RESIZETAPS_H
