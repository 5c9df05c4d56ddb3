//===- NNBuilder.cpp - Building nn ops in few words -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "NNBuilder.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace terse::nn;

namespace terse::nn {

Type computeType(Type element) {
  return element.isF64() ? element : Float32Type::get(element.getContext());
}

bool isEncoded(Operation *op) {
  auto encoded = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getEncoding();
  };
  return llvm::any_of(op->getOperandTypes(), encoded) ||
         llvm::any_of(op->getResultTypes(), encoded);
}

Value NNBuilder::unary(UnaryKind kind, Value x, double alpha, double beta) {
  return UnaryOp::create(*this, kind, x, alpha, beta);
}

Value NNBuilder::binary(BinaryKind kind, Value l, Value r) {
  return BinaryOp::create(*this, kind, l, r);
}

Value NNBuilder::compare(CompareKind kind, Value l, Value r) {
  return CompareOp::create(*this, kind, l, r);
}

Value NNBuilder::select(Value condition, Value onTrue, Value onFalse) {
  return SelectOp::create(*this, condition, onTrue, onFalse);
}

Value NNBuilder::reduce(ReduceKind kind, Value x, ArrayRef<int64_t> axes, bool keepdims) {
  return ReduceOp::create(*this, kind, x, axes, keepdims);
}

Value NNBuilder::matmul(Value l, Value r) { return MatmulOp::create(*this, l, r); }
Value NNBuilder::linear(Value x, Value weight, Value bias) {
  return LinearOp::create(*this, x, weight, bias);
}

Value NNBuilder::transpose(Value x, ArrayRef<int64_t> permutation) {
  return TransposeOp::create(*this, x, permutation);
}

Value NNBuilder::concat(ValueRange inputs, int64_t axis) {
  return ConcatOp::create(*this, inputs, axis);
}

Value NNBuilder::slice(Value x, int64_t axis, int64_t start, int64_t end, int64_t step) {
  RankedTensorType type = typeOf(x);
  SmallVector<int64_t> starts(type.getRank(), 0), steps(type.getRank(), 1), shape(type.getShape());
  SmallVector<int64_t> ends(type.getRank(), std::numeric_limits<int64_t>::max());
  starts[axis] = start, ends[axis] = end, steps[axis] = step;
  // Inference does not look through `?`; whole axes keep what is known of them.
  int64_t resolved = start;
  shape[axis] = resolveSlice(shape[axis], resolved, end, step);
  return SliceOp::create(*this, RankedTensorType::get(shape, type.getElementType()), x, starts,
                         ends, steps);
}

Value NNBuilder::cast(Value x, Type element) {
  RankedTensorType type = typeOf(x);
  if (type.getElementType() == element)
    return x;
  return CastOp::create(*this, RankedTensorType::get(type.getShape(), element), x);
}

Value NNBuilder::scalar(double value, Type element) {
  auto type = RankedTensorType::get({}, element);
  Attribute attr;
  if (auto floating = dyn_cast<FloatType>(element)) {
    APFloat f(value);
    bool lossy;
    f.convert(floating.getFloatSemantics(), APFloat::rmNearestTiesToEven, &lossy);
    attr = FloatAttr::get(element, f);
  } else {
    attr = IntegerAttr::get(element, APInt(element.getIntOrFloatBitWidth(), int64_t(value),
                                           /*isSigned=*/true,
                                           /*implicitTrunc=*/true));
  }
  return ConstantOp::create(*this, DenseElementsAttr::get(type, attr));
}

Dim NNBuilder::dim(Value x, int64_t i) {
  if (!typeOf(x).isDynamicDim(i))
    return Dim(typeOf(x).getDimSize(i));
  return Dim(slice(ShapeOp::create(*this, x), 0, i, i + 1));
}

SmallVector<Dim> NNBuilder::dims(Value x) {
  SmallVector<Dim> all;
  for (int64_t i = 0; i < typeOf(x).getRank(); ++i)
    all.push_back(dim(x, i));
  return all;
}

Dim NNBuilder::product(Dim a, Dim b) {
  if (!a.value && !b.value)
    return Dim(a.size * b.size);
  return Dim(mul(asTensor(a), asTensor(b)));
}

Value NNBuilder::asTensor(Dim dim) {
  if (dim.value)
    return dim.value;
  return ConstantOp::create(
      *this, DenseElementsAttr::get(RankedTensorType::get({1}, getI64Type()), dim.size));
}

static SmallVector<int64_t> staticShape(ArrayRef<Dim> dims) {
  return llvm::map_to_vector(dims, [](const Dim &d) { return d.size; });
}

Value NNBuilder::shapeOperand(ArrayRef<Dim> dims) {
  if (llvm::none_of(dims, [](const Dim &d) { return bool(d.value); }))
    return {};
  return concat(llvm::map_to_vector(dims, [&](const Dim &d) { return asTensor(d); }), 0);
}

Value NNBuilder::reshape(Value x, ArrayRef<Dim> dims) {
  SmallVector<int64_t> shape = staticShape(dims);
  auto type = RankedTensorType::get(shape, typeOf(x).getElementType());
  // One dynamic dimension is what remains, unless a dimension of size 0 hides it.
  bool inferable = type.getNumDynamicDims() <= 1 && !llvm::is_contained(shape, 0);
  return ReshapeOp::create(*this, type, x, inferable ? Value() : shapeOperand(dims));
}

Value NNBuilder::iota(ArrayRef<Dim> dims, int64_t axis) {
  return IotaOp::create(*this, RankedTensorType::get(staticShape(dims), getI64Type()),
                        shapeOperand(dims), axis);
}

Value NNBuilder::refine(Value x, Type type) {
  if (x.getType() == type)
    return x;
  return tensor::CastOp::create(*this, type, x);
}

} // namespace terse::nn
