//===- Norms.cpp - Normalizations and softmax -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All compute in f64 and round at the end.
//
//===----------------------------------------------------------------------===//

#include "Elements.h"
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

static double getMean(llvm::ArrayRef<double> values) {
  double sum = 0;
  for (double v : values)
    sum += v;
  return sum / static_cast<double>(values.size());
}

/// Mean of the squared distances from `center`.
static double getMeanSquare(llvm::ArrayRef<double> values, double center) {
  double sum = 0;
  for (double v : values)
    sum += (v - center) * (v - center);
  return sum / static_cast<double>(values.size());
}

/// `(v - mean) / sqrt(variance + epsilon)` for each run of `size` elements.
static void standardize(std::vector<double> &values, int64_t size, double epsilon) {
  for (size_t begin = 0; size && begin < values.size(); begin += size) {
    llvm::MutableArrayRef<double> run(values.data() + begin, size);
    double mean = getMean(run), variance = getMeanSquare(run, mean);
    for (double &v : run)
      v = (v - mean) / std::sqrt(variance + epsilon);
  }
}

/// Multiplies by `scale` and adds `bias`, either of which may be absent, broadcast to `shape`.
static void scaleAndShift(std::vector<double> &values, llvm::ArrayRef<int64_t> shape,
                          const HostTensor *scale, const HostTensor *bias) {
  auto apply = [&](const HostTensor *tensor, auto combine) {
    if (!tensor)
      return;
    std::vector<double> operand = load<double>(*tensor);
    forEachPosition<1>(shape, {getBroadcastStrides(tensor->shape, shape)},
                       [&](int64_t i, std::array<int64_t, 1> at) {
                         values[i] = combine(values[i], operand[at[0]]);
                       });
  };
  apply(scale, std::multiplies<double>());
  apply(bias, std::plus<double>());
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
  std::vector<double> values = load<double>(x);
  std::vector<double> scale = load<double>(call[op.getScale()]);
  std::vector<double> bias = load<double>(call[op.getBias()]);
  std::vector<double> mean = load<double>(call[op.getMean()]);
  std::vector<double> variance = load<double>(call[op.getVariance()]);
  double epsilon = op.getEpsilon().convertToDouble();
  AxisView view(x.shape, 1);
  for (int64_t i = 0, e = values.size(); i < e; ++i) {
    int64_t c = i / view.inner % channels;
    values[i] = scale[c] * (values[i] - mean[c]) / std::sqrt(variance[c] + epsilon) + bias[c];
  }
  store(values, call.result());
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
  std::vector<double> values = load<double>(x);
  standardize(values, AxisView(x.shape, op.getAxis(), x.getRank()).size,
              op.getEpsilon().convertToDouble());
  scaleAndShift(values, x.shape, scale, bias);
  store(values, call.result());
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
  std::vector<double> values = load<double>(x);
  int64_t size = AxisView(x.shape, op.getAxis(), x.getRank()).size;
  double epsilon = op.getEpsilon().convertToDouble();
  for (size_t begin = 0; size && begin < values.size(); begin += size) {
    llvm::MutableArrayRef<double> run(values.data() + begin, size);
    double meanSquare = getMeanSquare(run, 0);
    for (double &v : run)
      v /= std::sqrt(meanSquare + epsilon);
  }
  scaleAndShift(values, x.shape, scale, nullptr);
  store(values, call.result());
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
  std::vector<double> values = load<double>(x);
  if (!values.empty()) {
    standardize(values, AxisView(x.shape, 1, x.getRank()).size / groups, epsilon);
    HostTensor s = alignChannels(scale, x.getRank()), b = alignChannels(bias, x.getRank());
    scaleAndShift(values, x.shape, &s, &b);
  }
  store(values, call.result());
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
  std::vector<double> values = load<double>(x);
  for (int64_t o = 0; o < view.outer; ++o)
    for (int64_t n = 0; n < view.inner; ++n) {
      double max = -std::numeric_limits<double>::infinity(), sum = 0;
      for (int64_t i = 0; i < view.size; ++i)
        max = propagatingMax(max, values[view.offset(o, i, n)]);
      for (int64_t i = 0; i < view.size; ++i)
        sum += std::exp(values[view.offset(o, i, n)] - max);
      for (int64_t i = 0; i < view.size; ++i) {
        double &v = values[view.offset(o, i, n)];
        v = op.getLog() ? v - max - std::log(sum) : std::exp(v - max) / sum;
      }
    }
  store(values, call.result());
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
