//===- Norms.cpp - Normalizations and softmax -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Exporter.h"

using namespace mlir;
using namespace terse;
using namespace terse::onnx;

static Attr epsilonOf(const APFloat &epsilon) { return {"epsilon", epsilon.convertToDouble()}; }

static void exportBatchNorm(nn::BatchNormOp op, Exporter &e) {
  e.emit("BatchNormalization",
         {e.name(op.getX()), e.name(op.getScale()), e.name(op.getBias()), e.name(op.getMean()),
          e.name(op.getVariance())},
         {epsilonOf(op.getEpsilon())});
}

static void exportLayerNorm(nn::LayerNormOp op, Exporter &e) {
  e.emit("LayerNormalization", {e.name(op.getX()), e.name(op.getScale()), e.name(op.getBias())},
         {{"axis", int64_t(op.getAxis())}, epsilonOf(op.getEpsilon())});
}

static void exportGroupNorm(nn::GroupNormOp op, Exporter &e) {
  e.emit("GroupNormalization", {e.name(op.getX()), e.name(op.getScale()), e.name(op.getBias())},
         {{"num_groups", int64_t(op.getGroups())}, epsilonOf(op.getEpsilon())});
}

static void exportInstanceNorm(nn::InstanceNormOp op, Exporter &e) {
  e.emit("InstanceNormalization", {e.name(op.getX()), e.name(op.getScale()), e.name(op.getBias())},
         {epsilonOf(op.getEpsilon())});
}

static void exportSoftmax(nn::SoftmaxOp op, Exporter &e) {
  e.emit(op.getLog() ? "LogSoftmax" : "Softmax", {e.name(op.getX())},
         {{"axis", int64_t(op.getAxis())}});
}

void terse::onnx::addNorms(HandlerTable &t) {
  t.add<nn::BatchNormOp>(exportBatchNorm);
  t.add<nn::LayerNormOp>(exportLayerNorm);
  t.add<nn::GroupNormOp>(exportGroupNorm);
  t.add<nn::InstanceNormOp>(exportInstanceNorm);
  t.add<nn::SoftmaxOp>(exportSoftmax);
}
