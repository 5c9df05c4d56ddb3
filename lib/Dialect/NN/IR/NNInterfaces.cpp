//===- NNInterfaces.cpp - What nn ops answer to passes --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/NN/IR/NNOps.h"

using namespace mlir;
using namespace terse::nn;

namespace terse::nn {
#include "terse/Dialect/NN/IR/NNInterfaces.cpp.inc"
}

//===----------------------------------------------------------------------===//
// ContractionLike
//===----------------------------------------------------------------------===//

static OpOperand *optionalOperand(Operation *op, unsigned index) {
  return op->getNumOperands() > index ? &op->getOpOperand(index) : nullptr;
}

// The op on other operands and without bias, with the result type that follows.
static Value buildIntegerContraction(Operation *op, OpBuilder &b, Value activation, Value weight) {
  Operation *copy = op->clone();
  copy->setDiscardableAttrs(DictionaryAttr::get(op->getContext()));
  copy->setOperands({activation, weight});
  auto shape = cast<RankedTensorType>(op->getResult(0).getType()).getShape();
  copy->getResult(0).setType(RankedTensorType::get(shape, b.getI32Type()));
  return b.insert(copy)->getResult(0);
}

#define CONTRACTION(OP)                                                                            \
  OpOperand &OP::getActivationOperand() { return getXMutable(); }                                  \
  OpOperand &OP::getWeightOperand() { return getWeightMutable(); }                                 \
  OpOperand *OP::getBiasOperand() { return optionalOperand(getOperation(), 2); }                   \
  bool OP::hasIntegerForm() { return true; }                                                       \
  Value OP::buildIntegerForm(OpBuilder &b, Value activation, Value weight) {                       \
    return buildIntegerContraction(getOperation(), b, activation, weight);                         \
  }
CONTRACTION(LinearOp)
CONTRACTION(ConvOp)
CONTRACTION(ConvTransposeOp)
#undef CONTRACTION

static int64_t rankOf(Value v) { return cast<RankedTensorType>(v.getType()).getRank(); }

int64_t LinearOp::getOutputChannelAxis() { return 0; }
SmallVector<int64_t> LinearOp::getContractionAxes() { return {1}; }
int64_t LinearOp::getActivationChannelAxis() { return rankOf(getX()) - 1; }
SmallVector<int64_t> LinearOp::getActivationRowAxes() {
  return llvm::to_vector(llvm::seq<int64_t>(0, rankOf(getX()) - 1));
}
int64_t LinearOp::getResultChannelAxis() { return rankOf(getResult()) - 1; }

int64_t ConvOp::getOutputChannelAxis() { return 0; }
SmallVector<int64_t> ConvOp::getContractionAxes() {
  return llvm::to_vector(llvm::seq<int64_t>(1, rankOf(getWeight())));
}
int64_t ConvOp::getActivationChannelAxis() { return 1; }
SmallVector<int64_t> ConvOp::getActivationRowAxes() { return {0}; }
int64_t ConvOp::getResultChannelAxis() { return 1; }

int64_t ConvTransposeOp::getOutputChannelAxis() { return 1; }
SmallVector<int64_t> ConvTransposeOp::getContractionAxes() {
  SmallVector<int64_t> axes{0};
  llvm::append_range(axes, llvm::seq<int64_t>(2, rankOf(getWeight())));
  return axes;
}
int64_t ConvTransposeOp::getActivationChannelAxis() { return 1; }
SmallVector<int64_t> ConvTransposeOp::getActivationRowAxes() { return {0}; }
int64_t ConvTransposeOp::getResultChannelAxis() { return 1; }

// A matrix product with constant right-hand side is a linear layer with the weight transposed; with
// a computed one, the weight is no constant and passes leave it alone.
OpOperand &MatmulOp::getActivationOperand() { return getLhsMutable(); }
OpOperand &MatmulOp::getWeightOperand() { return getRhsMutable(); }
int64_t MatmulOp::getOutputChannelAxis() { return rankOf(getRhs()) - 1; }
SmallVector<int64_t> MatmulOp::getContractionAxes() { return {rankOf(getRhs()) - 2}; }
int64_t MatmulOp::getActivationChannelAxis() { return rankOf(getLhs()) - 1; }
SmallVector<int64_t> MatmulOp::getActivationRowAxes() {
  return llvm::to_vector(llvm::seq<int64_t>(0, rankOf(getLhs()) - 1));
}
bool MatmulOp::hasIntegerForm() { return true; }
Value MatmulOp::buildIntegerForm(OpBuilder &b, Value activation, Value weight) {
  return buildIntegerContraction(getOperation(), b, activation, weight);
}
int64_t MatmulOp::getResultChannelAxis() { return rankOf(getResult()) - 1; }

//===----------------------------------------------------------------------===//
// LookupLike
//===----------------------------------------------------------------------===//

OpOperand &EmbeddingOp::getTableOperand() { return getTableMutable(); }
int64_t EmbeddingOp::getRowAxis() { return 0; }
OpOperand &GatherOp::getTableOperand() { return getXMutable(); }
int64_t GatherOp::getRowAxis() { return getAxis(); }

//===----------------------------------------------------------------------===//
// ChannelScalable and ChannelFlow
//===----------------------------------------------------------------------===//

bool UnaryOp::commutesWithChannelScale(int64_t) {
  // The positively homogeneous functions of degree 1.
  return llvm::is_contained(
      {UnaryKind::Relu, UnaryKind::LeakyRelu, UnaryKind::Abs, UnaryKind::Neg, UnaryKind::Identity},
      getKind());
}

bool BinaryOp::commutesWithChannelScale(int64_t) {
  // With the scale on both operands.
  return llvm::is_contained({BinaryKind::Add, BinaryKind::Sub, BinaryKind::Min, BinaryKind::Max},
                            getKind());
}

std::optional<int64_t> UnaryOp::getResultAxisFor(unsigned, int64_t axis) { return axis; }

std::optional<int64_t> BinaryOp::getResultAxisFor(unsigned operand, int64_t axis) {
  auto in = cast<RankedTensorType>(getOperand(operand).getType());
  int64_t out = axis + rankOf(getResult()) - in.getRank();
  // A stretched axis has one channel that becomes many.
  if (in.getDimSize(axis) != cast<RankedTensorType>(getType()).getDimSize(out))
    return std::nullopt;
  return out;
}

std::optional<int64_t> PoolOp::getResultAxisFor(unsigned, int64_t axis) {
  return axis < 2 ? std::optional<int64_t>(axis) : std::nullopt;
}

std::optional<int64_t> BatchNormOp::getResultAxisFor(unsigned operand, int64_t axis) {
  return operand == 0 ? axis : 1;
}

//===----------------------------------------------------------------------===//
// Differentiable
//===----------------------------------------------------------------------===//

static Value unary(OpBuilder &b, Location loc, UnaryKind kind, Value x) {
  return UnaryOp::create(b, loc, kind, x);
}
static Value binary(OpBuilder &b, Location loc, BinaryKind kind, Value l, Value r) {
  return BinaryOp::create(b, loc, kind, l, r);
}

LogicalResult UnaryOp::buildVJP(OpBuilder &b, ValueRange gradients, SmallVectorImpl<Value> &out) {
  Location loc = getLoc();
  Value g = gradients.front(), y = getResult();
  auto times = [&](Value f) { return binary(b, loc, BinaryKind::Mul, g, f); };
  auto affine = [&](Value v, double a, double c) -> Value {
    return UnaryOp::create(b, loc, UnaryKind::Affine, v, a, c);
  };
  switch (getKind()) {
  case UnaryKind::Identity:
    out.push_back(g);
    return success();
  case UnaryKind::Neg:
    out.push_back(unary(b, loc, UnaryKind::Neg, g));
    return success();
  case UnaryKind::Exp:
    out.push_back(times(y));
    return success();
  case UnaryKind::Log:
    out.push_back(binary(b, loc, BinaryKind::Div, g, getX()));
    return success();
  case UnaryKind::Tanh: // 1 - y^2
    out.push_back(times(affine(binary(b, loc, BinaryKind::Mul, y, y), -1.0, 1.0)));
    return success();
  case UnaryKind::Sigmoid: // y (1 - y)
    out.push_back(times(binary(b, loc, BinaryKind::Mul, y, affine(y, -1.0, 1.0))));
    return success();
  case UnaryKind::Relu: // sign(y) is 1 where x > 0, else 0
    out.push_back(times(unary(b, loc, UnaryKind::Sign, y)));
    return success();
  default:
    return emitOpError("has no derivative rule for kind ") << stringifyUnaryKind(getKind());
  }
}

LogicalResult BinaryOp::buildVJP(OpBuilder &b, ValueRange gradients, SmallVectorImpl<Value> &out) {
  Location loc = getLoc();
  Value g = gradients.front();
  if (getLhs().getType() != getType() || getRhs().getType() != getType())
    return emitOpError("has no derivative rule for broadcast operands");
  switch (getKind()) {
  case BinaryKind::Add:
    out.append({g, g});
    return success();
  case BinaryKind::Sub:
    out.append({g, unary(b, loc, UnaryKind::Neg, g)});
    return success();
  case BinaryKind::Mul:
    out.append({binary(b, loc, BinaryKind::Mul, g, getRhs()),
                binary(b, loc, BinaryKind::Mul, g, getLhs())});
    return success();
  case BinaryKind::Div: {
    Value left = binary(b, loc, BinaryKind::Div, g, getRhs());
    Value right = unary(b, loc, UnaryKind::Neg, binary(b, loc, BinaryKind::Mul, left, getResult()));
    out.append({left, right});
    return success();
  }
  default:
    return emitOpError("has no derivative rule for kind ") << stringifyBinaryKind(getKind());
  }
}

//===----------------------------------------------------------------------===//
// CostModel
//===----------------------------------------------------------------------===//

static std::optional<uint64_t> elementsOf(Value v) {
  auto type = cast<RankedTensorType>(v.getType());
  if (!type.hasStaticShape())
    return std::nullopt;
  return type.getNumElements();
}

// Result elements times the multiply-accumulates of each.
static std::optional<uint64_t> product(std::optional<uint64_t> elements, int64_t each) {
  if (!elements || ShapedType::isDynamic(each))
    return std::nullopt;
  return *elements * uint64_t(each);
}

static int64_t dimOf(Value v, int64_t axis) {
  return cast<RankedTensorType>(v.getType()).getDimSize(axis);
}

static int64_t volumeFrom(Value v, int64_t firstAxis) {
  int64_t n = 1;
  for (int64_t d : cast<RankedTensorType>(v.getType()).getShape().drop_front(firstAxis)) {
    if (ShapedType::isDynamic(d))
      return d;
    n *= d;
  }
  return n;
}

std::optional<uint64_t> UnaryOp::getOperationCount() { return elementsOf(getResult()); }
std::optional<uint64_t> BinaryOp::getOperationCount() { return elementsOf(getResult()); }
std::optional<uint64_t> LinearOp::getOperationCount() {
  return product(elementsOf(getResult()), dimOf(getWeight(), 1));
}
std::optional<uint64_t> MatmulOp::getOperationCount() {
  return product(elementsOf(getResult()), dimOf(getLhs(), rankOf(getLhs()) - 1));
}
std::optional<uint64_t> ConvOp::getOperationCount() {
  return product(elementsOf(getResult()), volumeFrom(getWeight(), 1));
}
std::optional<uint64_t> ConvTransposeOp::getOperationCount() {
  return product(elementsOf(getX()), volumeFrom(getWeight(), 1));
}
std::optional<uint64_t> EmbeddingOp::getOperationCount() { return elementsOf(getResult()); }
std::optional<uint64_t> PoolOp::getOperationCount() {
  int64_t window = 1;
  for (int64_t k : getKernel())
    window *= k;
  return product(elementsOf(getResult()), window);
}
std::optional<uint64_t> BatchNormOp::getOperationCount() { return elementsOf(getX()); }
std::optional<uint64_t> LayerNormOp::getOperationCount() { return product(elementsOf(getX()), 4); }
std::optional<uint64_t> RmsNormOp::getOperationCount() { return product(elementsOf(getX()), 2); }
std::optional<uint64_t> GroupNormOp::getOperationCount() { return product(elementsOf(getX()), 4); }
std::optional<uint64_t> InstanceNormOp::getOperationCount() {
  return product(elementsOf(getX()), 4);
}
std::optional<uint64_t> SoftmaxOp::getOperationCount() { return product(elementsOf(getX()), 4); }
std::optional<uint64_t> RotaryEmbeddingOp::getOperationCount() {
  return product(elementsOf(getX()), 2);
}
std::optional<uint64_t> ReduceOp::getOperationCount() { return elementsOf(getX()); }
std::optional<uint64_t> ResizeOp::getOperationCount() { return elementsOf(getResult()); }

std::optional<uint64_t> AttentionOp::getOperationCount() {
  // q k^T and the product with v.
  auto scores = product(elementsOf(getQ()), dimOf(getK(), 2)),
       values = product(elementsOf(getResult()), dimOf(getK(), 2));
  return scores && values ? std::optional<uint64_t>(*scores + *values) : std::nullopt;
}

template <typename Op>
static std::optional<uint64_t> recurrentCost(Op op) {
  // Each step multiplies [B, I] and [B, H] with the gate matrices.
  int64_t steps = dimOf(op.getX(), 0), batch = dimOf(op.getX(), 1);
  int64_t weights = volumeFrom(op.getWeight(), 0), recurrent = volumeFrom(op.getRecurrence(), 0);
  for (int64_t d : {steps, batch, weights, recurrent})
    if (ShapedType::isDynamic(d))
      return std::nullopt;
  return uint64_t(steps) * batch * (weights + recurrent);
}
std::optional<uint64_t> LstmOp::getOperationCount() { return recurrentCost(*this); }
std::optional<uint64_t> GruOp::getOperationCount() { return recurrentCost(*this); }
std::optional<uint64_t> RnnOp::getOperationCount() { return recurrentCost(*this); }
