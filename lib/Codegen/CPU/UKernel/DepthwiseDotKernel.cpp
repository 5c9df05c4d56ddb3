//===- DepthwiseDotKernel.cpp - A window for each channel, by dot products -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// vpdpbusd adds up four products per lane. A lane is a channel, so its four bytes are four columns
// of the input, side by side (of 64 channels, or 32 in vectors of 256 bits):
//
//   for bands of rows, blocks of channels:                            (one item of the range)
//     for rows, columns of the result, some at a time:
//       at an edge of the input: padding in place of what is outside
//       for rows of the input: x = columns of 64 channels, interleaved to four vectors
//         for rows of the result that see them: sums += dot(x, weights of the row)
//       epilogue(sums), store
//
// Where sizes along a line are known, columns in the padding are constants, and lines in it are
// read from a line of padding. Else, and where the epilogue is long (not packed to bytes), what a
// step at an edge sees is copied, with the padding: code of its own for each edge takes long to
// compile.
//
// Interleaving leaves the four vectors with channels 0-3, 16-19, 32-35 and 48-51, then 4-7 and so
// on. Packing results to bytes brings them into order again; weights and scales are read in that
// order before the loops. Blocks of 32 or 16 channels fill vectors with two or four columns.
//
// Where a window has at most three columns and they step by one, the same four columns serve two
// results: with weights (w0, w1, w2, 0) and (0, w0, w1, w2).
//
// Without vpdpbusd, even and odd bytes become words, of which vpmaddwd adds up two products.

#include "ByteLanes.h"
#include "ByteResults.h"
#include "terse/Dialect/UKernel/IR/WeightLayout.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// Rows of the result per item, at most.
static constexpr int64_t kBand = 16;
// Products that are written out: the code of a few steps stays in the first-level cache.
static constexpr int64_t kProducts = 168;
// Columns of which it shows at run time whether they exist.
static constexpr int64_t kSome = INT64_MAX;

namespace {
class DepthwiseDotKernel {
public:
  explicit DepthwiseDotKernel(KernelCode &code)
      : k(code), b(code.b), window(code.op.getWindowOrNull()), channels(getSizes(code.op).n),
        kh(window.getKernel()[0]), kw(window.getKernel()[1]), sh(window.getStrides()[0]),
        sw(window.getStrides()[1]), dh(window.getDilations()[0]), dw(window.getDilations()[1]),
        groups(llvm::divideCeil(kw, 4)), results(kw <= 3 && sw == 1 && dw == 1 ? 2 : 1),
        taps(results == 2 ? 4 : kw), width(4 * getLanes(code.schedule.getIsa())),
        sums(VectorType::get(width / 4, b.getI32Type())),
        bytes(VectorType::get(width, b.getI8Type())), packed(code) {
    auto init = cast<MemRefType>(k.op.getInit().getType());
    int64_t outHeight = init.getDimSize(1);
    blocks = llvm::divideCeil(channels, width);
    // Rows that share rows of the input: many where windows and epilogues are short.
    together = results == 2 ? 2 : 4;
    int64_t most = k.schedule.getBlock() > 1 ? std::min(k.schedule.getBlock(), kBand) : kBand;
    band = most;
    if (!ShapedType::isDynamic(outHeight)) {
      int64_t height = std::max<int64_t>(outHeight, 1);
      if (packed.matchesChannels())
        together = std::max(kProducts / ((hasDots ? 4 : 8) * groups * kh * results), together);
      // No rows left if that is possible.
      while (together > 1 && height % together)
        --together;
      if (together == 1)
        together = std::min<int64_t>(height, results == 2 ? 2 : 3);
      band = llvm::divideCeil(height, llvm::divideCeil(height, most));
    }
    band = std::max(band / together, int64_t(1)) * together;
  }

  Value countItems() {
    Value items = k.mul(k.size(k.op.getInit(), 0), k.ceilDiv(k.size(k.op.getInit(), 1), band));
    return k.mul(items, blocks);
  }
  KernelBlocks getBlocks() const {
    ArrayRef<int64_t> shape = cast<MemRefType>(k.op.getInit().getType()).getShape();
    return {band * shape[2], shape[1] * shape[2], blocks};
  }

  void build(Value begin, Value end) {
    Value outHeight = k.size(k.op.getInit(), 1), bands = k.ceilDiv(outHeight, band);
    outWidth = k.size(k.op.getInit(), 2);
    int64_t lines = (together - 1) * sh + (kh - 1) * dh + 1, bytes = 0;
    for (int64_t lanes : {width / 4, width / 2, width})
      bytes = std::max(bytes, lines * countPixels(lanes) * lanes);
    auto lhs = cast<MemRefType>(k.op.getLhs().getType()),
         init = cast<MemRefType>(k.op.getInit().getType());
    if (lhs.getLayout().isIdentity())
      whole = memref::CollapseShapeOp::create(b, k.loc, k.op.getLhs(),
                                              SmallVector<ReassociationIndices>{{0, 1, 2, 3}});
    isKnown = whole && !lhs.isDynamicDim(2) && !init.isDynamicDim(2) && packed.matchesChannels();
    if (isKnown)
      preparePadding();
    if (int64_t left = channels % width; !isKnown || !isWhole(left))
      patch = memref::ViewOp::create(b, k.loc, MemRefType::get({bytes}, b.getI8Type()),
                                     k.allocate(bytes), k.c(0), ValueRange());
    k.loop(begin, end, 1, [&](Value item) {
      Value block = k.rem(item, k.c(blocks)), rest = k.div(item, k.c(blocks));
      y0 = k.mul(k.rem(rest, bands), band);
      batch = k.div(rest, bands);
      height = k.min(k.c(band), k.sub(outHeight, y0));
      int64_t left = channels % width;
      auto all = [&] { computeBlock(k.mul(block, width), width); };
      auto last = [&] {
        // Parts of vectors are stored by AVX-512 alone.
        int64_t first = width == 32 && left == 24 ? 16 : left;
        computeBlock(k.c(channels - left), first);
        if (first < left)
          computeBlock(k.c(channels - left + first), left - first);
      };
      if (left == 0)
        all();
      else if (blocks == 1)
        last();
      else
        k.branch(k.less(block, k.c(blocks - 1)), all, last);
    });
    k.release();
  }

private:
  // Whether blocks of so many channels fill vectors with one, two or four columns.
  bool isWhole(int64_t count) const {
    return count == 0 || width == 32 || count == width / 4 || count == width / 2;
  }

  //===--- the input ---===//

  // `v` with bytes as the instruction wants them, unsigned.
  Value flip(Value v) {
    if (k.op.getLhsUnsigned())
      return v;
    return arith::XOrIOp::create(b, k.loc, v, k.splat(-128, cast<VectorType>(v.getType())));
  }

  // The bytes of the block's channels at a column of a tensor; `count` of them exist.
  Value loadChannels(Value memory, ValueRange at) {
    auto type = VectorType::get(lanes, b.getI8Type());
    if (count == lanes)
      return vector::LoadOp::create(b, k.loc, type, memory, at);
    Value mask =
        vector::CreateMaskOp::create(b, k.loc, VectorType::get(lanes, b.getI1Type()), k.c(count));
    return vector::MaskedLoadOp::create(b, k.loc, type, memory, at, mask, k.zero(type));
  }

  // Columns of the result per step, and of the input that they see.
  int64_t countColumns(int64_t lanes) const { return width / lanes * results; }
  int64_t countPixels(int64_t lanes) const {
    return (countColumns(lanes) - 1) * sw + (taps - 1) * dw + 1;
  }

  Value isInside(Value v, Value limit) { return k.compare(arith::CmpIPredicate::ult, v, limit); }

  // Copies `lines` rows of the input from `y` on and the columns of a step from `x` on.
  void copyPatch(Value y, Value x, int64_t lines) {
    Value inHeight = k.size(k.op.getLhs(), 1), inWidth = k.size(k.op.getLhs(), 2);
    Value padding = k.splat(int8_t(window.getPadValue()), VectorType::get(lanes, b.getI8Type()));
    int64_t pixels = countPixels(lanes);
    k.loop(k.c(0), k.c(lines), 1, [&](Value line) {
      Value row = k.add(y, line), isRow = isInside(row, inHeight);
      k.loop(k.c(0), k.c(pixels), 1, [&](Value pixel) {
        Value column = k.add(x, pixel);
        Value to = k.mul(k.add(k.mul(line, pixels), pixel), lanes);
        auto store = [&](Value v) { vector::StoreOp::create(b, k.loc, v, patch, ValueRange{to}); };
        k.branch(
            arith::AndIOp::create(b, k.loc, isRow, isInside(column, inWidth)),
            [&] {
              store(loadChannels(k.op.getLhs(), {batch, row, column, n0}));
            },
            [&] { store(padding); });
      });
    });
  }

  //===--- interleaved vectors ---===//

  // `parts` one after the other in a vector.
  Value concatenate(ArrayRef<Value> parts) {
    if (parts.size() == 1)
      return parts[0];
    Value all = k.zero(bytes);
    for (auto [i, part] : llvm::enumerate(parts))
      all = vector::InsertStridedSliceOp::create(
          b, k.loc, part, all, ArrayRef<int64_t>{int64_t(i) * lanes}, ArrayRef<int64_t>{1});
    return all;
  }

  // An interleaved vector as dot products take it: as it is, or as words of its even and odd bytes.
  using Operand = SmallVector<Value, 2>;
  Operand prepare(Value v, bool isSigned) {
    if (hasDots)
      return {v};
    auto words = VectorType::get(width / 2, b.getI16Type());
    v = vector::BitCastOp::create(b, k.loc, words, v);
    Value eight = k.splat(8, words);
    if (!isSigned)
      return {arith::AndIOp::create(b, k.loc, v, k.splat(255, words)),
              arith::ShRUIOp::create(b, k.loc, v, eight)};
    Value even = arith::ShLIOp::create(b, k.loc, v, eight);
    return {arith::ShRSIOp::create(b, k.loc, even, eight),
            arith::ShRSIOp::create(b, k.loc, v, eight)};
  }

  Value dot(Value acc, const Operand &x, const Operand &w) {
    bool wide = width == 64;
    if (hasDots)
      return k.intrinsic(wide ? "llvm.x86.avx512.vpdpbusd.512" : "llvm.x86.avx512.vpdpbusd.256",
                         sums, {acc, x[0], w[0]});
    for (int i = 0; i < 2; ++i)
      acc = k.add(acc, k.intrinsic(wide ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd",
                                   sums, {x[i], w[i]}));
    return acc;
  }

  // [row][result][group] of four operands each, and where their sums start.
  void loadWeights() {
    weights.clear();
    start.assign(4, k.zero(sums));
    for (int64_t i = 0; i < kh; ++i) {
      SmallVector<SmallVector<Value>> row;
      for (int64_t g = 0; g < groups; ++g) {
        SmallVector<Value> four(4, k.zero(bytes));
        for (int64_t j = 4 * g; j < std::min(kw, 4 * g + 4); ++j) {
          Value w = loadChannels(k.op.getRhs(), {k.c(i), k.c(j), n0});
          four[j - 4 * g] = concatenate(SmallVector<Value>(width / lanes, w));
        }
        row.push_back(interleaveBytes(k, four));
      }
      if (results == 2) {
        SmallVector<Value> later;
        for (Value w : row[0]) {
          Value words = vector::BitCastOp::create(b, k.loc, sums, w);
          words = arith::ShLIOp::create(b, k.loc, words, k.splat(8, sums));
          later.push_back(vector::BitCastOp::create(b, k.loc, bytes, words));
        }
        row.push_back(later);
      }
      for (const SmallVector<Value> &four : row) {
        weights.emplace_back();
        for (Value w : four)
          weights.back().push_back(prepare(w, /*isSigned=*/true));
      }
      // Signed bytes are read with 128 added, which the sums start without.
      Operand added = prepare(k.splat(-128, bytes), /*isSigned=*/false);
      for (int64_t g = 0; g < groups && !k.op.getLhsUnsigned(); ++g)
        for (int q = 0; q < 4; ++q)
          start[q] = dot(start[q], added, weights[i * std::max(groups, results) + g][q]);
    }
    for (Value &s : start)
      if (!k.op.getLhsUnsigned())
        s = arith::SubIOp::create(b, k.loc, k.zero(sums), s);
  }

  ArrayRef<Operand> weightsOf(int64_t row, int64_t result, int64_t group) {
    return weights[results == 2 ? row * 2 + result : row * groups + group];
  }

  //===--- results ---===//

  Value channelMask(int64_t from) {
    int64_t each = width / 4;
    if (count - from >= each)
      return nullptr;
    return vector::CreateMaskOp::create(b, k.loc, VectorType::get(each, b.getI1Type()),
                                        k.c(count - from));
  }

  // Constants of channels in the order of the sums.
  void loadExtras() {
    extras.assign(4, {});
    if (!packed.matchesChannels() || k.op.getExtras().empty())
      return;
    SmallVector<SmallVector<Value>> natural;
    SmallVector<Value> lead(3, k.c(0));
    int64_t each = width / 4;
    for (int64_t v = 0; v < 4; ++v) {
      int64_t from = v * each % lanes;
      if (v * each >= lanes)
        natural.push_back(natural[from / each]);
      else
        natural.push_back(from >= count
                              ? natural[0]
                              : k.readExtras(lead, k.add(n0, from), each, channelMask(from)));
    }
    for (unsigned e = 0; e < k.op.getExtras().size(); ++e) {
      SmallVector<Value> four;
      for (int v = 0; v < 4; ++v)
        four.push_back(natural[v][e]);
      if (four[0])
        four = interleaveLanes(k, four);
      for (int q = 0; q < 4; ++q)
        extras[q].push_back(four[q]);
    }
  }

  // Stores the results of four vectors of sums; the first column is `x`, of which and what follows
  // `exist` columns are there.
  void finish(Value y, Value x, ArrayRef<Value> four, int64_t exist) {
    if (exist <= 0)
      return;
    auto column = [&](int64_t c, llvm::function_ref<void(Value)> store) {
      Value at = k.add(x, c * results);
      if (exist == kSome)
        k.branch(k.less(at, outWidth), [&] { store(at); });
      else if (c * results < exist)
        store(at);
    };
    int64_t perVector = width / lanes;
    if (!packed.matchesChannels()) {
      SmallVector<Value> natural = orderInterleaved(k, four);
      int64_t each = width / 4;
      for (int64_t c = 0; c < perVector; ++c)
        column(c, [&](Value at) {
          for (int64_t n = 0; n < count; n += each)
            k.finish({batch, y, at}, k.add(n0, n), natural[(c * lanes + n) / each], channelMask(n));
        });
      return;
    }
    SmallVector<Value> integers;
    for (int q = 0; q < 4; ++q)
      integers.push_back(packed.round(four[q], extras[q]));
    Value all = packed.pack(integers, /*interleaved=*/true);
    for (int64_t c = 0; c < perVector; ++c) {
      Value part = all;
      if (perVector > 1)
        part =
            vector::ExtractStridedSliceOp::create(b, k.loc, all, ArrayRef<int64_t>{c * lanes},
                                                  ArrayRef<int64_t>{lanes}, ArrayRef<int64_t>{1});
      column(c, [&](Value at) {
        SmallVector<Value> to{batch, y, at, n0};
        if (count == lanes) {
          vector::StoreOp::create(b, k.loc, part, k.op.getInit(), to);
          return;
        }
        Value mask = vector::CreateMaskOp::create(b, k.loc, VectorType::get(lanes, b.getI1Type()),
                                                  k.c(count));
        vector::MaskedStoreOp::create(b, k.loc, k.op.getInit(), to, mask, part);
      });
    }
  }

  //===--- loops ---===//

  // Channels from `n` on, `exist` of them at most those of a vector.
  void computeBlock(Value n, int64_t exist) {
    n0 = n, count = exist;
    lanes = exist > width / 2 ? width : exist > width / 4 ? width / 2 : width / 4;
    loadWeights();
    loadExtras();
    int64_t outHeight = cast<MemRefType>(k.op.getInit().getType()).getDimSize(1);
    Value grouped = k.mul(k.div(height, k.c(together)), together);
    k.loop(k.c(0), grouped, together, [&](Value y) { computeRows(k.add(y0, y), together); });
    if (ShapedType::isDynamic(outHeight) || outHeight % together)
      k.loop(grouped, height, 1, [&](Value y) { computeRows(k.add(y0, y), 1); });
  }

  // Where the rows of the input lie that a step reads: row `i` begins at element `begin[i]` of
  // `memory[i]`, with the first column of the step; columns lie `spread` apart. Those that
  // `hasColumn` (may be null) denies are padding.
  struct Source {
    SmallVector<Value> memory, begin;
    int64_t spread;
    llvm::function_ref<bool(int64_t)> hasColumn;
  };

  // `rows` rows of the result from `y` on.
  void computeRows(Value y, int64_t rows) {
    Value inHeight = k.size(k.op.getLhs(), 1);
    int64_t lines = (rows - 1) * sh + (kh - 1) * dh + 1;
    Value inY = k.sub(k.mul(y, sh), k.c(window.getPads()[0]));
    // In place: vectors of the block's channels only.
    if (count == lanes && isKnown)
      return computeInPlace(y, inY, rows, lines);
    Value hasRows = arith::AndIOp::create(b, k.loc, isInside(inY, inHeight),
                                          isInside(k.add(inY, lines - 1), inHeight));
    int64_t stride = countColumns(lanes), pixels = countPixels(lanes);
    Value inWidth = k.size(k.op.getLhs(), 2), pitch = k.mul(inWidth, channels);
    Value image = k.add(k.mul(batch, inHeight), inY);
    auto source = [&](Value memory, Value first, Value pitch, int64_t spread) {
      Source from{SmallVector<Value>(lines, memory), {}, spread, nullptr};
      for (int64_t i = 0; i < lines; ++i)
        from.begin.push_back(k.add(first, k.mul(pitch, i)));
      return from;
    };
    k.loop(k.c(0), outWidth, stride, [&](Value x) {
      Value inX = k.sub(k.mul(x, sw), k.c(window.getPads()[1]));
      auto copied = [&] {
        copyPatch(inY, inX, lines);
        step(y, x, rows, kSome, source(patch, k.c(0), k.c(pixels * lanes), lanes));
      };
      if (!whole || count != lanes)
        return copied();
      Value hasColumns = arith::AndIOp::create(b, k.loc, isInside(inX, inWidth),
                                               isInside(k.add(inX, pixels - 1), inWidth));
      Value isWhole = k.compare(arith::CmpIPredicate::sle, k.add(x, stride), outWidth);
      isWhole = arith::AndIOp::create(b, k.loc, isWhole, hasColumns);
      k.branch(
          arith::AndIOp::create(b, k.loc, isWhole, hasRows),
          [&] {
            Value first = k.add(k.mul(k.add(k.mul(image, inWidth), inX), channels), n0);
            step(y, x, rows, stride, source(whole, first, pitch, channels));
          },
          copied);
    });
  }

  // The same where columns are known. Whether a row is inside decides what is read in its place,
  // not which code reads it, of which there would be twice as much.
  void computeInPlace(Value y, Value inY, int64_t rows, int64_t lines) {
    int64_t stride = countColumns(lanes), pixels = countPixels(lanes),
            columns = cast<MemRefType>(k.op.getInit().getType()).getDimSize(2),
            inWidth = cast<MemRefType>(k.op.getLhs().getType()).getDimSize(2),
            pad = window.getPads()[1], end = llvm::alignTo(columns, stride);
    Value inHeight = k.size(k.op.getLhs(), 1);
    Source lineStarts{{}, {}, channels, nullptr};
    SmallVector<Value> inside;
    for (int64_t i = 0; i < lines; ++i) {
      Value row = k.add(inY, i);
      Value begin = k.mul(k.add(k.mul(batch, inHeight), row), inWidth * channels);
      lineStarts.begin.push_back(k.add(begin, n0));
      inside.push_back(isInside(row, inHeight));
      lineStarts.memory.push_back(
          arith::SelectOp::create(b, k.loc, inside.back(), showOpen(whole), padding));
    }
    auto compute = [&](Value x, int64_t exist, llvm::function_ref<bool(int64_t)> hasColumn) {
      Source from = lineStarts;
      from.hasColumn = hasColumn;
      Value first = k.mul(k.sub(k.mul(x, sw), k.c(pad)), channels);
      for (int64_t i = 0; i < lines; ++i) {
        Value begin = k.add(from.begin[i], first);
        from.begin[i] = arith::SelectOp::create(b, k.loc, inside[i], begin, k.c(0));
      }
      step(y, x, rows, exist, from);
    };
    auto isWhole = [&](int64_t x) {
      int64_t first = x * sw - pad;
      return first >= 0 && first + pixels <= inWidth && x + stride <= columns;
    };
    auto atEdge = [&](int64_t x) {
      int64_t first = x * sw - pad;
      compute(k.c(x), columns - x,
              [=](int64_t column) { return first + column >= 0 && first + column < inWidth; });
    };
    int64_t from = 0;
    for (; from < end && !isWhole(from); from += stride)
      atEdge(from);
    int64_t to = from;
    while (to < end && isWhole(to))
      to += stride;
    if (from < to)
      k.loop(k.c(from), k.c(to), stride, [&](Value x) { compute(x, stride, nullptr); });
    for (; to < end; to += stride)
      atEdge(to);
  }

  Value showOpen(Value memory) {
    return memref::CastOp::create(b, k.loc, MemRefType::get({ShapedType::kDynamic}, b.getI8Type()),
                                  memory);
  }

  // A line of padding, as long as a step sees.
  void preparePadding() {
    int64_t most = 0;
    for (int64_t lanes : {width / 4, width / 2, width})
      most = std::max(most, countPixels(lanes));
    int64_t size = llvm::alignTo(most * channels, width);
    Value line = memref::ViewOp::create(b, k.loc, MemRefType::get({size}, b.getI8Type()),
                                        k.allocate(size), k.c(0), ValueRange());
    k.loop(k.c(0), k.c(size), width, [&](Value i) {
      vector::StoreOp::create(b, k.loc, k.splat(int8_t(window.getPadValue()), bytes), line, i);
    });
    padding = showOpen(line);
  }

  // `rows` rows of the result from y on, as many columns from x on as vectors hold. `exist` of them
  // do; kSome: that shows at run time.
  void step(Value y, Value x, int64_t rows, int64_t exist, const Source &from) {
    SmallVector<SmallVector<Value>> accs(rows * results, start);
    int64_t perVector = width / lanes;
    auto part = VectorType::get(lanes, b.getI8Type());
    auto load = [&](int64_t line, int64_t column) -> Value {
      if (from.hasColumn && !from.hasColumn(column))
        return k.splat(int8_t(window.getPadValue()), part);
      return vector::LoadOp::create(b, k.loc, part, from.memory[line],
                                    ValueRange{k.add(from.begin[line], column * from.spread)});
    };
    for (int64_t line = 0; line <= (rows - 1) * sh + (kh - 1) * dh; ++line) {
      SmallVector<SmallVector<Operand>> read;
      for (int64_t r = 0; r < rows; ++r) {
        int64_t i = line - r * sh;
        if (i < 0 || i % dh || i / dh >= kh)
          continue;
        for (int64_t g = read.size(); g < groups; ++g) {
          SmallVector<Value> four;
          for (int64_t t = 4 * g; t < std::min(taps, 4 * g + 4); ++t) {
            SmallVector<Value> parts;
            for (int64_t c = 0; c < perVector; ++c)
              parts.push_back(load(line, c * results * sw + t * dw));
            four.push_back(flip(concatenate(parts)));
          }
          // Columns without weights.
          four.resize(4, four.back());
          read.emplace_back();
          for (Value v : interleaveBytes(k, four))
            read.back().push_back(prepare(v, /*isSigned=*/false));
        }
        for (int64_t result = 0; result < results; ++result)
          for (int64_t g = 0; g < groups; ++g)
            for (int q = 0; q < 4; ++q)
              accs[r * results + result][q] =
                  dot(accs[r * results + result][q], read[g][q], weightsOf(i / dh, result, g)[q]);
      }
    }
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t result = 0; result < results; ++result)
        finish(k.add(y, r), k.add(x, result), accs[r * results + result],
               exist == kSome ? kSome : exist - result);
  }

  KernelCode &k;
  OpBuilder &b;
  WindowAttr window;
  int64_t channels, kh, kw, sh, sw, dh, dw;
  // Vectors of four columns per window, neighbouring results per step, columns that they read.
  int64_t groups, results, taps;
  // Bytes of a vector.
  int64_t width;
  VectorType sums, bytes;
  bool hasDots = k.schedule.getIsa() == ISA::AVX512VNNI || k.schedule.getIsa() == ISA::AVXVNNI;
  ByteResults packed;
  // Blocks of channels; rows of the result per step and per item.
  int64_t blocks, together, band;
  // The input as bytes (null: it cannot be shown so), what is copied of it, a line of padding.
  Value whole, patch, padding;
  // Whether the sizes along a line are known and the input is read in place.
  bool isKnown = false;
  // The band: where it lies in the result, its rows; columns of the result.
  Value batch, y0, height, outWidth;
  // The block: its channels, of which `count` exist, and the bytes that one column has in vectors.
  Value n0;
  int64_t count = 0, lanes = 0;
  SmallVector<SmallVector<Operand>> weights;
  SmallVector<SmallVector<Value>> extras;
  SmallVector<Value> start;
};
} // namespace

// Signed bytes as weights. Without AVX-512, channels that leave no part of a vector.
bool terse::isDepthwiseDotKernel(KernelOpInterface op) {
  ISA isa = op.getScheduleAttr().getIsa();
  return op.isDepthwise() && isa != ISA::Portable && !mlir::isa<FloatType>(getSumType(op)) &&
         getElementTypeOrSelf(op.getRhs().getType()).isInteger(8) && !op.getRhsUnsigned() &&
         (getLanes(isa) == 16 || getSizes(op).n % 8 == 0);
}

void terse::buildDepthwiseDotKernel(KernelCode &code, Value begin, Value end) {
  DepthwiseDotKernel(code).build(begin, end);
}
Value terse::countDepthwiseDotItems(KernelCode &code) {
  return DepthwiseDotKernel(code).countItems();
}
KernelBlocks terse::getDepthwiseDotBlocks(KernelCode &code) {
  return DepthwiseDotKernel(code).getBlocks();
}
