//===- AttentionKernel.cpp - Softmax of products, times values ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for blocks of rows of q:                             (one item of the range)
//     pack k and v, unless the item before had the same
//     for panels of k, tiles of rows: scores             (sums in registers, then the op's region)
//     for rows: maximum, exponentials, 1 / their sum
//     for panels of v, pieces of the exponentials, tiles of rows: add up products
//     store, times 1 / sum
//
// The scores of a block never leave the nearest caches.

#include "AttentionKernel.h"
#include "PackedColumns.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <vector>

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

// Scores of a block of rows.
static constexpr int64_t kScoreBytes = 64 << 10;
// Rows of a block, where the number of scores is open or small.
static constexpr int64_t kOpenRows = 24, kMostRows = 96;
// Products that add up in registers: a piece of a panel of v stays in the nearest cache.
static constexpr int64_t kPiece = 128;

static constexpr float kInfinity = std::numeric_limits<float>::infinity();

namespace {
// An operand in the dimensions of the formula.
struct Operand {
  Value memory; // One dimension.
  Value offset;
  SmallVector<int64_t> knownSizes, knownSteps;
  SmallVector<Value> sizes, steps; // Steps of dimensions of size 1 are 0.
};

class AttentionKernel {
public:
  AttentionKernel(VectorCode &code, AttentionOp op, int64_t vectorBytes)
      : k(code), b(code.b), op(op), tile(vectorBytes) {
    rank = cast<MemRefType>(op.getInit().getType()).getRank();
    result = getSizes(op.getInit(), op.getResultOrder());
    values = getSizes(op.getV(), op.getVOrder());
    queries = getSizes(op.getQ(), op.getQOrder());
    chooseRows();
  }

  Value countItems() {
    Value items = k.ceilDiv(result.sizes[rank - 2], block);
    for (int64_t d = 0; d < rank - 2; ++d)
      items = mul(items, result.sizes[d]);
    return items;
  }

  Value countWork() {
    Value work =
        mul(values.sizes[rank - 2], k.add(queries.sizes[rank - 1], values.sizes[rank - 1]));
    for (int64_t d = 0; d < rank - 1; ++d)
      work = mul(work, result.sizes[d]);
    return work;
  }

  void build(Value begin, Value end) {
    locate(result, op.getInit(), op.getResultOrder());
    locate(values, op.getV(), op.getVOrder());
    locate(queries, op.getQ(), op.getQOrder());
    keys = getSizes(op.getK(), op.getKOrder());
    locate(keys, op.getK(), op.getKOrder());
    for (Value v : op.getExtras()) {
      SmallVector<int64_t> order =
          llvm::to_vector(llvm::seq<int64_t>(0, cast<MemRefType>(v.getType()).getRank()));
      extras.push_back(getSizes(v, order));
      locate(extras.back(), v, order);
    }
    count = values.sizes[rank - 2], depth = queries.sizes[rank - 1], width = values.sizes[rank - 1];
    PackedColumns packedKeys(k, tile, depth, count), packedValues(k, tile, count, width);
    // Rows of scores do not meet in a set of the cache.
    scoreStep = k.add(mul(k.ceilDiv(count, tile.columns()), c(tile.columns())), tile.lanes);
    sumStep = mul(k.ceilDiv(width, tile.lanes), c(tile.lanes));
    Value keyMemory = allocate(packedKeys.countElements()),
          valueMemory = allocate(packedValues.countElements());
    scores = allocate(mul(scoreStep, c(block)));
    sums = allocate(mul(sumStep, c(block)));
    factors = allocate(c(block));

    Value blocks = k.ceilDiv(result.sizes[rank - 2], block), none = c(-1);
    k.loop(begin, end, 1, ValueRange{none, none}, [&](Value item, ValueRange packed) {
      outer = unflatten(k.div(item, blocks));
      first = k.mul(k.rem(item, blocks), block);
      rows = k.min(c(block), k.sub(result.sizes[rank - 2], first));
      Value keyBase = getBase(keys), valueBase = getBase(values);
      unlessSame(keyBase, packed[0], [&] { pack(packedKeys, keys, true, keyBase, keyMemory); });
      unlessSame(valueBase, packed[1],
                 [&] { pack(packedValues, values, false, valueBase, valueMemory); });
      makeScores(packedKeys, keyMemory);
      k.loop(c(0), rows, 1, [&](Value r) { makeExponentials(r); });
      makeSums(packedValues, valueMemory);
      store(packedValues);
      return SmallVector<Value>{keyBase, valueBase};
    });
    k.release();
  }

private:
  Value c(int64_t v) { return k.c(v); }
  // Folded, so that sizes that are known stay so.
  Value mul(Value x, Value y) { return b.createOrFold<arith::MulIOp>(k.loc, x, y); }
  VectorType vectorType() { return VectorType::get(tile.lanes, b.getF32Type()); }
  Value splat(float v) {
    return arith::ConstantOp::create(b, k.loc, DenseElementsAttr::get(vectorType(), v));
  }
  Value allocate(Value elements) {
    Value bytes = k.allocate(mul(b.createOrFold<arith::AddIOp>(k.loc, elements, c(16)), c(4)));
    return memref::ViewOp::create(b, k.loc, MemRefType::get(ShapedType::kDynamic, b.getF32Type()),
                                  bytes, c(0), ValueRange{elements});
  }

  void chooseRows() {
    int64_t queryRows = result.knownSizes[rank - 2], keyRows = values.knownSizes[rank - 2];
    block = ShapedType::isDynamic(keyRows)
                ? kOpenRows
                : std::clamp<int64_t>(kScoreBytes / 4 / std::max<int64_t>(keyRows, 1),
                                      2 * tile.rows, kMostRows);
    if (!ShapedType::isDynamic(queryRows)) {
      tile.rows = std::clamp<int64_t>(queryRows, 1, tile.rows);
      // Equal blocks.
      int64_t blocks = llvm::divideCeil(std::max<int64_t>(queryRows, 1), block);
      block = llvm::divideCeil(std::max<int64_t>(queryRows, 1), blocks);
    }
    block = llvm::alignTo(block, tile.rows);
  }

  Operand getSizes(Value v, ArrayRef<int64_t> order) {
    Operand operand;
    for (int64_t d : order) {
      operand.knownSizes.push_back(cast<MemRefType>(v.getType()).getDimSize(d));
      operand.sizes.push_back(k.size(v, d));
    }
    return operand;
  }

  void locate(Operand &operand, Value v, ArrayRef<int64_t> order) {
    FlatBuffer flat = k.flatten(v);
    operand.memory = flat.memory, operand.offset = flat.offset;
    for (auto [i, d] : llvm::enumerate(order)) {
      Value step = flat.steps[d];
      int64_t size = operand.knownSizes[i];
      if (size == 1) {
        operand.knownSteps.push_back(0);
        step = c(0);
      } else if (ShapedType::isDynamic(size)) {
        operand.knownSteps.push_back(ShapedType::kDynamic);
        Value one = k.compare(arith::CmpIPredicate::eq, operand.sizes[i], c(1));
        step = arith::SelectOp::create(b, k.loc, one, c(0), step);
      } else {
        operand.knownSteps.push_back(flat.known[d]);
      }
      operand.steps.push_back(step);
    }
  }

  SmallVector<Value> unflatten(Value number) {
    SmallVector<Value> indices(rank - 2);
    for (int64_t d = rank - 3; d >= 0; --d) {
      indices[d] = d ? k.rem(number, result.sizes[d]) : number;
      number = k.div(number, result.sizes[d]);
    }
    return indices;
  }

  // Where the matrix of `operand` starts for the outer dimensions at hand.
  Value getBase(const Operand &operand) {
    Value base = operand.offset;
    int64_t skipped = rank - int64_t(operand.sizes.size());
    for (int64_t d = skipped; d < rank - 2; ++d)
      base = k.add(base, k.mul(outer[d], operand.steps[d - skipped]));
    return base;
  }

  void unlessSame(Value have, Value before, llvm::function_ref<void()> body) {
    k.branch(k.compare(arith::CmpIPredicate::ne, have, before), body);
  }

  // Rows of the operand become columns, if `transposed`.
  void pack(PackedColumns &columns, const Operand &from, bool transposed, Value base,
            Value packed) {
    RightMatrix matrix;
    matrix.memory = from.memory;
    matrix.base = base;
    size_t row = transposed ? rank - 1 : rank - 2, column = transposed ? rank - 2 : rank - 1;
    matrix.rowStep = from.steps[row], matrix.knownRowStep = from.knownSteps[row];
    matrix.columnStep = from.steps[column], matrix.knownColumnStep = from.knownSteps[column];
    // An open number of neighbours may turn out to be one, which stretches.
    auto unit = [&](size_t d, ArrayRef<int64_t> order, Value v) {
      SmallVector<int64_t> strides;
      int64_t offset;
      auto type = cast<MemRefType>(v.getType());
      return succeeded(type.getStridesAndOffset(strides, offset)) && strides[order[d]] == 1 &&
             ShapedType::isDynamic(from.knownSizes[d]);
    };
    ArrayRef<int64_t> order = transposed ? op.getKOrder() : op.getVOrder();
    Value v = transposed ? op.getK() : op.getV();
    RightMatrix plain = matrix;
    if (unit(row, order, v))
      plain.knownRowStep = 1;
    if (unit(column, order, v))
      plain.knownColumnStep = 1;
    if (plain.knownRowStep == matrix.knownRowStep &&
        plain.knownColumnStep == matrix.knownColumnStep)
      return columns.pack(matrix, packed);
    Value step = plain.knownColumnStep == 1 ? matrix.columnStep : matrix.rowStep;
    k.branch(
        k.compare(arith::CmpIPredicate::eq, step, c(1)), [&] { columns.pack(plain, packed); },
        [&] { columns.pack(matrix, packed); });
  }

  //===--- scores ---===//

  void makeScores(PackedColumns &columns, Value packed) {
    columns.forPanels([&](Value column, int64_t vectors, bool partial) {
      k.loop(c(0), rows, tile.rows, [&](Value r0) {
        SmallVector<Value> queryRows, indices;
        Value last = k.sub(result.sizes[rank - 2], c(1)), base = getBase(queries);
        for (int64_t r = 0; r < tile.rows; ++r) {
          // Past the end the last row stands in.
          indices.push_back(k.min(k.add(k.add(first, r0), r), last));
          queryRows.push_back(k.add(base, k.mul(indices[r], queries.steps[rank - 2])));
        }
        SmallVector<Value> accs(tile.rows * vectors, k.zero(vectorType()));
        accs = columns.multiply(packed, column, vectors, tile.rows, c(0), depth, accs,
                                [&](int64_t r, Value i) -> Value {
                                  Value at = k.add(queryRows[r], step(queries, rank - 1, i));
                                  return memref::LoadOp::create(b, k.loc, queries.memory, at);
                                });
        for (int64_t r = 0; r < tile.rows; ++r)
          for (int64_t v = 0; v < vectors; ++v) {
            Value at = k.add(column, v * tile.lanes);
            Value mask = partial && v + 1 == vectors ? columns.mask(at) : Value();
            Value score = evaluate(accs[r * vectors + v], indices[r], at, mask);
            if (mask)
              score = arith::SelectOp::create(b, k.loc, mask, score, splat(-kInfinity));
            vector::StoreOp::create(b, k.loc, score, scores,
                                    k.add(k.mul(k.add(r0, r), scoreStep), at));
          }
      });
    });
  }

  Value step(const Operand &operand, int64_t d, Value index) {
    int64_t known = operand.knownSteps[d];
    return ShapedType::isDynamic(known) ? k.mul(index, operand.steps[d]) : k.mul(index, known);
  }

  // The op's region on sums from column `at` on.
  Value evaluate(Value sum, Value row, Value at, Value mask) {
    SmallVector<Value> arguments{sum};
    for (const Operand &extra : extras)
      arguments.push_back(readExtra(extra, row, at, mask));
    Block &body = op.getScores().front();
    return k.evaluate(body, body.getTerminator()->getOperand(0), tile.lanes, arguments);
  }

  Value readExtra(const Operand &extra, Value row, Value at, Value mask) {
    int64_t dims = extra.sizes.size();
    Value where = getBase(extra);
    if (dims > 1)
      where = k.add(where, step(extra, dims - 2, row));
    auto type =
        VectorType::get(tile.lanes, cast<MemRefType>(extra.memory.getType()).getElementType());
    auto same = [&]() -> Value {
      return vector::BroadcastOp::create(b, k.loc, type,
                                         memref::LoadOp::create(b, k.loc, extra.memory, where));
    };
    auto neighbours = [&]() -> Value {
      Value from = k.add(where, at);
      if (!mask)
        return vector::LoadOp::create(b, k.loc, type, extra.memory, from);
      return vector::MaskedLoadOp::create(b, k.loc, type, extra.memory, from, mask, k.zero(type));
    };
    if (dims == 0 || extra.knownSizes.back() == 1)
      return same();
    if (!ShapedType::isDynamic(extra.knownSizes.back()))
      return neighbours();
    auto branch = scf::IfOp::create(
        b, k.loc, type, k.compare(arith::CmpIPredicate::eq, extra.sizes.back(), c(1)), true, true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, k.loc, same());
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, k.loc, neighbours());
    return branch.getResult(0);
  }

  //===--- softmax ---===//

  // Sums of rows, or their maxima, in several registers: the latency of one would be what counts.
  using Join = llvm::function_ref<Value(Value, Value)>;
  Value reduce(Value r, Value start, llvm::function_ref<Value(Value)> element, Join join) {
    constexpr int64_t kRegisters = 4;
    int64_t wide = kRegisters * tile.lanes;
    Value end = mul(k.ceilDiv(count, tile.lanes), c(tile.lanes));
    Value full = k.mul(k.div(end, c(wide)), wide), row = k.mul(r, scoreStep);
    SmallVector<Value> accs(kRegisters, start);
    accs = k.loop(c(0), full, wide, accs, [&](Value j, ValueRange in) {
      SmallVector<Value> out;
      for (int64_t i = 0; i < kRegisters; ++i)
        out.push_back(join(in[i], element(k.add(k.add(row, j), i * tile.lanes))));
      return out;
    });
    Value acc = k.loop(full, end, tile.lanes, ValueRange{accs[0]}, [&](Value j, ValueRange in) {
      return SmallVector<Value>{join(in[0], element(k.add(row, j)))};
    })[0];
    return join(join(acc, accs[1]), join(accs[2], accs[3]));
  }

  void makeExponentials(Value r) {
    auto load = [&](Value at) -> Value {
      return vector::LoadOp::create(b, k.loc, vectorType(), scores, at);
    };
    // NaN is lost here, but not in the exponentials.
    Value maxima = reduce(r, splat(-kInfinity), load, [&](Value x, Value y) -> Value {
      Value greater = arith::CmpFOp::create(b, k.loc, arith::CmpFPredicate::OGT, y, x);
      return arith::SelectOp::create(b, k.loc, greater, y, x);
    });
    Value maximum = vector::ReductionOp::create(b, k.loc, vector::CombiningKind::MAXNUMF, maxima);
    if (op.getZeroMasked()) {
      Value lowest = arith::ConstantOp::create(
          b, k.loc, b.getF32FloatAttr(-std::numeric_limits<float>::max()));
      maximum = arith::MaxNumFOp::create(b, k.loc, maximum, lowest);
    }
    maximum = vector::BroadcastOp::create(b, k.loc, vectorType(), maximum);
    auto exponential = [&](Value at) -> Value {
      Value x = arith::SubFOp::create(b, k.loc, load(at), maximum);
      x = math::ExpOp::create(b, k.loc, x);
      vector::StoreOp::create(b, k.loc, x, scores, at);
      return x;
    };
    Value total = reduce(r, k.zero(vectorType()), exponential, [&](Value x, Value y) -> Value {
      return arith::AddFOp::create(b, k.loc, x, y);
    });
    Value sum = vector::ReductionOp::create(b, k.loc, vector::CombiningKind::ADD, total,
                                            arith::FastMathFlags::reassoc);
    Value one = arith::ConstantOp::create(b, k.loc, b.getF32FloatAttr(1));
    if (op.getZeroMasked())
      sum = arith::MaximumFOp::create(b, k.loc, sum, one);
    // Rows without scores are 0.
    if (!getConstantIntValue(count)) {
      Value none = k.compare(arith::CmpIPredicate::eq, count, c(0));
      sum = arith::SelectOp::create(b, k.loc, none, one, sum);
    }
    memref::StoreOp::create(b, k.loc, arith::DivFOp::create(b, k.loc, one, sum), factors, r);
  }

  //===--- values ---===//

  void makeSums(PackedColumns &columns, Value packed) {
    std::optional<int64_t> known = getConstantIntValue(count);
    bool onePiece = known && *known <= 2 * kPiece;
    columns.forPanels([&](Value column, int64_t vectors, bool) {
      auto tiles = [&](Value from, Value to, bool isFirst) {
        k.loop(c(0), rows, tile.rows, [&](Value r0) {
          SmallVector<Value> accs, places;
          for (int64_t r = 0; r < tile.rows; ++r)
            for (int64_t v = 0; v < vectors; ++v) {
              Value row = k.add(r0, r);
              places.push_back(k.add(k.add(k.mul(row, sumStep), column), v * tile.lanes));
              accs.push_back(isFirst ? k.zero(vectorType())
                                     : Value(vector::LoadOp::create(b, k.loc, vectorType(), sums,
                                                                    places.back())));
            }
          SmallVector<Value> lines;
          for (int64_t r = 0; r < tile.rows; ++r)
            lines.push_back(k.mul(k.add(r0, r), scoreStep));
          accs = columns.multiply(
              packed, column, vectors, tile.rows, from, to, accs, [&](int64_t r, Value i) -> Value {
                return memref::LoadOp::create(b, k.loc, scores, k.add(lines[r], i));
              });
          for (auto [acc, place] : llvm::zip(accs, places))
            vector::StoreOp::create(b, k.loc, acc, sums, place);
        });
      };
      if (onePiece)
        return tiles(c(0), count, true);
      Value end = k.min(c(kPiece), count);
      tiles(c(0), end, true);
      k.loop(end, count, kPiece,
             [&](Value from) { tiles(from, k.min(k.add(from, kPiece), count), false); });
    });
  }

  void store(PackedColumns &columns) {
    Value base = getBase(result);
    k.loop(c(0), rows, 1, [&](Value r) {
      Value factor = vector::BroadcastOp::create(b, k.loc, vectorType(),
                                                 memref::LoadOp::create(b, k.loc, factors, r));
      Value row = k.add(base, step(result, rank - 2, k.add(first, r))), from = k.mul(r, sumStep);
      columns.forPanels([&](Value column, int64_t vectors, bool partial) {
        for (int64_t v = 0; v < vectors; ++v) {
          Value at = k.add(column, v * tile.lanes);
          Value x = vector::LoadOp::create(b, k.loc, vectorType(), sums, k.add(from, at));
          x = arith::MulFOp::create(b, k.loc, x, factor);
          if (partial && v + 1 == vectors)
            vector::MaskedStoreOp::create(b, k.loc, result.memory, k.add(row, at), columns.mask(at),
                                          x);
          else
            vector::StoreOp::create(b, k.loc, x, result.memory, k.add(row, at));
        }
      });
    });
  }

  VectorCode &k;
  OpBuilder &b;
  AttentionOp op;
  SumTile tile;
  int64_t rank, block;
  Operand queries, keys, values, result;
  std::vector<Operand> extras;
  // Scores of a row, products of a score, values of a row.
  Value count, depth, width;
  // Scratch memory: scores and their exponentials, sums, 1 / the sum of exponentials; distances of
  // rows.
  Value scores, sums, factors, scoreStep, sumStep;
  // The block at hand.
  SmallVector<Value> outer;
  Value first, rows;
};
} // namespace

void terse::buildAttentionKernel(VectorCode &code, AttentionOp op, int64_t vectorBytes, Value begin,
                                 Value end) {
  AttentionKernel(code, op, vectorBytes).build(begin, end);
}
Value terse::countAttentionItems(VectorCode &code, AttentionOp op, int64_t vectorBytes) {
  return AttentionKernel(code, op, vectorBytes).countItems();
}
Value terse::countAttentionWork(VectorCode &code, AttentionOp op) {
  return AttentionKernel(code, op, 16).countWork();
}
