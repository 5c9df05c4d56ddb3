//===- KernelBuilder.cpp - Vector code of contraction kernels -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// panel   for outer iterations, tiles of the result [scalars][rows][vectors]:
//           for blocks of the reductions:   (one block for integers)
//             accumulators = 0
//             for the block: accumulators += broadcast(scalar operand) * vector operand
//             result += accumulators
// dot     for outer iterations, tiles [scalars][vectors]:
//           for k by lanes: partial sums += vector * vector;   result += sum of the lanes
//
// Ends that a tile does not divide: along vectorDim vectors are masked; along the others indices
// are clamped, so that the tile computes values twice, and only the wanted ones are stored.

#include "KernelBuilder.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using cpu::Kernel;

// Products of floats that add up in one register: see MatrixKernel.cpp.
static constexpr int64_t kFloatBlock = 64;

static int64_t sizeOf(linalg::GenericOp op, int64_t dim) {
  return dim < 0 ? 1 : op.getStaticLoopRanges()[dim];
}

namespace {
// Small ops with less text.
struct KernelCode {
  OpBuilder &b;
  Location loc;
  linalg::GenericOp op;
  const ContractionShape &shape;
  const KernelTiles &tiles;
  const KernelTarget &target;
  SmallVector<Value> sizes; // Of every iterator.
  SmallVector<AffineMap> maps;
  Type sumType;
  VectorType vectorType;
  Value product0, product1; // Factors in the body of the op.

  KernelCode(OpBuilder &b, linalg::GenericOp op, const ContractionShape &shape,
             const KernelTiles &tiles, const KernelTarget &target)
      : b(b), loc(op.getLoc()), op(op), shape(shape), tiles(tiles), target(target),
        maps(op.getIndexingMapsArray()) {
    for (Range range : cast<linalg::LinalgOp>(op.getOperation()).createLoopRanges(b, loc))
      sizes.push_back(getValueOrCreateConstantIndexOp(b, loc, range.size));
    sumType = cast<MemRefType>(op.getDpsInits()[0].getType()).getElementType();
    vectorType = VectorType::get(tiles.lanes, sumType);
    Operation *sum = op.getBody()->getTerminator()->getOperand(0).getDefiningOp();
    Value acc = op.getBody()->getArgument(2);
    Operation *product =
        (sum->getOperand(0) == acc ? sum->getOperand(1) : sum->getOperand(0)).getDefiningOp();
    product0 = product->getOperand(0);
    product1 = product->getOperand(1);
  }

  Value c(int64_t v) { return arith::ConstantIndexOp::create(b, loc, v); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value add(Value x, int64_t y) { return y ? add(x, c(y)) : x; }
  Value sub(Value x, Value y) { return arith::SubIOp::create(b, loc, x, y); }
  Value less(Value x, Value y) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
  }

  SmallVector<Value> indices(unsigned operand, ArrayRef<Value> dims) {
    SmallVector<Value> result;
    for (AffineExpr e : maps[operand].getResults())
      result.push_back(affine::expandAffineExpr(b, loc, e, dims, {}));
    return result;
  }
  Value memory(unsigned operand) { return op->getOperand(operand); }

  // The conversions between operand `operand` and the product, on a scalar or a vector.
  Value convert(unsigned operand, Value raw) {
    return convertFrom(operand == 0 ? product0 : product1, operand, raw);
  }
  Value convertFrom(Value v, unsigned operand, Value raw) {
    if (v == op.getBody()->getArgument(operand))
      return raw;
    Operation *def = v.getDefiningOp();
    Value in = convertFrom(def->getOperand(0), operand, raw);
    Type type = v.getType();
    if (isa<VectorType>(in.getType()))
      type = VectorType::get(tiles.lanes, type);
    OperationState state(loc, def->getName(), in, type, def->getAttrs());
    return b.create(state)->getResult(0);
  }

  Value multiplyAdd(Value x, Value y, Value acc) {
    if (isa<FloatType>(sumType)) {
      // Not vector.fma, which leaves it to code generation whether to round twice.
      if (target.hasFMA)
        return math::FmaOp::create(b, loc, x, y, acc);
      return arith::AddFOp::create(b, loc, acc, arith::MulFOp::create(b, loc, x, y));
    }
    return arith::AddIOp::create(b, loc, acc, arith::MulIOp::create(b, loc, x, y));
  }

  Value zeroVector(Type element) {
    auto type = VectorType::get(tiles.lanes, element);
    return arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  }

  // `lanes` elements of an operand from `at` on, `stride` apart; lanes that `mask` leaves out are
  // zero.
  Value loadVector(unsigned operand, ArrayRef<Value> at, int64_t stride, Value mask) {
    Type element = cast<MemRefType>(memory(operand).getType()).getElementType();
    auto type = VectorType::get(tiles.lanes, element);
    if (stride != 1) {
      SmallVector<int32_t> steps;
      for (int64_t i = 0; i < tiles.lanes; ++i)
        steps.push_back(int32_t(i * stride));
      Value offsets = arith::ConstantOp::create(b, loc, b.getI32VectorAttr(steps));
      if (!mask)
        mask = arith::ConstantOp::create(
            b, loc, DenseElementsAttr::get(VectorType::get(tiles.lanes, b.getI1Type()), true));
      return vector::GatherOp::create(b, loc, type, memory(operand), at, offsets, mask,
                                      zeroVector(element));
    }
    if (mask)
      return vector::MaskedLoadOp::create(b, loc, type, memory(operand), at, mask,
                                          zeroVector(element));
    return vector::LoadOp::create(b, loc, type, memory(operand), at);
  }

  // Index `first + i` of `dim` kept inside the dimension, and whether it was inside (null: always).
  std::pair<Value, Value> clamp(Value first, int64_t i, int64_t dim, int64_t tile) {
    Value at = add(first, i);
    int64_t size = sizeOf(op, dim);
    if (i == 0 || (!ShapedType::isDynamic(size) && size % tile == 0))
      return {at, Value()};
    Value last = sub(sizes[dim], c(1));
    return {arith::MinSIOp::create(b, loc, at, last), less(at, sizes[dim])};
  }

  void ifInside(ArrayRef<Value> conditions, llvm::function_ref<void()> body) {
    Value all;
    for (Value v : conditions)
      if (v)
        all = all ? Value(arith::AndIOp::create(b, loc, all, v)) : v;
    if (!all)
      return body();
    auto branch = scf::IfOp::create(b, loc, all);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    body();
  }

  scf::ForOp loop(Value from, Value to, int64_t step, ValueRange init,
                  llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
    return scf::ForOp::create(b, loc, from, to, c(step), init,
                              [&](OpBuilder &inner, Location, Value iv, ValueRange args) {
                                OpBuilder::InsertionGuard guard(b);
                                b.setInsertionPoint(inner.getInsertionBlock(),
                                                    inner.getInsertionPoint());
                                SmallVector<Value> next = body(iv, args);
                                scf::YieldOp::create(b, loc, next);
                              });
  }

  using Step = llvm::function_ref<SmallVector<Value>(ArrayRef<Value>, ValueRange)>;

  // Nested loops over reduction dimensions from number `i` on; number `blocked` over [from, to).
  SmallVector<Value> reduce(size_t i, SmallVector<Value> dims, ValueRange accs, Step body,
                            size_t blocked, Value from, Value to) {
    if (i == shape.reductionDims.size())
      return body(dims, accs);
    int64_t dim = shape.reductionDims[i];
    if (sizeOf(op, dim) == 1) {
      dims[dim] = c(0);
      return reduce(i + 1, dims, accs, body, blocked, from, to);
    }
    bool inBlock = i == blocked;
    return loop(inBlock ? from : c(0), inBlock ? to : sizes[dim], 1, accs,
                [&](Value iv, ValueRange args) {
                  dims[dim] = iv;
                  return reduce(i + 1, dims, args, body, blocked, from, to);
                })
        .getResults();
  }

  //===--- panel ---===//

  // The reduction that is cut into blocks of `size` so that few products add up in one register.
  struct Blocks {
    size_t reduction = 0;
    int64_t size = ShapedType::kDynamic; // All of it.
  };
  Blocks chooseBlocks() {
    Blocks blocks;
    size_t count = shape.reductionDims.size();
    while (blocks.reduction + 1 < count && sizeOf(op, shape.reductionDims[blocks.reduction]) == 1)
      ++blocks.reduction;
    if (!sumType.isF32() || count == 0)
      return blocks;
    int64_t inner = 1;
    for (size_t i = blocks.reduction + 1; i < count; ++i) {
      int64_t n = sizeOf(op, shape.reductionDims[i]);
      inner = ShapedType::isDynamic(n) ? kFloatBlock : std::min(inner * n, kFloatBlock);
    }
    int64_t n = sizeOf(op, shape.reductionDims[blocks.reduction]), size = kFloatBlock / inner;
    if (ShapedType::isDynamic(n) || n > size)
      blocks.size = size;
    return blocks;
  }

  // One tile at vector position v0 with `masks.size()` vectors.
  void panelTile(SmallVector<Value> dims, ArrayRef<std::pair<Value, Value>> scalars,
                 ArrayRef<std::pair<Value, Value>> rows, Value v0, ArrayRef<Value> masks) {
    Blocks blocks = chooseBlocks();
    Value zero = c(0), end;
    if (!shape.reductionDims.empty())
      end = sizes[shape.reductionDims[blocks.reduction]];
    if (ShapedType::isDynamic(blocks.size))
      return panelBlock(dims, scalars, rows, v0, masks, blocks.reduction, zero, end,
                        /*onto=*/false);
    loop(zero, end, blocks.size, {}, [&](Value from, ValueRange) {
      Value to = arith::MinSIOp::create(b, loc, add(from, blocks.size), end);
      panelBlock(dims, scalars, rows, v0, masks, blocks.reduction, from, to, /*onto=*/true);
      return SmallVector<Value>();
    });
  }

  // [from, to) of reduction number `blocked` of a tile: accumulators start with the result, or are
  // added `onto` it.
  void panelBlock(SmallVector<Value> dims, ArrayRef<std::pair<Value, Value>> scalars,
                  ArrayRef<std::pair<Value, Value>> rows, Value v0, ArrayRef<Value> masks,
                  size_t blocked, Value from, Value to, bool onto) {
    auto at = [&](SmallVector<Value> d, size_t s, size_t r, size_t v) {
      if (shape.scalarDim >= 0)
        d[shape.scalarDim] = scalars[s].first;
      if (shape.rowDim >= 0)
        d[shape.rowDim] = rows[r].first;
      d[shape.vectorDim] = add(v0, v * tiles.lanes);
      return d;
    };
    SmallVector<Value> accs;
    for (size_t s = 0; s < scalars.size(); ++s)
      for (size_t r = 0; r < rows.size(); ++r)
        for (size_t v = 0; v < masks.size(); ++v)
          accs.push_back(onto ? zeroVector(sumType)
                              : loadVector(2, indices(2, at(dims, s, r, v)), 1, masks[v]));
    auto step = [&](ArrayRef<Value> d, ValueRange in) {
      SmallVector<Value> inner(d), vectors, out;
      for (size_t r = 0; r < rows.size(); ++r)
        for (size_t v = 0; v < masks.size(); ++v)
          vectors.push_back(convert(shape.vectorOperand,
                                    loadVector(shape.vectorOperand,
                                               indices(shape.vectorOperand, at(inner, 0, r, v)),
                                               shape.stride, masks[v])));
      for (size_t s = 0; s < scalars.size(); ++s) {
        Value raw = memref::LoadOp::create(b, loc, memory(shape.scalarOperand),
                                           indices(shape.scalarOperand, at(inner, s, 0, 0)));
        Value x =
            vector::BroadcastOp::create(b, loc, vectorType, convert(shape.scalarOperand, raw));
        for (auto [i, y] : llvm::enumerate(vectors))
          out.push_back(multiplyAdd(x, y, in[s * vectors.size() + i]));
      }
      return out;
    };
    accs = reduce(0, dims, accs, step, blocked, from, to);
    size_t i = 0;
    for (size_t s = 0; s < scalars.size(); ++s)
      for (size_t r = 0; r < rows.size(); ++r)
        ifInside({scalars[s].second, rows[r].second},
                 [&] {
                   for (size_t v = 0; v < masks.size(); ++v) {
                     Value acc = accs[i + v];
                     SmallVector<Value> where = indices(2, at(dims, s, r, v));
                     if (onto)
                       acc = arith::AddFOp::create(b, loc, loadVector(2, where, 1, masks[v]), acc);
                     if (masks[v])
                       vector::MaskedStoreOp::create(b, loc, memory(2), where, masks[v], acc);
                     else
                       vector::StoreOp::create(b, loc, acc, memory(2), where);
                   }
                 }),
            i += masks.size();
  }

  void panelRow(SmallVector<Value> dims, ArrayRef<std::pair<Value, Value>> scalars,
                ArrayRef<std::pair<Value, Value>> rows) {
    int64_t n = sizeOf(op, shape.vectorDim), tile = tiles.vectors * tiles.lanes;
    auto maskType = VectorType::get(tiles.lanes, b.getI1Type());
    SmallVector<Value> whole(tiles.vectors);
    if (!ShapedType::isDynamic(n)) {
      int64_t full = n / tile * tile, rest = n - full;
      if (full == tile)
        panelTile(dims, scalars, rows, c(0), whole);
      else if (full)
        loop(c(0), c(full), tile, {}, [&](Value v0, ValueRange) {
          panelTile(dims, scalars, rows, v0, whole);
          return SmallVector<Value>();
        });
      if (rest) {
        SmallVector<Value> masks(llvm::divideCeil(rest, tiles.lanes));
        if (rest % tiles.lanes)
          masks.back() = vector::CreateMaskOp::create(b, loc, maskType, c(rest % tiles.lanes));
        panelTile(dims, scalars, rows, c(full), masks);
      }
      return;
    }
    Value count = arith::DivUIOp::create(b, loc, sizes[shape.vectorDim], c(tile));
    Value full = arith::MulIOp::create(b, loc, count, c(tile));
    loop(c(0), full, tile, {}, [&](Value v0, ValueRange) {
      panelTile(dims, scalars, rows, v0, whole);
      return SmallVector<Value>();
    });
    ifInside(less(full, sizes[shape.vectorDim]), [&] {
      SmallVector<Value> masks;
      for (int64_t v = 0; v < tiles.vectors; ++v) {
        Value left = sub(sizes[shape.vectorDim], add(full, v * tiles.lanes));
        masks.push_back(vector::CreateMaskOp::create(b, loc, maskType, left));
      }
      panelTile(dims, scalars, rows, full, masks);
    });
  }

  void panel(SmallVector<Value> dims, Value tile) {
    SmallVector<std::pair<Value, Value>> scalars(1), rows(1);
    if (shape.scalarDim >= 0) {
      scalars.clear();
      Value first = arith::MulIOp::create(b, loc, tile, c(tiles.scalars));
      for (int64_t i = 0; i < tiles.scalars; ++i)
        scalars.push_back(clamp(first, i, shape.scalarDim, tiles.scalars));
    }
    if (shape.rowDim < 0)
      return panelRow(dims, scalars, rows);
    loop(c(0), sizes[shape.rowDim], tiles.rows, {}, [&](Value first, ValueRange) {
      rows.clear();
      for (int64_t i = 0; i < tiles.rows; ++i)
        rows.push_back(clamp(first, i, shape.rowDim, tiles.rows));
      panelRow(dims, scalars, rows);
      return SmallVector<Value>();
    });
  }

  //===--- dot ---===//

  SmallVector<Value> dotStep(SmallVector<Value> dims, ArrayRef<std::pair<Value, Value>> scalars,
                             ArrayRef<std::pair<Value, Value>> columns, Value k, Value mask,
                             ValueRange accs) {
    dims[shape.reductionDims.front()] = k;
    SmallVector<Value> ys, out;
    for (auto &column : columns) {
      if (shape.vectorDim >= 0)
        dims[shape.vectorDim] = column.first;
      ys.push_back(convert(1, loadVector(1, indices(1, dims), 1, mask)));
    }
    for (auto &scalar : scalars) {
      if (shape.scalarDim >= 0)
        dims[shape.scalarDim] = scalar.first;
      Value x = convert(0, loadVector(0, indices(0, dims), 1, mask));
      for (Value y : ys)
        out.push_back(multiplyAdd(x, y, accs[out.size()]));
    }
    return out;
  }

  void dotTile(SmallVector<Value> dims, ArrayRef<std::pair<Value, Value>> scalars,
               ArrayRef<std::pair<Value, Value>> columns) {
    int64_t kDim = shape.reductionDims.front(), k = sizeOf(op, kDim);
    // Never a null dimension: unused ones are multiplied out by the maps that do not have them.
    for (Value &d : dims)
      if (!d)
        d = c(0);
    SmallVector<Value> accs(scalars.size() * columns.size(), zeroVector(sumType));
    Value full = ShapedType::isDynamic(k)
                     ? Value(arith::MulIOp::create(
                           b, loc, arith::DivUIOp::create(b, loc, sizes[kDim], c(tiles.lanes)),
                           c(tiles.lanes)))
                     : c(k / tiles.lanes * tiles.lanes);
    if (ShapedType::isDynamic(k) || k >= tiles.lanes)
      accs = loop(c(0), full, tiles.lanes, accs, [&](Value iv, ValueRange args) {
               return dotStep(dims, scalars, columns, iv, Value(), args);
             }).getResults();
    if (ShapedType::isDynamic(k) || k % tiles.lanes) {
      Value mask = vector::CreateMaskOp::create(b, loc, VectorType::get(tiles.lanes, b.getI1Type()),
                                                sub(sizes[kDim], full));
      accs = dotStep(dims, scalars, columns, full, mask, accs);
    }
    size_t i = 0;
    for (auto &scalar : scalars)
      for (auto &column : columns) {
        auto fast =
            isa<FloatType>(sumType) ? arith::FastMathFlags::reassoc : arith::FastMathFlags::none;
        Value sum =
            vector::ReductionOp::create(b, loc, vector::CombiningKind::ADD, accs[i++], fast);
        if (shape.scalarDim >= 0)
          dims[shape.scalarDim] = scalar.first;
        if (shape.vectorDim >= 0)
          dims[shape.vectorDim] = column.first;
        SmallVector<Value> where = indices(2, dims);
        ifInside({scalar.second, column.second}, [&] {
          Value old = memref::LoadOp::create(b, loc, memory(2), where);
          Value result = isa<FloatType>(sumType) ? Value(arith::AddFOp::create(b, loc, old, sum))
                                                 : Value(arith::AddIOp::create(b, loc, old, sum));
          memref::StoreOp::create(b, loc, result, memory(2), where);
        });
      }
  }

  void dot(SmallVector<Value> dims, Value tile) {
    SmallVector<std::pair<Value, Value>> scalars(1), columns(1);
    if (shape.vectorDim >= 0) {
      columns.clear();
      Value first = arith::MulIOp::create(b, loc, tile, c(tiles.vectors));
      for (int64_t i = 0; i < tiles.vectors; ++i)
        columns.push_back(clamp(first, i, shape.vectorDim, tiles.vectors));
    }
    if (shape.scalarDim < 0)
      return dotTile(dims, scalars, columns);
    loop(c(0), sizes[shape.scalarDim], tiles.scalars, {}, [&](Value first, ValueRange) {
      scalars.clear();
      for (int64_t i = 0; i < tiles.scalars; ++i)
        scalars.push_back(clamp(first, i, shape.scalarDim, tiles.scalars));
      dotTile(dims, scalars, columns);
      return SmallVector<Value>();
    });
  }
};
} // namespace

SmallVector<Value> terse::getOuterExtents(OpBuilder &b, linalg::GenericOp op,
                                          const ContractionShape &shape, const KernelTiles &tiles) {
  Location loc = op.getLoc();
  SmallVector<Value> sizes, extents;
  for (Range range : cast<linalg::LinalgOp>(op.getOperation()).createLoopRanges(b, loc))
    sizes.push_back(getValueOrCreateConstantIndexOp(b, loc, range.size));
  for (int64_t dim : shape.outerDims)
    extents.push_back(sizes[dim]);
  bool panel = shape.kernel == Kernel::Panel;
  int64_t dim = panel ? shape.scalarDim : shape.vectorDim,
          tile = panel ? tiles.scalars : tiles.vectors;
  Value count = arith::ConstantIndexOp::create(b, loc, 1);
  if (dim >= 0)
    count = arith::CeilDivUIOp::create(b, loc, sizes[dim],
                                       arith::ConstantIndexOp::create(b, loc, tile));
  extents.push_back(count);
  return extents;
}

void terse::buildKernel(OpBuilder &b, linalg::GenericOp op, const ContractionShape &shape,
                        const KernelTiles &tiles, const KernelTarget &target, Value begin,
                        Value end) {
  Location loc = op.getLoc();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op);
  SmallVector<Value> extents = getOuterExtents(b, op, shape, tiles);
  KernelCode builder(b, op, shape, tiles, target);
  builder.loop(begin, end, 1, {}, [&](Value iv, ValueRange) {
    SmallVector<Value> dims(builder.sizes.size()), at(extents.size());
    for (Value &d : dims)
      d = builder.c(0);
    Value rest = iv;
    for (int64_t i = extents.size() - 1; i > 0; --i) {
      at[i] = arith::RemUIOp::create(b, loc, rest, extents[i]);
      rest = arith::DivUIOp::create(b, loc, rest, extents[i]);
    }
    at[0] = rest;
    for (auto [i, dim] : llvm::enumerate(shape.outerDims))
      dims[dim] = at[i];
    if (shape.kernel == Kernel::Panel)
      builder.panel(dims, at.back());
    else
      builder.dot(dims, at.back());
    return SmallVector<Value>();
  });
}
