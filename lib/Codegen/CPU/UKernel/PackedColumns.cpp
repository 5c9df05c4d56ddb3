//===- PackedColumns.cpp - Right operands packed at run time --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "PackedColumns.h"
#include "../VectorSquare.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace terse;

Value BytePairs::join(VectorCode &k, Value low, Value high) const {
  Type type = k.b.getI32Type();
  if (auto vector = dyn_cast<VectorType>(low.getType()))
    type = vector.clone(type);
  low = arith::ExtUIOp::create(k.b, k.loc, type, extend(k, low));
  high = arith::ExtUIOp::create(k.b, k.loc, type, extend(k, high));
  Value sixteen = arith::ConstantOp::create(
      k.b, k.loc,
      isa<VectorType>(type)
          ? TypedAttr(DenseElementsAttr::get(cast<VectorType>(type), k.b.getI32IntegerAttr(16)))
          : TypedAttr(k.b.getI32IntegerAttr(16)));
  return arith::OrIOp::create(k.b, k.loc, low, arith::ShLIOp::create(k.b, k.loc, high, sixteen));
}

Value BytePairs::extend(VectorCode &k, Value bytes) const {
  Type type = k.b.getI16Type();
  if (auto vector = dyn_cast<VectorType>(bytes.getType()))
    type = vector.clone(type);
  return isUnsigned ? arith::ExtUIOp::create(k.b, k.loc, type, bytes).getResult()
                    : arith::ExtSIOp::create(k.b, k.loc, type, bytes).getResult();
}

Value BytePairs::load(VectorCode &k, Value memory, Value at, int64_t count, Value mask) const {
  auto type = VectorType::get(2 * count, k.b.getI8Type());
  Value x =
      mask ? Value(vector::MaskedLoadOp::create(k.b, k.loc, type, memory, at, mask, k.zero(type)))
           : Value(vector::LoadOp::create(k.b, k.loc, type, memory, at));
  return vector::BitCastOp::create(k.b, k.loc, VectorType::get(count, k.b.getI32Type()),
                                   extend(k, x));
}

Value BytePairs::gather(VectorCode &k, Value memory, Value at, Value step, Value i) const {
  Value first = k.mul(i, 2), second = k.add(first, 1), last = k.sub(bytes, k.c(1));
  auto load = [&](Value j) -> Value {
    return memref::LoadOp::create(k.b, k.loc, memory, k.add(at, k.mul(j, step)));
  };
  Value high = arith::SelectOp::create(k.b, k.loc, k.less(last, second), k.zero(k.b.getI8Type()),
                                       load(k.min(second, last)));
  return join(k, load(first), high);
}

Type PackedColumns::getElementType() const {
  return pairs ? Type(b.getI32Type()) : Type(b.getF32Type());
}

Value PackedColumns::multiplyAdd(Value x, Value y, Value acc) {
  if (!pairs)
    return k.multiplyAdd(x, y, acc);
  // With dot products of words, this is one of them.
  auto words = VectorType::get(tile.lanes * 2, b.getI16Type());
  llvm::StringRef name = tile.lanes == 16  ? "llvm.x86.avx512.pmaddw.d.512"
                         : tile.lanes == 8 ? "llvm.x86.avx2.pmadd.wd"
                                           : "llvm.x86.sse2.pmadd.wd";
  x = vector::BitCastOp::create(b, k.loc, words, x);
  y = vector::BitCastOp::create(b, k.loc, words, y);
  return k.add(acc, k.intrinsic(name, acc.getType(), {x, y}));
}

Value PackedColumns::countElements() {
  // Squares that are transposed may reach past the last panel.
  return k.mul(k.mul(k.ceilDiv(count, tile.lanes), tile.lanes), k.add(depth, tile.lanes));
}

void PackedColumns::forPanels(llvm::function_ref<void(Value, int64_t, bool)> body) {
  int64_t columns = tile.columns();
  if (std::optional<int64_t> known = getConstantIntValue(count)) {
    int64_t full = *known / columns * columns;
    if (full == columns)
      body(k.c(0), tile.vectors, false);
    else if (full)
      k.loop(k.c(0), k.c(full), columns, [&](Value j) { body(j, tile.vectors, false); });
    // What is left is one panel.
    if (int64_t rest = *known - full)
      body(k.c(full), llvm::divideCeil(rest, tile.lanes), rest % tile.lanes != 0);
    return;
  }
  Value full = k.mul(k.div(count, k.c(columns)), columns);
  k.loop(k.c(0), full, columns, [&](Value j) { body(j, tile.vectors, false); });
  k.loop(full, count, tile.lanes, [&](Value j) { body(j, 1, true); });
}

Value PackedColumns::mask(Value at) {
  return vector::CreateMaskOp::create(b, k.loc, VectorType::get(tile.lanes, b.getI1Type()),
                                      k.sub(count, at));
}

Value PackedColumns::at(const RightMatrix &from, Value i, Value j) {
  auto step = [&](Value index, Value value, int64_t known) {
    return ShapedType::isDynamic(known) ? k.mul(index, value) : k.mul(index, known);
  };
  return k.add(k.add(from.base, step(i, from.rowStep, from.knownRowStep)),
               step(j, from.columnStep, from.knownColumnStep));
}

Value PackedColumns::load(Value memory, Value where, Value mask) {
  Type element = cast<MemRefType>(memory.getType()).getElementType();
  auto type = VectorType::get(tile.lanes, element);
  Value x =
      mask ? Value(vector::MaskedLoadOp::create(b, k.loc, type, memory, where, mask, k.zero(type)))
           : Value(vector::LoadOp::create(b, k.loc, type, memory, where));
  return element.isF32() || pairs ? x : extend(x);
}

Value PackedColumns::extend(Value x) {
  Type f32 = b.getF32Type();
  if (auto vector = dyn_cast<VectorType>(x.getType()))
    f32 = vector.clone(f32);
  return arith::ExtFOp::create(b, k.loc, f32, x);
}

void PackedColumns::pack(const RightMatrix &from, Value packed) {
  forPanels([&](Value first, int64_t vectors, bool partial) {
    if (from.knownColumnStep == 1)
      packRows(from, packed, first, vectors, partial);
    else if (from.knownRowStep == 1)
      packTransposed(from, packed, first, vectors);
    else
      packElements(from, packed, first, vectors);
  });
}

void PackedColumns::packRows(const RightMatrix &from, Value packed, Value first, int64_t vectors,
                             bool partial) {
  int64_t columns = vectors * tile.lanes;
  Value to = k.mul(first, depth);
  Value last = partial ? mask(k.add(first, (vectors - 1) * tile.lanes)) : Value();
  k.loop(k.c(0), depth, 1, [&](Value i) {
    Value row = at(from, pairs ? k.mul(i, 2) : i, first), into = k.add(to, k.mul(i, columns));
    for (int64_t v = 0; v < vectors; ++v) {
      Value mask = v + 1 == vectors ? last : Value();
      Value x = load(from.memory, k.add(row, v * tile.lanes), mask);
      if (pairs) {
        // Past the end the last row stands in: the left operand has a zero there.
        Value next = k.min(k.add(k.mul(i, 2), 1), k.sub(pairs->bytes, k.c(1)));
        Value other = k.add(at(from, next, first), v * tile.lanes);
        x = pairs->join(k, x, load(from.memory, other, mask));
      }
      vector::StoreOp::create(b, k.loc, x, packed, k.add(into, v * tile.lanes));
    }
  });
}

// Vectors along the depth, of which squares are turned.
void PackedColumns::packTransposed(const RightMatrix &from, Value packed, Value first,
                                   int64_t vectors) {
  int64_t lanes = tile.lanes, columns = vectors * lanes;
  Value to = k.mul(first, depth);
  auto square = [&](Value i, Value column, Value into, Value valid) {
    SmallVector<Value> rows;
    for (int64_t j = 0; j < lanes; ++j) {
      // Past the end the last column stands in.
      Value source = k.min(k.add(column, j), k.sub(count, k.c(1)));
      if (pairs)
        rows.push_back(pairs->load(k, from.memory, at(from, k.mul(i, 2), source), lanes, valid));
      else
        rows.push_back(load(from.memory, at(from, i, source), valid));
    }
    for (auto [j, row] : llvm::enumerate(transposeSquare(b, k.loc, rows)))
      vector::StoreOp::create(b, k.loc, row, packed, k.add(into, j * columns));
  };
  // Whole vectors, of bytes those without a pair that ends early.
  Value full = pairs ? k.div(pairs->bytes, k.c(2 * lanes)) : k.div(depth, k.c(lanes));
  full = k.mul(full, lanes);
  k.loop(k.c(0), k.c(vectors), 1, [&](Value v) {
    Value column = k.add(first, k.mul(v, lanes)), into = k.add(to, k.mul(v, lanes));
    k.loop(k.c(0), full, lanes,
           [&](Value i) { square(i, column, k.add(into, k.mul(i, columns)), Value()); });
    std::optional<int64_t> known = getConstantIntValue(depth);
    int64_t whole = lanes;
    if (pairs)
      known = getConstantIntValue(pairs->bytes), whole = 2 * lanes;
    if (known && *known % whole == 0)
      return;
    // The rest, whose square may also write where the next columns or panel will be.
    k.branch(k.less(full, depth), [&] {
      Value left = pairs ? k.sub(pairs->bytes, k.mul(full, 2)) : k.sub(depth, full);
      Value valid =
          vector::CreateMaskOp::create(b, k.loc, VectorType::get(whole, b.getI1Type()), left);
      square(full, column, k.add(into, k.mul(full, columns)), valid);
    });
  });
}

void PackedColumns::packElements(const RightMatrix &from, Value packed, Value first,
                                 int64_t vectors) {
  int64_t columns = vectors * tile.lanes;
  Value to = k.mul(first, depth), here = k.min(k.c(columns), k.sub(count, first));
  k.loop(k.c(0), depth, 1, [&](Value i) {
    Value into = k.add(to, k.mul(i, columns));
    k.loop(k.c(0), here, 1, [&](Value j) {
      Value x;
      if (pairs) {
        x = pairs->gather(k, from.memory, at(from, k.c(0), k.add(first, j)), from.rowStep, i);
      } else {
        x = memref::LoadOp::create(b, k.loc, from.memory, at(from, i, k.add(first, j)));
        if (!x.getType().isF32())
          x = extend(x);
      }
      memref::StoreOp::create(b, k.loc, x, packed, k.add(into, j));
    });
  });
}

SmallVector<Value> PackedColumns::multiply(Value packed, Value first, int64_t vectors, int64_t rows,
                                           Value from, Value to, ValueRange sums,
                                           llvm::function_ref<Value(int64_t, Value)> left) {
  auto type = VectorType::get(tile.lanes, getElementType());
  Value panel = k.mul(first, depth);
  int64_t columns = vectors * tile.lanes;
  return k.loop(from, to, 1, sums, [&](Value i, ValueRange in) {
    SmallVector<Value> right, out;
    Value at = k.add(panel, k.mul(i, columns));
    for (int64_t v = 0; v < vectors; ++v)
      right.push_back(vector::LoadOp::create(b, k.loc, type, packed, k.add(at, v * tile.lanes)));
    for (int64_t r = 0; r < rows; ++r) {
      Value x = vector::BroadcastOp::create(b, k.loc, type, left(r, i));
      for (int64_t v = 0; v < vectors; ++v)
        out.push_back(multiplyAdd(x, right[v], in[r * vectors + v]));
    }
    return out;
  });
}
