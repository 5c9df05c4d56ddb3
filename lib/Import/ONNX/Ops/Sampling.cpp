//===- Sampling.cpp - Sampling at computed positions ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Node.h"

using namespace terse;
using namespace terse::onnx;

//===----------------------------------------------------------------------===//
// AffineGrid
//===----------------------------------------------------------------------===//

// Coordinates from -1 to 1: of the corner pixels' centres, or of the corners.
static double gridCoordinate(int64_t i, int64_t size, bool alignCorners) {
  if (alignCorners)
    return size == 1 ? -1 : -1 + 2 * double(i) / double(size - 1);
  return (2 * double(i) + 1) / double(size) - 1;
}

static void convertAffineGrid(Node &n) {
  Emitter &e = n.e;
  Value theta = n.in(0);
  Ints size = e.getInts(n.in(1), "size");
  bool align = n.attrBool("align_corners", false);
  int64_t spatial = int64_t(size.size()) - 2;
  if (spatial < 2 || spatial > 3 || e.rankOf(theta) != 3 || e.shapeOf(theta)[1] != spatial ||
      e.shapeOf(theta)[2] != spatial + 1)
    fail("expected size [N, C, H, W] and theta [N, 2, 3], or size [N, C, D, H, W] and theta [N, 3, "
         "4]");
  int64_t points = 1;
  for (int64_t i = 0; i < spatial; ++i) {
    if (size[i + 2] < 1 || size[i + 2] > 4096)
      fail("sizes must lie between 1 and 4096");
    points *= size[i + 2];
  }
  if (points > (1 << 24))
    fail("the grid is too large");
  // Every point as (x, y[, z], 1), x along the last axis.
  HostTensor base = HostTensor::zeros(e.toDType(e.elementOf(theta)), {points, spatial + 1});
  for (int64_t p = 0; p < points; ++p) {
    int64_t rest = p;
    for (int64_t c = 0; c < spatial; ++c) {
      int64_t extent = size[spatial + 1 - c];
      base.setFromDouble(p * (spatial + 1) + c, gridCoordinate(rest % extent, extent, align));
      rest /= extent;
    }
    base.setFromDouble(p * (spatial + 1) + spatial, 1);
  }
  Value grid = e.matmul(e.constant(std::move(base)), e.transposeLast(theta));
  Dims dims{e.dimsOf(theta)[0]};
  for (int64_t i = 0; i < spatial; ++i)
    dims.push_back(size[i + 2]);
  dims.push_back(spatial);
  n.set(0, e.reshape(grid, dims));
}

//===----------------------------------------------------------------------===//
// GridSample
//===----------------------------------------------------------------------===//

namespace {
enum class Interpolation { Nearest, Linear, Cubic };
enum class Padding { Zeros, Border, Reflection };

/// One neighbour along one axis: where it is, how much it counts, and whether it is inside (null:
/// always).
struct Tap {
  Value index, weight, inside;
};

class Sampler {
public:
  Sampler(Emitter &e, Padding padding, bool alignCorners)
      : e(e), padding(padding), alignCorners(alignCorners) {}

  /// The neighbours of coordinates in [-1, 1] along an axis of `size`.
  llvm::SmallVector<Tap> getTaps(Value coordinate, int64_t size, Interpolation mode) {
    low = alignCorners ? 0 : -0.5;
    high = alignCorners ? double(size - 1) : double(size) - 0.5;
    Value x = affine(coordinate, alignCorners ? double(size - 1) / 2 : double(size) / 2,
                     alignCorners ? double(size - 1) / 2 : double(size - 1) / 2);
    if (mode == Interpolation::Nearest)
      x = e.unary(UnaryKind::Round, x);
    if (padding == Padding::Reflection)
      x = reflect(x);
    else if (padding == Padding::Border)
      x = clampOutside(x, size);
    if (mode == Interpolation::Nearest)
      return {makeTap(x, Value(), size)};
    Value first = e.unary(UnaryKind::Floor, x), t = e.sub(x, first);
    if (mode == Interpolation::Linear)
      return {makeTap(first, affine(t, -1, 1), size), makeTap(affine(first, 1, 1), t, size)};
    Value s = affine(t, -1, 1);
    return {makeTap(affine(first, 1, -1), far(affine(t, 1, 1)), size),
            makeTap(first, near(t), size), makeTap(affine(first, 1, 1), near(s), size),
            makeTap(affine(first, 1, 2), far(affine(s, 1, 1)), size)};
  }

private:
  Value affine(Value x, double scale, double offset) {
    return e.unary(UnaryKind::Affine, x, scale, offset);
  }

  /// Mirrored at `low` and `high` as often as it takes.
  Value reflect(Value x) {
    double range = high - low;
    if (range <= 0)
      return affine(x, 0, low);
    Value t = affine(x, 1, -low);
    Value periods = e.unary(UnaryKind::Floor, affine(t, 1 / (2 * range), 0));
    t = e.sub(t, affine(periods, 2 * range, 0));
    return affine(e.unary(UnaryKind::Abs, affine(t, 1, -range)), -1, range + low);
  }

  /// Beyond the border pixels' outer edge; between it and their centre the neighbours are clamped.
  Value clampOutside(Value x, int64_t size) {
    Value outside = e.binary(BinaryKind::Or, e.compare(CompareKind::Lt, x, low),
                             e.compare(CompareKind::Gt, x, high));
    return e.select(outside, e.unary(UnaryKind::Clamp, x, 0, double(size - 1)), x);
  }

  Tap makeTap(Value position, Value weight, int64_t size) {
    Value inside;
    if (padding == Padding::Zeros)
      inside = e.binary(BinaryKind::And, e.compare(CompareKind::Ge, position, 0.0),
                        e.compare(CompareKind::Le, position, double(size - 1)));
    else if (padding == Padding::Reflection)
      position = reflect(position);
    Value index = e.cast(e.unary(UnaryKind::Clamp, position, 0, double(size - 1)), e.i64());
    return {index, weight, inside};
  }

  // The cubic kernel with a = -0.75, within and beyond one pixel.
  static constexpr double a = -0.75;
  Value near(Value t) {
    Value v = affine(t, a + 2, -(a + 3));
    return affine(e.mul(e.mul(v, t), t), 1, 1);
  }
  Value far(Value t) {
    Value v = affine(e.mul(affine(t, a, -5 * a), t), 1, 8 * a);
    return affine(e.mul(v, t), 1, -4 * a);
  }

  Emitter &e;
  Padding padding;
  bool alignCorners;
  double low = 0, high = 0;
};
} // namespace

static void convertGridSample(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0), grid = n.in(1);
  std::string modeName = n.attrString("mode", n.opset < 20 ? "bilinear" : "linear"),
              paddingName = n.attrString("padding_mode", "zeros");
  bool align = n.attrBool("align_corners", false);
  Interpolation mode;
  if (modeName == "nearest")
    mode = Interpolation::Nearest;
  else if (modeName == "linear" || modeName == "bilinear")
    mode = Interpolation::Linear;
  else if (modeName == "cubic" || modeName == "bicubic")
    mode = Interpolation::Cubic;
  else
    fail("mode '" + modeName + "' is not supported");
  Padding padding;
  if (paddingName == "zeros")
    padding = Padding::Zeros;
  else if (paddingName == "border")
    padding = Padding::Border;
  else if (paddingName == "reflection")
    padding = Padding::Reflection;
  else
    fail("padding_mode '" + paddingName + "' is not supported");
  int64_t rank = e.rankOf(x), spatial = rank - 2;
  if (spatial < 1 || spatial > 3 || e.rankOf(grid) != rank || e.shapeOf(grid).back() != spatial)
    fail("expected an input [N, C, spatial...] and a grid [N, spatial..., number of spatial axes]");
  if (!e.isFloat(x) || !e.isFloat(grid))
    fail("expected float tensors");
  Ints sizes;
  for (int64_t i = 0; i < spatial; ++i)
    sizes.push_back(e.staticDim(x, i + 2, "the shape of the image"));
  for (int64_t s : sizes)
    if (s < 1)
      fail("the image is empty");

  Dims outDims = e.dimsOf(grid);
  outDims.pop_back();
  Value flat = e.collapse(x, 2, rank); // [N, C, pixels]
  Type element = e.elementOf(x);
  Value points = e.collapse(grid, 1, rank - 1); // [N, points, spatial]
  Sampler sampler(e, padding, align);
  // All combinations of neighbours along the axes; `sum` over them.
  llvm::SmallVector<Tap> taps{{Value(), Value(), Value()}};
  for (int64_t i = 0; i < spatial; ++i) {
    // The last coordinate belongs to the first axis.
    Value coordinate = e.squeeze(e.slice(points, 2, spatial - 1 - i, spatial - i), {2});
    llvm::SmallVector<Tap> next;
    for (const Tap &tap : sampler.getTaps(coordinate, sizes[i], mode))
      for (const Tap &old : taps) {
        auto join = [](Value a, Value b, auto combine) { return !a ? b : !b ? a : combine(a, b); };
        Value index = old.index ? e.add(e.mul(old.index, e.intScalar(sizes[i], e.i64())), tap.index)
                                : tap.index;
        next.push_back({index,
                        join(old.weight, tap.weight, [&](Value a, Value b) { return e.mul(a, b); }),
                        join(old.inside, tap.inside,
                             [&](Value a, Value b) { return e.binary(BinaryKind::And, a, b); })});
      }
    taps = next;
  }
  Dims all = e.dimsOf(flat);
  all[2] = e.dimsOf(points)[1];
  Value sum;
  for (const Tap &tap : taps) {
    Value index = e.unsqueeze(tap.index, {1});
    index = e.broadcastTo(index, all,
                          e.hasStaticShape(flat) && e.hasStaticShape(points)
                              ? Value()
                              : e.dimsVector(all, {flat, points}));
    Value picked = e.op<nn::GatherElementsOp>({flat, index}, {e.attr("axis", int64_t(2))});
    if (tap.inside)
      picked = e.select(e.unsqueeze(tap.inside, {1}), picked, e.zero(element));
    if (tap.weight)
      picked = e.mul(picked, e.cast(e.unsqueeze(tap.weight, {1}), element));
    sum = sum ? e.add(sum, picked) : picked;
  }
  Dims result{all[0], all[1]};
  result.append(outDims.begin() + 1, outDims.end());
  Value shape;
  if (llvm::count_if(result, [](const Dim &d) { return !d.isConstant(); }) > 1)
    shape = e.dimsVector(result, {flat, grid});
  n.set(0, e.reshape(sum, result, shape));
}

void terse::onnx::registerSamplingOps(OpTable &t) {
  t.add("AffineGrid", {20}, convertAffineGrid, "constant size");
  t.add("GridSample", {16, 20, 22}, convertGridSample, "static image size");
}
