//===- ProductKernel.cpp - Products of two activations --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for blocks of rows:                                  (one item of the range)
//     pack the right operand, unless the item before had the same
//     for panels, pieces of the contraction, tiles of rows:
//       result += products                               (in registers)

#include "ProductKernel.h"
#include "UKernel/PackedColumns.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace terse;

// Rows of an item: enough to share a packed operand, and few enough for threads to share the work.
static constexpr int64_t kBlockRows = 48;
// Products that add up in registers: a piece of a panel stays in the nearest cache.
static constexpr int64_t kPiece = 128;

namespace {
class ProductKernel {
public:
  ProductKernel(OpBuilder &b, linalg::GenericOp op, const ContractionShape &shape,
                const KernelTarget &target)
      : k(b, op.getLoc(), target.hasFMA), b(b), op(op), shape(shape), tile(target.vectorBytes) {
    for (Range range : cast<linalg::LinalgOp>(op.getOperation()).createLoopRanges(b, k.loc))
      sizes.push_back(getValueOrCreateConstantIndexOp(b, k.loc, range.size));
  }

  void build(Value begin, Value end) {
    left = locate(shape.scalarOperand), right = locate(shape.vectorOperand), result = locate(2);
    int64_t along = shape.reductionDims.front();
    depth = sizes[along];
    std::optional<BytePairs> pairs;
    if (shape.bytes) {
      pairs = BytePairs{depth, shape.isUnsigned[shape.vectorOperand]};
      leftPairs = BytePairs{depth, shape.isUnsigned[shape.scalarOperand]};
      depth = k.b.createOrFold<arith::CeilDivUIOp>(k.loc, depth, k.c(2));
    }
    count = sizes[shape.vectorDim];
    rows = sizes[shape.scalarDim];
    PackedColumns columns(k, tile, depth, count, pairs);
    Value memory = allocate(columns.countElements(), columns.getElementType());
    if (leftPairs) {
      pitch = k.add(depth, tile.lanes);
      leftWords = allocate(k.mul(pitch, kBlockRows), columns.getElementType());
    }
    Value blocks = k.ceilDiv(rows, kBlockRows), none = k.c(-1);
    k.loop(begin, end, 1, ValueRange{none}, [&](Value item, ValueRange packed) {
      SmallVector<Value> dims = unflatten(k.div(item, blocks));
      Value first = k.mul(k.rem(item, blocks), kBlockRows);
      Value here = k.min(k.c(kBlockRows), k.sub(rows, first));
      RightMatrix from;
      from.memory = right.memory, from.base = getBase(right, dims);
      from.rowStep = right.steps[along], from.knownRowStep = right.known[along];
      from.columnStep = right.steps[shape.vectorDim],
      from.knownColumnStep = right.known[shape.vectorDim];
      k.branch(k.compare(arith::CmpIPredicate::ne, from.base, packed[0]),
               [&] { columns.pack(from, memory); });
      if (leftPairs)
        copyPairs(getBase(left, dims), first, here);
      multiply(columns, memory, getBase(left, dims), getBase(result, dims), first, here);
      return SmallVector<Value>{from.base};
    });
    k.release();
  }

private:
  // Buffer `operand` with steps for the loops instead of its dimensions.
  FlatBuffer locate(unsigned operand) {
    FlatBuffer flat = k.flatten(op->getOperand(operand)), loops = flat;
    loops.steps.assign(sizes.size(), k.c(0));
    loops.known.assign(sizes.size(), 0);
    AffineMap map = op.getIndexingMapsArray()[operand];
    for (auto [d, expr] : llvm::enumerate(map.getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
        loops.steps[dim.getPosition()] = flat.steps[d];
        loops.known[dim.getPosition()] = flat.known[d];
      }
    return loops;
  }

  // Rows [first, first + here) of the left operand as words.
  void copyPairs(Value base, Value first, Value here) {
    int64_t along = shape.reductionDims.front(), lanes = tile.lanes;
    bool together = left.known[along] == 1;
    k.loop(k.c(0), here, 1, [&](Value r) {
      Value from = k.add(base, step(left, shape.scalarDim, k.add(first, r))), to = k.mul(r, pitch);
      Value whole = together ? k.mul(k.div(leftPairs->bytes, k.c(2 * lanes)), lanes) : k.c(0);
      if (together)
        k.loop(k.c(0), whole, lanes, [&](Value i) {
          Value x = leftPairs->load(k, left.memory, k.add(from, k.mul(i, 2)), lanes, Value());
          vector::StoreOp::create(b, k.loc, x, leftWords, k.add(to, i));
        });
      k.loop(whole, depth, 1, [&](Value i) {
        Value x = leftPairs->gather(k, left.memory, from, left.steps[along], i);
        memref::StoreOp::create(b, k.loc, x, leftWords, k.add(to, i));
      });
    });
  }

  Value allocate(Value elements, Type type) {
    Value four = k.c(4);
    Value bytes = k.allocate(b.createOrFold<arith::MulIOp>(k.loc, elements, four));
    return memref::ViewOp::create(b, k.loc, MemRefType::get(ShapedType::kDynamic, type), bytes,
                                  k.c(0), ValueRange{elements});
  }

  SmallVector<Value> unflatten(Value number) {
    SmallVector<Value> dims(shape.outerDims.size());
    for (int64_t i = dims.size() - 1; i >= 0; --i) {
      Value size = sizes[shape.outerDims[i]];
      dims[i] = i ? k.rem(number, size) : number;
      number = k.div(number, size);
    }
    return dims;
  }

  Value getBase(const FlatBuffer &buffer, ArrayRef<Value> dims) {
    Value base = buffer.offset;
    for (auto [dim, index] : llvm::zip(shape.outerDims, dims))
      base = k.add(base, step(buffer, dim, index));
    return base;
  }

  Value step(const FlatBuffer &buffer, int64_t dim, Value index) {
    int64_t known = buffer.known[dim];
    return ShapedType::isDynamic(known) ? k.mul(index, buffer.steps[dim]) : k.mul(index, known);
  }

  void multiply(PackedColumns &columns, Value memory, Value leftBase, Value resultBase, Value first,
                Value here) {
    int64_t along = shape.reductionDims.front();
    Value last = k.sub(rows, k.c(1));
    columns.forPanels([&](Value column, int64_t vectors, bool partial) {
      auto piece = [&](Value from, Value to) {
        k.loop(k.c(0), here, tile.rows, [&](Value r0) {
          // Past the end the last row stands in: it is read and written several times.
          SmallVector<Value> lines, places, accs;
          for (int64_t r = 0; r < tile.rows; ++r) {
            Value row = k.min(k.add(k.add(first, r0), r), last);
            lines.push_back(leftPairs ? k.mul(k.sub(row, first), pitch)
                                      : k.add(leftBase, step(left, shape.scalarDim, row)));
            Value line = k.add(resultBase, step(result, shape.scalarDim, row));
            for (int64_t v = 0; v < vectors; ++v) {
              Value at = k.add(column, v * tile.lanes);
              places.push_back(k.add(line, at));
              accs.push_back(load(places.back(), mask(columns, at, partial && v + 1 == vectors)));
            }
          }
          accs = columns.multiply(
              memory, column, vectors, tile.rows, from, to, accs, [&](int64_t r, Value i) -> Value {
                if (leftPairs)
                  return memref::LoadOp::create(b, k.loc, leftWords, k.add(lines[r], i));
                Value x = memref::LoadOp::create(b, k.loc, left.memory,
                                                 k.add(lines[r], step(left, along, i)));
                if (!x.getType().isF32())
                  x = arith::ExtFOp::create(b, k.loc, b.getF32Type(), x);
                return x;
              });
          for (auto [i, acc] : llvm::enumerate(accs)) {
            int64_t v = i % vectors;
            Value m = mask(columns, k.add(column, v * tile.lanes), partial && v + 1 == vectors);
            if (m)
              vector::MaskedStoreOp::create(b, k.loc, result.memory, places[i], m, acc);
            else
              vector::StoreOp::create(b, k.loc, acc, result.memory, places[i]);
          }
        });
      };
      std::optional<int64_t> known = getConstantIntValue(depth);
      if (known && *known <= 2 * kPiece)
        return piece(k.c(0), depth);
      k.loop(k.c(0), depth, kPiece,
             [&](Value from) { piece(from, k.min(k.add(from, kPiece), depth)); });
    });
  }

  Value mask(PackedColumns &columns, Value at, bool partial) {
    return partial ? columns.mask(at) : Value();
  }
  Value load(Value at, Value mask) {
    auto type = VectorType::get(tile.lanes, leftPairs ? Type(b.getI32Type()) : b.getF32Type());
    if (mask)
      return vector::MaskedLoadOp::create(b, k.loc, type, result.memory, at, mask, k.zero(type));
    return vector::LoadOp::create(b, k.loc, type, result.memory, at);
  }

  VectorCode k;
  OpBuilder &b;
  linalg::GenericOp op;
  const ContractionShape &shape;
  SumTile tile;
  SmallVector<Value> sizes;
  FlatBuffer left, right, result;
  Value depth, count, rows;
  // Of bytes: the left operand's, whose rows of a block are copied as words, `pitch` apart.
  std::optional<BytePairs> leftPairs;
  Value leftWords, pitch;
};
} // namespace

Value terse::countProductItems(OpBuilder &b, linalg::GenericOp op, const ContractionShape &shape) {
  VectorCode k(b, op.getLoc(), false);
  SmallVector<Value> sizes;
  for (Range range : cast<linalg::LinalgOp>(op.getOperation()).createLoopRanges(b, k.loc))
    sizes.push_back(getValueOrCreateConstantIndexOp(b, k.loc, range.size));
  Value items = k.ceilDiv(sizes[shape.scalarDim], kBlockRows);
  for (int64_t dim : shape.outerDims)
    items = k.mul(items, sizes[dim]);
  return items;
}

void terse::buildProductKernel(OpBuilder &b, linalg::GenericOp op, const ContractionShape &shape,
                               const KernelTarget &target, Value begin, Value end) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op);
  ProductKernel(b, op, shape, target).build(begin, end);
}
