//===- ResizeForm.cpp - Linear interpolation of integers ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An element of a linear resize is a sum of two neighbours along each resized axis, 2^n in all.
// Where sizes are known, each of them is a gather with known indices, and its weights are a
// constant.
//
//===----------------------------------------------------------------------===//

#include "terse/Dialect/NN/IR/NNQuantization.h"
#include "terse/Dialect/NN/IR/ResizeTaps.h"

using namespace mlir;
using namespace terse::nn;

/// More gathers than this gain nothing over floats.
static constexpr size_t kMaxAxes = 2;

static RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

static SmallVector<ResizeAxis> getAxes(ResizeOp op) {
  SmallVector<ResizeAxis> axes;
  for (auto [i, in, out, scale] : llvm::enumerate(
           typeOf(op.getX()).getShape(), typeOf(op.getResult()).getShape(), op.getScales()))
    if (ResizeAxis axis{int64_t(i), in, out, scale, 0, 1};
        !axis.isUnchanged() && !(ShapedType::isDynamic(in) && scale == 1))
      axes.push_back(axis);
  return axes;
}

bool terse::nn::hasLinearForm(ResizeOp op) {
  if (op.getMode() != ResizeMode::Linear || op.getAntialias() || op.getExcludeOutside() ||
      op.getCoordinate() == ResizeCoordinate::TfCropAndResize)
    return false;
  SmallVector<ResizeAxis> axes = getAxes(op);
  return !axes.empty() && axes.size() <= kMaxAxes && llvm::all_of(axes, [](const ResizeAxis &axis) {
    return !ShapedType::isDynamic(axis.in) && !ShapedType::isDynamic(axis.out) && axis.in > 0;
  });
}

SmallVector<ScaledTensor> terse::nn::buildLinearForm(ResizeOp op, OpBuilder &b, Value centered,
                                                     float scale) {
  SmallVector<ResizeAxis> axes = getAxes(op);
  int64_t rank = typeOf(centered).getRank();
  SmallVector<ScaledTensor> terms;
  for (size_t corner = 0; corner < (size_t(1) << axes.size()); ++corner) {
    Value picked = centered;
    // From the first resized axis to the last of the tensor.
    SmallVector<int64_t> shape(rank - axes.front().index, 1);
    std::vector<double> weights{1.0};
    for (auto [n, axis] : llvm::enumerate(axes)) {
      SmallVector<int64_t> places;
      std::vector<double> along;
      for (int64_t i = 0; i < axis.out; ++i) {
        ResizeTaps taps = getResizeTaps(op, axis, i);
        size_t tap = corner >> n & 1;
        places.push_back(taps.places[tap]);
        along.push_back(taps.weights[tap]);
      }
      auto type = RankedTensorType::get({axis.out}, b.getI64Type());
      Value indices = ConstantOp::create(b, op.getLoc(),
                                         DenseElementsAttr::get(type, ArrayRef<int64_t>(places)));
      picked = GatherOp::create(b, op.getLoc(), picked, indices, axis.index);
      shape[axis.index - axes.front().index] = axis.out;
      std::vector<double> products;
      for (double outer : weights)
        for (double inner : along)
          products.push_back(outer * inner);
      weights = std::move(products);
    }
    std::vector<float> factors;
    for (double weight : weights)
      factors.push_back(float(double(scale) * weight));
    terms.push_back({picked, DenseElementsAttr::get(RankedTensorType::get(shape, b.getF32Type()),
                                                    ArrayRef<float>(factors))});
  }
  return terms;
}
