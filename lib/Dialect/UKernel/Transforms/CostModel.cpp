//===- CostModel.cpp - What a kernel takes ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Throughputs are those of Intel's server cores with AVX-512 and AMX: two vector units, one tile
// product in 16 cycles. Bytes per cycle are what such a core was seen to read from its caches and,
// as one stream, from memory. What kernels reach of the peak was measured in
// benchmarks/results/kernels.md.

#include "terse/Dialect/UKernel/Transforms/CostModel.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "terse/Dialect/UKernel/IR/WeightLayout.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse::ukernel;

double terse::ukernel::getBytesPerCycle(double bytes) {
  if (bytes < double(3 << 19))
    return 32;
  return bytes < double(32 << 20) ? 11 : 6.5;
}

double terse::ukernel::getPeak(ISA isa, bool floats) {
  if (floats && isa != ISA::AMXBF16 && isa != ISA::AVX512BF16)
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
  case ISA::AMXBF16:
    return 1024;
  case ISA::AVX512BF16:
    return 128; // Twice the products of floats, as AMD's cores compute them.
  }
  llvm_unreachable("unknown instructions");
}

/// What the inner loops reach of the peak while their operands are near.
static double getEfficiency(ISA isa) {
  return isa == ISA::AMXInt8 || isa == ISA::AMXBF16 ? 0.5 : 0.8;
}

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
  shape.n = sizes.n * op.getParts();
  shape.k = sizes.k;
  for (int64_t d : cast<ShapedType>(op.getInit().getType()).getShape().drop_back()) {
    shape.isDynamic |= ShapedType::isDynamic(d);
    shape.m *= ShapedType::isDynamic(d) ? 1 : d;
  }
  shape.weightBytes = getBytes(op.getRhs());
  if (op.getDecodingAttr() && op.getScheduleAttr()) {
    shape.weightBytes = 1;
    for (int64_t d : WeightLayout(sizes, op.getScheduleAttr(), op.getDecodingAttr()).getShape())
      shape.weightBytes *= double(d);
  }
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

/// What it takes to make numbers of weights of few bits: several instructions for a vector of them,
/// on two units, once for each block of rows.
static double getDecodingCycles(KernelOpInterface op, ScheduleAttr schedule,
                                const KernelShape &shape) {
  DecodingAttr decoding = op.getDecodingAttr();
  if (!decoding)
    return 0;
  WeightLayout layout({shape.n, shape.k}, schedule, decoding);
  double vectors = double(layout.panels) * double(layout.vectors) * double(layout.getDepth());
  // Codes are shifted, masked and converted, or looked up; then there may be a zero point.
  double instructions = decoding.getTable() == TableKind::None ? 4 : 3;
  instructions += decoding.getZeroPoints() ? 1 : 0;
  if (layout.quads) // Four of them at a time.
    vectors /= 4;
  double passes = double(llvm::divideCeil(std::max<int64_t>(shape.m, 1), schedule.getBlock()));
  return passes * vectors * instructions / 2;
}

/// A kernel without what stands in front of its sums. `padded` are the products that it computes,
/// used or not.
static KernelCost estimate(const KernelShape &shape, ISA isa, bool floats, double padded) {
  KernelCost cost;
  cost.operations = 2 * double(shape.m) * double(shape.n) * double(shape.k);
  cost.computeCycles = 2 * padded / (getPeak(isa, floats) * getEfficiency(isa));
  // An epilogue takes a few instructions for each vector of results.
  int64_t lanes = getLanes(isa);
  cost.computeCycles += double(shape.m) * double(llvm::alignTo(shape.n, lanes)) / double(lanes) * 4;
  double bytes = shape.weightBytes + shape.activationBytes + shape.resultBytes;
  cost.memoryCycles = bytes / getBytesPerCycle(bytes);
  return cost;
}

KernelCost terse::ukernel::estimateCost(KernelOpInterface op, ScheduleAttr schedule) {
  KernelShape shape = getKernelShape(op);
  ISA isa = schedule.getIsa();
  bool floats = mlir::isa<FloatType>(getSumType(op)) && !isBlockProduct(op);
  auto round = [](int64_t value, int64_t step) { return double(llvm::alignTo(value, step)); };
  double padded;
  if (op.isDepthwise())
    padded = double(shape.m) * round(shape.n, schedule.getColumns()) * double(shape.k);
  else // Tiles are computed whole, whatever of them is used.
    padded = round(shape.m, isa == ISA::AMXInt8 || isa == ISA::AMXBF16 ? 16 : 1) *
             round(shape.n / op.getParts(), schedule.getColumns()) * double(op.getParts()) *
             double(getPackedShape(getSizes(op), schedule)[1] * schedule.getDepth());
  // bf16 is extended to floats.
  if (op.isDepthwise() && isa == ISA::AVX512BF16)
    isa = ISA::AVX512;
  // A known single row of bf16 is multiplied by vdpbf16ps, at half the rate of floats.
  if (isa == ISA::AMXBF16 && shape.m == 1 && !shape.isDynamic && !op.getWindowOrNull()) {
    isa = ISA::AVX512;
    padded = 2 * double(shape.n) * double(shape.k);
  }
  KernelCost cost = estimate(shape, isa, floats, padded);
  cost.computeCycles += getDecodingCycles(op, schedule, shape);
  return cost;
}

KernelCost terse::ukernel::estimateFloatCost(KernelOpInterface op) {
  KernelShape shape = getKernelShape(op);
  shape.weightBytes *= 4;
  shape.activationBytes *= 4;
  ISA isa = op.getScheduleAttr() ? op.getScheduleAttr().getIsa() : ISA::Portable;
  if (isa != ISA::Portable)
    isa = isa >= ISA::AVX512 ? ISA::AVX512 : ISA::AVX2;
  double columns = double(llvm::alignTo(shape.n, getLanes(isa)));
  return estimate(shape, isa, /*floats=*/true, double(shape.m) * columns * double(shape.k));
}

KernelCost terse::ukernel::estimateCost(linalg::LinalgOp op) {
  double iterations = 1, bytes = 0;
  for (int64_t size : op.getStaticLoopRanges())
    iterations *= double(ShapedType::isDynamic(size) ? 1 : size);
  for (Value operand : op->getOperands())
    if (isa<ShapedType>(operand.getType()))
      bytes += getBytes(operand);
  double arithmetic = op.getBlock() ? double(op.getBlock()->getOperations().size() - 1) : 0;
  // Elementwise loops are vectorized; contractions of this kind keep few sums in registers.
  bool isContraction =
      op.getNumReductionLoops() && op.getNumParallelLoops() && op.getNumDpsInputs() > 1;
  KernelCost cost;
  cost.operations = iterations * arithmetic;
  cost.computeCycles = cost.operations / (isContraction ? 8 : 16);
  cost.memoryCycles = bytes / getBytesPerCycle(bytes);
  return cost;
}

/// The loops that compute `value`, perhaps in another shape.
static linalg::LinalgOp getLoops(Value value) {
  while (Operation *source = value.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(source))
      return dyn_cast<linalg::LinalgOp>(source);
    value = source->getOperand(0);
  }
  return {};
}

double terse::ukernel::getQuantizingCycles(KernelOpInterface op) {
  auto isFloat = [](Value v) { return getElementTypeOrSelf(v.getType()).isF32(); };
  linalg::LinalgOp rounding = getLoops(op.getLhs());
  if (!rounding || isFloat(op.getLhs()) || llvm::none_of(rounding.getDpsInputs(), isFloat))
    return 0;
  // A vector of 16 numbers takes nine instructions, twice as many without those that pack.
  double numbers = getBytes(op.getLhs());
  KernelCost cost = estimateCost(rounding);
  ISA isa = op.getScheduleAttr() ? op.getScheduleAttr().getIsa() : ISA::Portable;
  cost.computeCycles = numbers * (getLanes(isa) == 16 ? 4.5 / 16 : 8. / 8);
  double cycles = cost.getCycles();
  // Scales, and the magnitudes that they follow from.
  for (Value input : rounding.getDpsInputs()) {
    linalg::LinalgOp scale = getLoops(input);
    if (!scale || getBytes(input) * 2 > getBytes(op.getLhs()))
      continue;
    cycles += estimateCost(scale).getCycles();
    for (Value magnitude : scale.getDpsInputs())
      if (linalg::LinalgOp search = getLoops(magnitude); search && search.getNumReductionLoops())
        cycles += estimateCost(search).getCycles();
  }
  // Kernels that multiply the same rows share them.
  return cycles / double(std::max<size_t>(1, llvm::range_size(op.getLhs().getUsers())));
}
