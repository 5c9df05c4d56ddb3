//===- Chain.cpp - Kernels that work strip by strip -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for strips:                                              (one item of the range)
//     what the last kernel computes: some of its blocks
//     for kernels before it, the last first: which blocks the one behind it still needs
//     for kernels, the first one first:
//       if there is no room behind the rows of its result that exist: move those that are still
//         needed to the front of their buffer
//       compute the blocks
//
// So a range computes each row once, and those above its first strip that windows see: nothing is
// shared with other ranges. A kernel is told that its operand or result is a whole tensor, which
// begins so far in front of the buffer that the rows in question lie in it; other rows are not
// touched, because items of kernels depend on nothing but the rows that they see.

#include "Chain.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

namespace {
class Chain {
public:
  Chain(VectorCode &code, ArrayRef<ChainStage> stages, int64_t rows)
      : k(code), stages(stages), strip(getStripBlocks(stages.back(), rows)) {
    planBuffers();
  }

  static int64_t getStripBlocks(const ChainStage &last, int64_t rows) {
    return std::max<int64_t>(1, (rows + last.blocks.rows / 2) / last.blocks.rows);
  }

  Value countStrips() { return k.ceilDiv(countBlocks(stages.size() - 1), strip); }

  // Of a slot.
  int64_t getBytes() const { return bytes; }

  void build(Value scratch, int64_t slots, Value begin, Value end) {
    Value slot = takeSlot(scratch, slots);
    Value isFree = k.less(slot, k.c(0));
    memory = k.choose(
        isFree,
        [&]() -> SmallVector<Value> {
          auto type = MemRefType::get({ShapedType::kDynamic}, k.b.getI8Type());
          return {memref::AllocOp::create(k.b, k.loc, type, k.c(bytes), k.b.getI64IntegerAttr(64))};
        },
        [&]() -> SmallVector<Value> {
          auto type = MemRefType::get({ShapedType::kDynamic}, k.b.getI8Type());
          Value first = k.add(k.mul(slot, bytes), getWordBytes(slots));
          return {memref::ViewOp::create(k.b, k.loc, type, scratch, first, k.c(bytes))};
        })[0];
    buildStrips(begin, end);
    k.branch(
        isFree, [&] { memref::DeallocOp::create(k.b, k.loc, memory); },
        [&] {
          Value zero = arith::ConstantIntOp::create(k.b, k.loc, 0, 64);
          exchange(showWords(scratch, slots), slot, zero);
        });
  }

  static int64_t getWordBytes(int64_t slots) { return llvm::alignTo(slots * 8, kVector); }

private:
  void buildStrips(Value begin, Value end) {
    size_t last = stages.size() - 1;
    // The first blocks of the range.
    SmallVector<Value> next(stages.size()), carried;
    next[last] = k.mul(begin, strip);
    for (size_t s = last; s > 0; --s)
      next[s - 1] = findBlock(s - 1, findFirst(s, findRow(s, next[s])));
    for (size_t s = 0; s < last; ++s)
      carried.append({next[s], findRow(s, next[s])});
    Value total = countBlocks(last);
    k.loop(begin, end, 1, carried, [&](Value item, ValueRange in) {
      SmallVector<Value> from(stages.size()), to(stages.size()), origins(last), keep(last), out;
      from[last] = k.mul(item, strip);
      to[last] = k.min(k.add(from[last], strip), total);
      for (size_t s = last; s > 0; --s) {
        from[s - 1] = in[2 * (s - 1)];
        keep[s - 1] = findFirst(s, findRow(s, from[s]));
        Value needed = findBlockEnd(s - 1, findEnd(s, findRow(s, to[s])));
        to[s - 1] = arith::MaxSIOp::create(k.b, k.loc, from[s - 1], needed);
      }
      for (size_t s = 0; s < last; ++s) {
        origins[s] = makeRoom(s, in[2 * s + 1], keep[s], findRow(s, from[s]), findRow(s, to[s]));
        out.append({to[s], origins[s]});
      }
      for (size_t s = 0; s <= last; ++s)
        k.branch(k.less(from[s], to[s]), [&] { call(s, from[s], to[s], origins); });
      return out;
    });
  }

  //===--- slots ---===//

  Value showWords(Value scratch, int64_t slots) {
    return memref::ViewOp::create(k.b, k.loc, MemRefType::get({slots}, k.b.getI64Type()), scratch,
                                  k.c(0), ValueRange());
  }

  Value exchange(Value words, Value slot, Value value) {
    return memref::AtomicRMWOp::create(k.b, k.loc, value.getType(), arith::AtomicRMWKind::assign,
                                       value, words, slot);
  }

  // The first slot that no other range uses, negative where there is none: one thread always has
  // the same memory.
  Value takeSlot(Value scratch, int64_t slots) {
    Value words = showWords(scratch, slots), one = arith::ConstantIntOp::create(k.b, k.loc, 1, 64);
    return k.loop(k.c(0), k.c(slots), 1, {k.c(-1)}, [&](Value i, ValueRange in) {
      return k.choose(
          k.less(in[0], k.c(0)),
          [&]() -> SmallVector<Value> {
            Value isTaken = k.compare(arith::CmpIPredicate::eq, exchange(words, i, one), one);
            return {arith::SelectOp::create(k.b, k.loc, isTaken, in[0], i)};
          },
          [&]() -> SmallVector<Value> { return {in[0]}; });
    })[0];
  }

  KernelOpInterface getOp(size_t s) const { return stages[s].op; }
  // What the caller gets: as many samples as everything in between.
  Value countSamples() {
    return k.size(stages.back().operands[getInitNumber(stages.back().op)], 0);
  }

  //===--- rows and blocks ---===//

  ArrayRef<int64_t> getShape(Value v) const { return cast<MemRefType>(v.getType()).getShape(); }
  ArrayRef<int64_t> getResultShape(size_t s) const { return getShape(getOp(s).getInit()); }
  int64_t getImage(size_t s) const { return getResultShape(s)[1] * getResultShape(s)[2]; }
  Value countRows(size_t s) { return k.mul(countSamples(), getImage(s)); }
  int64_t getBlocksPerImage(size_t s) const {
    return llvm::divideCeil(stages[s].blocks.image, stages[s].blocks.rows);
  }

  Value countBlocks(size_t s) { return findBlockEnd(s, countRows(s)); }

  // The row at which block `i` of stage `s` begins and the one before ends.
  Value findRow(size_t s, Value i) {
    const KernelBlocks &blocks = stages[s].blocks;
    if (!blocks.image)
      return k.min(k.mul(i, blocks.rows), countRows(s));
    Value perImage = k.c(getBlocksPerImage(s));
    return k.add(k.mul(k.div(i, perImage), blocks.image), k.mul(k.rem(i, perImage), blocks.rows));
  }

  // The block that holds row `row`; the first one behind the rows below `row`.
  Value findBlock(size_t s, Value row) { return findBlock(s, row, 0); }
  Value findBlockEnd(size_t s, Value row) { return findBlock(s, row, stages[s].blocks.rows - 1); }
  Value findBlock(size_t s, Value row, int64_t more) {
    const KernelBlocks &blocks = stages[s].blocks;
    auto cut = [&](Value v) { return k.div(k.add(v, more), k.c(blocks.rows)); };
    if (!blocks.image)
      return cut(row);
    Value image = k.c(blocks.image);
    return k.add(k.mul(k.div(row, image), getBlocksPerImage(s)), cut(k.rem(row, image)));
  }

  // The first row of the left operand of stage `s` that its row `row` sees.
  Value findFirst(size_t s, Value row) {
    WindowAttr window = getOp(s).getWindowOrNull();
    return window ? findLine(s, row, -window.getPads()[0]) : row;
  }

  // The row behind the last one that the rows below `row` see.
  Value findEnd(size_t s, Value row) {
    WindowAttr window = getOp(s).getWindowOrNull();
    if (!window)
      return row;
    int64_t reach = (window.getKernel()[0] - 1) * window.getDilations()[0] + 1;
    Value last = k.sub(arith::MaxSIOp::create(k.b, k.loc, row, k.c(1)), k.c(1));
    return findLine(s, last, reach - window.getPads()[0]);
  }

  // The first row of line y * stride + `offset` of the image, or of the nearest line, or behind it.
  Value findLine(size_t s, Value row, int64_t offset) {
    ArrayRef<int64_t> in = getResultShape(s - 1), shape = getResultShape(s);
    Value lines = k.c(shape[1]), line = k.div(row, k.c(shape[2]));
    Value y = k.mul(k.rem(line, lines), getOp(s).getWindowOrNull().getStrides()[0]);
    y = arith::MaxSIOp::create(k.b, k.loc, k.add(y, k.c(offset)), k.c(0));
    y = k.min(y, k.c(in[1]));
    return k.mul(k.add(k.mul(k.div(line, lines), in[1]), y), in[2]);
  }

  //===--- buffers ---===//

  static int64_t getInitNumber(KernelOpInterface op) {
    return cast<DestinationStyleOpInterface>(op.getOperation())
        .getDpsInitOperand(0)
        ->getOperandNumber();
  }

  int64_t getRowBytes(size_t s) const {
    auto type = cast<MemRefType>(getOp(s).getInit().getType());
    return type.getShape().back() * type.getElementTypeBitWidth() / 8;
  }

  // Rows that a strip usually needs of a result stay together; there is room for the most that it
  // may need.
  void planBuffers() {
    size_t last = stages.size() - 1;
    usual.resize(last);
    offsets.resize(last);
    int64_t most = strip * stages[last].blocks.rows, rows = most;
    for (size_t s = last; s > 0; --s) {
      const KernelBlocks &before = stages[s - 1].blocks;
      if (WindowAttr window = getOp(s).getWindowOrNull()) {
        ArrayRef<int64_t> in = getResultShape(s - 1), out = getResultShape(s);
        int64_t stride = window.getStrides()[0],
                reach = (window.getKernel()[0] - 1) * window.getDilations()[0] + 1;
        usual[s - 1] = (int64_t(llvm::divideCeil(rows, out[2])) * stride + reach) * in[2];
        rows = llvm::divideCeil(rows, out[2]) * stride * in[2];
        // Lines that begin or end outside, and images with lines that no window sees.
        int64_t lines = (most - 1) / out[2] + 2, images = lines / out[1] + 2;
        int64_t unseen = std::max<int64_t>(in[1] - out[1] * stride, 0);
        most = ((lines + 1) * stride + images * (reach + unseen)) * in[2];
      } else {
        usual[s - 1] = rows;
      }
      usual[s - 1] += before.rows;
      most += 2 * before.rows;
      // Whole vectors are moved.
      offsets[s - 1] = bytes;
      bytes += llvm::alignTo(most * getRowBytes(s - 1) + kVector, kVector);
    }
  }

  // Where row 0 would lie so that the buffer begins with row `origin`.
  Value show(size_t s, Value origin) {
    auto type = cast<MemRefType>(getOp(s).getInit().getType());
    Value shift = k.sub(k.c(offsets[s]), k.mul(origin, getRowBytes(s)));
    SmallVector<Value> sizes;
    if (type.isDynamicDim(0))
      sizes.push_back(countSamples());
    return memref::ViewOp::create(k.b, k.loc, type, memory, shift, sizes);
  }

  // Moves the rows [keep, end) to the front if those up to `newEnd` go too far behind `origin`; the
  // row that stands in front.
  Value makeRoom(size_t s, Value origin, Value keep, Value end, Value newEnd) {
    keep = k.min(keep, end);
    Value isFull = k.less(k.c(usual[s]), k.sub(newEnd, origin));
    return k.choose(
        isFull,
        [&]() -> SmallVector<Value> {
          int64_t row = getRowBytes(s);
          auto type = VectorType::get(kVector, k.b.getI8Type());
          Value from = k.add(k.mul(k.sub(keep, origin), row), offsets[s]);
          k.loop(k.c(0), k.mul(k.sub(end, keep), row), kVector, [&](Value i) {
            Value v = vector::LoadOp::create(k.b, k.loc, type, memory, ValueRange{k.add(from, i)});
            vector::StoreOp::create(k.b, k.loc, v, memory, ValueRange{k.add(i, offsets[s])});
          });
          return {keep};
        },
        [&]() -> SmallVector<Value> { return {origin}; })[0];
  }

  // Blocks [from, to) of stage `s`.
  void call(size_t s, Value from, Value to, ArrayRef<Value> origins) {
    const ChainStage &stage = stages[s];
    SmallVector<Value> operands(stage.operands);
    KernelOpInterface op = stage.op;
    for (auto [i, v] : llvm::enumerate(operands))
      if (!v)
        v = op->getOperand(i) == op.getInit() ? show(s, origins[s]) : show(s - 1, origins[s - 1]);
    operands.append({k.mul(from, stage.blocks.items), k.mul(to, stage.blocks.items)});
    func::CallOp::create(k.b, k.loc, stage.function, operands);
  }

  static constexpr int64_t kVector = 64;

  VectorCode &k;
  ArrayRef<ChainStage> stages;
  // Blocks of the last result that make up a strip.
  int64_t strip;
  // For each result in between: rows that stay together, and where its buffer begins.
  SmallVector<int64_t> usual, offsets;
  int64_t bytes = 0;
  Value memory;
};
} // namespace

int64_t terse::getScratchBytes(ArrayRef<ChainStage> stages, int64_t rows, int64_t slots) {
  KernelOpInterface last = stages.back().op;
  OpBuilder b(last.getContext());
  VectorCode code(b, last.getLoc(), /*hasFMA=*/true);
  return Chain::getWordBytes(slots) + slots * Chain(code, stages, rows).getBytes();
}

void terse::clearSlots(VectorCode &code, Value scratch, int64_t slots) {
  auto type = VectorType::get(slots * 8, code.b.getI8Type());
  vector::StoreOp::create(code.b, code.loc, code.zero(type), scratch, code.c(0));
}

void terse::buildChain(VectorCode &code, ArrayRef<ChainStage> stages, int64_t rows, Value scratch,
                       int64_t slots, Value begin, Value end) {
  Chain(code, stages, rows).build(scratch, slots, begin, end);
}

Value terse::countStrips(VectorCode &code, const ChainStage &last, int64_t rows) {
  return Chain(code, last, rows).countStrips();
}
