//===- FormAttention.cpp - Softmax between two products -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"
#include "terse/Conversion/NNToLinalg/NNToLinalg.h"
#include "terse/Conversion/Passes.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"
#include "llvm/ADT/SetVector.h"

namespace terse {
#define GEN_PASS_DEF_CONVERTATTENTIONTOUKERNELPASS
#include "terse/Conversion/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

// Fewer rows do not pay for packing the other operands.
static constexpr int64_t kMinRows = 4;

static RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

static std::optional<double> getNumber(Value v) {
  DenseElementsAttr attr;
  if (!matchPattern(v, m_Constant(&attr)) || !attr.isSplat() || !attr.getElementType().isF32())
    return std::nullopt;
  return attr.getSplatValue<APFloat>().convertToDouble();
}

namespace {
// x, where `v` is that reduction of x over its last dimension, which is kept; perhaps clamped to at
// least `lowest`.
struct RowReduction {
  Value x;
  bool clamped = false;

  static RowReduction match(Value v, nn::ReduceKind kind, double lowest) {
    RowReduction found;
    if (auto clamp = v.getDefiningOp<nn::UnaryOp>()) {
      if (clamp.getKind() != nn::UnaryKind::Clamp || clamp.getAlpha().convertToDouble() != lowest ||
          !clamp.getBeta().isInfinity() || clamp.getBeta().isNegative())
        return found;
      found.clamped = true;
      v = clamp.getX();
    }
    auto reduce = v.getDefiningOp<nn::ReduceOp>();
    if (!reduce || reduce.getKind() != kind || !reduce.getKeepdims() ||
        reduce.getAxes() != ArrayRef<int64_t>(typeOf(reduce.getX()).getRank() - 1))
      return found;
    found.x = reduce.getX();
    return found;
  }
};

class Attention {
public:
  // Attention that may end in `product`.
  explicit Attention(nn::MatmulOp product) : values(product), loc(product.getLoc()) {}

  bool match() {
    nn::MatmulOp product = values;
    auto quotient = product.getLhs().getDefiningOp<nn::BinaryOp>();
    if (!quotient || quotient.getKind() != nn::BinaryKind::Div || !quotient->hasOneUse())
      return false;
    auto exponential = quotient.getLhs().getDefiningOp<nn::UnaryOp>();
    if (!exponential || exponential.getKind() != nn::UnaryKind::Exp ||
        !exponential.getResult().hasNUses(2))
      return false;
    RowReduction sum = RowReduction::match(quotient.getRhs(), nn::ReduceKind::Sum, 1.0);
    auto shifted = exponential.getX().getDefiningOp<nn::BinaryOp>();
    if (sum.x != exponential.getResult() || !shifted || shifted.getKind() != nn::BinaryKind::Sub ||
        !shifted->hasOneUse())
      return false;
    score = shifted.getLhs();
    RowReduction maximum = RowReduction::match(shifted.getRhs(), nn::ReduceKind::Max,
                                               -std::numeric_limits<float>::max());
    if (maximum.x != score || maximum.clamped != sum.clamped || !score.hasNUses(2))
      return false;
    zeroMasked = sum.clamped;
    return findScores(score, 0) && hasKernel();
  }

  void build() {
    OpBuilder b(values);
    int64_t rank = typeOf(values).getRank();
    SmallVector<int64_t> plain = llvm::to_vector(llvm::seq<int64_t>(0, rank)), turned = plain;
    std::swap(turned[rank - 2], turned[rank - 1]);
    SmallVector<int64_t> qOrder = plain, kOrder = turned, vOrder = plain, resultOrder = plain;
    Factors factors;
    Value q = skipTranspose(scores.getLhs(), qOrder, &factors),
          k = skipTranspose(scores.getRhs(), kOrder, &factors),
          v = skipTranspose(values.getRhs(), vOrder);
    // Its arguments are elements of the extras.
    Region region;
    Block &block = region.emplaceBlock();
    Value sum = block.addArgument(b.getF32Type(), loc);
    OpBuilder inner(b.getContext());
    inner.setInsertionPointToEnd(&block);
    element[scores.getResult()] = scale(inner, b, block, sum, factors);
    ukernel::YieldOp::create(inner, loc, getElement(inner, b, block, score));

    SmallVector<OpFoldResult> sizes;
    for (int64_t d = 0; d < rank; ++d)
      sizes.push_back(getResultSize(b, d, q, qOrder, k, kOrder, v, vOrder));
    Value result = values.getResult();
    auto transpose = result.hasOneUse() ? dyn_cast<nn::TransposeOp>(*result.getUsers().begin())
                                        : nn::TransposeOp();
    if (transpose && transpose.getPermutation().back() == rank - 1) {
      SmallVector<OpFoldResult> moved;
      for (auto [i, d] : llvm::enumerate(transpose.getPermutation())) {
        resultOrder[d] = i;
        moved.push_back(sizes[d]);
      }
      sizes = moved;
      result = transpose.getResult();
    }
    Value init = tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
    auto kernel = ukernel::AttentionOp::create(
        b, loc, init.getType(), q, k, v, extras, init, b.getDenseI64ArrayAttr(qOrder),
        b.getDenseI64ArrayAttr(kOrder), b.getDenseI64ArrayAttr(vOrder),
        b.getDenseI64ArrayAttr(resultOrder), zeroMasked);
    kernel.getScores().takeBody(region);
    Value made = kernel.getResult();
    if (made.getType() != result.getType())
      made = tensor::CastOp::create(b, loc, result.getType(), made);
    result.replaceAllUsesWith(made);
  }

private:
  // Follows elementwise ops from `v` to the product that they are applied to.
  bool findScores(Value v, unsigned uses) {
    Operation *op = v.getDefiningOp();
    if (!op || (uses && !v.hasOneUse()) || !typeOf(v).getElementType().isF32())
      return false;
    if (auto product = dyn_cast<nn::MatmulOp>(op)) {
      scores = product;
      return true;
    }
    if (!isElementwise(op))
      return false;
    for (Value operand : op->getOperands())
      if (typeOf(operand).getRank() == typeOf(v).getRank() && findScores(operand, 1)) {
        path.insert(op);
        return true;
      }
    return false;
  }

  static bool isElementwise(Operation *op) {
    if (auto unary = dyn_cast<nn::UnaryOp>(op))
      return llvm::is_contained({nn::UnaryKind::Identity, nn::UnaryKind::Neg, nn::UnaryKind::Affine,
                                 nn::UnaryKind::Clamp, nn::UnaryKind::ScaledTanh,
                                 nn::UnaryKind::Tanh},
                                unary.getKind());
    if (auto binary = dyn_cast<nn::BinaryOp>(op))
      return llvm::is_contained({nn::BinaryKind::Add, nn::BinaryKind::Sub, nn::BinaryKind::Mul,
                                 nn::BinaryKind::Div, nn::BinaryKind::Min, nn::BinaryKind::Max},
                                binary.getKind());
    return isa<nn::SelectOp>(op);
  }

  bool hasKernel() {
    int64_t rank = typeOf(values).getRank();
    for (Value v : {scores.getLhs(), scores.getRhs(), values.getRhs(), values.getResult()})
      if (typeOf(v).getRank() != rank || !typeOf(v).getElementType().isF32())
        return false;
    if (typeOf(score).getRank() != rank || rank < 2)
      return false;
    int64_t rows = typeOf(values).getDimSize(rank - 2);
    if (!ShapedType::isDynamic(rows) && rows < kMinRows)
      return false;
    // Extras are numbers, or tensors of floats and truths.
    return llvm::all_of(path, [&](Operation *op) {
      return llvm::all_of(op->getOperands(), [&](Value v) {
        Type type = typeOf(v).getElementType();
        return type.isF32() || type.isSignlessInteger(1);
      });
    });
  }

  // What the sums are to be multiplied with, because operands are not.
  struct Factors {
    double number = 1;
    SmallVector<Value> scalars;
  };

  // What `v` is a transpose of; `order` maps dimensions to those of it. Factors of all elements are
  // left to the sums, if `factors` collects them.
  static Value skipTranspose(Value v, SmallVector<int64_t> &order, Factors *factors = nullptr) {
    while (Operation *op = v.getDefiningOp()) {
      if (auto transpose = dyn_cast<nn::TransposeOp>(op)) {
        for (int64_t &d : order)
          d = transpose.getPermutation()[d];
        v = transpose.getX();
      } else if (Value x = factors ? skipFactor(op, *factors) : Value()) {
        v = x;
      } else {
        break;
      }
    }
    return v;
  }

  static Value skipFactor(Operation *op, Factors &factors) {
    if (auto unary = dyn_cast<nn::UnaryOp>(op)) {
      if (unary.getKind() != nn::UnaryKind::Affine || !unary.getBeta().isZero())
        return {};
      factors.number *= unary.getAlpha().convertToDouble();
      return unary.getX();
    }
    auto binary = dyn_cast<nn::BinaryOp>(op);
    if (!binary)
      return {};
    bool quotient = binary.getKind() == nn::BinaryKind::Div;
    if (!quotient && binary.getKind() != nn::BinaryKind::Mul)
      return {};
    for (bool swapped : {false, true}) {
      Value x = swapped ? binary.getRhs() : binary.getLhs(),
            factor = swapped ? binary.getLhs() : binary.getRhs();
      if (x.getType() != binary.getType() || (swapped && quotient))
        continue;
      if (std::optional<double> number = getNumber(factor)) {
        factors.number *= quotient ? 1 / *number : *number;
        return x;
      }
      if (!quotient && typeOf(factor).getRank() == 0) {
        factors.scalars.push_back(factor);
        return x;
      }
    }
    return {};
  }

  Value scale(OpBuilder &inner, OpBuilder &outer, Block &block, Value sum, const Factors &factors) {
    if (factors.number != 1) {
      Value number =
          arith::ConstantOp::create(inner, loc, inner.getF32FloatAttr(float(factors.number)));
      sum = arith::MulFOp::create(inner, loc, sum, number);
    }
    for (Value scalar : factors.scalars)
      sum = arith::MulFOp::create(inner, loc, sum, getElement(inner, outer, block, scalar));
    return sum;
  }

  // One element of `v` in the kernel's region.
  Value getElement(OpBuilder &inner, OpBuilder &outer, Block &block, Value v) {
    if (Value known = element.lookup(v))
      return known;
    Operation *op = v.getDefiningOp();
    Value made;
    if (std::optional<double> number = getNumber(v)) {
      made = arith::ConstantOp::create(inner, loc, inner.getF32FloatAttr(float(*number)));
    } else if (!path.contains(op)) {
      bool truth = typeOf(v).getElementType().isSignlessInteger(1);
      Value extra = v;
      if (truth) // Vectors of bits are no memory.
        extra = nn::CastOp::create(outer, loc, typeOf(v).clone(outer.getI8Type()), v);
      extras.push_back(extra);
      made = block.addArgument(typeOf(extra).getElementType(), loc);
      if (truth) {
        Value zero = arith::ConstantOp::create(inner, loc, inner.getI8IntegerAttr(0));
        made = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::ne, made, zero);
      }
    } else {
      SmallVector<Value> operands;
      for (Value operand : op->getOperands())
        operands.push_back(getElement(inner, outer, block, operand));
      Type f32 = inner.getF32Type();
      if (auto unary = dyn_cast<nn::UnaryOp>(op))
        made = createUnary(inner, loc, unary.getKind(), operands[0], f32,
                           unary.getAlpha().convertToDouble(), unary.getBeta().convertToDouble());
      else if (auto binary = dyn_cast<nn::BinaryOp>(op))
        made = createBinary(inner, loc, binary.getKind(), operands[0], operands[1], f32);
      else
        made = arith::SelectOp::create(inner, loc, operands[0], operands[1], operands[2]);
    }
    return element[v] = made;
  }

  // Size `d` of the result: that of the operand which does not stretch.
  OpFoldResult getResultSize(OpBuilder &b, int64_t d, Value q, ArrayRef<int64_t> qOrder, Value k,
                             ArrayRef<int64_t> kOrder, Value v, ArrayRef<int64_t> vOrder) {
    int64_t rank = typeOf(values).getRank(), known = typeOf(values).getDimSize(d);
    if (!ShapedType::isDynamic(known))
      return b.getIndexAttr(known);
    if (d == rank - 1)
      return b.createOrFold<tensor::DimOp>(loc, v, vOrder[d]);
    SmallVector<std::pair<Value, int64_t>> places{{q, qOrder[d]}};
    if (d < rank - 2)
      places.append({{k, kOrder[d]}, {v, vOrder[d]}});
    for (Value extra : extras)
      if (int64_t at = d - (rank - typeOf(extra).getRank()); at >= 0)
        places.push_back({extra, at});
    Value size, one = arith::ConstantIndexOp::create(b, loc, 1);
    for (auto [tensor, dim] : places) {
      if (typeOf(tensor).getDimSize(dim) == 1)
        continue;
      Value here = b.createOrFold<tensor::DimOp>(loc, tensor, dim);
      if (!size) {
        size = here;
        continue;
      }
      Value stretches = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, size, one);
      size = arith::SelectOp::create(b, loc, stretches, here, size);
    }
    return size ? OpFoldResult(size) : OpFoldResult(b.getIndexAttr(1));
  }

  nn::MatmulOp values, scores;
  Value score;
  bool zeroMasked = false;
  // Elementwise ops between the product and the softmax.
  llvm::SetVector<Operation *> path;
  SmallVector<Value> extras;
  DenseMap<Value, Value> element;
  Location loc;
};

struct ConvertAttentionToUKernelPass
    : terse::impl::ConvertAttentionToUKernelPassBase<ConvertAttentionToUKernelPass> {
  using ConvertAttentionToUKernelPassBase::ConvertAttentionToUKernelPassBase;

  void runOnOperation() override {
    SmallVector<nn::MatmulOp> products;
    getOperation().walk([&](nn::MatmulOp op) { products.push_back(op); });
    for (nn::MatmulOp op : products) {
      Attention attention(op);
      if (!attention.match())
        continue;
      attention.build();
      ++numFormed;
    }
    IRRewriter rewriter(&getContext());
    (void)runRegionDCE(rewriter, getOperation()->getRegions());
  }
};
} // namespace
