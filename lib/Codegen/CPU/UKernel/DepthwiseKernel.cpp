//===- DepthwiseKernel.cpp - A window for each channel --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for rows of the result:                                  (one item of the range)
//     for vectors of channels, positions along the row:
//       sums = 0; for the taps inside of the input: sums += input * weight
//       epilogue(sums), store

#include "KernelCode.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

namespace {
class DepthwiseKernel {
public:
  explicit DepthwiseKernel(KernelCode &code)
      : k(code), b(code.b), window(code.op.getWindowOrNull()), channels(getSizes(code.op).n),
        sumType(getSumType(code.op)), lanes(code.schedule.getColumns()) {}

  Value countItems() { return k.mul(k.size(k.op.getInit(), 0), k.size(k.op.getInit(), 1)); }

  void build(Value begin, Value end) {
    Value x = k.op.getLhs(), height = k.size(x, 1), width = k.size(x, 2), zero = k.c(0);
    Value outWidth = k.size(k.op.getInit(), 2), outHeight = k.size(k.op.getInit(), 1);
    int64_t kw = window.getKernel()[1], sw = window.getStrides()[1], dw = window.getDilations()[1],
            pw = window.getPads()[1];
    // Positions whose windows lie inside: [first, limit).
    int64_t reach = (kw - 1) * dw + 1;
    Value first = k.min(k.c(llvm::divideCeil(pw, sw)), outWidth);
    Value room = k.sub(k.add(width, pw), k.c(reach));
    Value limit =
        arith::SelectOp::create(b, k.loc, k.less(room, zero), zero,
                                k.add(arith::DivSIOp::create(b, k.loc, room, k.c(sw)), 1));
    limit = arith::MaxSIOp::create(b, k.loc, k.min(limit, outWidth), first);
    k.loop(begin, end, 1, [&](Value item) {
      Value batch = k.div(item, outHeight), oy = k.rem(item, outHeight);
      Value y0 = k.sub(k.mul(oy, window.getStrides()[0]), k.c(window.getPads()[0]));
      auto block = [&](Value n, Value mask) {
        auto edge = [&](Value ox) { position(batch, oy, y0, ox, n, mask, height, width, 1, true); };
        k.loop(zero, first, 1, edge);
        Value span = k.sub(limit, first), whole = k.mul(k.div(span, k.c(kPositions)), kPositions);
        Value middle = k.add(first, whole);
        k.loop(first, middle, kPositions, [&](Value ox) {
          position(batch, oy, y0, ox, n, mask, height, width, kPositions, false);
        });
        k.loop(middle, limit, 1,
               [&](Value ox) { position(batch, oy, y0, ox, n, mask, height, width, 1, false); });
        k.loop(limit, outWidth, 1, edge);
      };
      int64_t whole = channels / lanes * lanes;
      if (whole)
        k.loop(zero, k.c(whole), lanes, [&](Value n) { block(n, Value()); });
      if (whole < channels)
        block(k.c(whole),
              vector::CreateMaskOp::create(b, k.loc, VectorType::get(lanes, b.getI1Type()),
                                           k.c(channels - whole)));
    });
  }

private:
  // Results along a row that share the weights of a tap.
  static constexpr int64_t kPositions = 4;

  Value load(Value memory, ValueRange at, Value mask, bool isUnsigned) {
    Type element = cast<MemRefType>(memory.getType()).getElementType();
    auto type = VectorType::get(lanes, element);
    Value v =
        mask ? Value(vector::MaskedLoadOp::create(b, k.loc, type, memory, at, mask, k.zero(type)))
             : Value(vector::LoadOp::create(b, k.loc, type, memory, at));
    if (mlir::isa<FloatType>(element))
      return v;
    auto wide = VectorType::get(lanes, sumType);
    if (mlir::isa<FloatType>(sumType))
      return isUnsigned ? Value(arith::UIToFPOp::create(b, k.loc, wide, v))
                        : Value(arith::SIToFPOp::create(b, k.loc, wide, v));
    return isUnsigned ? Value(arith::ExtUIOp::create(b, k.loc, wide, v))
                      : Value(arith::ExtSIOp::create(b, k.loc, wide, v));
  }

  Value multiply(Value x, Value w, Value acc) {
    if (mlir::isa<FloatType>(sumType))
      return k.multiplyAdd(x, w, acc);
    // The product of the low words, exact in 32 bits, plus that of the high ones, which loadWeight
    // has cleared.
    ISA isa = k.schedule.getIsa();
    if (isa == ISA::AVX512 || isa == ISA::AVX2) {
      auto words = VectorType::get(2 * lanes, b.getI16Type());
      auto cast = [&](Value v) {
        return vector::BitCastOp::create(b, k.loc, words, v).getResult();
      };
      StringRef name =
          isa == ISA::AVX512 ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd";
      return arith::AddIOp::create(
          b, k.loc, acc, k.intrinsic(name, VectorType::get(lanes, sumType), {cast(x), cast(w)}));
    }
    return arith::AddIOp::create(b, k.loc, acc, arith::MulIOp::create(b, k.loc, x, w));
  }

  Value loadWeight(Value i, Value j, Value n, Value mask) {
    Value w = load(k.op.getRhs(), {i, j, n}, mask, k.op.getRhsUnsigned());
    ISA isa = k.schedule.getIsa();
    if (mlir::isa<FloatType>(sumType) || (isa != ISA::AVX512 && isa != ISA::AVX2))
      return w;
    return arith::AndIOp::create(b, k.loc, w, k.splat(0xffff, VectorType::get(lanes, sumType)));
  }

  // `count` results from ox on; `edge`: columns of the window may lie outside. Rows may, always.
  void position(Value batch, Value oy, Value y0, Value ox, Value n, Value mask, Value height,
                Value width, int64_t count, bool edge) {
    int64_t kh = window.getKernel()[0], kw = window.getKernel()[1], sw = window.getStrides()[1];
    int64_t dh = window.getDilations()[0], dw = window.getDilations()[1];
    Value x0 = k.sub(k.mul(ox, sw), k.c(window.getPads()[1])), zero = k.c(0);
    auto vectorType = VectorType::get(lanes, sumType);
    SmallVector<Value> accs(count, k.zero(vectorType));
    auto inside = [&](Value v, Value limit) {
      return k.compare(arith::CmpIPredicate::ult, v, limit);
    };
    int64_t pad = window.getPadValue();
    Value padding = k.splat(k.op.getLhsUnsigned() ? uint8_t(pad) : pad, vectorType);
    auto conditional = [&](Value condition, ValueRange in,
                           llvm::function_ref<SmallVector<Value>(bool)> body) {
      auto branch = scf::IfOp::create(b, k.loc, in.getTypes(), condition, /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(b);
      for (bool then : {true, false}) {
        b.setInsertionPointToStart(then ? branch.thenBlock() : branch.elseBlock());
        SmallVector<Value> out = then || pad != 0 ? body(then) : SmallVector<Value>(in);
        scf::YieldOp::create(b, k.loc, out);
      }
      return SmallVector<Value>(branch.getResults());
    };
    accs = k.loop(zero, k.c(kh), 1, accs, [&](Value i, ValueRange in) {
      Value y = k.add(y0, k.mul(i, dh));
      return conditional(inside(y, height), in, [&](bool rowInside) {
        SmallVector<Value> row(in);
        // Windows side by side share columns.
        DenseMap<int64_t, Value> columns;
        for (int64_t j = 0; j < kw; ++j) {
          Value w = loadWeight(i, k.c(j), n, mask);
          for (int64_t o = 0; o < count; ++o) {
            Value xx = k.add(x0, o * sw + j * dw);
            auto read = [&] {
              return load(k.op.getLhs(), {batch, y, xx, n}, mask, k.op.getLhsUnsigned());
            };
            Value &column = columns[o * sw + j * dw];
            if (rowInside && !edge && !column)
              column = read();
            if (!rowInside)
              row[o] = multiply(padding, w, row[o]);
            else if (!edge)
              row[o] = multiply(column, w, row[o]);
            else
              row[o] = conditional(inside(xx, width), row[o], [&](bool columnInside) {
                return SmallVector<Value>{multiply(columnInside ? read() : padding, w, row[o])};
              })[0];
          }
        }
        return row;
      });
    });
    for (int64_t o = 0; o < count; ++o)
      k.finish({batch, oy, k.add(ox, o)}, n, accs[o], mask);
  }

  KernelCode &k;
  OpBuilder &b;
  WindowAttr window;
  int64_t channels;
  Type sumType;
  int64_t lanes;
};
} // namespace

void terse::buildDepthwiseKernel(KernelCode &code, Value begin, Value end) {
  DepthwiseKernel(code).build(begin, end);
}
Value terse::countDepthwiseItems(KernelCode &code) { return DepthwiseKernel(code).countItems(); }
