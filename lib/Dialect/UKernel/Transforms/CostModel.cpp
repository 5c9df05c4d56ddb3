//===- CostModel.cpp - What a kernel takes ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Throughputs are those of Intel's server cores with AVX-512 and AMX: two vector units, one tile
// product in 16 cycles. Bytes per cycle are what such a core was seen to read from its caches and,
// as one stream, from memory. What kernels reach of the peak was measured in
// benchmarks/results/kernels.md.

#include "terse/Dialect/UKernel/Transforms/CostModel.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse::ukernel;

double terse::ukernel::getBytesPerCycle(double bytes) {
  if (bytes < double(1 << 20))
    return 48;
  return bytes < double(32 << 20) ? 10 : 5;
}

double terse::ukernel::getPeak(ISA isa, bool floats) {
  if (floats)
    return isa == ISA::Portable ? 8 : isa == ISA::AVX2 || isa == ISA::AVXVNNI ? 32 : 64;
  switch (isa) {
  case ISA::Portable:
    return 4;
  case ISA::AVX2:
    return 32; // vpmaddwd and an addition.
  case ISA::AVXVNNI:
    return 128;
  case ISA::AVX512:
    return 64;
  case ISA::AVX512VNNI:
    return 256;
  case ISA::AMXInt8:
    return 2048;
  }
  llvm_unreachable("unknown instructions");
}

/// What the inner loops reach of the peak while their operands are near.
static double getEfficiency(ISA isa) { return isa == ISA::AMXInt8 ? 0.5 : 0.8; }

/// Of one sample where the batch is not known.
static double getBytes(Value value) {
  auto type = cast<ShapedType>(value.getType());
  double bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t d : type.getShape())
    bytes *= double(ShapedType::isDynamic(d) ? 1 : d);
  return bytes;
}

KernelShape terse::ukernel::getKernelShape(KernelOpInterface op) {
  KernelShape shape;
  KernelSizes sizes = getSizes(op);
  shape.n = sizes.n;
  shape.k = sizes.k;
  for (int64_t d : cast<ShapedType>(op.getInit().getType()).getShape().drop_back()) {
    shape.isDynamic |= ShapedType::isDynamic(d);
    shape.m *= ShapedType::isDynamic(d) ? 1 : d;
  }
  shape.weightBytes = getBytes(op.getRhs());
  shape.activationBytes = getBytes(op.getLhs());
  shape.resultBytes = getBytes(op.getInit());
  for (Value extra : op.getExtras())
    shape.resultBytes += getBytes(extra);
  return shape;
}

double KernelCost::getCycles() const {
  // A call, and the first and last pass through its loops.
  constexpr double kCall = 200;
  return std::max(computeCycles, memoryCycles) + kCall;
}

KernelCost terse::ukernel::estimateCost(KernelOpInterface op, ScheduleAttr schedule) {
  KernelShape shape = getKernelShape(op);
  ISA isa = schedule.getIsa();
  bool floats = mlir::isa<FloatType>(getSumType(op)) && !isBlockProduct(op);
  auto round = [](int64_t value, int64_t step) { return double(llvm::alignTo(value, step)); };
  double products = double(shape.m) * double(shape.n) * double(shape.k), padded;
  if (op.isDepthwise())
    padded = double(shape.m) * round(shape.n, schedule.getColumns()) * double(shape.k);
  else // Tiles are computed whole, whatever of them is used.
    padded = round(shape.m, isa == ISA::AMXInt8 ? 16 : 1) * round(shape.n, schedule.getColumns()) *
             round(shape.k, schedule.getAlign());

  KernelCost cost;
  cost.operations = 2 * products;
  cost.computeCycles = 2 * padded / (getPeak(isa, floats) * getEfficiency(isa));
  // An epilogue takes a few instructions for each vector of results.
  double lanes = isa == ISA::Portable ? 4 : isa == ISA::AVX2 || isa == ISA::AVXVNNI ? 8 : 16;
  cost.computeCycles += double(shape.m) * round(shape.n, int64_t(lanes)) / lanes * 4;
  double bytes = shape.weightBytes + shape.activationBytes + shape.resultBytes;
  cost.memoryCycles = bytes / getBytesPerCycle(bytes);
  return cost;
}
