//===- Indexing.cpp - Gathering and scattering ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Exporter.h"

using namespace mlir;
using namespace terse;
using namespace terse::onnx;

static void exportGather(nn::GatherOp op, Exporter &e) {
  e.emit("Gather", {e.name(op.getX()), e.name(op.getIndices())}, {{"axis", int64_t(op.getAxis())}});
}

static void exportGatherElements(nn::GatherElementsOp op, Exporter &e) {
  e.emit("GatherElements", {e.name(op.getX()), e.name(op.getIndices())},
         {{"axis", int64_t(op.getAxis())}});
}

/// GatherND and ScatterND take 64-bit indices only.
static std::string wide(Exporter &e, Value indices) {
  std::string name = e.name(indices);
  if (Exporter::elementOf(indices).isSignlessInteger(64))
    return name;
  return e.step("Cast", {name},
                {{"to", Exporter::onnxTypeOf(IntegerType::get(indices.getContext(), 64))}});
}

static void exportGatherND(nn::GatherNDOp op, Exporter &e) {
  e.emit("GatherND", {e.name(op.getX()), wide(e, op.getIndices())},
         {{"batch_dims", int64_t(op.getBatchDims())}});
}

static StringRef getReduction(nn::ScatterKind kind) {
  return kind == nn::ScatterKind::Replace ? "none" : nn::stringifyScatterKind(kind);
}

static void exportScatterElements(nn::ScatterElementsOp op, Exporter &e) {
  e.emit("ScatterElements", {e.name(op.getX()), e.name(op.getIndices()), e.name(op.getUpdates())},
         {{"axis", int64_t(op.getAxis())}, {"reduction", getReduction(op.getKind())}});
}

static void exportScatterND(nn::ScatterNDOp op, Exporter &e) {
  e.emit("ScatterND", {e.name(op.getX()), wide(e, op.getIndices()), e.name(op.getUpdates())},
         {{"reduction", getReduction(op.getKind())}});
}

void terse::onnx::addIndexing(HandlerTable &t) {
  t.add<nn::GatherOp>(exportGather);
  t.add<nn::GatherElementsOp>(exportGatherElements);
  t.add<nn::GatherNDOp>(exportGatherND);
  t.add<nn::ScatterElementsOp>(exportScatterElements);
  t.add<nn::ScatterNDOp>(exportScatterND);
}
