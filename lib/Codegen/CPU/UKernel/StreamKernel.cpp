//===- StreamKernel.cpp - One row times weights ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for groups of panels:                                    (one item of the range)
//     sums = start; for k: sums += row * each panel of the group
//     epilogue(sums), store
//
// The weights are read once: what counts is how fast memory gives them. A core gets about half as
// much again from several places at once as from one.

#include "KernelCode.h"
#include "LeftRows.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// Weights beyond this are not in the second-level cache, and fetched this far ahead.
static constexpr int64_t kNearBytes = 1 << 20, kAhead = 2048;
// Products of floats that add up in one register, as in products of matrices.
static constexpr int64_t kFloatBlock = 128;

namespace {
class StreamKernel {
public:
  explicit StreamKernel(KernelCode &code)
      : k(code), b(code.b), isa(code.schedule.getIsa()), sizes(getSizes(code.op)),
        sumType(getSumType(code.op)) {
    floats = mlir::isa<FloatType>(sumType);
    pairs = isa == ISA::AMXBF16 || isa == ISA::AVX512BF16;
    wide = isa >= ISA::AVX512;
    lanes = wide ? 16 : isa == ISA::Portable ? 4 : 8;
    columns = code.schedule.getColumns();
    depth = code.schedule.getDepth();
    padded = llvm::alignTo(sizes.k, code.schedule.getAlign());
    panels = llvm::divideCeil(sizes.n, columns);
    flipped = !floats && !code.op.getLhsUnsigned();
    balanced = flipped && !code.op.getStart();
    int64_t most = (wide ? 16 : 8) / (balanced ? 2 : 1);
    group = std::max<int64_t>(std::min(most / (columns / lanes), panels), 1);
    while (panels % group)
      --group;
  }

  Value countItems() { return k.c(panels / group); }

  void build(Value begin, Value end) {
    Type stored = pairs ? Type(b.getBF16Type()) : floats ? sumType : Type(b.getI8Type());
    Value bytes = k.allocate(padded * stored.getIntOrFloatBitWidth() / 8 + 64), zero = k.c(0);
    k.flatten();
    LeftRows left(k, stored, flipped, /*widened=*/false, wide ? 64 : 32);
    auto view = [&](Value memory, ArrayRef<int64_t> shape, Type element) -> Value {
      return memref::ViewOp::create(b, k.loc, MemRefType::get(shape, element), memory, zero,
                                    ValueRange());
    };
    row = view(bytes, {1, padded / depth}, depth == 1 ? sumType : Type(b.getI32Type()));
    sums = view(k.allocate(group * columns * 4), {group, columns}, sumType);
    // The last vector of a row of bf16 is copied with zeros behind the row, as the weights have.
    left.copy(view(bytes, {1, padded}, stored), zero, zero);
    k.loop(begin, end, 1, [&](Value item) {
      Value p = k.mul(item, group);
      add(p);
      k.loop(zero, k.c(group), 1,
             [&](Value s) { k.finishPanel(k.add(p, s), lanes, sums, s, zero); });
    });
    k.release();
  }

private:
  // The sums of a group of panels to `sums`.
  void add(Value p) {
    int64_t count = columns / lanes, steps = padded / depth;
    auto vector = VectorType::get(lanes, sumType);
    SmallVector<Value> zeros(group * count * (balanced ? 2 : 1), k.zero(vector)), accs = zeros;
    if (Value start = k.op.getStart())
      for (int64_t i = 0; i < group * count; ++i)
        accs[i] = vector::LoadOp::create(b, k.loc, vector, start,
                                         ValueRange{k.add(p, i / count), k.c(i % count * lanes)});
    auto store = [&](ArrayRef<Value> values, bool onto) {
      for (auto [i, v] : llvm::enumerate(values)) {
        SmallVector<Value> at{k.c(i / count), k.c(i % count * lanes)};
        Value sum = v;
        if (onto)
          sum = arith::AddFOp::create(b, k.loc, vector::LoadOp::create(b, k.loc, vector, sums, at),
                                      sum);
        vector::StoreOp::create(b, k.loc, sum, sums, at);
      }
    };
    if (!floats || steps <= kFloatBlock) {
      accs = multiply(p, k.c(0), k.c(steps), accs);
      for (int64_t i = 0; balanced && i < group * count; ++i)
        accs[i] = k.sub(accs[i], accs[group * count + i]);
      return store(ArrayRef(accs).take_front(group * count), false);
    }
    store(zeros, false);
    k.loop(k.c(0), k.c(steps), kFloatBlock, [&](Value i) {
      Value to = k.min(k.add(i, kFloatBlock), k.c(steps));
      store(multiply(p, i, to, zeros), true);
    });
  }

  SmallVector<Value> multiply(Value p, Value from, Value to, ArrayRef<Value> accs) {
    int64_t count = columns / lanes, elements = lanes * depth;
    auto byteVector = VectorType::get(elements, b.getI8Type());
    auto rhs = cast<MemRefType>(k.op.getRhs().getType());
    int64_t bytes = rhs.getElementType().getIntOrFloatBitWidth() / 8;
    bool fetched = k.fetchesStreams && rhs.getNumElements() * bytes > kNearBytes;
    Value flat = k.collapse(k.op.getRhs());
    return k.loop(from, to, 1, accs, [&](Value i, ValueRange in) {
      SmallVector<Value> out, balance;
      auto dot = [&](Value acc, Value left, Value right) {
        if (pairs)
          return k.intrinsic("llvm.x86.avx512bf16.dpbf16ps.512", acc.getType(), {acc, left, right});
        return k.intrinsic(wide ? "llvm.x86.avx512.vpdpbusd.512" : "llvm.x86.avx512.vpdpbusd.256",
                           acc.getType(), {acc, left, right});
      };
      Value x = memref::LoadOp::create(b, k.loc, row, ValueRange{k.c(0), i});
      x = vector::BroadcastOp::create(b, k.loc, VectorType::get(lanes, x.getType()), x);
      if (depth > 1)
        x = vector::BitCastOp::create(b, k.loc, VectorType::get(elements, rhs.getElementType()), x);
      for (int64_t s = 0; s < group; ++s) {
        Value panel = k.add(p, s);
        if (fetched) {
          // Lines that a step reads, further on; past the last panel nothing is there to fetch.
          int64_t line = columns * depth;
          Value at =
              k.add(k.add(k.mul(panel, line * (padded / depth)), k.mul(i, line)), kAhead / bytes);
          for (int64_t l = 0; l < line * bytes; l += 64)
            memref::PrefetchOp::create(b, k.loc, flat, ValueRange{k.add(at, l / bytes)},
                                       /*isWrite=*/false, /*localityHint=*/3,
                                       /*isDataCache=*/true);
        }
        for (int64_t v = 0; v < count; ++v) {
          Value w =
              vector::LoadOp::create(b, k.loc, VectorType::get(elements, rhs.getElementType()),
                                     k.op.getRhs(), ValueRange{panel, i, k.c(v * elements)});
          if (floats && depth == 1 && !rhs.getElementType().isF32())
            w = arith::ExtFOp::create(b, k.loc, x.getType(), w);
          Value acc = in[s * count + v];
          out.push_back(depth == 1 ? k.multiplyAdd(x, w, acc) : dot(acc, x, w));
          if (balanced)
            balance.push_back(dot(in[(group + s) * count + v], k.splat(128, byteVector), w));
        }
      }
      llvm::append_range(out, balance);
      return out;
    });
  }

  KernelCode &k;
  OpBuilder &b;
  ISA isa;
  KernelSizes sizes;
  Type sumType;
  // `balanced`: nothing packed makes up for the 128 that is added to signed rows; the sums of the
  // weights are taken on the way, which costs no time while memory is waited for.
  // `pairs`: of bf16, two products of a lane at a time.
  bool floats, pairs, wide, flipped, balanced;
  int64_t lanes, columns, depth, padded, panels, group = 1;
  Value row, sums;
};
} // namespace

bool terse::isStreamKernel(KernelOpInterface op) {
  auto init = cast<ShapedType>(op.getInit().getType());
  for (int64_t d : init.getShape().drop_back())
    if (d != 1)
      return false;
  if (op.isDepthwise() || op.getWindowOrNull())
    return false;
  Type weight = cast<ShapedType>(op.getRhs().getType()).getElementType();
  ISA isa = op.getScheduleAttr().getIsa();
  return weight.isF32() || weight.isBF16() ||
         (getSumType(op).isInteger(32) && (isa == ISA::AVXVNNI || isa == ISA::AVX512VNNI));
}

bool terse::mayBeOneRow(KernelOpInterface op) {
  auto init = cast<ShapedType>(op.getInit().getType());
  if (init.hasStaticShape() || op.isDepthwise() || op.getWindowOrNull() || isBlockProduct(op))
    return false;
  for (int64_t d : init.getShape().drop_back())
    if (!ShapedType::isDynamic(d) && d != 1)
      return false;
  Type weight = cast<ShapedType>(op.getRhs().getType()).getElementType();
  ISA isa = op.getScheduleAttr().getIsa();
  return weight.isF32() || weight.isBF16() || op.getDecodingAttr() ||
         (getSumType(op).isInteger(32) && !op.getRhsUnsigned() &&
          (isa == ISA::AVXVNNI || isa == ISA::AVX512VNNI || isa == ISA::AMXInt8));
}

void terse::buildStreamKernel(KernelCode &code, Value begin, Value end) {
  StreamKernel(code).build(begin, end);
}
Value terse::countStreamItems(KernelCode &code) { return StreamKernel(code).countItems(); }
