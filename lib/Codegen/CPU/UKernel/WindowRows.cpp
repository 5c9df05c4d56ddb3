//===- WindowRows.cpp - Windows of a convolution as rows ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "WindowRows.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

WindowRows::WindowRows(KernelCode &code, LeftRows &left, Type stored, int64_t vectorBytes)
    : k(code), b(code.b), left(left), stored(stored), vectorBytes(vectorBytes) {
  WindowAttr window = k.op.getWindowOrNull();
  auto lhs = cast<MemRefType>(k.op.getLhs().getType()),
       init = cast<MemRefType>(k.op.getInit().getType());
  if (!window || k.op.isDepthwise() || lhs.isDynamicDim(2) || init.isDynamicDim(2) ||
      !lhs.getLayout().isIdentity())
    return;
  // A window of one element is what the tensor has.
  if (window.getKernel()[0] * window.getKernel()[1] == 1)
    return;
  possible = true;
  outWidth = init.getDimSize(2), width = lhs.getDimSize(2), channels = lhs.getDimSize(3);
  int64_t reach = (outWidth - 1) * window.getStrides()[1] +
                  (window.getKernel()[1] - 1) * window.getDilations()[1] + 1;
  lineElements = reach * channels;
  linePitch = llvm::alignTo(lineElements, 64);
}

void WindowRows::prepare() {
  int64_t elements = k.op.getWindowOrNull().getKernel()[0] * linePitch + vectorBytes;
  Value bytes = k.allocate(elements * stored.getIntOrFloatBitWidth() / 8);
  lines = memref::ViewOp::create(b, k.loc, MemRefType::get({1, elements}, stored), bytes, k.c(0),
                                 ValueRange());
}

// The lines of the input that line `y` of the result sees.
void WindowRows::copyLines(Value image, Value y) {
  WindowAttr window = k.op.getWindowOrNull();
  int64_t before = window.getPads()[1] * channels;
  int64_t inside = std::clamp<int64_t>(lineElements - before, 0, width * channels);
  before = std::min(before, lineElements);
  int64_t after = lineElements - before - inside;
  Value zero = k.c(0), height = k.size(k.op.getLhs(), 1);
  Value x = memref::CollapseShapeOp::create(b, k.loc, k.op.getLhs(),
                                            SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}});
  Value y0 = k.sub(k.mul(y, window.getStrides()[0]), k.c(window.getPads()[0]));
  left.rows = lines;
  k.loop(zero, k.c(window.getKernel()[0]), 1, [&](Value i) {
    Value from = k.add(y0, k.mul(i, window.getDilations()[0])), to = k.mul(i, linePitch);
    k.branch(
        k.compare(arith::CmpIPredicate::ult, from, height),
        [&] {
          if (before)
            left.fill(zero, to, before);
          if (inside)
            left.copyElements(x, {image, from, zero}, zero, k.add(to, before), inside);
          if (after)
            left.fill(zero, k.add(to, before + inside), after);
        },
        [&] { left.fill(zero, to, lineElements); });
  });
}

// The window of column `x` to row `row`.
void WindowRows::copyWindow(Value rows, Value row, Value x) {
  WindowAttr window = k.op.getWindowOrNull();
  int64_t kh = window.getKernel()[0], kw = window.getKernel()[1], dw = window.getDilations()[1];
  int64_t pieces = dw == 1 ? 1 : kw, piece = kw / pieces * channels;
  int64_t most = vectorBytes * 8 / stored.getIntOrFloatBitWidth();
  Value from = k.mul(x, window.getStrides()[1] * channels);
  // What stands behind a row of floats is multiplied with zeros, and must be a number.
  bool clears = isa<FloatType>(stored);
  auto line = [&](Value i, int64_t fixed, bool last) {
    for (int64_t j = 0; j < pieces; ++j)
      for (int64_t at = 0; at < piece;) {
        // Whole vectors, then one that is large enough.
        int64_t size = std::min<int64_t>(most, llvm::PowerOf2Ceil(piece - at));
        auto type = VectorType::get(size, stored);
        Value source =
            k.add(k.add(from, k.mul(i, linePitch)), fixed * linePitch + j * dw * channels + at);
        Value v;
        if (clears && last && j == pieces - 1 && piece - at < size) {
          Value mask = vector::CreateMaskOp::create(b, k.loc, VectorType::get(size, b.getI1Type()),
                                                    k.c(piece - at));
          v = vector::MaskedLoadOp::create(b, k.loc, type, lines, ValueRange{k.c(0), source}, mask,
                                           k.zero(type));
        } else {
          v = vector::LoadOp::create(b, k.loc, type, lines, ValueRange{k.c(0), source});
        }
        Value to = k.add(k.mul(i, kw * channels), (fixed * pieces + j) * piece + at);
        vector::StoreOp::create(b, k.loc, v, rows, ValueRange{row, to});
        at += size;
      }
  };
  if (kh * pieces <= 16)
    for (int64_t i = 0; i < kh; ++i)
      line(k.c(0), i, i == kh - 1);
  else
    k.loop(k.c(0), k.c(kh), 1, [&](Value i) { line(i, 0, /*last=*/true); });
}

void WindowRows::copy(Value rows, Value first, Value count) {
  Value outHeight = k.size(k.op.getInit(), 1), zero = k.c(0), wide = k.c(outWidth);
  Value last = k.add(first, count);
  k.loop(k.div(first, wide), k.ceilDiv(last, outWidth), 1, [&](Value number) {
    copyLines(k.div(number, outHeight), k.rem(number, outHeight));
    Value begin = k.mul(number, outWidth);
    Value from = arith::MaxSIOp::create(b, k.loc, k.sub(first, begin), zero);
    Value offset = k.sub(begin, first);
    k.loop(from, k.min(k.sub(last, begin), wide), 1,
           [&](Value x) { copyWindow(rows, k.add(offset, x), x); });
  });
}
