//===- Tensors.cpp - Tensor-level helpers of the lowering -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "terse/Conversion/NNToLinalg/NNToLinalg.h"

using namespace mlir;
using namespace terse;

OpFoldResult terse::getSize(OpBuilder &b, Location loc, Value tensor, int64_t dim) {
  int64_t size = cast<RankedTensorType>(tensor.getType()).getDimSize(dim);
  if (!ShapedType::isDynamic(size))
    return b.getIndexAttr(size);
  return tensor::DimOp::create(b, loc, tensor, dim).getResult();
}

SmallVector<OpFoldResult> terse::getSizes(OpBuilder &b, Location loc, Value tensor) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0, e = cast<RankedTensorType>(tensor.getType()).getRank(); i < e; ++i)
    sizes.push_back(getSize(b, loc, tensor, i));
  return sizes;
}

OpFoldResult terse::computeSize(OpBuilder &b, Location loc, AffineExpr expr,
                                ArrayRef<OpFoldResult> operands) {
  return affine::makeComposedFoldedAffineApply(b, loc, expr, operands);
}

SmallVector<OpFoldResult> terse::getSizesFromShape(OpBuilder &b, Location loc, Value shape,
                                                   RankedTensorType type) {
  SmallVector<OpFoldResult> sizes;
  for (auto [i, d] : llvm::enumerate(type.getShape())) {
    if (!ShapedType::isDynamic(d)) {
      sizes.push_back(b.getIndexAttr(d));
      continue;
    }
    Value index = arith::ConstantIndexOp::create(b, loc, i);
    Value element = tensor::ExtractOp::create(b, loc, shape, index);
    sizes.push_back(arith::IndexCastOp::create(b, loc, b.getIndexType(), element).getResult());
  }
  return sizes;
}

Value terse::createEmpty(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes,
                         Type storageElement) {
  return tensor::EmptyOp::create(b, loc, sizes, storageElement);
}

Value terse::createFilled(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes,
                          Value storageScalar) {
  Value empty = createEmpty(b, loc, sizes, storageScalar.getType());
  return linalg::FillOp::create(b, loc, storageScalar, empty).getResult(0);
}

Value terse::castTo(OpBuilder &b, Location loc, Value tensor, Type type) {
  return tensor.getType() == type ? tensor
                                  : tensor::CastOp::create(b, loc, type, tensor).getResult();
}

Value terse::createMap(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes,
                       Type storageElement, ValueRange inputs, ArrayRef<AffineMap> maps,
                       llvm::function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  Value empty = createEmpty(b, loc, sizes, storageElement);
  SmallVector<AffineMap> all(maps);
  all.push_back(b.getMultiDimIdentityMap(sizes.size()));
  SmallVector<utils::IteratorType> iterators(sizes.size(), utils::IteratorType::parallel);
  auto generic =
      linalg::GenericOp::create(b, loc, empty.getType(), inputs, empty, all, iterators,
                                [&](OpBuilder &b, Location loc, ValueRange args) {
                                  linalg::YieldOp::create(b, loc, body(b, loc, args.drop_back()));
                                });
  return generic.getResult(0);
}

// `tensor`, or a copy of it with dimension `dim` stretched to `size` if at run time it is 1 and
// `size` is not.
static Value stretch(OpBuilder &b, Location loc, Value tensor, int64_t dim, OpFoldResult size) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Value have = tensor::DimOp::create(b, loc, tensor, dim);
  Value want = getValueOrCreateConstantIndexOp(b, loc, size);
  Value same = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, have, want);
  auto branch = scf::IfOp::create(
      b, loc, same, [&](OpBuilder &b, Location loc) { scf::YieldOp::create(b, loc, tensor); },
      [&](OpBuilder &b, Location loc) {
        SmallVector<OpFoldResult> sizes = getSizes(b, loc, tensor);
        sizes[dim] = getAsOpFoldResult(want);
        SmallVector<AffineExpr> exprs;
        for (int64_t i = 0; i < type.getRank(); ++i)
          exprs.push_back(i == dim ? b.getAffineConstantExpr(0) : b.getAffineDimExpr(i));
        AffineMap map = AffineMap::get(type.getRank(), 0, exprs, b.getContext());
        Value wide = createMap(b, loc, sizes, type.getElementType(), tensor, map,
                               [](OpBuilder &, Location, ValueRange args) { return args[0]; });
        scf::YieldOp::create(b, loc, castTo(b, loc, wide, type));
      });
  return branch.getResult(0);
}

BroadcastOperands terse::broadcastOperands(OpBuilder &b, Location loc, ValueRange operands,
                                           int64_t trailing) {
  BroadcastOperands result;
  int64_t rank = 0;
  auto typeOf = [](Value v) { return cast<RankedTensorType>(v.getType()); };
  auto rankOf = [&](Value v) { return typeOf(v).getRank() - trailing; };
  for (Value v : operands)
    rank = std::max(rank, rankOf(v));
  result.values.assign(operands.begin(), operands.end());
  SmallVector<SmallVector<AffineExpr>> exprs(operands.size());
  for (int64_t d = 0; d < rank; ++d) {
    // A static size other than 1 is the answer; otherwise the dynamic ones decide.
    OpFoldResult size = b.getIndexAttr(1);
    SmallVector<std::pair<size_t, int64_t>> dynamic;
    bool fixed = false;
    for (auto [i, v] : llvm::enumerate(operands)) {
      int64_t dim = d - (rank - rankOf(v));
      if (dim < 0)
        continue;
      int64_t s = typeOf(v).getDimSize(dim);
      if (ShapedType::isDynamic(s))
        dynamic.push_back({i, dim});
      else if (s != 1) {
        size = b.getIndexAttr(s);
        fixed = true;
      }
    }
    bool ambiguous = fixed && !dynamic.empty();
    if (!fixed && !dynamic.empty()) {
      auto [first, firstDim] = dynamic.front();
      Value extent = tensor::DimOp::create(b, loc, operands[first], firstDim);
      for (auto [i, dim] : llvm::drop_begin(dynamic)) {
        if (operands[first] == operands[i])
          continue;
        ambiguous = true;
        // The one that is not 1: 0 also stretches from 1.
        Value other = tensor::DimOp::create(b, loc, operands[i], dim);
        Value one = arith::ConstantIndexOp::create(b, loc, 1);
        Value isOne = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, extent, one);
        extent = arith::SelectOp::create(b, loc, isOne, other, extent);
      }
      size = extent;
    }
    result.sizes.push_back(size);
    if (ambiguous)
      for (auto [i, dim] : dynamic)
        result.values[i] = stretch(b, loc, result.values[i], dim, size);
    for (auto [i, v] : llvm::enumerate(operands)) {
      int64_t dim = d - (rank - rankOf(v));
      if (dim < 0)
        continue;
      bool one = typeOf(v).getDimSize(dim) == 1 && size != OpFoldResult(b.getIndexAttr(1));
      exprs[i].push_back(one ? b.getAffineConstantExpr(0) : b.getAffineDimExpr(d));
    }
  }
  for (auto &e : exprs)
    result.maps.push_back(AffineMap::get(rank, 0, e, b.getContext()));
  return result;
}
