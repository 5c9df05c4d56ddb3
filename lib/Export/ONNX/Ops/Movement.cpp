//===- Movement.cpp - Ops that move elements --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Exporter.h"

#include <cmath>

using namespace mlir;
using namespace terse;
using namespace terse::onnx;

static constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

static void exportReshape(nn::ReshapeOp op, Exporter &e) {
  std::string x = e.name(op.getX());
  Ints sizes(Exporter::typeOf(op.getResult()).getShape());
  bool isKnown =
      llvm::count_if(sizes, ShapedType::isDynamic) <= (llvm::is_contained(sizes, 0) ? 0 : 1);
  if (op.getShape() && !isKnown)
    return e.emit("Reshape", {x, e.name(op.getShape())}, {{"allowzero", true}});
  for (int64_t &size : sizes)
    if (ShapedType::isDynamic(size))
      size = -1;
  Attrs attributes;
  if (llvm::is_contained(sizes, 0))
    attributes.push_back({"allowzero", true});
  e.emit("Reshape", {x, e.ints(sizes)}, attributes);
}

static void exportTranspose(nn::TransposeOp op, Exporter &e) {
  e.emit("Transpose", {e.name(op.getX())}, {{"perm", op.getPermutation()}});
}

static void exportBroadcast(nn::BroadcastOp op, Exporter &e) {
  ArrayRef<int64_t> sizes = Exporter::typeOf(op.getResult()).getShape();
  e.emit("Expand", {e.name(op.getX()), op.getShape() ? e.name(op.getShape()) : e.ints(sizes)});
}

static void exportSlice(nn::SliceOp op, Exporter &e) {
  Ints starts, ends, axes, steps;
  for (auto [i, start, end, step] : llvm::enumerate(op.getStarts(), op.getEnds(), op.getSteps())) {
    if (start == 0 && end == kMax && step == 1)
      continue;
    starts.push_back(start);
    ends.push_back(end);
    axes.push_back(i);
    steps.push_back(step);
  }
  if (axes.empty())
    return e.emit("Identity", {e.name(op.getX())});
  e.emit("Slice", {e.name(op.getX()), e.ints(starts), e.ints(ends), e.ints(axes), e.ints(steps)});
}

static void exportDynamicSlice(nn::DynamicSliceOp op, Exporter &e) {
  Ints axes;
  for (int64_t i = 0; i < Exporter::rankOf(op.getX()); ++i)
    axes.push_back(i);
  e.emit("Slice", {e.name(op.getX()), e.name(op.getStarts()), e.name(op.getEnds()), e.ints(axes),
                   e.name(op.getSteps())});
}

static void exportConcat(nn::ConcatOp op, Exporter &e) {
  Names inputs;
  for (Value input : op.getInputs())
    inputs.push_back(e.name(input));
  e.emit("Concat", inputs, {{"axis", int64_t(op.getAxis())}});
}

static void exportPad(nn::PadOp op, Exporter &e) {
  Ints pads(op.getLow());
  llvm::append_range(pads, op.getHigh());
  e.emit("Pad", {e.name(op.getX()), e.ints(pads), e.name(op.getValue())},
         {{"mode", nn::stringifyPadMode(op.getMode())}});
}

static void exportReverseSequence(nn::ReverseSequenceOp op, Exporter &e) {
  e.emit("ReverseSequence", {e.name(op.getX()), e.name(op.getLengths())},
         {{"time_axis", int64_t(op.getTimeAxis())}, {"batch_axis", int64_t(op.getBatchAxis())}});
}

//===----------------------------------------------------------------------===//
// Resize
//===----------------------------------------------------------------------===//

static std::string floats(Exporter &e, ArrayRef<double> values, StringRef hint) {
  std::vector<float> narrow(values.begin(), values.end());
  return e.constant(HostTensor::from<float>({int64_t(narrow.size())}, ArrayRef<float>(narrow)),
                    hint);
}

static void exportResize(nn::ResizeOp op, Exporter &e) {
  ArrayRef<int64_t> in = Exporter::typeOf(op.getX()).getShape(),
                    out = Exporter::typeOf(op.getResult()).getShape();
  ArrayRef<double> scales = op.getScales();
  bool crops = op.getCoordinate() == nn::ResizeCoordinate::TfCropAndResize;
  // Sizes say a scale exactly, where it is their quotient. Otherwise they follow from the scale.
  bool bySizes = true, byScales = true;
  for (auto [axis, from, to, scale] : llvm::enumerate(in, out, scales)) {
    bool isKnown = !ShapedType::isDynamic(from) && !ShapedType::isDynamic(to);
    bySizes &= isKnown && from > 0 && scale == double(to) / double(from);
    double part = crops ? op.getRoi()[axis + in.size()] - op.getRoi()[axis] : 1.0;
    byScales &= !isKnown || std::floor(double(from) * double(float(scale)) * part) == double(to);
  }
  if (!bySizes && !byScales)
    failExport("the sizes of its result do not follow from its scales as ONNX computes them");
  Attrs attributes{
      {"mode", nn::stringifyResizeMode(op.getMode())},
      {"coordinate_transformation_mode", nn::stringifyResizeCoordinate(op.getCoordinate())},
      {"nearest_mode", nn::stringifyResizeRounding(op.getRounding())},
      {"cubic_coeff_a", op.getCubicCoefficient().convertToDouble()},
      {"extrapolation_value", op.getExtrapolation().convertToDouble()},
      {"exclude_outside", op.getExcludeOutside()},
      {"antialias", op.getAntialias()}};
  std::string roi = crops ? floats(e, op.getRoi(), "roi") : "";
  if (bySizes)
    return e.emit("Resize", {e.name(op.getX()), roi, "", e.ints(out)}, attributes);
  e.emit("Resize", {e.name(op.getX()), roi, floats(e, scales, "scales")}, attributes);
}

void terse::onnx::addMovement(HandlerTable &t) {
  t.add<nn::ReshapeOp>(exportReshape);
  t.add<nn::TransposeOp>(exportTranspose);
  t.add<nn::BroadcastOp>(exportBroadcast);
  t.add<nn::SliceOp>(exportSlice);
  t.add<nn::DynamicSliceOp>(exportDynamicSlice);
  t.add<nn::ConcatOp>(exportConcat);
  t.add<nn::PadOp>(exportPad);
  t.add<nn::ReverseSequenceOp>(exportReverseSequence);
  t.add<nn::ResizeOp>(exportResize);
}
