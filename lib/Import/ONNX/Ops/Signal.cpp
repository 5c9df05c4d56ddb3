//===- Signal.cpp - Windows, Fourier transforms, sampling -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Node.h"

#include <cmath>

using namespace terse;
using namespace terse::onnx;

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

// a0 - a1 cos(2 pi i / N) + a2 cos(4 pi i / N), of a constant size.
static void emitWindow(Node &n, double a0, double a1, double a2) {
  int64_t size = n.e.getInt(n.in(0), "size");
  bool periodic = n.attrBool("periodic", true);
  Type element = n.elementType(n.attrInt("output_datatype", 1));
  if (size < 1 || size > (1 << 24))
    fail("size must be positive (got " + llvm::Twine(size) + ")");
  HostTensor window = HostTensor::zeros(n.e.toDType(element), {size});
  double period = periodic ? double(size) : double(size - 1);
  for (int64_t i = 0; i < size; ++i) {
    double t = 2 * M_PI * double(i) / period;
    window.setFromDouble(i, a0 - a1 * std::cos(t) + a2 * std::cos(2 * t));
  }
  n.set(0, n.e.constant(std::move(window)));
}

static void convertHann(Node &n) { emitWindow(n, 0.5, 0.5, 0); }
static void convertHamming(Node &n) { emitWindow(n, 25.0 / 46, 21.0 / 46, 0); }
static void convertBlackman(Node &n) { emitWindow(n, 0.42, 0.5, 0.08); }

static void convertMelWeights(Node &n) {
  Emitter &e = n.e;
  int64_t bins = e.getInt(n.in(0), "num_mel_bins"), length = e.getInt(n.in(1), "dft_length");
  double rate = e.getDouble(n.in(2), "sample_rate"), low = e.getDouble(n.in(3), "lower_edge_hertz"),
         high = e.getDouble(n.in(4), "upper_edge_hertz");
  Type element = n.elementType(n.attrInt("output_datatype", 1));
  int64_t spectrum = length / 2 + 1;
  if (bins < 1 || length < 1 || bins > 65536 || spectrum > (1 << 20) || !(rate > 0))
    fail("sizes and rates must be positive");
  auto toMel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  std::vector<int64_t> edges;
  double lowMel = toMel(low), step = (toMel(high) - lowMel) / double(bins + 2);
  for (int64_t i = 0; i < bins + 2; ++i) {
    double hertz = 700 * (std::pow(10, (double(i) * step + lowMel) / 2595) - 1);
    edges.push_back(int64_t(std::floor(double(length + 1) * hertz / rate)));
  }
  HostTensor weights = HostTensor::zeros(e.toDType(element), {spectrum, bins});
  auto set = [&](int64_t row, int64_t bin, double v) {
    if (row >= 0 && row < spectrum)
      weights.setFromDouble(row * bins + bin, v);
  };
  for (int64_t i = 0; i < bins; ++i) {
    int64_t left = edges[i], center = edges[i + 1], right = edges[i + 2];
    if (center == left)
      set(center, i, 1);
    for (int64_t j = std::max<int64_t>(left, 0); j <= std::min(center, spectrum) && center != left;
         ++j)
      set(j, i, double(j - left) / double(center - left));
    for (int64_t j = std::max<int64_t>(center, 0); j < std::min(right, spectrum) && right != center;
         ++j)
      set(j, i, double(right - j) / double(right - center));
  }
  n.set(0, e.constant(std::move(weights)));
}

//===----------------------------------------------------------------------===//
// Fourier transforms: products with a constant matrix
//===----------------------------------------------------------------------===//

// cos and sin of 2 pi row * column / period as [rows, columns].
static std::pair<Value, Value> getTwiddles(Emitter &e, int64_t rows, int64_t columns,
                                           int64_t period, Type element) {
  if (rows < 1 || columns < 1 || rows > (1 << 13) || columns > (1 << 13))
    fail("transforms of up to 8192 points are supported (got " +
         llvm::Twine(std::max(rows, columns)) + ")");
  HostTensor cosines = HostTensor::zeros(e.toDType(element), {rows, columns}), sines = cosines;
  sines = HostTensor::zeros(e.toDType(element), {rows, columns});
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) {
      double t = 2 * M_PI * double(r * c % period) / double(period);
      cosines.setFromDouble(r * columns + c, std::cos(t));
      sines.setFromDouble(r * columns + c, std::sin(t));
    }
  return {e.constant(std::move(cosines)), e.constant(std::move(sines))};
}

// x: [..., points, 1 or 2] to [..., outputs, 2] along the axis before the last. Sums of products
// with cancelling terms: in f64.
static Value emitDft(Emitter &e, Value x, int64_t outputs, int64_t length, bool inverse) {
  Type element = e.elementOf(x);
  x = e.cast(x, e.b.getF64Type());
  int64_t rank = e.rankOf(x), points = e.staticDim(x, rank - 2, "the transformed axis"),
          parts = e.staticDim(x, rank - 1, "the last axis");
  if (parts != 1 && parts != 2)
    fail("the last axis must have size 1 (real) or 2 (complex)");
  // Shorter or longer signals are padded with zeros or cut.
  if (points != length) {
    Ints low(rank, 0), high(rank, 0);
    high[rank - 2] = length - points;
    x = e.pad(nn::PadMode::Constant, x, nullptr, low, high);
  }
  auto [cosines, sines] = getTwiddles(e, outputs, length, length, e.elementOf(x));
  auto part = [&](int64_t i) { return e.squeeze(e.slice(x, rank - 1, i, i + 1), {rank - 1}); };
  auto apply = [&](Value v, Value matrix) { return e.op<nn::LinearOp>({v, matrix}); };
  Value re = part(0), outRe = apply(re, cosines), outIm = apply(re, sines);
  if (!inverse)
    outIm = e.unary(UnaryKind::Neg, outIm);
  if (parts == 2) {
    Value im = part(1), c = apply(im, cosines), s = apply(im, sines);
    outRe = inverse ? e.sub(outRe, s) : e.add(outRe, s);
    outIm = e.add(outIm, c);
  }
  Value result =
      e.concat({e.unsqueeze(outRe, {rank - 1}), e.unsqueeze(outIm, {rank - 1})}, rank - 1);
  return e.cast(inverse ? e.binary(BinaryKind::Div, result, double(length)) : result, element);
}

// From the first half of a spectrum, whose other half is its mirrored conjugate, to a real signal
// [..., length, 1].
static Value emitRealInverse(Emitter &e, Value x, int64_t length) {
  Type element = e.elementOf(x);
  x = e.cast(x, e.b.getF64Type());
  int64_t rank = e.rankOf(x), points = e.staticDim(x, rank - 2, "the transformed axis"),
          half = length / 2 + 1;
  if (e.staticDim(x, rank - 1, "the last axis") != 2)
    fail("the spectrum must be complex");
  if (points != half) {
    Ints low(rank, 0), high(rank, 0);
    high[rank - 2] = half - points;
    x = e.pad(nn::PadMode::Constant, x, nullptr, low, high);
  }
  auto [cosines, sines] = getTwiddles(e, length, half, length, e.elementOf(x));
  // Every frequency stands for two, but the first and, of an even length, the last.
  HostTensor weights = HostTensor::zeros(DType::f64(), {half});
  for (int64_t k = 0; k < half; ++k)
    weights.setFromDouble(k, (k == 0 || 2 * k == length ? 1.0 : 2.0) / double(length));
  Value weight = e.constant(std::move(weights));
  auto part = [&](int64_t i) {
    return e.mul(e.squeeze(e.slice(x, rank - 1, i, i + 1), {rank - 1}), weight);
  };
  Value y = e.sub(e.op<nn::LinearOp>({part(0), cosines}), e.op<nn::LinearOp>({part(1), sines}));
  return e.cast(e.unsqueeze(y, {rank - 1}), element);
}

static void convertDft(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  int64_t rank = e.rankOf(x);
  bool inverse = n.attrBool("inverse", false), onesided = n.attrBool("onesided", false);
  int64_t axis = n.opset < 20 ? n.attrInt("axis", 1) : n.opt(2) ? e.getInt(n.opt(2), "axis") : -2;
  axis = Emitter::normalizeAxis(axis, rank);
  if (axis == rank - 1 || rank < 2)
    fail("axis must not be the last one");
  int64_t points = e.staticDim(x, axis, "the transformed axis");
  int64_t length = n.opt(1)              ? e.getInt(n.opt(1), "dft_length")
                   : inverse && onesided ? 2 * (points - 1)
                                         : points;
  if (length < 1)
    fail("dft_length must be positive (got " + llvm::Twine(length) + ")");
  Ints order;
  for (int64_t i = 0; i < rank; ++i)
    order.push_back(i);
  std::swap(order[axis], order[rank - 2]);
  x = e.transpose(x, order);
  Value y = inverse && onesided
                ? emitRealInverse(e, x, length)
                : emitDft(e, x, onesided ? length / 2 + 1 : length, length, inverse);
  n.set(0, e.transpose(y, order));
}

static void convertStft(Node &n) {
  Emitter &e = n.e;
  Value signal = n.in(0), window = n.opt(2);
  int64_t step = e.getInt(n.in(1), "frame_step");
  bool onesided = n.attrBool("onesided", true);
  if (e.rankOf(signal) == 2)
    signal = e.appendOnes(signal, 1);
  if (e.rankOf(signal) != 3)
    fail("expected a signal [batch, length, 1 or 2]");
  int64_t samples = e.staticDim(signal, 1, "the length of the signal"), length = 0;
  if (n.opt(3))
    length = e.getInt(n.opt(3), "frame_length");
  else if (window)
    length = e.staticDim(window, 0, "the length of the window");
  if (step < 1 || length < 1 || length > samples)
    fail("frame_step and frame_length must be positive and fit the signal");
  int64_t frames = (samples - length) / step + 1;
  if (frames * length > (1 << 24))
    fail("there are too many frames");
  HostTensor indices = HostTensor::zeros(DType::i64(), {frames, length});
  for (int64_t f = 0; f < frames; ++f)
    for (int64_t i = 0; i < length; ++i)
      indices.setFromInt(f * length + i, f * step + i);
  Value framed =
      e.gather(signal, e.constant(std::move(indices)), 1); // [batch, frames, length, parts]
  if (window)
    framed = e.mul(framed, e.reshape(window, {Dim(length), Dim(1)}));
  n.set(0, emitDft(e, framed, onesided ? length / 2 + 1 : length, length, false));
}

void terse::onnx::registerSignalOps(OpTable &t) {
  t.add("HannWindow", {17}, convertHann, "constant size");
  t.add("HammingWindow", {17}, convertHamming, "constant size");
  t.add("BlackmanWindow", {17}, convertBlackman, "constant size");
  t.add("MelWeightMatrix", {17}, convertMelWeights, "constant inputs");
  t.add("DFT", {17, 20}, convertDft, "static sizes up to 8192");
  t.add("STFT", {17}, convertStft, "static sizes");
}
