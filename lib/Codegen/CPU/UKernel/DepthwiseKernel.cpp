//===- DepthwiseKernel.cpp - A window for each channel --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for rows of the result, one or two at a time:            (one item of the range)
//     for blocks of positions along the row, vectors of channels:
//       for the rows of the input that the windows reach and that are inside:
//         for columns inside: sums of all windows that cover it += input * weight
//       epilogue(sums), store
//
// So each input is loaded once for all windows of a block. Which columns are inside is known when
// the code is made, for images of known size. For others:
//
//   for rows of the result:                                  (one item of the range)
//     for vectors of channels, positions along the row:
//       sums = 0; for the taps inside of the input: sums += input * weight
//       epilogue(sums), store
//
// Where a result sees a small group of channels, a vector of the input is spread to as many vectors
// as a group has channels: each has one channel of the group in all lanes of the group. One such
// channel is multiplied after the other, so that the weights of a line stay in registers.
//
// Elements of bf16, and of bytes beside floats, are converted as they are loaded, the weights once
// for all rows.

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
        group(getGroupChannels(code.op)), sumType(getSumType(code.op)),
        lanes(code.schedule.getColumns()) {
    planBlocks();
  }

  Value countItems() {
    Value rows = k.size(k.op.getInit(), 1);
    return k.mul(k.size(k.op.getInit(), 0), blockRows == 1 ? rows : k.ceilDiv(rows, blockRows));
  }

  KernelBlocks getBlocks() const {
    ArrayRef<int64_t> shape = cast<MemRefType>(k.op.getInit().getType()).getShape();
    return {blockRows * shape[2], shape[1] * shape[2], 1};
  }

  void build(Value begin, Value end) {
    extendWeights();
    if (blocks.empty())
      buildPositions(begin, end);
    else
      buildBlocks(begin, end);
    k.release();
  }

private:
  void buildBlocks(Value begin, Value end) {
    int64_t height = cast<MemRefType>(k.op.getInit().getType()).getDimSize(1);
    Value perImage = k.c(llvm::divideCeil(height, blockRows));
    k.loop(begin, end, 1, [&](Value item) {
      Value batch = k.div(item, perImage), oy = k.mul(k.rem(item, perImage), blockRows);
      int64_t left = height % blockRows;
      if (!left)
        return buildRows(batch, oy, blockRows);
      if (height < blockRows)
        return buildRows(batch, oy, left);
      k.branch(
          k.less(oy, k.c(height - left)), [&] { buildRows(batch, oy, blockRows); },
          [&] { buildRows(batch, oy, left); });
    });
  }

  // Results along a row that share the weights of a tap.
  static constexpr int64_t kPositions = 4;
  // The same for groups: as many sums as 16 registers hold beside the weights of a tap's line.
  static constexpr int64_t kGroupPositions = 8;
  // Blocks with windows that reach out of the input.
  static constexpr int64_t kMostEdges = 4;
  // Ops of an epilogue that is repeated for many results.
  static constexpr int64_t kSmallEpilogue = 12;

  // `count` blocks of `width` results from `first` on.
  struct Blocks {
    int64_t first, width, count;
  };

  // Weights of bf16, or of bytes beside floats, as floats: many windows read them.
  void extendWeights() {
    weights = k.op.getRhs();
    auto type = cast<MemRefType>(weights.getType());
    if (!mlir::isa<FloatType>(sumType) || type.getElementType() == sumType)
      return;
    auto wide = MemRefType::get(type.getShape(), sumType);
    Value floats = memref::ViewOp::create(b, k.loc, wide, k.allocate(type.getNumElements() * 4),
                                          k.c(0), ValueRange());
    k.loop(k.c(0), k.c(type.getDimSize(0)), 1, [&](Value i) {
      k.loop(k.c(0), k.c(type.getDimSize(1)), 1, [&](Value j) {
        channelVectors([&](Value n, Value mask) {
          Value w = load(weights, {i, j, n}, mask, k.op.getRhsUnsigned());
          if (mask)
            vector::MaskedStoreOp::create(b, k.loc, floats, ValueRange{i, j, n}, mask, w);
          else
            vector::StoreOp::create(b, k.loc, w, floats, ValueRange{i, j, n});
        });
      });
    });
    weights = floats;
  }

  // `body` for each vector of channels, the last one with a mask if it is not whole.
  void channelVectors(llvm::function_ref<void(Value, Value)> body) {
    int64_t whole = channels / lanes * lanes;
    if (whole)
      k.loop(k.c(0), k.c(whole), lanes, [&](Value n) { body(n, Value()); });
    if (whole < channels)
      body(k.c(whole), vector::CreateMaskOp::create(b, k.loc, VectorType::get(lanes, b.getI1Type()),
                                                    k.c(channels - whole)));
  }

  // Cuts a row into blocks, those at its ends apart; none if sizes are not known.
  void planBlocks() {
    auto x = cast<MemRefType>(k.op.getLhs().getType()),
         y = cast<MemRefType>(k.op.getInit().getType());
    if (x.isDynamicDim(1) || x.isDynamicDim(2) || y.isDynamicDim(1) || y.isDynamicDim(2) ||
        y.getDimSize(1) == 0 || y.getDimSize(2) == 0)
      return;
    bool small = k.countEpilogue() <= kSmallEpilogue;
    bool many = lanes >= 16 && mlir::isa<FloatType>(sumType) && small;
    ArrayRef<int64_t> kernel = window.getKernel(), strides = window.getStrides(),
                      dilations = window.getDilations(), pads = window.getPads();
    // Rows that windows of two results share are loaded once.
    bool shared = strides[0] <= (kernel[0] - 1) * dilations[0] && dilations[0] == 1;
    blockRows =
        many && shared && group == 1 && kernel[0] * kernel[1] <= 9 && y.getDimSize(1) > 1 ? 2 : 1;
    int64_t most = group == 1 ? kPositions : kGroupPositions, width = y.getDimSize(2),
            reach = (kernel[1] - 1) * dilations[1];
    most = llvm::divideCeil(width, llvm::divideCeil(width, most));
    int64_t edges = 0;
    for (int64_t first = 0; first < width; first += most) {
      int64_t size = std::min(most, width - first), from = first * strides[1] - pads[1],
              to = (first + size - 1) * strides[1] - pads[1] + reach;
      bool edge = from < 0 || to >= x.getDimSize(2), whole = size == most;
      edges += edge;
      if (!edge && whole && !blocks.empty() && !lastIsEdge && blocks.back().width == size)
        ++blocks.back().count;
      else
        blocks.push_back({first, size, 1});
      lastIsEdge = edge;
    }
    if (edges > kMostEdges) {
      blocks.clear();
      blockRows = 1;
    }
  }

  // Results of `rows` rows from `oy` on.
  void buildRows(Value batch, Value oy, int64_t rows) {
    for (const Blocks &part : blocks)
      k.loop(k.c(0), k.c(part.count), 1, [&](Value i) {
        channelVectors([&](Value n, Value mask) { buildBlock(batch, oy, i, part, rows, n, mask); });
      });
  }

  // Block `i` of `part`.
  void buildBlock(Value batch, Value oy, Value i, const Blocks &part, int64_t rows, Value n,
                  Value mask) {
    ArrayRef<int64_t> kernel = window.getKernel(), strides = window.getStrides(),
                      dilations = window.getDilations(), pads = window.getPads();
    ArrayRef<int64_t> shape = cast<MemRefType>(k.op.getLhs().getType()).getShape(),
                      result = cast<MemRefType>(k.op.getInit().getType()).getShape();
    auto vectorType = VectorType::get(lanes, sumType);
    int64_t pad = window.getPadValue(), width = part.width;
    Value padding = k.splat(k.op.getLhsUnsigned() ? uint8_t(pad) : pad, vectorType);
    // The first column relative to that of the part's first block is a number of the loop.
    int64_t from = part.first * strides[1] - pads[1];
    Value x0 = k.mul(i, width * strides[1]);
    Value y0 = k.sub(k.mul(oy, strides[0]), k.c(pads[0]));
    bool rowsInside =
        pads[0] == 0 && (result[1] - 1) * strides[0] + (kernel[0] - 1) * dilations[0] < shape[1];
    SmallVector<Value> accs(rows * width, k.zero(vectorType));
    int64_t reachRows = (rows - 1) * strides[0] + (kernel[0] - 1) * dilations[0] + 1,
            reachColumns = (width - 1) * strides[1] + (kernel[1] - 1) * dilations[1] + 1;
    for (int64_t row = 0; row < reachRows; ++row) {
      // Rows of windows that lie in this row: of which result, which row.
      SmallVector<std::pair<int64_t, int64_t>> covering;
      for (int64_t r = 0; r < rows; ++r) {
        int64_t at = row - r * strides[0];
        if (at >= 0 && at % dilations[0] == 0 && at / dilations[0] < kernel[0])
          covering.push_back({r, at / dilations[0]});
      }
      if (covering.empty())
        continue;
      Value y = k.add(y0, row);
      auto add = [&](bool rowInside, ValueRange in) {
        SmallVector<Value> out(in);
        for (int64_t q = 0; q < group; ++q) {
          SmallVector<SmallVector<Value>> weights;
          for (auto [r, tap] : covering) {
            weights.emplace_back();
            for (int64_t j = 0; j < kernel[1]; ++j)
              weights.back().push_back(loadWeight(k.c(tap), k.c(j * group + q), n, mask));
          }
          for (int64_t column = 0; column < reachColumns; ++column) {
            bool inside =
                rowInside && (part.count > 1 || (from + column >= 0 && from + column < shape[2]));
            if (!inside && pad == 0)
              continue;
            Value x;
            for (int64_t j = 0; j < kernel[1]; ++j) {
              int64_t at = column - j * dilations[1];
              if (at < 0 || at % strides[1] != 0 || at / strides[1] >= width)
                continue;
              if (!x)
                x = inside ? loadChannel({batch, y, k.add(x0, from + column), n}, q, mask)
                           : padding;
              for (auto [c, cover] : llvm::enumerate(covering)) {
                Value &acc = out[cover.first * width + at / strides[1]];
                acc = multiply(x, weights[c][j], acc);
              }
            }
          }
        }
        return out;
      };
      if (rowsInside) {
        accs = add(true, accs);
        continue;
      }
      Value inside = k.compare(arith::CmpIPredicate::ult, y, k.c(shape[1]));
      accs = conditional(inside, accs, [&](bool then) { return add(then, accs); });
    }
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t o = 0; o < width; ++o)
        k.finish({batch, k.add(oy, r), k.add(k.mul(i, width), part.first + o)}, n,
                 accs[r * width + o], mask);
  }

  // What `body` makes of `in`; without it, where padding counts nothing, `in`.
  SmallVector<Value> conditional(Value condition, ValueRange in,
                                 llvm::function_ref<SmallVector<Value>(bool)> body) {
    auto branch = scf::IfOp::create(b, k.loc, in.getTypes(), condition, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    for (bool then : {true, false}) {
      b.setInsertionPointToStart(then ? branch.thenBlock() : branch.elseBlock());
      SmallVector<Value> out =
          then || window.getPadValue() != 0 ? body(then) : SmallVector<Value>(in);
      scf::YieldOp::create(b, k.loc, out);
    }
    return SmallVector<Value>(branch.getResults());
  }

  void buildPositions(Value begin, Value end) {
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
      channelVectors(block);
    });
  }

  Value load(Value memory, ValueRange at, Value mask, bool isUnsigned) {
    Type element = cast<MemRefType>(memory.getType()).getElementType();
    auto type = VectorType::get(lanes, element);
    Value v =
        mask ? Value(vector::MaskedLoadOp::create(b, k.loc, type, memory, at, mask, k.zero(type)))
             : Value(vector::LoadOp::create(b, k.loc, type, memory, at));
    auto wide = VectorType::get(lanes, sumType);
    if (element.isBF16())
      return arith::ExtFOp::create(b, k.loc, wide, v);
    if (mlir::isa<FloatType>(element))
      return v;
    if (mlir::isa<FloatType>(sumType))
      return isUnsigned ? Value(arith::UIToFPOp::create(b, k.loc, wide, v))
                        : Value(arith::SIToFPOp::create(b, k.loc, wide, v));
    return isUnsigned ? Value(arith::ExtUIOp::create(b, k.loc, wide, v))
                      : Value(arith::ExtSIOp::create(b, k.loc, wide, v));
  }

  // Channels from at.back() on; of groups, in every lane channel `q` of the lane's group.
  Value loadChannel(SmallVector<Value> at, int64_t q, Value mask) {
    Value x = k.op.getLhs();
    if (group == 1 || lanes % group == 0) {
      Value v = load(x, at, mask, k.op.getLhsUnsigned());
      if (group == 1)
        return v;
      SmallVector<int64_t> order;
      for (int64_t lane = 0; lane < lanes; ++lane)
        order.push_back(lane / group * group + q);
      return vector::ShuffleOp::create(b, k.loc, v, v, order);
    }
    // Part of a group in all lanes.
    at.back() = k.add(k.mul(k.div(at.back(), k.c(group)), group), q);
    Value v = memref::LoadOp::create(b, k.loc, x, at);
    if (v.getType().isBF16())
      v = arith::ExtFOp::create(b, k.loc, sumType, v);
    return vector::BroadcastOp::create(b, k.loc, VectorType::get(lanes, sumType), v);
  }

  // All of them.
  SmallVector<Value> loadGroups(ArrayRef<Value> at, Value mask) {
    SmallVector<Value> result;
    for (int64_t q = 0; q < group; ++q)
      result.push_back(loadChannel(SmallVector<Value>(at), q, mask));
    return result;
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
    Value w = load(weights, {i, j, n}, mask, k.op.getRhsUnsigned());
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
    accs = k.loop(zero, k.c(kh), 1, accs, [&](Value i, ValueRange in) {
      Value y = k.add(y0, k.mul(i, dh));
      return conditional(inside(y, height), in, [&](bool rowInside) {
        SmallVector<Value> row(in);
        // Windows side by side share columns.
        DenseMap<int64_t, SmallVector<Value>> columns;
        for (int64_t j = 0; j < kw; ++j) {
          SmallVector<Value> w;
          for (int64_t q = 0; q < group; ++q)
            w.push_back(loadWeight(i, k.c(j * group + q), n, mask));
          auto add = [&](ValueRange x, Value acc) {
            for (int64_t q = 0; q < group; ++q)
              acc = multiply(x[q], w[q], acc);
            return acc;
          };
          SmallVector<Value> outside(group, padding);
          for (int64_t o = 0; o < count; ++o) {
            Value xx = k.add(x0, o * sw + j * dw);
            auto read = [&] { return loadGroups({batch, y, xx, n}, mask); };
            SmallVector<Value> &column = columns[o * sw + j * dw];
            if (rowInside && !edge && column.empty())
              column = read();
            if (!rowInside)
              row[o] = add(outside, row[o]);
            else if (!edge)
              row[o] = add(column, row[o]);
            else
              row[o] = conditional(inside(xx, width), row[o], [&](bool columnInside) {
                return SmallVector<Value>{add(columnInside ? read() : outside, row[o])};
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
  int64_t channels, group;
  Type sumType;
  int64_t lanes, blockRows = 1;
  SmallVector<Blocks> blocks;
  bool lastIsEdge = false;
  // In memory, [i, j, channel].
  Value weights;
};
} // namespace

void terse::buildDepthwiseKernel(KernelCode &code, Value begin, Value end) {
  DepthwiseKernel(code).build(begin, end);
}
Value terse::countDepthwiseItems(KernelCode &code) { return DepthwiseKernel(code).countItems(); }
KernelBlocks terse::getDepthwiseBlocks(KernelCode &code) {
  return DepthwiseKernel(code).getBlocks();
}
