//===- LeftRows.cpp - Rows of the left operand, copied --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LeftRows.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

LeftRows::LeftRows(KernelCode &code, Type stored, bool flipped, bool widened, int64_t vectorBytes)
    : k(code), b(code.b), type(cast<MemRefType>(code.op.getLhs().getType())), stored(stored),
      flipped(flipped), widened(widened), vectorBytes(vectorBytes) {}

// An input vector as it is stored.
Value LeftRows::convert(Value v) {
  auto vector = cast<VectorType>(v.getType());
  if (type.getElementType().isBF16() && stored.isF32())
    return arith::ExtFOp::create(b, k.loc, vector.clone(stored), v);
  if (widened) {
    auto wide = vector.clone(b.getI16Type());
    return k.op.getLhsUnsigned() ? Value(arith::ExtUIOp::create(b, k.loc, wide, v))
                                 : Value(arith::ExtSIOp::create(b, k.loc, wide, v));
  }
  return flipped ? Value(arith::XOrIOp::create(b, k.loc, v, k.splat(-128, vector))) : v;
}

// For pieces of at most a vector that make up `count`: (loop offset, fixed offset, size, mask).
// Many equal ones come from a loop. Vectors of 512 bits end in one of which the mask says what to
// read: all of it is written, because what follows comes later.
void LeftRows::pieces(int64_t count,
                      llvm::function_ref<void(Value, int64_t, int64_t, Value)> body) {
  int64_t most = vectorBytes * 8 / stored.getIntOrFloatBitWidth();
  int64_t whole = count / most, at = whole * most;
  if (whole > 8)
    k.loop(k.c(0), k.c(at), most, [&](Value i) { body(i, 0, most, Value()); });
  else
    for (int64_t i = 0; i < whole; ++i)
      body(Value(), i * most, most, Value());
  if (at == count)
    return;
  if (vectorBytes >= 64) {
    Value mask = vector::CreateMaskOp::create(b, k.loc, VectorType::get(most, b.getI1Type()),
                                              k.c(count - at));
    return body(Value(), at, most, mask);
  }
  for (int64_t piece = most / 2; piece >= 1; piece /= 2)
    if (count - at >= piece) {
      body(Value(), at, piece, Value());
      at += piece;
    }
}

Value LeftRows::load(VectorType vector, Value memory, ValueRange at, Value mask) {
  if (mask)
    return vector::MaskedLoadOp::create(b, k.loc, vector, memory, at, mask, k.zero(vector));
  return vector::LoadOp::create(b, k.loc, vector, memory, at);
}

void LeftRows::store(Value v, Value r, Value column) {
  vector::StoreOp::create(b, k.loc, v, rows, ValueRange{r, column});
}

void LeftRows::copyElements(Value memory, SmallVector<Value> at, Value r, Value column,
                            int64_t count) {
  Value last = at.back();
  pieces(count, [&](Value i, int64_t fixed, int64_t piece, Value mask) {
    at.back() = offset(last, i, fixed);
    auto vector = VectorType::get(piece, type.getElementType());
    store(convert(load(vector, memory, at, mask)), r, offset(column, i, fixed));
  });
}

void LeftRows::fill(Value r, Value column, int64_t count) {
  int64_t value = k.op.getWindowOrNull().getPadValue();
  if (stored.isInteger(8))
    value = int8_t(flipped ? value ^ 0x80 : value);
  else if (widened)
    value = k.op.getLhsUnsigned() ? uint8_t(value) : int8_t(value);
  pieces(count, [&](Value i, int64_t fixed, int64_t piece, Value mask) {
    store(k.splat(value, VectorType::get(piece, stored)), r, offset(column, i, fixed));
  });
}

void LeftRows::copy(Value to, Value r, Value row) {
  rows = to;
  SmallVector<Value> lead = k.unflatten(row);
  WindowAttr window = k.op.getWindowOrNull();
  Value x = k.op.getLhs(), zero = k.c(0);
  int64_t channels = type.getShape().back();
  if (!window) {
    lead.push_back(zero);
    return copyElements(x, lead, r, zero, channels);
  }
  int64_t kh = window.getKernel()[0], kw = window.getKernel()[1];
  int64_t dh = window.getDilations()[0], dw = window.getDilations()[1];
  Value height = k.size(x, 1), width = k.size(x, 2);
  Value y0 = k.sub(k.mul(lead[1], window.getStrides()[0]), k.c(window.getPads()[0]));
  Value x0 = k.sub(k.mul(lead[2], window.getStrides()[1]), k.c(window.getPads()[1]));
  auto inside = [&](Value v, Value limit) {
    return arith::CmpIOp::create(b, k.loc, arith::CmpIPredicate::ult, v, limit).getResult();
  };
  // Neighbours in a row of the input lie side by side.
  Value flat;
  if (dw == 1 && type.getLayout().isIdentity())
    flat = memref::CollapseShapeOp::create(b, k.loc, x,
                                           SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}});
  k.loop(zero, k.c(kh), 1, [&](Value i) {
    Value y = k.add(y0, k.mul(i, dh)), column = k.mul(i, kw * channels);
    auto taps = [&] {
      k.loop(zero, k.c(kw), 1, [&](Value j) {
        Value xx = k.add(x0, k.mul(j, dw)), to = k.add(column, k.mul(j, channels));
        k.branch(
            inside(xx, width),
            [&] {
              copyElements(x, {lead[0], y, xx, zero}, r, to, channels);
            },
            [&] { fill(r, to, channels); });
      });
    };
    k.branch(
        inside(y, height),
        [&] {
          if (!flat)
            return taps();
          Value whole =
              arith::AndIOp::create(b, k.loc, inside(x0, width), inside(k.add(x0, kw - 1), width));
          k.branch(
              whole,
              [&] {
                copyElements(flat, {lead[0], y, k.mul(x0, channels)}, r, column, kw * channels);
              },
              taps);
        },
        [&] { fill(r, column, kw * channels); });
  });
}
