//===- MatrixKernel.cpp - Products of matrices and convolutions -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for chunks of panels, blocks of rows:                    (one item of the range)
//     copy the rows of the left operand, or what their windows cover, into order
//     for panels of the chunk, tiles of rows of the block:
//       sums = start; for k: sums += row * panel             (in registers)
//       for rows of the tile: epilogue(sums), store
//
// Rows are copied once for all columns of a chunk. The copy makes windows, padding, signedness and
// ends of the contraction disappear: the loop over k is the same for every op.

#include "KernelCode.h"
#include "WeightDecoder.h"
#include "WindowRows.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// A chunk of weights stays in the second-level cache while blocks of rows pass by.
static constexpr int64_t kChunkBytes = 512 << 10;
// Columns per item of plain products, whose few rows would leave threads without work.
static constexpr int64_t kChunkColumns = 256;
// Products of floats that add up in one register: the error of a sum of K grows with sqrt(K), that
// of sums of blocks with the roots of the block's length and of the number of blocks.
static constexpr int64_t kFloatBlock = 32;

namespace {
class MatrixKernel {
public:
  explicit MatrixKernel(KernelCode &code)
      : k(code), b(code.b), schedule(code.schedule), isa(schedule.getIsa()),
        sizes(getSizes(code.op)), sumType(getSumType(code.op)),
        lhsType(cast<MemRefType>(code.op.getLhs().getType())) {
    floats = isFloat(sumType);
    wide = isa == ISA::AVX512 || isa == ISA::AVX512VNNI;
    lanes = wide ? 16 : isa == ISA::Portable ? 4 : 8;
    depth = schedule.getDepth();
    columns = schedule.getColumns();
    // vpmaddwd works on words.
    widened = !floats && (isa == ISA::AVX2 || isa == ISA::AVX512);
    flipped =
        (isa == ISA::AVXVNNI || isa == ISA::AVX512VNNI) && !floats && !code.op.getLhsUnsigned();
    stored = floats ? sumType : Type(IntegerType::get(b.getContext(), widened ? 16 : 8));
    storedBytes = floats ? 4 : widened ? 2 : 1;
    padded = llvm::alignTo(sizes.k, schedule.getAlign());
    panels = llvm::divideCeil(sizes.n, columns);
    weightType = cast<MemRefType>(code.op.getRhs().getType()).getElementType();
    decoded = floats && !isFloat(weightType);
    int64_t panelBytes = columns * padded * (decoded || !floats ? 1 : 4);
    if (code.op.getDecodingAttr()) {
      decoder.emplace(code);
      padded = decoder->getLayout().getDepth();
      panelBytes = decoder->getLayout().vectors * decoder->getLayout().bytes;
    }
    chunk = std::clamp<int64_t>(kChunkBytes / panelBytes, 1, panels);
    if (lhsType.getRank() == 2)
      chunk = std::min(chunk, std::max<int64_t>(1, kChunkColumns / columns));
  }

  Value countItems() {
    Value blocks = k.ceilDiv(k.countRows(), schedule.getBlock());
    return k.mul(blocks, int64_t(llvm::divideCeil(panels, chunk)));
  }

  void build(Value begin, Value end) {
    int64_t block = schedule.getBlock();
    Value bytes = k.allocate(block * padded * storedBytes + 64);
    Value sumBytes = k.allocate(schedule.getRows() * columns * 4);
    rows = view(bytes, {block, padded}, stored);
    if (depth > 1)
      words = view(bytes, {block, padded * storedBytes / 4}, b.getI32Type());
    sums = view(sumBytes, {schedule.getRows(), columns}, sumType);
    if (decoder && decoder->getLayout().hasGaps())
      // The last vector of a row may reach past its end.
      packedRow = view(k.allocate(sizes.k * 4 + 64), {1, sizes.k}, sumType);
    // Few rows decode in registers, if it is known that they are few.
    bool known = cast<MemRefType>(k.op.getInit().getType()).hasStaticShape();
    bool few = decoder && known && isFew();
    Value panelFloats, blockSums;
    if (decoder && !few) {
      panelFloats = view(k.allocate(decoder->getPart() * columns * 4),
                         {decoder->getPart(), columns}, sumType);
      if (decoder->getPart() < padded)
        blockSums = view(k.allocate(block * columns * 4), {block, columns}, sumType);
    } else if (decoded && !few) {
      panelFloats = view(k.allocate(padded * columns * 4), {padded, columns}, sumType);
    }
    Value m = k.countRows(), blocks = k.ceilDiv(m, block);
    int64_t vectorBytes = wide ? 64 : isa == ISA::Portable ? 16 : 32;
    LeftRows left(k, stored, flipped, widened, vectorBytes);
    WindowRows windows(k, left, stored, vectorBytes);
    bool byLines = !decoder && windows.isPossible();
    if (byLines)
      windows.prepare();
    k.loop(begin, end, 1, [&](Value item) {
      Value first = k.mul(k.rem(item, blocks), block), p0 = k.mul(k.div(item, blocks), chunk);
      Value count = k.min(k.c(block), k.sub(m, first));
      if (byLines)
        windows.copy(rows, first, count);
      else
        k.loop(k.c(0), count, 1, [&](Value r) { storeRow(left, r, k.add(first, r)); });
      k.loop(p0, k.min(k.add(p0, chunk), k.c(panels)), 1, [&](Value p) {
        auto tiles = [&] {
          k.loop(k.c(0), count, schedule.getRows(), [&](Value r0) {
            Value here = k.min(k.c(schedule.getRows()), k.sub(count, r0));
            if (known || schedule.getRows() == 1 || lhsType.getRank() > 2 || floatPanel)
              tile(p, r0, schedule.getRows());
            else
              // One row is what a batch of one leaves.
              k.branch(
                  k.less(k.c(1), here), [&] { tile(p, r0, schedule.getRows()); },
                  [&] { tile(p, r0, 1); });
            k.loop(k.c(0), here, 1, [&](Value r) { finishRow(p, r, k.add(k.add(first, r0), r)); });
          });
        };
        if (!decoded || few)
          return tiles();
        auto panel = [&] {
          floatPanel = panelFloats;
          decodePanel(p);
          tiles();
          floatPanel = Value();
        };
        auto parts = [&] {
          if (decoder->getPart() >= padded)
            return panel();
          decodedParts(p, first, count, panelFloats, blockSums);
        };
        if (decoder && known)
          return parts();
        if (decoder)
          return k.branch(k.less(k.c(1), count), parts, [&] {
            decoder->multiply(p, rows, k.c(0), 1, sums);
            finishRow(p, k.c(0), first);
          });
        // Many tiles share one decoded panel; few decode in registers.
        k.branch(k.less(k.c(2 * schedule.getRows()), count), panel, tiles);
      });
    });
    k.release();
  }

private:
  // Whether all rows are one tile that decodes its weights.
  bool isFew() {
    auto type = cast<MemRefType>(k.op.getInit().getType());
    return type.getNumElements() <= schedule.getRows() * type.getShape().back() &&
           schedule.getRows() <= 4;
  }

  static bool isFloat(Type type) { return mlir::isa<FloatType>(type); }

  Value view(Value bytes, ArrayRef<int64_t> shape, Type element) {
    return memref::ViewOp::create(b, k.loc, MemRefType::get(shape, element), bytes, k.c(0),
                                  ValueRange());
  }

  // Row `row` of the left operand as row `r`, with zeros where groups of weights are filled up.
  void storeRow(LeftRows &left, Value r, Value row) {
    auto clear = [&](int64_t from) {
      k.loop(k.c(from), k.c(padded), 1, [&](Value i) {
        memref::StoreOp::create(b, k.loc, k.zero(stored), rows, ValueRange{r, i});
      });
    };
    if (!decoder || !decoder->getLayout().hasGaps()) {
      left.copy(rows, r, row);
      if (decoder && padded > sizes.k)
        clear(sizes.k);
      return;
    }
    const WeightLayout &layout = decoder->getLayout();
    left.copy(packedRow, k.c(0), row);
    clear(0);
    k.loop(k.c(0), k.c(layout.groups), 1, [&](Value g) {
      Value from = k.mul(g, layout.group), to = k.mul(g, layout.paddedGroup);
      Value count = k.min(k.c(layout.group), k.sub(k.c(sizes.k), from));
      k.loop(k.c(0), count, 1, [&](Value i) {
        Value x = memref::LoadOp::create(b, k.loc, packedRow, ValueRange{k.c(0), k.add(from, i)});
        memref::StoreOp::create(b, k.loc, x, rows, ValueRange{r, k.add(to, i)});
      });
    });
  }

  //===--- sums ---===//

  // Rows of a block times a panel that is decoded part by part.
  void decodedParts(Value p, Value first, Value count, Value floats, Value blockSums) {
    int64_t part = decoder->getPart(), rowsOfTile = schedule.getRows();
    auto sumVector = VectorType::get(lanes, sumType);
    Value oneTile = sums;
    sums = blockSums;
    k.loop(k.c(0), count, 1, [&](Value r) {
      for (int64_t v = 0; v < columns; v += lanes)
        vector::StoreOp::create(b, k.loc, k.zero(sumVector), sums, ValueRange{r, k.c(v)});
    });
    SmallVector<Value> zeros(rowsOfTile * columns / lanes, k.zero(sumVector));
    k.loop(k.c(0), k.c(padded), part, [&](Value from) {
      Value to = padded % part ? k.min(k.add(from, part), k.c(padded)) : k.add(from, part);
      decoder->decodePanel(p, from, to, floats);
      floatPanel = floats;
      panelStart = from;
      k.loop(k.c(0), count, rowsOfTile, [&](Value r0) {
        Value steps = padded % part ? k.sub(to, from) : k.c(part);
        store(multiplyRange(p, r0, rowsOfTile, k.c(0), steps, zeros), sums, r0);
      });
      floatPanel = panelStart = Value();
    });
    k.loop(k.c(0), count, 1, [&](Value r) { finishRow(p, r, k.add(first, r)); });
    sums = oneTile;
  }

  void decodePanel(Value p) {
    if (decoder)
      return decoder->decodePanel(p, k.c(0), k.c(padded), floatPanel);
    k.loop(k.c(0), k.c(padded), 1, [&](Value i) {
      for (int64_t v = 0; v < columns; v += lanes) {
        auto type = VectorType::get(lanes, weightType);
        Value w = vector::LoadOp::create(b, k.loc, type, k.op.getRhs(), ValueRange{p, i, k.c(v)});
        vector::StoreOp::create(b, k.loc, convertWeights(w), floatPanel, ValueRange{i, k.c(v)});
      }
    });
  }

  // `tileRows` rows from `r0` of the block times panel `p`, to `sums`.
  void tile(Value p, Value r0, int64_t tileRows) {
    if (decoder && !floatPanel)
      return decoder->multiply(p, rows, r0, tileRows, sums);
    int64_t count = columns / lanes, steps = padded / depth;
    auto sumVector = VectorType::get(lanes, sumType);
    Value start = k.op.getStart();
    SmallVector<Value> accs;
    for (int64_t r = 0; r < tileRows; ++r)
      for (int64_t v = 0; v < count; ++v) {
        if (!start)
          accs.push_back(k.zero(sumVector));
        else if (r == 0)
          accs.push_back(
              vector::LoadOp::create(b, k.loc, sumVector, start, ValueRange{p, k.c(v * lanes)}));
        else
          accs.push_back(accs[v]);
      }
    int64_t block = floats ? chooseBlock(steps) : steps;
    if (block >= steps)
      return store(multiplyRange(p, r0, tileRows, k.c(0), k.c(steps), accs), Value());
    store(accs, Value());
    SmallVector<Value> zeros(accs.size(), k.zero(sumVector));
    k.loop(k.c(0), k.c(steps), block, [&](Value i) {
      Value end = k.add(i, block);
      if (steps % block)
        end = k.min(end, k.c(steps));
      store(multiplyRange(p, r0, tileRows, i, end, zeros), sums);
    });
  }

  // Equal blocks if there are any, whose loop knows its length.
  static int64_t chooseBlock(int64_t steps) {
    for (int64_t block = kFloatBlock; block >= kFloatBlock / 2; --block)
      if (steps % block == 0)
        return block;
    return kFloatBlock;
  }

  // Writes the accumulators of a tile to `sums`, from row `first` on, added to what is there if
  // `onto` is given.
  void store(ArrayRef<Value> accs, Value onto, Value first = Value()) {
    int64_t count = columns / lanes;
    for (auto [i, acc] : llvm::enumerate(accs)) {
      SmallVector<Value> at{first ? k.add(first, i / count) : k.c(i / count),
                            k.c(i % count * lanes)};
      Value sum = acc;
      if (onto)
        sum = arith::AddFOp::create(
            b, k.loc, vector::LoadOp::create(b, k.loc, cast<VectorType>(acc.getType()), onto, at),
            sum);
      vector::StoreOp::create(b, k.loc, sum, sums, at);
    }
  }

  // Adds the products of a tile along [from, to) to the accumulators.
  SmallVector<Value> multiplyRange(Value p, Value r0, int64_t tileRows, Value from, Value to,
                                   ArrayRef<Value> accs) {
    int64_t count = columns / lanes;
    return k.loop(from, to, 1, accs, [&](Value i, ValueRange in) {
      SmallVector<Value> panel, out;
      for (int64_t v = 0; v < count; ++v) {
        auto type = VectorType::get(lanes * depth, floatPanel ? sumType : weightType);
        if (floatPanel) {
          panel.push_back(
              vector::LoadOp::create(b, k.loc, type, floatPanel, ValueRange{i, k.c(v * lanes)}));
          continue;
        }
        Value w = vector::LoadOp::create(b, k.loc, type, k.op.getRhs(),
                                         ValueRange{p, i, k.c(v * lanes * depth)});
        panel.push_back(convertWeights(w));
      }
      for (int64_t r = 0; r < tileRows; ++r) {
        Value x = loadScalar(k.add(r0, r), panelStart ? k.add(panelStart, i) : i);
        for (int64_t v = 0; v < count; ++v)
          out.push_back(multiply(x, panel[v], in[r * count + v]));
      }
      return out;
    });
  }

  Value convertWeights(Value w) {
    if (decoded) {
      auto type = cast<VectorType>(w.getType()).clone(sumType);
      return k.op.getRhsUnsigned() ? Value(arith::UIToFPOp::create(b, k.loc, type, w))
                                   : Value(arith::SIToFPOp::create(b, k.loc, type, w));
    }
    if (floats || depth == 4)
      return w;
    Type element = widened ? Type(b.getI16Type()) : Type(b.getI32Type());
    auto type = cast<VectorType>(w.getType()).clone(element);
    return k.op.getRhsUnsigned() ? Value(arith::ExtUIOp::create(b, k.loc, type, w))
                                 : Value(arith::ExtSIOp::create(b, k.loc, type, w));
  }

  // `depth` elements of a row in every lane.
  Value loadScalar(Value r, Value i) {
    if (depth == 1) {
      Value x = memref::LoadOp::create(b, k.loc, rows, ValueRange{r, i});
      if (!floats)
        x = k.op.getLhsUnsigned() ? Value(arith::ExtUIOp::create(b, k.loc, b.getI32Type(), x))
                                  : Value(arith::ExtSIOp::create(b, k.loc, b.getI32Type(), x));
      return vector::BroadcastOp::create(b, k.loc, VectorType::get(lanes, sumType), x);
    }
    Value x = memref::LoadOp::create(b, k.loc, words, ValueRange{r, i});
    x = vector::BroadcastOp::create(b, k.loc, VectorType::get(lanes, b.getI32Type()), x);
    return vector::BitCastOp::create(b, k.loc, VectorType::get(lanes * depth, stored), x);
  }

  Value multiply(Value x, Value w, Value acc) {
    if (floats)
      return k.multiplyAdd(x, w, acc);
    Type type = acc.getType();
    switch (isa) {
    case ISA::AVX512VNNI:
      return k.intrinsic("llvm.x86.avx512.vpdpbusd.512", type, {acc, x, w});
    case ISA::AVXVNNI:
      return k.intrinsic("llvm.x86.avx512.vpdpbusd.256", type, {acc, x, w});
    case ISA::AVX512:
      return arith::AddIOp::create(b, k.loc, acc,
                                   k.intrinsic("llvm.x86.avx512.pmaddw.d.512", type, {x, w}));
    case ISA::AVX2:
      return arith::AddIOp::create(b, k.loc, acc,
                                   k.intrinsic("llvm.x86.avx2.pmadd.wd", type, {x, w}));
    default:
      return arith::AddIOp::create(b, k.loc, acc, arith::MulIOp::create(b, k.loc, x, w));
    }
  }

  //===--- results ---===//

  void finishRow(Value p, Value r, Value row) {
    SmallVector<Value> lead = k.unflatten(row);
    auto vectors = [&](bool masked) {
      for (int64_t v = 0; v < columns / lanes; ++v) {
        Value n = k.add(k.mul(p, columns), v * lanes), mask;
        if (masked)
          mask = vector::CreateMaskOp::create(b, k.loc, VectorType::get(lanes, b.getI1Type()),
                                              k.sub(k.c(sizes.n), n));
        Value sum = vector::LoadOp::create(b, k.loc, VectorType::get(lanes, sumType), sums,
                                           ValueRange{r, k.c(v * lanes)});
        k.finish(lead, n, sum, mask);
      }
    };
    if (sizes.n % columns == 0)
      return vectors(false);
    if (panels == 1)
      return vectors(true);
    k.branch(
        k.less(p, k.c(panels - 1)), [&] { vectors(false); }, [&] { vectors(true); });
  }

  KernelCode &k;
  OpBuilder &b;
  ScheduleAttr schedule;
  ISA isa;
  KernelSizes sizes;
  Type sumType, stored, weightType;
  MemRefType lhsType;
  bool floats, wide, widened, flipped, decoded;
  int64_t lanes, depth, columns, storedBytes, padded, panels, chunk;
  Value rows, words, sums;
  // The decoded panel that tiles read, if there is one.
  Value floatPanel;
  // Where it begins along the contraction, if it is a part.
  Value panelStart;
  // Of weights that are stored in few bits, and a row before it is spread over their groups.
  std::optional<WeightDecoder> decoder;
  Value packedRow;
};
} // namespace

void terse::buildMatrixKernel(KernelCode &code, Value begin, Value end) {
  MatrixKernel(code).build(begin, end);
}
Value terse::countMatrixItems(KernelCode &code) { return MatrixKernel(code).countItems(); }
