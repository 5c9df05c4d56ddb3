//===- Pooling.cpp - Pooling as ONNX operators ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Exporter.h"

using namespace mlir;
using namespace terse;
using namespace terse::onnx;

template <typename OpTy>
static Attrs getWindowAttrs(OpTy op) {
  Attrs attributes{{"kernel_shape", op.getKernel()},
                   {"strides", op.getStrides()},
                   {"pads", op.getPads()},
                   {"ceil_mode", op.getCeilMode()}};
  // onnxruntime's average pool of integers knows no such attribute.
  if (llvm::any_of(op.getDilations(), [](int64_t dilation) { return dilation != 1; }))
    attributes.push_back({"dilations", op.getDilations()});
  return attributes;
}

static void exportPool(nn::PoolOp op, Exporter &e) {
  Attrs attributes = getWindowAttrs(op);
  Names inputs{e.name(op.getX())};
  switch (op.getKind()) {
  case nn::PoolKind::Max:
    return e.emit("MaxPool", inputs, attributes);
  case nn::PoolKind::Average:
    attributes.push_back({"count_include_pad", op.getCountIncludePad()});
    return e.emit("AveragePool", inputs, attributes);
  case nn::PoolKind::Lp:
    attributes.push_back({"p", int64_t(op.getP())});
    return e.emit("LpPool", inputs, attributes);
  }
}

static void exportMaxPoolIndices(nn::MaxPoolIndicesOp op, Exporter &e) {
  Attrs attributes = getWindowAttrs(op);
  attributes.push_back({"storage_order", op.getColumnMajor()});
  e.emit("MaxPool", {e.name(op.getX())}, attributes);
}

void terse::onnx::addPooling(HandlerTable &t) {
  t.add<nn::PoolOp>(exportPool);
  t.add<nn::MaxPoolIndicesOp>(exportMaxPoolIndices);
}
