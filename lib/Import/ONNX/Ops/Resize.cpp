//===- Resize.cpp - Interpolation -------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Node.h"

#include <cmath>

using namespace terse;
using namespace terse::onnx;
using mlir::ShapedType;

namespace {
struct ResizePlan {
  llvm::SmallVector<double> scales, roi;
  Ints shape;
  nn::ResizeMode mode = nn::ResizeMode::Nearest;
  nn::ResizeCoordinate coordinate = nn::ResizeCoordinate::HalfPixel;
  nn::ResizeRounding rounding = nn::ResizeRounding::PreferFloor;
  double cubic = -0.75, extrapolation = 0;
  bool excludeOutside = false, antialias = false;
};
} // namespace

static Value emitResize(Emitter &e, Value x, const ResizePlan &p) {
  auto floats = [&](llvm::ArrayRef<double> v) {
    return mlir::DenseF64ArrayAttr::get(e.context, v);
  };
  return e.op<nn::ResizeOp>(
      {x},
      {e.attr("mode", nn::ResizeModeAttr::get(e.context, p.mode)),
       e.attr("scales", floats(p.scales)), e.attr("roi", floats(p.roi)),
       e.attr("coordinate", nn::ResizeCoordinateAttr::get(e.context, p.coordinate)),
       e.attr("rounding", nn::ResizeRoundingAttr::get(e.context, p.rounding)),
       e.attr("cubic_coefficient", p.cubic), e.attr("extrapolation", p.extrapolation),
       e.attr("exclude_outside", p.excludeOutside), e.attr("antialias", p.antialias)},
      {e.tensor(p.shape, e.elementOf(x))});
}

static nn::ResizeMode getMode(const std::string &name) {
  if (name == "nearest")
    return nn::ResizeMode::Nearest;
  if (name == "linear" || name == "bilinear")
    return nn::ResizeMode::Linear;
  if (name == "cubic")
    return nn::ResizeMode::Cubic;
  fail("mode '" + name + "' is not supported");
}

// Output sizes that follow from scales: floor(size * scale).
static void setShapeFromScales(Emitter &e, Value x, ResizePlan &p) {
  for (auto [i, size] : llvm::enumerate(e.shapeOf(x))) {
    double scale = p.scales[i];
    if (!(scale > 0) || scale > 1e9)
      fail("scales must be positive");
    if (p.coordinate == nn::ResizeCoordinate::TfCropAndResize && !p.roi.empty())
      scale *= p.roi[i + p.scales.size()] - p.roi[i];
    double out = std::floor(double(size) * scale);
    if (!ShapedType::isDynamic(size) && !(out >= 0 && out < 1e12))
      fail("the output is too large");
    p.shape.push_back(ShapedType::isDynamic(size) ? (scale == 1 ? size : ShapedType::kDynamic)
                                                  : int64_t(out));
  }
}

static llvm::SmallVector<double> getDoubles(Node &n, Value v, const char *what) {
  std::vector<double> values = n.e.getConstant(v, what).toDoubles();
  return llvm::SmallVector<double>(values.begin(), values.end());
}

// Upsample, and Resize of opset 10, which is Upsample that also shrinks.
static void convertUpsample(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  ResizePlan p;
  p.mode = getMode(n.attrString("mode", "nearest"));
  p.coordinate = nn::ResizeCoordinate::Asymmetric;
  p.rounding = nn::ResizeRounding::Floor;
  if (n.opset < 9) {
    std::optional<std::vector<float>> scales = n.attrFloats("scales");
    if (!scales)
      fail("attribute 'scales' is missing");
    p.scales.assign(scales->begin(), scales->end());
  } else {
    p.scales = getDoubles(n, n.in(1), "scales");
  }
  if (int64_t(p.scales.size()) != e.rankOf(x))
    fail("expected one scale per axis (got " + llvm::Twine(p.scales.size()) + ")");
  setShapeFromScales(e, x, p);
  n.set(0, emitResize(e, x, p));
}

static void setScalesFromSizes(Node &n, Value x, const Ints &axes, ResizePlan &p) {
  Emitter &e = n.e;
  std::optional<Dims> sizes = e.elementsOf(n.in(3));
  if (!sizes || sizes->size() != axes.size())
    fail("expected one size per axis");
  Dims old = e.dimsOf(x);
  std::string policy =
      n.opset >= 18 ? n.attrString("keep_aspect_ratio_policy", "stretch") : "stretch";
  p.shape.assign(e.shapeOf(x).begin(), e.shapeOf(x).end());
  double common = 0;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    const Dim &to = (*sizes)[i], &from = old[axis];
    if (to == from)
      continue;
    if (std::optional<Dim> times = Dim::div(to, from);
        times && times->isConstant() && !from.isConstant()) {
      p.scales[axis] = double(times->getConstant());
      p.shape[axis] = ShapedType::kDynamic;
      continue;
    }
    if (!to.isConstant())
      fail("sizes must be constant; bind the model input that determines them as a constant "
           "(--bind name=file.npy), or "
           "give the symbolic dimensions a size");
    if (!from.isConstant())
      fail("with constant sizes, the size of axis " + llvm::Twine(axis) +
           " must be known; give the symbolic dimension a size");
    if (to.getConstant() < 0 || from.getConstant() < 1)
      fail("a size cannot be " + llvm::Twine(to.getConstant()));
    p.shape[axis] = to.getConstant();
    p.scales[axis] = double(to.getConstant()) / double(from.getConstant());
  }
  if (policy == "stretch")
    return;
  if (policy != "not_larger" && policy != "not_smaller")
    fail("keep_aspect_ratio_policy '" + policy + "' is not supported");
  for (int64_t axis : axes) {
    double scale = p.scales[axis];
    common = common == 0              ? scale
             : policy == "not_larger" ? std::min(common, scale)
                                      : std::max(common, scale);
  }
  for (int64_t axis : axes) {
    int64_t from = e.staticDim(x, axis, "with keep_aspect_ratio_policy, the size of the image");
    p.scales[axis] = common;
    p.shape[axis] = int64_t(std::floor(common * double(from) + 0.5));
  }
}

static void convertResize(Node &n) {
  Emitter &e = n.e;
  Value x = n.in(0);
  int64_t rank = e.rankOf(x);
  ResizePlan p;
  p.mode = getMode(n.attrString("mode", "nearest"));
  std::string coordinate = n.attrString("coordinate_transformation_mode", "half_pixel");
  if (coordinate == "pytorch_half_pixel" || coordinate == "align_corners" ||
      coordinate == "asymmetric" || coordinate == "half_pixel" ||
      coordinate == "half_pixel_symmetric" || coordinate == "tf_crop_and_resize")
    p.coordinate = *nn::symbolizeResizeCoordinate(coordinate);
  else
    fail("coordinate_transformation_mode '" + coordinate + "' is not supported");
  std::string nearest = n.attrString("nearest_mode", "round_prefer_floor");
  if (std::optional<nn::ResizeRounding> rounding = nn::symbolizeResizeRounding(nearest))
    p.rounding = *rounding;
  else
    fail("nearest_mode '" + nearest + "' is not supported");
  p.cubic = n.attrFloat("cubic_coeff_a", -0.75);
  p.excludeOutside = n.attrBool("exclude_outside", false);
  p.extrapolation = n.attrFloat("extrapolation_value", 0);
  p.antialias = n.opset >= 18 && n.attrBool("antialias", false);
  Ints axes;
  if (std::optional<Ints> given = n.opset >= 18 ? n.attrInts("axes") : std::nullopt)
    axes = Emitter::normalizeAxes(*given, rank);
  else
    for (int64_t i = 0; i < rank; ++i)
      axes.push_back(i);
  p.scales.assign(rank, 1);
  if (p.coordinate == nn::ResizeCoordinate::TfCropAndResize) {
    llvm::SmallVector<double> roi = getDoubles(n, n.in(1), "roi");
    if (roi.size() != 2 * axes.size())
      fail("roi must have two entries per axis");
    p.roi.assign(rank, 0);
    p.roi.append(rank, 1);
    for (auto [i, axis] : llvm::enumerate(axes)) {
      p.roi[axis] = roi[i];
      p.roi[axis + rank] = roi[i + axes.size()];
    }
  }
  // An empty tensor stands for an absent input too.
  auto isGiven = [&](size_t i) {
    Value v = n.opt(i);
    return v && !(e.rankOf(v) == 1 && e.shapeOf(v)[0] == 0);
  };
  if (isGiven(3)) {
    setScalesFromSizes(n, x, axes, p);
  } else {
    if (n.opset >= 18)
      n.ignore("keep_aspect_ratio_policy");
    llvm::SmallVector<double> scales = getDoubles(n, n.in(2), "scales");
    if (scales.size() != axes.size())
      fail("expected one scale per axis (got " + llvm::Twine(scales.size()) + ")");
    for (auto [axis, scale] : llvm::zip(axes, scales))
      p.scales[axis] = scale;
    setShapeFromScales(e, x, p);
  }
  n.set(0, emitResize(e, x, p));
}

void terse::onnx::registerResizeOps(OpTable &t) {
  t.add("Upsample", {7, 9}, convertUpsample, "constant scales");
  t.add("Resize", {10}, convertUpsample, "constant scales");
  t.add("Resize", {11, 13, 18, 19}, convertResize,
        "constant scales; sizes constant or multiples of dimensions");
}
