//===- NNVerifiers.cpp - Verifiers of the nn dialect ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The labels (C1).. are those of the op descriptions.

#include "mlir/IR/TypeUtilities.h"
#include "terse/Dialect/NN/IR/NNOps.h"

using namespace mlir;
using namespace terse::nn;

static RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }
static bool agree(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) || a == b;
}

static LogicalResult checkAxis(Operation *op, int64_t axis, int64_t rank) {
  if (axis >= 0 && axis < rank)
    return success();
  return op->emitOpError("expected axis in [0, ") << rank << ") (got " << axis << ")";
}

static LogicalResult checkPositive(Operation *op, StringRef what, ArrayRef<int64_t> values) {
  for (int64_t v : values)
    if (v <= 0)
      return op->emitOpError("expected positive ") << what << " (got " << v << ")";
  return success();
}

// (C2) of reshape and broadcast: one shape element per result dimension.
static LogicalResult checkShapeOperand(Operation *op, Value shape, RankedTensorType result) {
  if (shape && !agree(typeOf(shape).getDimSize(0), result.getRank()))
    return op->emitOpError("expected shape to have ")
           << result.getRank() << " elements (got " << typeOf(shape).getDimSize(0) << ")";
  return success();
}

LogicalResult IotaOp::verify() {
  auto type = typeOf(getResult());
  if (failed(checkAxis(*this, getAxis(), type.getRank()))) // C1
    return failure();
  if (bool(getShape()) == type.hasStaticShape()) // C2
    return emitOpError("expected a shape operand exactly if the result is dynamic (got ")
           << type << ")";
  return checkShapeOperand(*this, getShape(), type);
}

LogicalResult BinaryOp::verify() {
  Type l = typeOf(getLhs()).getElementType(), r = typeOf(getRhs()).getElementType();
  if (l != r && getKind() != BinaryKind::Pow) // C2
    return emitOpError("expected equal element types (got ") << l << " and " << r << ")";
  return success();
}

static LogicalResult checkSameShape(Operation *op, Value a, Value b) {
  if (failed(verifyCompatibleShape(typeOf(a).getShape(), typeOf(b).getShape())))
    return op->emitOpError("expected equal shapes (got ")
           << a.getType() << " and " << b.getType() << ")";
  return success();
}

LogicalResult CastOp::verify() { return checkSameShape(*this, getX(), getResult()); } // C1

LogicalResult BitcastOp::verify() {
  if (failed(checkSameShape(*this, getX(), getResult()))) // C1
    return failure();
  unsigned a = typeOf(getX()).getElementTypeBitWidth(),
           b = typeOf(getResult()).getElementTypeBitWidth();
  if (a != b) // C2
    return emitOpError("expected element types of equal width (got ")
           << a << " and " << b << " bits)";
  return success();
}

static LogicalResult checkBias(Operation *op, Value bias, int64_t channels) {
  if (!bias)
    return success();
  auto type = typeOf(bias);
  if (type.getRank() != 1 || !agree(type.getDimSize(0), channels))
    return op->emitOpError("expected bias of shape [") << channels << "] (got " << type << ")";
  return success();
}

LogicalResult LinearOp::verify() {
  auto x = typeOf(getX()), w = typeOf(getWeight()); // C1: inference
  if (!agree(x.getShape().back(), w.getDimSize(1))) // C2
    return emitOpError("expected the last dimension of x to equal dimension 1 of weight (got ")
           << x.getShape().back() << " and " << w.getDimSize(1) << ")";
  return checkBias(*this, getBias(), w.getDimSize(0)); // C3
}

LogicalResult MatmulOp::verify() {
  auto l = typeOf(getLhs()), r = typeOf(getRhs()); // C1, C3: inference
  int64_t k = l.getShape().back(), k2 = r.getDimSize(r.getRank() - 2);
  if (!agree(k, k2)) // C2
    return emitOpError("expected equal contracted dimensions (got ") << k << " and " << k2 << ")";
  return success();
}

static LogicalResult checkGroups(Operation *op, int64_t groups, int64_t channels, int64_t outputs) {
  if (groups <= 0 || (!ShapedType::isDynamic(channels) && channels % groups) ||
      (!ShapedType::isDynamic(outputs) && outputs % groups))
    return op->emitOpError("expected groups to divide the channels (got ")
           << groups << " groups for " << channels << " input and " << outputs
           << " output channels)";
  return success();
}

LogicalResult ConvOp::verify() {
  auto x = typeOf(getX()), w = typeOf(getWeight()); // C2: inference
  int64_t groups = getGroups();
  if (failed(checkGroups(*this, groups, x.getDimSize(1), w.getDimSize(0)))) // C3
    return failure();
  if (!ShapedType::isDynamic(x.getDimSize(1)) &&
      !agree(x.getDimSize(1) / groups, w.getDimSize(1))) // C1
    return emitOpError("expected weight to have ")
           << x.getDimSize(1) / groups << " input channels per group (got " << w.getDimSize(1)
           << ")";
  if (failed(checkPositive(*this, "strides", getStrides())) ||
      failed(checkPositive(*this, "dilations", getDilations()))) // C4
    return failure();
  return checkBias(*this, getBias(), w.getDimSize(0));
}

LogicalResult ConvTransposeOp::verify() {
  auto x = typeOf(getX()), w = typeOf(getWeight());
  int64_t groups = getGroups();
  if (failed(checkGroups(*this, groups, x.getDimSize(1), groups))) // C3
    return failure();
  if (!agree(x.getDimSize(1), w.getDimSize(0))) // C1
    return emitOpError("expected dimension 0 of weight to equal the input channels (got ")
           << w.getDimSize(0) << " and " << x.getDimSize(1) << ")";
  if (failed(checkPositive(*this, "strides", getStrides())) ||
      failed(checkPositive(*this, "dilations", getDilations()))) // C4
    return failure();
  return checkBias(*this, getBias(), typeOf(getResult()).getDimSize(1));
}

LogicalResult EmbeddingOp::verify() { return success(); } // C1: inference

LogicalResult PoolOp::verify() {
  if (getKind() == PoolKind::Lp && getP() <= 0)
    return emitOpError("expected positive p (got ") << getP() << ")";
  return success(succeeded(checkPositive(*this, "strides", getStrides())) &&
                 succeeded(checkPositive(*this, "kernel", getKernel())) &&
                 succeeded(checkPositive(*this, "dilations", getDilations()))); // C3
}

LogicalResult MaxPoolIndicesOp::verify() {
  return success(succeeded(checkPositive(*this, "strides", getStrides())) &&
                 succeeded(checkPositive(*this, "kernel", getKernel())) &&
                 succeeded(checkPositive(*this, "dilations", getDilations())));
}

LogicalResult LayerNormOp::verify() {
  return checkAxis(*this, getAxis(), typeOf(getX()).getRank());
} // C1
LogicalResult RmsNormOp::verify() {
  return checkAxis(*this, getAxis(), typeOf(getX()).getRank());
} // C1
LogicalResult SoftmaxOp::verify() {
  return checkAxis(*this, getAxis(), typeOf(getX()).getRank());
} // C1

LogicalResult GroupNormOp::verify() {
  auto x = typeOf(getX());
  if (x.getRank() < 2)
    return emitOpError("expected x to be [N, C, ...] (got ") << x << ")";
  int64_t c = x.getDimSize(1), groups = getGroups();
  return checkGroups(*this, groups, c, groups); // C1
}

LogicalResult AttentionOp::verify() {
  if (typeOf(getK()).getRank() != 4) // C1
    return emitOpError("expected k of rank 4 (got ") << getK().getType() << ")";
  int64_t hq = typeOf(getQ()).getDimSize(1), hk = typeOf(getK()).getDimSize(1);
  if (!ShapedType::isDynamic(hq) && !ShapedType::isDynamic(hk) && (hk == 0 || hq % hk)) // C2
    return emitOpError("expected the key heads to divide the query heads (got ")
           << hk << " and " << hq << ")";
  return success();
}

LogicalResult RotaryEmbeddingOp::verify() {
  if (typeOf(getX()).getRank() != 4 || typeOf(getCos()).getRank() != 3 ||
      typeOf(getSin()).getRank() != 3)
    return emitOpError("expected x of rank 4 and cos and sin of rank 3 (got ")
           << getX().getType() << ", " << getCos().getType() << " and " << getSin().getType()
           << ")";
  return success();
}

// Weights are [directions, gates * hidden, ...]; each direction names its activations.
template <typename Op>
static LogicalResult verifyRecurrent(Op op, int64_t gates, size_t functions) {
  auto w = typeOf(op.getWeight()), r = typeOf(op.getRecurrence());
  int64_t directions = op.getDirection() == Direction::Bidirectional ? 2 : 1;
  if (w.getRank() != 3 || !agree(w.getDimSize(0), directions) ||
      !agree(r.getDimSize(0), directions))
    return op.emitOpError("expected weights of ")
           << directions << " direction(s) (got " << w << " and " << r << ")";
  int64_t hidden = r.getDimSize(2);
  if (!ShapedType::isDynamic(hidden) &&
      (!agree(w.getDimSize(1), gates * hidden) || !agree(r.getDimSize(1), gates * hidden)))
    return op.emitOpError("expected weights with ")
           << gates << " * " << hidden << " rows (got " << w << " and " << r << ")";
  if (op.getActivations().size() != functions * directions)
    return op.emitOpError("expected ")
           << functions * directions << " activations (got " << op.getActivations().size() << ")";
  return success();
}

LogicalResult LstmOp::verify() { return verifyRecurrent(*this, 4, 3); }
LogicalResult GruOp::verify() { return verifyRecurrent(*this, 3, 2); }
LogicalResult RnnOp::verify() { return verifyRecurrent(*this, 1, 1); }

LogicalResult ReduceOp::verify() {
  llvm::SmallDenseSet<int64_t> seen; // C1; the range is checked by inference
  for (int64_t a : getAxes())
    if (!seen.insert(a).second)
      return emitOpError("expected distinct axes (got ") << a << " twice)";
  return success();
}

LogicalResult ArgReduceOp::verify() {
  if (getKind() != ReduceKind::Max && getKind() != ReduceKind::Min) // C1
    return emitOpError("expected kind max or min (got ") << stringifyReduceKind(getKind()) << ")";
  return success(); // C2: inference
}

LogicalResult CumulativeOp::verify() {
  if (getKind() != ReduceKind::Sum && getKind() != ReduceKind::Prod) // C1
    return emitOpError("expected kind sum or prod (got ") << stringifyReduceKind(getKind()) << ")";
  return checkAxis(*this, getAxis(), typeOf(getX()).getRank()); // C2
}

LogicalResult TopKOp::verify() {
  int64_t n = typeOf(getX()).getDimSize(getAxis()), k = getK(); // C1: inference
  if (k < 0 || (!ShapedType::isDynamic(n) && k > n))            // C2
    return emitOpError("expected k in [0, ") << n << "] (got " << k << ")";
  return success();
}

LogicalResult ReshapeOp::verify() {
  auto in = typeOf(getX()), out = typeOf(getResult());
  if (in.getElementType() != out.getElementType()) // C4
    return emitOpError("expected equal element types (got ") << in << " and " << out << ")";
  if (in.hasStaticShape() && out.hasStaticShape() &&
      in.getNumElements() != out.getNumElements()) // C1
    return emitOpError("expected equal element counts (got ")
           << in.getNumElements() << " and " << out.getNumElements() << ")";
  if (!getShape() && out.getNumDynamicDims() > 1) // C3
    return emitOpError("expected a shape operand for more than one dynamic dimension (got ")
           << out << ")";
  return checkShapeOperand(*this, getShape(), out); // C2
}

LogicalResult BroadcastOp::verify() {
  auto in = typeOf(getX()), out = typeOf(getResult());
  int64_t lead = out.getRank() - in.getRank();
  if (lead < 0)
    return emitOpError("expected a result rank of at least ")
           << in.getRank() << " (got " << out << ")";
  for (int64_t i = 0; i < in.getRank(); ++i) // C1
    if (in.getDimSize(i) != 1 && !agree(in.getDimSize(i), out.getDimSize(lead + i)))
      return emitOpError("expected dimension ") << i << " to be 1 or " << out.getDimSize(lead + i)
                                                << " (got " << in.getDimSize(i) << ")";
  return checkShapeOperand(*this, getShape(), out); // C2
}

LogicalResult TransposeOp::verify() { return success(); } // C1: inference
LogicalResult SliceOp::verify() { return success(); }     // C1, C2: inference

LogicalResult DynamicSliceOp::verify() {
  if (typeOf(getX()).getRank() != typeOf(getResult()).getRank()) // C1
    return emitOpError("expected the result to have the rank of x (got ")
           << getX().getType() << " and " << getResult().getType() << ")";
  return success();
}

LogicalResult ConcatOp::verify() { return success(); } // C1-C3: inference

LogicalResult PadOp::verify() {
  if (getValue() && getMode() != PadMode::Constant) // C2
    return emitOpError("expected a value for mode constant only (got ")
           << stringifyPadMode(getMode()) << ")";
  if (getValue() && typeOf(getValue()).getRank() != 0)
    return emitOpError("expected a value of rank 0 (got ") << getValue().getType() << ")";
  return success();
}

LogicalResult GatherOp::verify() { return success(); } // C1: inference

static LogicalResult checkAlongAxis(Operation *op, Value x, Value indices, int64_t axis) {
  if (typeOf(x).getRank() != typeOf(indices).getRank()) // C1
    return op->emitOpError("expected x and indices of equal rank (got ")
           << x.getType() << " and " << indices.getType() << ")";
  return checkAxis(op, axis, typeOf(x).getRank()); // C2
}

LogicalResult GatherElementsOp::verify() {
  return checkAlongAxis(*this, getX(), getIndices(), getAxis());
}
LogicalResult GatherNDOp::verify() { return success(); } // C1: inference

LogicalResult ScatterElementsOp::verify() {
  if (failed(checkSameShape(*this, getIndices(), getUpdates())))
    return failure();
  return checkAlongAxis(*this, getX(), getIndices(), getAxis());
}

LogicalResult ScatterNDOp::verify() {
  auto i = typeOf(getIndices());
  if (i.getRank() < 1 || ShapedType::isDynamic(i.getShape().back()) ||
      i.getShape().back() > typeOf(getX()).getRank()) // C1
    return emitOpError("expected the last dimension of indices to be static and at most ")
           << typeOf(getX()).getRank() << " (got " << i << ")";
  return success();
}

LogicalResult ResizeOp::verify() {
  int64_t rank = typeOf(getX()).getRank();
  if (rank != typeOf(getResult()).getRank()) // C1
    return emitOpError("expected equal ranks (got ")
           << getX().getType() << " and " << getResult().getType() << ")";
  if (int64_t(getScales().size()) != rank) // C2
    return emitOpError("expected ") << rank << " scales (got " << getScales().size() << ")";
  if (!getRoi().empty() && int64_t(getRoi().size()) != 2 * rank)
    return emitOpError("expected ") << 2 * rank << " roi entries (got " << getRoi().size() << ")";
  return success();
}

LogicalResult ReverseSequenceOp::verify() {
  int64_t rank = typeOf(getX()).getRank();
  if (failed(checkAxis(*this, getTimeAxis(), rank)) ||
      failed(checkAxis(*this, getBatchAxis(), rank))) // C1
    return failure();
  if (getTimeAxis() == getBatchAxis())
    return emitOpError("expected different time and batch axes (got ")
           << getTimeAxis() << " twice)";
  return success();
}
