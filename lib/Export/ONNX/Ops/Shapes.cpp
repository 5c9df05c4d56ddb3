//===- Shapes.cpp - Sizes and indices ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Exporter.h"

#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;
using namespace terse::onnx;

static void exportShape(nn::ShapeOp op, Exporter &e) { e.emit("Shape", {e.name(op.getX())}); }

static void exportRange(nn::RangeOp op, Exporter &e) {
  e.emit("Range", {e.name(op.getStart()), e.name(op.getLimit()), e.name(op.getDelta())});
}

/// Range counts along the axis; Expand repeats it along the others.
static void exportIota(nn::IotaOp op, Exporter &e) {
  RankedTensorType type = Exporter::typeOf(op.getResult());
  int64_t axis = op.getAxis(), rank = type.getRank();
  Type i64 = IntegerType::get(op.getContext(), 64);
  std::string shape = op.getShape() ? e.name(op.getShape()) : e.ints(type.getShape());
  std::string limit =
      e.step("Gather", {shape, e.constant(HostTensor::scalar(DType::i64(), double(axis)), "axis")});
  std::string counted = e.step("Range", {e.scalar(0, i64), limit, e.scalar(1, i64)});
  if (type.getElementType() != i64)
    counted = e.step("Cast", {counted}, {{"to", Exporter::onnxTypeOf(type.getElementType())}});
  Ints along(rank, 1);
  along[axis] = -1;
  e.emit("Expand", {e.step("Reshape", {counted, e.ints(along)}), shape});
}

void terse::onnx::addShapes(HandlerTable &t) {
  t.add<nn::ShapeOp>(exportShape);
  t.add<nn::RangeOp>(exportRange);
  t.add<nn::IotaOp>(exportIota);
}
