//===- Reductions.cpp - Reductions, scans, selections -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "../Exporter.h"

using namespace mlir;
using namespace terse;
using namespace terse::onnx;
using nn::ReduceKind;

static const char *getReduce(ReduceKind kind) {
  switch (kind) {
  case ReduceKind::Sum:
    return "ReduceSum";
  case ReduceKind::Mean:
    return "ReduceMean";
  case ReduceKind::Prod:
    return "ReduceProd";
  case ReduceKind::Max:
    return "ReduceMax";
  case ReduceKind::Min:
    return "ReduceMin";
  case ReduceKind::L1:
    return "ReduceL1";
  case ReduceKind::L2:
    return "ReduceL2";
  case ReduceKind::SumSquare:
    return "ReduceSumSquare";
  case ReduceKind::LogSum:
    return "ReduceLogSum";
  case ReduceKind::LogSumExp:
    return "ReduceLogSumExp";
  }
  llvm_unreachable("unknown kind");
}

static void exportReduce(nn::ReduceOp op, Exporter &e) {
  std::string x = e.name(op.getX());
  ArrayRef<int64_t> axes = op.getAxes();
  // What quantized graphs know: the mean over all of an image.
  int64_t rank = Exporter::rankOf(op.getX());
  bool isGlobal = rank > 2 && int64_t(axes.size()) == rank - 2 && op.getKeepdims() &&
                  axes.front() == 2 && axes.back() == rank - 1;
  if (isGlobal && (op.getKind() == ReduceKind::Mean || op.getKind() == ReduceKind::Max))
    return e.emit(op.getKind() == ReduceKind::Mean ? "GlobalAveragePool" : "GlobalMaxPool", {x});
  e.emit(getReduce(op.getKind()), {x, e.ints(axes)},
         {{"keepdims", op.getKeepdims()}, {"noop_with_empty_axes", axes.empty()}});
}

static void exportArgReduce(nn::ArgReduceOp op, Exporter &e) {
  e.emit(op.getKind() == ReduceKind::Max ? "ArgMax" : "ArgMin", {e.name(op.getX())},
         {{"axis", int64_t(op.getAxis())},
          {"keepdims", op.getKeepdims()},
          {"select_last_index", op.getSelectLast()}});
}

static void exportCumulative(nn::CumulativeOp op, Exporter &e) {
  if (op.getKind() != ReduceKind::Sum)
    failExport("running products need opset 26");
  std::string axis = e.constant(HostTensor::scalar(DType::i64(), double(op.getAxis())), "axis");
  e.emit("CumSum", {e.name(op.getX()), axis},
         {{"exclusive", op.getExclusive()}, {"reverse", op.getReverse()}});
}

static void exportTopK(nn::TopKOp op, Exporter &e) {
  e.emit("TopK", {e.name(op.getX()), e.ints({int64_t(op.getK())})},
         {{"axis", int64_t(op.getAxis())}, {"largest", op.getLargest()}});
}

void terse::onnx::addReductions(HandlerTable &t) {
  t.add<nn::ReduceOp>(exportReduce);
  t.add<nn::ArgReduceOp>(exportArgReduce);
  t.add<nn::CumulativeOp>(exportCumulative);
  t.add<nn::TopKOp>(exportTopK);
}
