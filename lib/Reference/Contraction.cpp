//===- Contraction.cpp - Linear, matmul, convolutions -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every contraction is a set of dot products over contiguous rows: rows of the left operand (for
// convolutions: the window of one output position, gathered) times rows of the right one. That is
// simple, and fast enough for whole networks.
//
//===----------------------------------------------------------------------===//

#include "Elements.h"
#include "OpCall.h"

#include "terse/Dialect/NN/IR/NNOps.h"

using namespace terse;
using namespace terse::reference;

/// Calls `fn(element, accumulator)` with zeros of the types in which tensors of `dtype` are
/// multiplied and summed up. Integers sum modulo 2^64, of which the result keeps its low bits.
template <typename Fn>
static auto visitArithmetic(DType dtype, const InterpreterOptions &options, Fn fn) {
  if (!dtype.isFloat())
    return fn(int64_t(), int64_t());
  if (dtype == DType::f64())
    return fn(double(), double());
  if (options.f64Accumulation)
    return fn(float(), double());
  return fn(float(), float());
}

/// The elements as T; f32 and f64 tensors where they lie, others converted.
template <typename T>
class Operand {
public:
  explicit Operand(const HostTensor &tensor) {
    if (tensor.dtype == getDType<T>()) {
      elements = tensor.getAs<T>();
      return;
    }
    converted = load<T>(tensor);
    elements = converted;
  }
  const T *data() const { return elements.data(); }

private:
  std::vector<T> converted;
  llvm::ArrayRef<T> elements;
};

/// sum_k a[k] * b[k], k ascending.
template <typename Acc, typename T>
static Acc dot(const T *a, const T *b, int64_t count) {
  Acc sum = 0;
  for (int64_t k = 0; k < count; ++k)
    sum = wrappingAdd<Acc>(sum, wrappingMul<Acc>(static_cast<Acc>(a[k]), static_cast<Acc>(b[k])));
  return sum;
}

static llvm::Error checkElementTypes(OpCall &call, const HostTensor &a, const HostTensor &b) {
  bool fits = a.dtype.isFloat() == b.dtype.isFloat() && !a.dtype.isBool() && !b.dtype.isBool() &&
              a.dtype.isFloat() == call.getResultDType().isFloat();
  if (fits)
    return llvm::Error::success();
  return call.fail("is not defined on " + a.dtype.getName() + " and " + b.dtype.getName());
}

/// The wider one of two float types decides how both are multiplied.
static DType commonType(DType a, DType b) { return b == DType::f64() ? b : a; }

//===----------------------------------------------------------------------===//
// nn.linear, nn.matmul, nn.embedding
//===----------------------------------------------------------------------===//

static llvm::Error evalLinear(nn::LinearOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()], &weight = call[op.getWeight()];
  const HostTensor *bias = call.find(op.getBias());
  if (llvm::Error error = checkElementTypes(call, x, weight))
    return error;
  int64_t outputs = weight.shape[0], depth = weight.shape[1];
  int64_t rows = AxisView::product(llvm::ArrayRef<int64_t>(x.shape).drop_back());
  HostTensor &out = call.result();

  DType type = commonType(x.dtype, weight.dtype);
  visitArithmetic(type, call.options, [&](auto element, auto accumulator) {
    using T = decltype(element);
    using Acc = decltype(accumulator);
    Operand<T> a(x), w(weight);
    std::vector<Acc> offsets = bias ? load<Acc>(*bias) : std::vector<Acc>(outputs, 0);
    std::vector<Acc> sums(rows * outputs);
    for (int64_t m = 0; m < rows; ++m)
      for (int64_t n = 0; n < outputs; ++n)
        sums[m * outputs + n] = wrappingAdd<Acc>(
            dot<Acc>(a.data() + m * depth, w.data() + n * depth, depth), offsets[n]);
    store(sums, out);
  });
  return llvm::Error::success();
}

static llvm::Error evalMatmul(nn::MatmulOp op, OpCall &call) {
  const HostTensor &lhs = call[op.getLhs()], &rhs = call[op.getRhs()];
  if (llvm::Error error = checkElementTypes(call, lhs, rhs))
    return error;
  HostTensor &out = call.result();
  llvm::ArrayRef<int64_t> a = lhs.shape, b = rhs.shape, y = out.shape;
  int64_t rows = a[a.size() - 2], depth = a.back(), columns = b.back();
  auto batch = y.drop_back(2);
  std::array<std::vector<int64_t>, 2> strides{getBroadcastStrides(a.drop_back(2), batch),
                                              getBroadcastStrides(b.drop_back(2), batch)};

  DType type = commonType(lhs.dtype, rhs.dtype);
  visitArithmetic(type, call.options, [&](auto element, auto accumulator) {
    using T = decltype(element);
    using Acc = decltype(accumulator);
    Operand<T> left(lhs), right(rhs);
    std::vector<Acc> sums(out.getNumElements(), 0);
    forEachPosition<2>(batch, strides, [&](int64_t i, std::array<int64_t, 2> at) {
      const T *l = left.data() + at[0] * rows * depth;
      const T *r = right.data() + at[1] * depth * columns;
      Acc *row = sums.data() + i * rows * columns;
      // Row by row of `rhs`, so that memory is read in order; each sum still adds k ascending.
      for (int64_t m = 0; m < rows; ++m, row += columns)
        for (int64_t k = 0; k < depth; ++k)
          for (int64_t n = 0; n < columns; ++n)
            row[n] =
                wrappingAdd<Acc>(row[n], wrappingMul<Acc>(static_cast<Acc>(l[m * depth + k]),
                                                          static_cast<Acc>(r[k * columns + n])));
    });
    store(sums, out);
  });
  return llvm::Error::success();
}

static llvm::Error evalEmbedding(nn::EmbeddingOp op, OpCall &call) {
  const HostTensor &table = call[op.getTable()];
  std::vector<int64_t> indices = call[op.getIndices()].toInts();
  int64_t rows = table.shape[0], width = table.shape[1] * table.dtype.getHostBytes();
  llvm::MutableArrayRef<uint8_t> out = call.result().getMutableBytes();
  for (size_t i = 0, e = indices.size(); i < e; ++i) {
    int64_t row = indices[i] < 0 ? indices[i] + rows : indices[i];
    if (row < 0 || row >= rows)
      return call.fail("index " + llvm::Twine(indices[i]) + " is out of range for a table of " +
                       llvm::Twine(rows) + " rows");
    if (width)
      std::memcpy(out.data() + i * width, table.getBytes().data() + row * width, width);
  }
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// nn.conv
//===----------------------------------------------------------------------===//

/// The elements of a window: offsets from its first element along each axis.
static std::vector<std::vector<int64_t>> getTaps(llvm::ArrayRef<int64_t> kernel,
                                                 llvm::ArrayRef<int64_t> dilations) {
  std::vector<std::vector<int64_t>> taps;
  forEachIndex(kernel, [&](int64_t, llvm::ArrayRef<int64_t> position) {
    std::vector<int64_t> &tap = taps.emplace_back(position.vec());
    for (size_t d = 0; d < tap.size(); ++d)
      tap[d] *= dilations[d];
  });
  return taps;
}

/// Offset of `origin + tap` in a spatial block of `shape`; nothing outside of it.
static std::optional<int64_t> locate(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> origin,
                                     llvm::ArrayRef<int64_t> tap) {
  int64_t offset = 0;
  for (size_t d = 0; d < shape.size(); ++d) {
    int64_t at = origin[d] + tap[d];
    if (at < 0 || at >= shape[d])
      return std::nullopt;
    offset = offset * shape[d] + at;
  }
  return offset;
}

static llvm::Error evalConv(nn::ConvOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()], &weight = call[op.getWeight()];
  const HostTensor *bias = call.find(op.getBias());
  if (llvm::Error error = checkElementTypes(call, x, weight))
    return error;
  HostTensor &out = call.result();
  auto in = llvm::ArrayRef<int64_t>(x.shape).drop_front(2);
  auto spatial = llvm::ArrayRef<int64_t>(out.shape).drop_front(2);
  int64_t batch = x.shape[0], channels = x.shape[1], outputs = weight.shape[0];
  int64_t groups = op.getGroups();
  int64_t groupChannels = channels / groups, groupOutputs = outputs / groups;
  int64_t inSize = AxisView::product(in), outSize = AxisView::product(spatial);
  std::vector<std::vector<int64_t>> taps =
      getTaps(llvm::ArrayRef<int64_t>(weight.shape).drop_front(2), op.getDilations());
  int64_t window = taps.size(), depth = groupChannels * window;

  DType type = commonType(x.dtype, weight.dtype);
  visitArithmetic(type, call.options, [&](auto element, auto accumulator) {
    using T = decltype(element);
    using Acc = decltype(accumulator);
    Operand<T> image(x), w(weight);
    std::vector<Acc> offsets = bias ? load<Acc>(*bias) : std::vector<Acc>(outputs, 0);
    std::vector<Acc> sums(out.getNumElements());
    // The window of one output position over all channels, zeros in the padding.
    std::vector<T> patch(channels * window);
    std::vector<int64_t> origin(in.size()), source(window);

    for (int64_t n = 0; n < batch; ++n) {
      const T *sample = image.data() + n * channels * inSize;
      forEachIndex(spatial, [&](int64_t p, llvm::ArrayRef<int64_t> position) {
        for (size_t d = 0; d < in.size(); ++d)
          origin[d] = position[d] * op.getStrides()[d] - op.getPads()[d];
        for (int64_t k = 0; k < window; ++k)
          source[k] = locate(in, origin, taps[k]).value_or(-1);
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t k = 0; k < window; ++k)
            patch[c * window + k] = source[k] < 0 ? T(0) : sample[c * inSize + source[k]];
        for (int64_t o = 0; o < outputs; ++o) {
          const T *group = patch.data() + o / groupOutputs * depth;
          sums[(n * outputs + o) * outSize + p] =
              wrappingAdd<Acc>(dot<Acc>(group, w.data() + o * depth, depth), offsets[o]);
        }
      });
    }
    store(sums, out);
  });
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// nn.conv_transpose
//===----------------------------------------------------------------------===//

static llvm::Error evalConvTranspose(nn::ConvTransposeOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()], &weight = call[op.getWeight()];
  const HostTensor *bias = call.find(op.getBias());
  if (llvm::Error error = checkElementTypes(call, x, weight))
    return error;
  HostTensor &out = call.result();
  auto in = llvm::ArrayRef<int64_t>(x.shape).drop_front(2);
  auto spatial = llvm::ArrayRef<int64_t>(out.shape).drop_front(2);
  int64_t batch = x.shape[0], channels = x.shape[1], groups = op.getGroups();
  int64_t groupOutputs = weight.shape[1], outputs = groupOutputs * groups;
  int64_t inSize = AxisView::product(in), outSize = AxisView::product(spatial);
  std::vector<std::vector<int64_t>> taps =
      getTaps(llvm::ArrayRef<int64_t>(weight.shape).drop_front(2), op.getDilations());
  int64_t window = taps.size();

  DType type = commonType(x.dtype, weight.dtype);
  visitArithmetic(type, call.options, [&](auto element, auto accumulator) {
    using T = decltype(element);
    using Acc = decltype(accumulator);
    Operand<T> image(x), w(weight);
    std::vector<Acc> offsets = bias ? load<Acc>(*bias) : std::vector<Acc>(outputs, 0);
    std::vector<Acc> sums(out.getNumElements(), 0);
    std::vector<int64_t> origin(in.size()), target(window);

    for (int64_t n = 0; n < batch; ++n)
      forEachIndex(in, [&](int64_t p, llvm::ArrayRef<int64_t> position) {
        for (size_t d = 0; d < in.size(); ++d)
          origin[d] = position[d] * op.getStrides()[d] - op.getPads()[d];
        for (int64_t k = 0; k < window; ++k)
          target[k] = locate(spatial, origin, taps[k]).value_or(-1);
        for (int64_t c = 0; c < channels; ++c) {
          Acc value = static_cast<Acc>(image.data()[(n * channels + c) * inSize + p]);
          int64_t firstOutput = c / (channels / groups) * groupOutputs;
          for (int64_t o = 0; o < groupOutputs; ++o) {
            const T *kernel = w.data() + (c * groupOutputs + o) * window;
            Acc *plane = sums.data() + (n * outputs + firstOutput + o) * outSize;
            for (int64_t k = 0; k < window; ++k)
              if (target[k] >= 0)
                plane[target[k]] = wrappingAdd<Acc>(
                    plane[target[k]], wrappingMul<Acc>(value, static_cast<Acc>(kernel[k])));
          }
        }
      });
    for (int64_t i = 0, e = sums.size(); i < e; ++i)
      sums[i] = wrappingAdd<Acc>(sums[i], offsets[i / outSize % outputs]);
    store(sums, out);
  });
  return llvm::Error::success();
}

void reference::registerContractions(KernelTable &table) {
  table.add<nn::LinearOp>(evalLinear);
  table.add<nn::MatmulOp>(evalMatmul);
  table.add<nn::EmbeddingOp>(evalEmbedding);
  table.add<nn::ConvOp>(evalConv);
  table.add<nn::ConvTransposeOp>(evalConvTranspose);
}
