//===- NNUnfold.cpp - Contractions as matrix products ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/NN/IR/NNUnfold.h"
#include "terse/Dialect/NN/IR/NNOps.h"

#include <numeric>

using namespace mlir;
using namespace terse::nn;

#include "terse/Dialect/NN/IR/NNUnfold.cpp.inc"

static ArrayRef<int64_t> shapeOf(Value v) { return cast<RankedTensorType>(v.getType()).getShape(); }

static int64_t product(ArrayRef<int64_t> sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t(1), std::multiplies<>());
}

/// 0, step, 2 * step...
static std::vector<int64_t> steps(int64_t count, int64_t step) {
  std::vector<int64_t> result(count);
  for (int64_t i = 0; i < count; ++i)
    result[i] = i * step;
  return result;
}

/// Calls `visit` with the coordinates of each position, or element of a window, of these sizes.
static void forEachTap(ArrayRef<int64_t> sizes,
                       function_ref<void(int64_t, ArrayRef<int64_t>)> visit) {
  SmallVector<int64_t> at(sizes.size(), 0);
  for (int64_t i = 0, n = product(sizes); i < n; ++i) {
    visit(i, at);
    for (size_t d = sizes.size(); d-- > 0 && ++at[d] == sizes[d];)
      at[d] = 0;
  }
}

static SmallVector<int64_t> delinearize(int64_t index, ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> at(sizes.size());
  for (size_t d = sizes.size(); d-- > 0; index /= sizes[d])
    at[d] = index % sizes[d];
  return at;
}

namespace {

/// The rows of the activation are the inputs as they are.
template <typename Model, typename OpTy>
struct RowUnfold : UnfoldableContraction::ExternalModel<Model, OpTy> {
  int64_t getNumPositions(Operation *, ArrayRef<int64_t> shape) const {
    return product(shape.drop_back());
  }
  void unfold(Operation *, const float *activation, ArrayRef<int64_t> shape, int64_t,
              ArrayRef<int64_t> positions, int64_t stride, float *inputs) const {
    for (int64_t p : positions) {
      std::copy_n(activation + p * shape.back(), shape.back(), inputs);
      inputs += stride;
    }
  }
};

struct LinearUnfold : RowUnfold<LinearUnfold, LinearOp> {
  std::optional<WeightMatrix> getWeightMatrix(Operation *op) const {
    ArrayRef<int64_t> weight = shapeOf(cast<LinearOp>(op).getWeight());
    return WeightMatrix{{0}, steps(weight[0], weight[1]), steps(weight[1], 1)};
  }
};

struct MatmulUnfold : RowUnfold<MatmulUnfold, MatmulOp> {
  std::optional<WeightMatrix> getWeightMatrix(Operation *op) const {
    ArrayRef<int64_t> weight = shapeOf(cast<MatmulOp>(op).getRhs());
    if (product(weight.drop_back(2)) != 1)
      return std::nullopt; // A matrix per batch.
    int64_t k = weight[weight.size() - 2], n = weight.back();
    return WeightMatrix{{0}, steps(n, 1), steps(k, n)};
  }
};

struct ConvUnfold : UnfoldableContraction::ExternalModel<ConvUnfold, ConvOp> {
  std::optional<WeightMatrix> getWeightMatrix(Operation *op) const {
    ArrayRef<int64_t> weight = shapeOf(cast<ConvOp>(op).getWeight());
    int64_t groups = cast<ConvOp>(op).getGroups(), columns = product(weight.drop_front()),
            rows = weight[0] / groups;
    return WeightMatrix{steps(groups, rows * columns), steps(rows, columns), steps(columns, 1)};
  }

  static SmallVector<int64_t> getResultSizes(ConvOp conv, ArrayRef<int64_t> shape) {
    ArrayRef<int64_t> kernel = shapeOf(conv.getWeight()).drop_front(2), pads = conv.getPads();
    SmallVector<int64_t> sizes;
    for (size_t d = 0; d < kernel.size(); ++d) {
      int64_t padded = shape[d + 2] + pads[d] + pads[d + kernel.size()];
      sizes.push_back(
          (padded - (kernel[d] - 1) * conv.getDilations()[d] - 1) / conv.getStrides()[d] + 1);
    }
    return sizes;
  }

  int64_t getNumPositions(Operation *op, ArrayRef<int64_t> shape) const {
    return shape[0] * product(getResultSizes(cast<ConvOp>(op), shape));
  }

  void unfold(Operation *op, const float *activation, ArrayRef<int64_t> shape, int64_t group,
              ArrayRef<int64_t> positions, int64_t stride, float *inputs) const {
    auto conv = cast<ConvOp>(op);
    ArrayRef<int64_t> strides = conv.getStrides(), pads = conv.getPads(),
                      dilations = conv.getDilations();
    ArrayRef<int64_t> weight = shapeOf(conv.getWeight()), kernel = weight.drop_front(2),
                      spatial = shape.drop_front(2);
    SmallVector<int64_t> sizes = getResultSizes(conv, shape);
    int64_t count = product(sizes), area = product(spatial), window = product(kernel);
    for (int64_t p : positions) {
      SmallVector<int64_t> at = delinearize(p % count, sizes);
      const float *channels = activation + ((p / count) * shape[1] + group * weight[1]) * area;
      forEachTap(kernel, [&](int64_t tap, ArrayRef<int64_t> k) {
        int64_t source = 0;
        bool inside = true;
        for (size_t d = 0; d < kernel.size(); ++d) {
          int64_t x = at[d] * strides[d] + k[d] * dilations[d] - pads[d];
          inside &= x >= 0 && x < spatial[d];
          source = source * spatial[d] + x;
        }
        for (int64_t c = 0; c < weight[1]; ++c)
          inputs[c * window + tap] = inside ? channels[c * area + source] : 0.0f;
      });
      inputs += stride;
    }
  }
};

struct ConvTransposeUnfold
    : UnfoldableContraction::ExternalModel<ConvTransposeUnfold, ConvTransposeOp> {
  std::optional<WeightMatrix> getWeightMatrix(Operation *op) const {
    ArrayRef<int64_t> weight = shapeOf(cast<ConvTransposeOp>(op).getWeight());
    int64_t groups = cast<ConvTransposeOp>(op).getGroups(), window = product(weight.drop_front(2));
    int64_t channels = weight[0] / groups;
    WeightMatrix matrix{steps(groups, channels * weight[1] * window), steps(weight[1], window), {}};
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t tap = 0; tap < window; ++tap)
        matrix.columns.push_back(c * weight[1] * window + tap);
    return matrix;
  }

  static SmallVector<int64_t> getResultSizes(ConvTransposeOp conv, ArrayRef<int64_t> shape) {
    ArrayRef<int64_t> kernel = shapeOf(conv.getWeight()).drop_front(2), pads = conv.getPads();
    SmallVector<int64_t> sizes;
    for (size_t d = 0; d < kernel.size(); ++d)
      sizes.push_back((shape[d + 2] - 1) * conv.getStrides()[d] + conv.getOutputPadding()[d] +
                      (kernel[d] - 1) * conv.getDilations()[d] + 1 - pads[d] -
                      pads[d + kernel.size()]);
    return sizes;
  }

  int64_t getNumPositions(Operation *op, ArrayRef<int64_t> shape) const {
    return shape[0] * product(getResultSizes(cast<ConvTransposeOp>(op), shape));
  }

  /// At a position only those elements of the window count that an input lies behind.
  void unfold(Operation *op, const float *activation, ArrayRef<int64_t> shape, int64_t group,
              ArrayRef<int64_t> positions, int64_t stride, float *inputs) const {
    auto conv = cast<ConvTransposeOp>(op);
    ArrayRef<int64_t> strides = conv.getStrides(), pads = conv.getPads(),
                      dilations = conv.getDilations();
    ArrayRef<int64_t> weight = shapeOf(conv.getWeight()), kernel = weight.drop_front(2),
                      spatial = shape.drop_front(2);
    SmallVector<int64_t> sizes = getResultSizes(conv, shape);
    int64_t count = product(sizes), area = product(spatial), window = product(kernel);
    int64_t inputChannels = weight[0] / conv.getGroups();
    for (int64_t p : positions) {
      SmallVector<int64_t> at = delinearize(p % count, sizes);
      const float *channels = activation + ((p / count) * shape[1] + group * inputChannels) * area;
      forEachTap(kernel, [&](int64_t tap, ArrayRef<int64_t> k) {
        int64_t source = 0;
        bool inside = true;
        for (size_t d = 0; d < kernel.size(); ++d) {
          int64_t x = at[d] + pads[d] - k[d] * dilations[d];
          inside &= x >= 0 && x % strides[d] == 0 && x / strides[d] < spatial[d];
          source = source * spatial[d] + x / strides[d];
        }
        for (int64_t c = 0; c < inputChannels; ++c)
          inputs[c * window + tap] = inside ? channels[c * area + source] : 0.0f;
      });
      inputs += stride;
    }
  }
};

} // namespace

void terse::nn::attachUnfoldInterfaces(MLIRContext *context) {
  LinearOp::attachInterface<LinearUnfold>(*context);
  MatmulOp::attachInterface<MatmulUnfold>(*context);
  ConvOp::attachInterface<ConvUnfold>(*context);
  ConvTransposeOp::attachInterface<ConvTransposeUnfold>(*context);
}
