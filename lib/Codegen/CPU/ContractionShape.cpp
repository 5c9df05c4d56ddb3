//===- ContractionShape.cpp - What kernels ask of a contraction -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ContractionShape.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace terse;

// Whether `value` comes from `arg` alone, through elementwise ops in the same block.
static bool comesFrom(Value value, BlockArgument arg) {
  if (value == arg)
    return true;
  Operation *op = value.getDefiningOp();
  return op && op->getBlock() == arg.getOwner() && op->getNumOperands() == 1 &&
         OpTrait::hasElementwiseMappableTraits(op) && comesFrom(op->getOperand(0), arg);
}

// Matches acc + f(a) * g(b) in the body.
static bool isSumOfProducts(linalg::GenericOp op) {
  Block *body = op.getBody();
  Operation *sum = body->getTerminator()->getOperand(0).getDefiningOp();
  if (!isa_and_nonnull<arith::AddFOp, arith::AddIOp>(sum))
    return false;
  BlockArgument acc = body->getArgument(2);
  Value rest = sum->getOperand(0) == acc ? sum->getOperand(1) : sum->getOperand(0);
  if ((sum->getOperand(0) == acc) == (sum->getOperand(1) == acc))
    return false;
  Operation *product = rest.getDefiningOp();
  return isa_and_nonnull<arith::MulFOp, arith::MulIOp>(product) && product->hasOneUse() &&
         comesFrom(product->getOperand(0), body->getArgument(0)) &&
         comesFrom(product->getOperand(1), body->getArgument(1));
}

// The factor of dimension `dim` in `expr`; nothing if the expression is not linear in it.
static std::optional<int64_t> getFactor(AffineExpr expr, unsigned dim) {
  if (!expr.isFunctionOfDim(dim))
    return 0;
  if (auto d = dyn_cast<AffineDimExpr>(expr))
    return d.getPosition() == dim ? 1 : 0;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return std::nullopt;
  auto l = getFactor(binary.getLHS(), dim), r = getFactor(binary.getRHS(), dim);
  if (!l || !r)
    return std::nullopt;
  if (expr.getKind() == AffineExprKind::Add)
    return *l + *r;
  auto constant = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (expr.getKind() == AffineExprKind::Mul && constant)
    return *l * constant.getValue();
  return std::nullopt;
}

// The factor of `dim` if it stands in the last index of `map` only.
static std::optional<int64_t> getInnermostFactor(AffineMap map, unsigned dim) {
  if (map.getNumResults() == 0)
    return std::nullopt;
  for (AffineExpr expr : map.getResults().drop_back())
    if (expr.isFunctionOfDim(dim))
      return std::nullopt;
  return getFactor(map.getResults().back(), dim);
}

static bool hasUnitInnermostStride(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset;
  return type.getRank() > 0 && succeeded(type.getStridesAndOffset(strides, offset)) &&
         strides.back() == 1;
}

// Whether both factors are elements of f32, or smaller floats that become f32.
static bool multipliesFloats(linalg::GenericOp op) {
  Block *body = op.getBody();
  Value sum = body->getTerminator()->getOperand(0);
  if (!sum.getType().isF32())
    return false;
  Operation *add = sum.getDefiningOp();
  Value product =
      add->getOperand(0) == body->getArgument(2) ? add->getOperand(1) : add->getOperand(0);
  return llvm::all_of(product.getDefiningOp()->getOperands(), [](Value factor) {
    auto extension = factor.getDefiningOp<arith::ExtFOp>();
    return isa<BlockArgument>(extension ? extension.getIn() : factor);
  });
}

// Whether both factors are bytes that become i32, and which of them are unsigned.
static std::optional<std::array<bool, 2>> multipliesBytes(linalg::GenericOp op) {
  Block *body = op.getBody();
  Value sum = body->getTerminator()->getOperand(0);
  if (!sum.getType().isInteger(32))
    return std::nullopt;
  Operation *add = sum.getDefiningOp();
  Value product =
      add->getOperand(0) == body->getArgument(2) ? add->getOperand(1) : add->getOperand(0);
  std::array<bool, 2> isUnsigned{};
  for (Value factor : product.getDefiningOp()->getOperands()) {
    Operation *extension = factor.getDefiningOp();
    if (!isa_and_nonnull<arith::ExtSIOp, arith::ExtUIOp>(extension))
      return std::nullopt;
    auto from = dyn_cast<BlockArgument>(extension->getOperand(0));
    if (!from || !from.getType().isInteger(8))
      return std::nullopt;
    isUnsigned[from.getArgNumber()] = isa<arith::ExtUIOp>(extension);
  }
  return isUnsigned;
}

// Product: every loop is a dimension of each operand or none, with one contracted dimension.
static std::optional<ContractionShape> analyzeProduct(linalg::GenericOp op) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  SmallVector<SmallVector<int64_t>> strides(3);
  for (auto [map, operand, known] : llvm::zip(maps, op->getOperands(), strides)) {
    int64_t offset;
    if (failed(cast<MemRefType>(operand.getType()).getStridesAndOffset(known, offset)) ||
        !llvm::all_of(map.getResults(),
                      [](AffineExpr e) { return isa<AffineDimExpr, AffineConstantExpr>(e); }))
      return std::nullopt;
  }
  ContractionShape shape;
  shape.kernel = cpu::Kernel::Product;
  shape.vectorDim = -1;
  auto isSmall = [&](int64_t dim, int64_t least) {
    return !ShapedType::isDynamic(sizes[dim]) && sizes[dim] < least;
  };
  // Dimensions of the first operand only, and of the second.
  SmallVector<int64_t> own[2];
  for (auto [i, type] : llvm::enumerate(op.getIteratorTypesArray())) {
    int64_t size = sizes[i];
    shape.work = ShapedType::isDynamic(shape.work) || ShapedType::isDynamic(size)
                     ? ShapedType::kDynamic
                     : shape.work * size;
    bool a = maps[0].isFunctionOfDim(i), b = maps[1].isFunctionOfDim(i);
    if (type != utils::IteratorType::parallel) {
      if (size == 1)
        continue;
      if (!a || !b)
        return std::nullopt;
      shape.reductionDims.push_back(i);
      continue;
    }
    if (!maps[2].isFunctionOfDim(i))
      return std::nullopt;
    if (a != b)
      own[a ? 0 : 1].push_back(i);
  }
  if (shape.reductionDims.size() != 1 || isSmall(shape.reductionDims.front(), 4))
    return std::nullopt;
  for (int right : {1, 0})
    for (int64_t dim : own[right])
      for (auto [expr, stride] : llvm::zip(maps[2].getResults(), strides[2]))
        if (stride == 1 && expr == getAffineDimExpr(dim, op.getContext()) && !isSmall(dim, 8) &&
            shape.vectorDim < 0) {
          shape.vectorDim = dim;
          shape.vectorOperand = right;
          shape.scalarOperand = 1 - right;
        }
  if (shape.vectorDim < 0)
    return std::nullopt;
  for (int64_t dim : own[shape.scalarOperand])
    if (!isSmall(dim, kMinProductRows) &&
        (shape.scalarDim < 0 || ShapedType::isDynamic(sizes[dim]) ||
         (!ShapedType::isDynamic(sizes[shape.scalarDim]) && sizes[dim] > sizes[shape.scalarDim])))
      shape.scalarDim = dim;
  if (shape.scalarDim < 0)
    return std::nullopt;
  for (auto [i, type] : llvm::enumerate(op.getIteratorTypesArray()))
    if (type == utils::IteratorType::parallel && int64_t(i) != shape.vectorDim &&
        int64_t(i) != shape.scalarDim)
      shape.outerDims.push_back(i);
  return shape;
}

std::optional<ContractionShape> terse::analyzeContraction(linalg::GenericOp op,
                                                          cpu::Kernel kernel) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 || !op.hasPureBufferSemantics() ||
      op.hasIndexSemantics() || !isSumOfProducts(op))
    return std::nullopt;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  AffineMap out = maps[2];
  if (out.getNumResults() == 0 || !out.isProjectedPermutation())
    return std::nullopt;
  for (AffineMap map : maps)
    if (map.getNumSymbols())
      return std::nullopt;
  if (kernel == cpu::Kernel::Product) {
    auto bytes = multipliesBytes(op);
    auto product = bytes || multipliesFloats(op) ? analyzeProduct(op) : std::nullopt;
    if (product && bytes)
      product->bytes = true, product->isUnsigned = *bytes;
    return product;
  }
  SmallVector<MemRefType> types;
  for (Value v : op->getOperands())
    types.push_back(cast<MemRefType>(v.getType()));
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();

  ContractionShape shape;
  shape.kernel = kernel;
  for (auto [i, type] : llvm::enumerate(iterators)) {
    shape.work = ShapedType::isDynamic(shape.work) || ShapedType::isDynamic(sizes[i])
                     ? ShapedType::kDynamic
                     : shape.work * sizes[i];
    if (type != utils::IteratorType::parallel)
      shape.reductionDims.push_back(i);
    // A parallel dimension that the result lacks would be written once per iteration.
    else if (!out.isFunctionOfDim(i))
      return std::nullopt;
  }
  auto isBetter = [&](int64_t dim, int64_t best) {
    return best < 0 || (!ShapedType::isDynamic(sizes[best]) &&
                        (ShapedType::isDynamic(sizes[dim]) || sizes[dim] > sizes[best]));
  };

  if (kernel == cpu::Kernel::Panel) {
    shape.vectorDim = cast<AffineDimExpr>(out.getResults().back()).getPosition();
    bool a = maps[0].isFunctionOfDim(shape.vectorDim), b = maps[1].isFunctionOfDim(shape.vectorDim);
    if (a == b)
      return std::nullopt;
    shape.vectorOperand = a ? 0 : 1;
    shape.scalarOperand = a ? 1 : 0;
    auto factor = getInnermostFactor(maps[shape.vectorOperand], shape.vectorDim);
    if (!factor || *factor < 1 || !hasUnitInnermostStride(types[shape.vectorOperand]) ||
        !hasUnitInnermostStride(types[2]))
      return std::nullopt;
    shape.stride = *factor;
  } else {
    if (shape.reductionDims.size() != 1)
      return std::nullopt;
    unsigned k = shape.reductionDims.front();
    for (int i : {0, 1}) {
      auto factor = getInnermostFactor(maps[i], k);
      if (!factor || *factor != 1 || !hasUnitInnermostStride(types[i]))
        return std::nullopt;
    }
    shape.scalarOperand = 0;
    shape.vectorOperand = 1;
    shape.vectorDim = -1;
    for (auto [i, type] : llvm::enumerate(iterators))
      if (type == utils::IteratorType::parallel && maps[1].isFunctionOfDim(i) &&
          !maps[0].isFunctionOfDim(i) && isBetter(i, shape.vectorDim))
        shape.vectorDim = i;
  }
  for (auto [i, type] : llvm::enumerate(iterators)) {
    if (type != utils::IteratorType::parallel || int64_t(i) == shape.vectorDim)
      continue;
    bool s = maps[shape.scalarOperand].isFunctionOfDim(i),
         v = maps[shape.vectorOperand].isFunctionOfDim(i);
    if (s && !v && isBetter(i, shape.scalarDim))
      shape.scalarDim = i;
    if (v && !s && kernel == cpu::Kernel::Panel) // The last one: nearest to vectorDim in memory.
      shape.rowDim = i;
  }
  for (auto [i, type] : llvm::enumerate(iterators))
    if (type == utils::IteratorType::parallel && int64_t(i) != shape.vectorDim &&
        int64_t(i) != shape.scalarDim && int64_t(i) != shape.rowDim)
      shape.outerDims.push_back(i);
  return shape;
}

std::optional<ContractionShape> terse::analyzeContraction(linalg::GenericOp op) {
  if (auto product = analyzeContraction(op, cpu::Kernel::Product))
    return product;
  return analyzeUnpacked(op);
}

std::optional<ContractionShape> terse::analyzeUnpacked(linalg::GenericOp op) {
  auto panel = analyzeContraction(op, cpu::Kernel::Panel);
  if (panel && panel->stride == 1)
    return panel;
  if (auto dot = analyzeContraction(op, cpu::Kernel::Dot))
    return dot;
  return panel;
}
