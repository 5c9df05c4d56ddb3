//===- QuantizeRowsKernel.cpp - Rounding of floats to bytes ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for pieces of lines:                           (one item of the range)
//     for vectors of 64:  divide, round, pack      (AVX-512, scales of usual sizes)
//     for vectors:        divide, round, truncate
//     the last vector once more, ending where the piece does
//
// A division takes as long as a dozen multiplications: see Quotient.

#include "QuantizeRowsKernel.h"
#include "../Quotient.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;
using P = arith::CmpFPredicate;

// Elements of a line that one item covers.
static constexpr int64_t kPiece = 4096;

namespace {
class RowQuantizer {
public:
  RowQuantizer(VectorCode &code, QuantizeRowsOp op, int64_t vectorBytes)
      : k(code), b(code.b), op(op), most(std::max<int64_t>(4, vectorBytes / 4)) {
    rank = cast<MemRefType>(op.getX().getType()).getRank();
  }

  void build(Value begin, Value end) {
    Value width = k.size(op.getX(), rank - 1), pieces = k.ceilDiv(width, kPiece);
    k.loop(begin, end, 1, [&](Value item) {
      Value line = k.div(item, pieces), from = k.mul(k.rem(item, pieces), kPiece);
      Value to = k.min(k.add(from, kPiece), width);
      at.assign(rank, Value());
      for (int64_t d = rank - 2; d >= 0; --d) {
        at[d] = d ? k.rem(line, k.size(op.getX(), d)) : line;
        line = d ? k.div(line, k.size(op.getX(), d)) : line;
      }
      scale = read(op.getScale());
      zero = op.getZeroPoint()
                 ? arith::FPToSIOp::create(b, k.loc, b.getI32Type(), read(op.getZeroPoint()))
                 : Value();
      // Fewer numbers than a vector has, one by one.
      Value few = k.less(k.sub(to, from), k.c(most));
      k.branch(
          few, [&] { roundVectors(from, to, 1); }, [&] { roundLine(from, to); });
    });
  }

private:
  Value read(Value parameter) {
    auto type = dyn_cast<MemRefType>(parameter.getType());
    if (!type)
      return parameter;
    return memref::LoadOp::create(b, k.loc, parameter, ValueRange(at).take_front(type.getRank()));
  }
  Value splat(Value scalar, int64_t lanes) {
    return vector::BroadcastOp::create(b, k.loc, VectorType::get(lanes, scalar.getType()), scalar);
  }
  Value load(Value i, int64_t lanes) {
    at.back() = i;
    return vector::LoadOp::create(b, k.loc, VectorType::get(lanes, b.getF32Type()), op.getX(), at);
  }
  void store(Value bytes, Value i) {
    at.back() = i;
    vector::StoreOp::create(b, k.loc, bytes, op.getOut(), at);
  }

  void roundLine(Value from, Value to) {
    std::optional<Quotient> quotient;
    if (k.hasFMA)
      quotient.emplace(b, k.loc, scale, most);
    if (quotient && most == 16) {
      Value count = k.mul(k.div(k.sub(to, from), k.c(64)), 64);
      count = arith::SelectOp::create(b, k.loc, quotient->isUsual(), count, k.c(0));
      Value end = k.add(from, count), shift = zero ? splat(zero, most) : Value();
      k.loop(from, end, 64, [&](Value i) {
        SmallVector<Value> four;
        for (int64_t v = 0; v < 4; ++v)
          four.push_back(load(k.add(i, v * most), most));
        store(quotient->divideToBytes(four, shift, op.getOutUnsigned()), i);
      });
      from = end;
    }
    Value whole = k.add(from, k.mul(k.div(k.sub(to, from), k.c(most)), most));
    roundVectors(from, whole, most, quotient ? &*quotient : nullptr);
    k.branch(k.less(whole, to), [&] {
      Value last = k.sub(to, k.c(most));
      roundVectors(last, to, most, quotient ? &*quotient : nullptr);
    });
  }

  void roundVectors(Value from, Value to, int64_t lanes, const Quotient *quotient = nullptr) {
    auto floats = VectorType::get(lanes, b.getF32Type()),
         integers = VectorType::get(lanes, b.getI32Type());
    Value divisor = splat(scale, lanes), shift = zero ? splat(zero, lanes) : Value();
    k.loop(from, to, lanes, [&](Value i) {
      Value x = load(i, lanes);
      x = quotient ? quotient->divide(x) : arith::DivFOp::create(b, k.loc, x, divisor).getResult();
      x = choose(P::ORD, x, x, k.zero(floats));
      // Beyond these bounds, no zero point brings it back among the bytes.
      x = choose(P::OGE, x, k.splat(-512, floats), k.splat(-512, floats));
      x = choose(P::OLE, x, k.splat(512, floats), k.splat(512, floats));
      // 1.5 * 2^23 rounds to even and leaves the integer in the low bits.
      x = arith::AddFOp::create(b, k.loc, x, k.splat(12582912, floats));
      Value v = arith::SubIOp::create(b, k.loc, arith::BitcastOp::create(b, k.loc, integers, x),
                                      k.splat(0x4B400000, integers));
      v = shift ? k.add(v, shift) : v;
      bool isUnsigned = op.getOutUnsigned();
      v = arith::MaxSIOp::create(b, k.loc, v, k.splat(isUnsigned ? 0 : -128, integers));
      v = k.min(v, k.splat(isUnsigned ? 255 : 127, integers));
      store(arith::TruncIOp::create(b, k.loc, VectorType::get(lanes, b.getI8Type()), v), i);
    });
  }

  // `x`, or `other` where it does not compare so; with NaN only where the predicate asks for it.
  Value choose(P predicate, Value x, Value limit, Value other) {
    Value condition = arith::CmpFOp::create(b, k.loc, predicate, x, limit);
    return arith::SelectOp::create(b, k.loc, condition, x, other);
  }

  VectorCode &k;
  OpBuilder &b;
  QuantizeRowsOp op;
  int64_t most, rank;
  SmallVector<Value> at;
  Value scale, zero;
};
} // namespace

void terse::buildQuantizeRows(VectorCode &code, QuantizeRowsOp op, int64_t vectorBytes, Value begin,
                              Value end) {
  RowQuantizer(code, op, vectorBytes).build(begin, end);
}

static Value countLines(VectorCode &code, QuantizeRowsOp op) {
  Value lines = code.c(1);
  for (int64_t d = 0; d + 1 < cast<MemRefType>(op.getX().getType()).getRank(); ++d)
    lines = code.mul(lines, code.size(op.getX(), d));
  return lines;
}

static Value getWidth(VectorCode &code, QuantizeRowsOp op) {
  return code.size(op.getX(), cast<MemRefType>(op.getX().getType()).getRank() - 1);
}

Value terse::countQuantizeRowsItems(VectorCode &code, QuantizeRowsOp op) {
  return code.mul(countLines(code, op), code.ceilDiv(getWidth(code, op), kPiece));
}

Value terse::countQuantizeRowsWork(VectorCode &code, QuantizeRowsOp op) {
  return code.mul(countLines(code, op), getWidth(code, op));
}
