//===- FewRowsKernel.cpp - Few rows times weights of few bits -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   copy the rows in the order of the packed weights; of an open number, fill up with zeros
//   for panels:                                              (a chunk is one item of the range)
//     sums = rows * panel, decoded in registers
//     epilogue(sums), store

#include "GroupRows.h"
#include "WeightDecoder.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// Columns of an item: few rows would leave threads without work.
static constexpr int64_t kChunkColumns = 256;
// More rows read decoded panels from memory.
static constexpr int64_t kMostRows = 4;

// How many rows there are; 0 if that is not known.
static int64_t getKnownRows(KernelOpInterface op) {
  auto type = cast<ShapedType>(op.getInit().getType());
  return type.hasStaticShape() ? type.getNumElements() / type.getShape().back() : 0;
}

namespace {
class FewRowsKernel {
public:
  /// Of an open number of rows: at most `most`.
  FewRowsKernel(KernelCode &code, int64_t most)
      : k(code), b(code.b), decoder(code), layout(decoder.getLayout()),
        columns(code.schedule.getColumns()) {
    int64_t known = getKnownRows(code.op);
    isOpen = !known && most > 1;
    height = known ? known : most;
    chunk = std::clamp<int64_t>(kChunkColumns / columns, 1, layout.panels);
  }

  Value countItems() { return k.c(llvm::divideCeil(layout.panels, chunk)); }

  void build(Value begin, Value end) {
    Value rows = makeMatrix(layout.getDepth()), sums = makeMatrix(columns), zero = k.c(0);
    GroupRows left(k, layout, b.getF32Type());
    left.allocate();
    k.flatten();
    Value count = isOpen ? k.countRows() : k.c(height);
    k.loop(zero, count, 1, [&](Value r) { left.copy(rows, r, r); });
    // Rows that are not there are multiplied, too; what memory held might be slow numbers.
    if (isOpen)
      k.loop(count, k.c(height), 1, [&](Value r) {
        k.loop(zero, k.c(layout.getDepth()), layout.lanes, [&](Value i) {
          auto floats = VectorType::get(layout.lanes, b.getF32Type());
          vector::StoreOp::create(b, k.loc, k.zero(floats), rows, ValueRange{r, i});
        });
      });
    Value to = k.min(k.mul(end, chunk), k.c(layout.panels));
    k.loop(k.mul(begin, chunk), to, 1, [&](Value p) {
      decoder.multiply(p, rows, zero, height, sums);
      k.loop(zero, count, 1, [&](Value r) { k.finishPanel(p, layout.lanes, sums, r, r); });
    });
    k.release();
  }

private:
  Value makeMatrix(int64_t width) {
    // A vector may be written past the end.
    Value bytes = k.allocate(height * width * 4 + 64);
    return memref::ViewOp::create(b, k.loc, MemRefType::get({height, width}, b.getF32Type()), bytes,
                                  k.c(0), ValueRange());
  }

  KernelCode &k;
  OpBuilder &b;
  WeightDecoder decoder;
  const WeightLayout &layout;
  int64_t columns, height, chunk;
  bool isOpen;
};
} // namespace

int64_t terse::getMostFewRows(KernelOpInterface op) {
  return std::min<int64_t>(kMostRows, op.getScheduleAttr().getRows());
}

bool terse::isFewRowsKernel(KernelOpInterface op) {
  int64_t rows = getKnownRows(op);
  return op.getDecodingAttr() && rows > 0 && rows <= getMostFewRows(op);
}

void terse::buildOneRowKernel(KernelCode &code, Value begin, Value end) {
  FewRowsKernel(code, 1).build(begin, end);
}
Value terse::countOneRowItems(KernelCode &code) { return FewRowsKernel(code, 1).countItems(); }
void terse::buildFewRowsKernel(KernelCode &code, Value begin, Value end) {
  FewRowsKernel(code, getMostFewRows(code.op)).build(begin, end);
}
Value terse::countFewRowsItems(KernelCode &code) {
  return FewRowsKernel(code, getMostFewRows(code.op)).countItems();
}
