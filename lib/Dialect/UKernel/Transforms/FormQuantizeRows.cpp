//===- FormQuantizeRows.cpp - Loops that round to bytes -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Encoding at run time divides, rounds, adds a zero point and saturates, which stands in a body as
// a dozen scalar ops: with a constant zero point in the form of RoundingCasts.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "terse/Dialect/UKernel/Transforms/Passes.h"
#include "terse/Dialect/UKernel/Transforms/QuantizeRows.h"
#include "terse/Support/Matchers.h"

namespace terse::ukernel {
#define GEN_PASS_DEF_FORMQUANTIZEROWSPASS
#include "terse/Dialect/UKernel/Transforms/Passes.h.inc"
} // namespace terse::ukernel

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;
using P = arith::CmpFPredicate;

// The other value of `v = choice(compare(other, limit))`, which is a constant where that holds.
static Value matchLimit(Value v, P predicate, double &limit) {
  auto select = v.getDefiningOp<arith::SelectOp>();
  auto compare = select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : nullptr;
  if (!compare || compare.getPredicate() != predicate ||
      compare.getLhs() != select.getFalseValue() || compare.getRhs() != select.getTrueValue() ||
      !getReal(compare.getRhs()))
    return nullptr;
  limit = *getReal(compare.getRhs());
  return compare.getLhs();
}

// `x` of `x is NaN ? 0 : x`.
static Value matchNumber(Value v) {
  auto select = v.getDefiningOp<arith::SelectOp>();
  auto compare = select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : nullptr;
  if (!compare || getReal(select.getFalseValue()) != 0 ||
      compare.getLhs() != select.getTrueValue() || compare.getLhs() != compare.getRhs() ||
      (compare.getPredicate() != P::ORD && compare.getPredicate() != P::OEQ))
    return nullptr;
  return compare.getLhs();
}

// Reads `trunc(bitcast(clamp(number, least - zero, most - zero) + 1.5 * 2^23) + zero)`.
static Value matchConstantZero(Value v, QuantizeRows &rows) {
  auto trunc = v.getDefiningOp<arith::TruncIOp>();
  if (!trunc)
    return nullptr;
  Value integer = trunc.getIn();
  if (auto shift = integer.getDefiningOp<arith::AddIOp>()) {
    IntegerAttr zero;
    if (!matchPattern(shift.getRhs(), m_Constant(&zero)))
      return nullptr;
    rows.constantZero = double(zero.getInt());
    integer = shift.getLhs();
  }
  auto bits = integer.getDefiningOp<arith::BitcastOp>();
  auto add = bits ? bits.getIn().getDefiningOp<arith::AddFOp>() : nullptr;
  double most, least;
  Value x =
      add && getReal(add.getRhs()) == 12582912.0 ? matchLimit(add.getLhs(), P::OGT, most) : Value();
  if (!x)
    return nullptr;
  // `max(x, 0)` that gives 0 for NaN, too.
  auto select = x.getDefiningOp<arith::SelectOp>();
  auto compare = select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : nullptr;
  if (compare && compare.getPredicate() == P::OGT && compare.getLhs() == select.getTrueValue() &&
      compare.getRhs() == select.getFalseValue() && getReal(compare.getRhs()) == 0) {
    x = compare.getLhs();
    least = 0;
  } else {
    x = matchLimit(x, P::OLT, least);
    x = x ? matchNumber(x) : x;
  }
  rows.isUnsigned = least + rows.constantZero == 0;
  bool isByte = rows.isUnsigned
                    ? most + rows.constantZero == 255
                    : least + rows.constantZero == -128 && most + rows.constantZero == 127;
  return isByte ? x : Value();
}

// Reads `integer(number(clamp(round(number) + zero, least, most)))`.
static Value matchVariableZero(Value v, QuantizeRows &rows) {
  Operation *convert = v.getDefiningOp();
  if (!isa_and_nonnull<arith::FPToSIOp, arith::FPToUIOp>(convert))
    return nullptr;
  rows.isUnsigned = isa<arith::FPToUIOp>(convert);
  double most, least;
  Value x = matchNumber(convert->getOperand(0));
  x = x ? matchLimit(x, P::OGT, most) : x;
  x = x ? matchLimit(x, P::OLT, least) : x;
  auto add = x ? x.getDefiningOp<arith::AddFOp>() : nullptr;
  auto zero = add ? dyn_cast<BlockArgument>(add.getRhs()) : nullptr;
  auto round = add ? add.getLhs().getDefiningOp<math::RoundEvenOp>() : nullptr;
  if (!zero || !round || least != (rows.isUnsigned ? 0 : -128) ||
      most != (rows.isUnsigned ? 255 : 127))
    return nullptr;
  rows.zeroPoint = zero;
  return matchNumber(round.getOperand());
}

std::optional<QuantizeRows> terse::ukernel::matchQuantizeRows(linalg::GenericOp op) {
  if (op.getNumDpsInits() != 1 || op.getNumReductionLoops() || op.hasIndexSemantics())
    return std::nullopt;
  Value result = op.getBody()->getTerminator()->getOperand(0);
  if (!result.getType().isInteger(8))
    return std::nullopt;
  QuantizeRows rows;
  Value quotient = matchConstantZero(result, rows);
  if (!quotient)
    quotient = matchVariableZero(result, rows = QuantizeRows());
  auto div = quotient ? quotient.getDefiningOp<arith::DivFOp>() : nullptr;
  rows.x = div ? dyn_cast<BlockArgument>(div.getLhs()) : nullptr;
  if (!rows.x || !rows.x.getType().isF32())
    return std::nullopt;
  rows.scale = dyn_cast<BlockArgument>(div.getRhs());
  if (std::optional<double> constant = getReal(div.getRhs()))
    rows.constantScale = *constant;
  else if (!rows.scale)
    return std::nullopt;
  // The operands of the op are read as the formula says.
  auto isOperand = [&](BlockArgument arg) {
    return arg.getOwner() == op.getBody() && arg.getArgNumber() < op.getNumDpsInputs();
  };
  auto isRowParameter = [&](BlockArgument arg) {
    if (!arg)
      return true;
    if (!isOperand(arg) || arg == rows.x || !arg.getType().isF32())
      return false;
    AffineMap map = op.getMatchingIndexingMap(op.getDpsInputOperand(arg.getArgNumber()));
    return map.getNumResults() < op.getNumLoops() &&
           map == AffineMap::getMultiDimIdentityMap(op.getNumLoops(), op.getContext())
                      .getMajorSubMap(map.getNumResults());
  };
  if (!isOperand(rows.x) || !isRowParameter(rows.scale) || !isRowParameter(rows.zeroPoint) ||
      !op.getMatchingIndexingMap(op.getDpsInputOperand(rows.x.getArgNumber())).isIdentity() ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return std::nullopt;
  return rows;
}

namespace {
struct FormQuantizeRowsPass : terse::ukernel::impl::FormQuantizeRowsPassBase<FormQuantizeRowsPass> {
  static void form(linalg::GenericOp op, const QuantizeRows &rows) {
    OpBuilder b(op);
    Location loc = op.getLoc();
    auto operand = [&](BlockArgument arg) { return op.getDpsInputs()[arg.getArgNumber()]; };
    auto real = [&](double v) {
      return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(float(v))).getResult();
    };
    Value scale = rows.scale ? operand(rows.scale) : real(rows.constantScale), zero;
    if (rows.zeroPoint)
      zero = operand(rows.zeroPoint);
    else if (rows.constantZero != 0)
      zero = real(rows.constantZero);
    QuantizeRowsOp::create(b, loc, operand(rows.x), scale, zero, op.getDpsInits()[0],
                           rows.isUnsigned);
    op.erase();
  }

  void runOnOperation() override {
    SmallVector<linalg::GenericOp> ops;
    getOperation().walk([&](linalg::GenericOp op) { ops.push_back(op); });
    for (linalg::GenericOp op : ops) {
      auto isContiguous = [](Value v) {
        SmallVector<int64_t> strides;
        int64_t offset;
        auto type = dyn_cast<MemRefType>(v.getType());
        return !type || type.getRank() == 0 ||
               (succeeded(type.getStridesAndOffset(strides, offset)) && strides.back() == 1);
      };
      if (!op.hasPureBufferSemantics() || !llvm::all_of(op->getOperands(), isContiguous))
        continue;
      if (std::optional<QuantizeRows> rows = matchQuantizeRows(op)) {
        form(op, *rows);
        ++numFormed;
      }
    }
  }
};
} // namespace
