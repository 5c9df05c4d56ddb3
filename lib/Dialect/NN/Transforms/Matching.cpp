//===- Matching.cpp - What patterns ask about operands --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Matching.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OperationSupport.h"

#include <cmath>

using namespace mlir;
using namespace terse;
using namespace terse::nn;

/// How many ops deep expressions are looked at.
static constexpr unsigned kDepth = 16;

std::optional<double> nn::getNumber(Value value) {
  DenseElementsAttr attr;
  if (!matchPattern(value, m_Constant(&attr)) || !attr.isSplat() ||
      !isa<FloatType>(attr.getElementType()))
    return std::nullopt;
  return attr.getSplatValue<APFloat>().convertToDouble();
}

bool nn::isNear(std::optional<double> a, double b) {
  return a && std::fabs(*a - b) <= 1e-6 * std::fabs(b);
}

Value nn::matchNumber(Value value, BinaryKind kind, double number) {
  auto op = value.getDefiningOp<BinaryOp>();
  if (!op)
    return {};
  for (auto [x, c] : {std::pair(op.getLhs(), op.getRhs()), std::pair(op.getRhs(), op.getLhs())}) {
    std::optional<double> given = getNumber(c);
    if (!given || x.getType() != op.getType())
      continue;
    if (op.getKind() == kind && isNear(given, number))
      return x;
    // x / c is x * (1 / c)
    if (op.getKind() == BinaryKind::Div && c == op.getRhs() && kind == BinaryKind::Mul &&
        isNear(1 / *given, number))
      return x;
  }
  return {};
}

static bool isConstantExpression(Value value, unsigned depth) {
  Operation *op = value.getDefiningOp();
  if (!op || depth > kDepth)
    return false;
  if (matchPattern(value, m_Constant()) || isa<ml_program::GlobalLoadConstOp>(op))
    return true;
  return isa_and_nonnull<NNDialect>(op->getDialect()) && op->getNumOperands() > 0 &&
         llvm::all_of(op->getOperands(),
                      [&](Value operand) { return isConstantExpression(operand, depth + 1); });
}

bool nn::isConstantExpression(Value value) { return ::isConstantExpression(value, 0); }

static bool isSame(Value a, Value b, unsigned depth) {
  if (a == b)
    return true;
  Operation *left = a.getDefiningOp(), *right = b.getDefiningOp();
  if (!left || !right || depth > kDepth / 2 || !isMemoryEffectFree(left) || left->getNumRegions() ||
      left->getNumResults() != 1)
    return false;
  return OperationEquivalence::isEquivalentTo(
      left, right, [&](Value x, Value y) { return success(isSame(x, y, depth + 1)); },
      /*markEquivalent=*/nullptr, OperationEquivalence::IgnoreLocations);
}

bool nn::isSameComputation(Value a, Value b) { return isSame(a, b, 0); }
