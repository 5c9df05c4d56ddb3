//===- RoundedActivations.cpp - Activations that can be rounded -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/MixedPrecision/RoundedActivations.h"

#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Support/Error.h"
#include "terse/Support/MLIRBridge.h"

#include <limits>

using namespace mlir;
using namespace terse;
using namespace terse::mixed;

static constexpr int64_t kNumbers = 4;

bool terse::mixed::isRoundable(OpOperand &operand, Attribute choice) {
  auto given = dyn_cast_or_null<StaticAttr>(choice);
  auto type = dyn_cast<RankedTensorType>(operand.get().getType());
  SymbolTableCollection symbols;
  auto uniform = given ? dyn_cast<UniformEncodingAttr>(given.getEncoding()) : UniformEncodingAttr();
  return uniform && uniform.isPerTensor() && type && type.getElementType().isF32() && !type.getEncoding() &&
         isa<func::FuncOp>(operand.getOwner()->getParentOp()) &&
         !getConstantSource(operand.get(), symbols);
}

llvm::Error terse::mixed::insertRounding(func::FuncOp function, OpOperand &operand) {
  Operation *op = operand.getOwner();
  OpBuilder builder(op);
  Location loc = op->getLoc();
  unsigned number = function.getNumArguments();
  auto name = builder.getNamedAttr("nn.name", builder.getStringAttr("grid." + Twine(number)));
  if (failed(function.insertArgument(number,
                                     RankedTensorType::get({kNumbers}, builder.getF32Type()),
                                     builder.getDictionaryAttr(name), loc)))
    return makeError("the model cannot be given a further input");
  auto get = [&](int64_t i) {
    return nn::SliceOp::create(builder, loc, function.getArgument(number), ArrayRef<int64_t>{i},
                               ArrayRef<int64_t>{i + 1}, ArrayRef<int64_t>{1});
  };
  auto combine = [&](nn::BinaryKind kind, Value x, int64_t i) -> Value {
    return nn::BinaryOp::create(builder, loc, x.getType(), kind, x, get(i));
  };
  Value x = combine(nn::BinaryKind::Mul, operand.get(), 0);
  x = nn::UnaryOp::create(builder, loc, nn::UnaryKind::Round, x);
  x = combine(nn::BinaryKind::Max, x, 1);
  x = combine(nn::BinaryKind::Min, x, 2);
  operand.set(combine(nn::BinaryKind::Mul, x, 3));
  return llvm::Error::success();
}

HostTensor terse::mixed::getGrid(Attribute choice) {
  HostTensor grid = HostTensor::zeros(DType::f32(), {kNumbers});
  MutableArrayRef<float> numbers = grid.getMutableAs<float>();
  auto given = dyn_cast_or_null<StaticAttr>(choice);
  if (!given) {
    constexpr float kLargest = std::numeric_limits<float>::max();
    llvm::copy(ArrayRef<float>{0x1p40f, -kLargest, kLargest, 0x1p-40f}, numbers.begin());
    return grid;
  }
  auto encoding = cast<UniformEncodingAttr>(given.getEncoding());
  auto read = [&](size_t i) {
    auto value = toHostTensor(cast<ElementsAttr>(given.getValues()[i]));
    return llvm::cantFail(std::move(value)).getAsDouble(0); // Made by a pass, not by people.
  };
  double scale = read(0), zero = encoding.getAsymmetric() ? read(1) : 0;
  numbers[0] = float(1 / scale);
  numbers[1] = float(double(encoding.getQMin()) - zero);
  numbers[2] = float(double(encoding.getQMax()) - zero);
  numbers[3] = float(scale);
  return grid;
}
