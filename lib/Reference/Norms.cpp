//===- Norms.cpp - Normalizations and softmax -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Step by step as nn-decompose writes them, each step rounded to the type that floats compute in:
// native code gives the same bits. Sums are of f64 and rounded once.
//
//===----------------------------------------------------------------------===//

#include "Elements.h"
#include "Functions.h"
#include "OpCall.h"

#include "terse/Dialect/NN/IR/NNOps.h"

#include <cmath>

using namespace terse;
using namespace terse::reference;

static llvm::Error checkFloat(OpCall &call) {
  for (const HostTensor &tensor : call.getOperands())
    if (!tensor.dtype.isFloat())
      return call.fail("is not defined on " + tensor.dtype.getName());
  return llvm::Error::success();
}

template <typename T, typename Fn>
static T getMean(llvm::ArrayRef<T> values, Fn fn) {
  double sum = 0;
  for (T v : values)
    sum += fn(v);
  return static_cast<T>(sum) / static_cast<T>(values.size());
}

template <typename T>
static T invertDeviation(T variance, double epsilon) {
  return T(1) / std::sqrt(variance + static_cast<T>(epsilon));
}

/// Divides each run of `size` elements by its deviation; by the root of its mean square if it is
/// not `centered` first.
template <typename T>
static void standardize(std::vector<T> &values, int64_t size, double epsilon, bool centered) {
  for (size_t begin = 0; size && begin < values.size(); begin += size) {
    llvm::MutableArrayRef<T> run(values.data() + begin, size);
    if (centered) {
      T mean = getMean<T>(run, [](T v) { return v; });
      for (T &v : run)
        v -= mean;
    }
    T factor = invertDeviation(getMean<T>(run, [](T v) { return v * v; }), epsilon);
    for (T &v : run)
      v *= factor;
  }
}

/// Multiplies by `scale` and adds `bias`, either of which may be absent, broadcast to `shape`.
template <typename T>
static void scaleAndShift(std::vector<T> &values, llvm::ArrayRef<int64_t> shape,
                          const HostTensor *scale, const HostTensor *bias) {
  auto apply = [&](const HostTensor *tensor, auto combine) {
    if (!tensor)
      return;
    std::vector<T> operand = load<T>(*tensor);
    forEachPosition<1>(shape, {getBroadcastStrides(tensor->shape, shape)},
                       [&](int64_t i, std::array<int64_t, 1> at) {
                         values[i] = combine(values[i], operand[at[0]]);
                       });
  };
  apply(scale, std::multiplies<T>());
  apply(bias, std::plus<T>());
}

/// A `[C]` parameter of an `[N, C, ...]` tensor of the given rank as one that broadcasts.
static HostTensor alignChannels(const HostTensor &parameter, int64_t rank) {
  std::vector<int64_t> shape(rank - 1, 1);
  shape[0] = parameter.getNumElements();
  return parameter.reshaped(shape);
}

static llvm::Error evalBatchNorm(nn::BatchNormOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  if (llvm::Error error = checkFloat(call))
    return error;
  if (x.getRank() < 2)
    return call.fail("expected x to be [N, C, ...] (got " + x.getTypeString() + ")");
  int64_t channels = x.shape[1];
  for (mlir::Value parameter : op->getOperands().drop_front())
    if (llvm::Error error = call.checkShape(call[parameter], {channels}, "parameters"))
      return error;
  visitFloat(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> values = load<T>(x), scale = load<T>(call[op.getScale()]);
    std::vector<T> bias = load<T>(call[op.getBias()]), mean = load<T>(call[op.getMean()]);
    std::vector<T> variance = load<T>(call[op.getVariance()]);
    for (int64_t c = 0; c < channels; ++c)
      scale[c] *= invertDeviation(variance[c], op.getEpsilon().convertToDouble());
    AxisView view(x.shape, 1);
    for (int64_t i = 0, e = values.size(); i < e; ++i) {
      int64_t c = i / view.inner % channels;
      T scaled = (values[i] - mean[c]) * scale[c];
      values[i] = scaled + bias[c];
    }
    store(values, call.result());
  });
  return llvm::Error::success();
}

static llvm::Error evalLayerNorm(nn::LayerNormOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  const HostTensor *scale = call.find(op.getScale()), *bias = call.find(op.getBias());
  if (llvm::Error error = checkFloat(call))
    return error;
  for (const HostTensor *parameter : {scale, bias})
    if (parameter)
      if (llvm::Error error = call.checkBroadcastable(*parameter, x.shape, "parameters"))
        return error;
  visitFloat(x.dtype, [&](auto zero) {
    auto values = load<decltype(zero)>(x);
    standardize(values, AxisView(x.shape, op.getAxis(), x.getRank()).size,
                op.getEpsilon().convertToDouble(), /*centered=*/true);
    scaleAndShift(values, x.shape, scale, bias);
    store(values, call.result());
  });
  return llvm::Error::success();
}

static llvm::Error evalRmsNorm(nn::RmsNormOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  const HostTensor *scale = call.find(op.getScale());
  if (llvm::Error error = checkFloat(call))
    return error;
  if (scale)
    if (llvm::Error error = call.checkBroadcastable(*scale, x.shape, "scale"))
      return error;
  visitFloat(x.dtype, [&](auto zero) {
    auto values = load<decltype(zero)>(x);
    standardize(values, AxisView(x.shape, op.getAxis(), x.getRank()).size,
                op.getEpsilon().convertToDouble(), /*centered=*/false);
    scaleAndShift(values, x.shape, scale, nullptr);
    store(values, call.result());
  });
  return llvm::Error::success();
}

/// Normalizes runs of `channels / groups` channels of each sample.
static llvm::Error normalizeGroups(OpCall &call, const HostTensor &x, const HostTensor &scale,
                                   const HostTensor &bias, int64_t groups, double epsilon) {
  if (llvm::Error error = checkFloat(call))
    return error;
  int64_t channels = x.shape[1];
  for (const HostTensor *parameter : {&scale, &bias})
    if (llvm::Error error = call.checkShape(*parameter, {channels}, "parameters"))
      return error;
  visitFloat(x.dtype, [&](auto zero) {
    auto values = load<decltype(zero)>(x);
    if (!values.empty()) {
      standardize(values, AxisView(x.shape, 1, x.getRank()).size / groups, epsilon,
                  /*centered=*/true);
      HostTensor s = alignChannels(scale, x.getRank()), b = alignChannels(bias, x.getRank());
      scaleAndShift(values, x.shape, &s, &b);
    }
    store(values, call.result());
  });
  return llvm::Error::success();
}

static llvm::Error evalGroupNorm(nn::GroupNormOp op, OpCall &call) {
  return normalizeGroups(call, call[op.getX()], call[op.getScale()], call[op.getBias()],
                         op.getGroups(), op.getEpsilon().convertToDouble());
}

static llvm::Error evalInstanceNorm(nn::InstanceNormOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  if (x.getRank() < 2)
    return call.fail("expected x to be [N, C, ...] (got " + x.getTypeString() + ")");
  return normalizeGroups(call, x, call[op.getScale()], call[op.getBias()], x.shape[1],
                         op.getEpsilon().convertToDouble());
}

static llvm::Error evalSoftmax(nn::SoftmaxOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  if (llvm::Error error = checkFloat(call))
    return error;
  AxisView view(x.shape, op.getAxis());
  visitFloat(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> values = load<T>(x), terms(view.size);
    for (int64_t o = 0; o < view.outer; ++o)
      for (int64_t n = 0; n < view.inner; ++n) {
        T max = -std::numeric_limits<T>::infinity();
        for (int64_t i = 0; i < view.size; ++i)
          max = propagatingMax(max, values[view.offset(o, i, n)]);
        double sum = 0;
        for (int64_t i = 0; i < view.size; ++i) {
          T &v = values[view.offset(o, i, n)];
          v -= max;
          sum += terms[i] = reference::exp(v);
        }
        T total = static_cast<T>(sum), logarithm = reference::log(total);
        for (int64_t i = 0; i < view.size; ++i) {
          T &v = values[view.offset(o, i, n)];
          v = op.getLog() ? v - logarithm : terms[i] / total;
        }
      }
    store(values, call.result());
  });
  return llvm::Error::success();
}

void reference::registerNorms(KernelTable &table) {
  table.add<nn::BatchNormOp>(evalBatchNorm);
  table.add<nn::LayerNormOp>(evalLayerNorm);
  table.add<nn::RmsNormOp>(evalRmsNorm);
  table.add<nn::GroupNormOp>(evalGroupNorm);
  table.add<nn::InstanceNormOp>(evalInstanceNorm);
  table.add<nn::SoftmaxOp>(evalSoftmax);
}
