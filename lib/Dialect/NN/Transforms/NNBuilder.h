//===- NNBuilder.h - Building nn ops in few words -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_DIALECT_NN_TRANSFORMS_NNBUILDER_H
#define TERSE_LIB_DIALECT_NN_TRANSFORMS_NNBUILDER_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"
#include "terse/Dialect/NN/IR/NNOps.h"

namespace terse::nn {

inline mlir::RankedTensorType typeOf(mlir::Value v) {
  return mlir::cast<mlir::RankedTensorType>(v.getType());
}

/// One dimension of a shape under construction: static, or a `tensor<1xi64>`.
struct Dim {
  Dim(int64_t size) : size(size) {}
  Dim(mlir::Value value) : value(value) {}
  int64_t size = mlir::ShapedType::kDynamic;
  mlir::Value value;
};

/// Builds nn ops at one location; result types are inferred.
class NNBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  mlir::Value unary(UnaryKind kind, mlir::Value x, double alpha = 0, double beta = 0);
  mlir::Value binary(BinaryKind kind, mlir::Value l, mlir::Value r);
  mlir::Value add(mlir::Value l, mlir::Value r) { return binary(BinaryKind::Add, l, r); }
  mlir::Value sub(mlir::Value l, mlir::Value r) { return binary(BinaryKind::Sub, l, r); }
  mlir::Value mul(mlir::Value l, mlir::Value r) { return binary(BinaryKind::Mul, l, r); }
  mlir::Value div(mlir::Value l, mlir::Value r) { return binary(BinaryKind::Div, l, r); }
  mlir::Value compare(CompareKind kind, mlir::Value l, mlir::Value r);
  mlir::Value select(mlir::Value condition, mlir::Value onTrue, mlir::Value onFalse);
  mlir::Value reduce(ReduceKind kind, mlir::Value x, llvm::ArrayRef<int64_t> axes,
                     bool keepdims = true);
  mlir::Value matmul(mlir::Value l, mlir::Value r);
  mlir::Value linear(mlir::Value x, mlir::Value weight, mlir::Value bias = {});
  mlir::Value transpose(mlir::Value x, llvm::ArrayRef<int64_t> permutation);
  mlir::Value concat(mlir::ValueRange inputs, int64_t axis);
  /// Elements `[start, end)` of one axis, `step` apart; the others whole.
  mlir::Value slice(mlir::Value x, int64_t axis, int64_t start,
                    int64_t end = std::numeric_limits<int64_t>::max(), int64_t step = 1);
  /// `x` itself if it has that element type already.
  mlir::Value cast(mlir::Value x, mlir::Type element);
  /// A rank-0 float or integer constant.
  mlir::Value scalar(double value, mlir::Type element);

  /// Dimension `i` of `x`.
  Dim dim(mlir::Value x, int64_t i);
  llvm::SmallVector<Dim> dims(mlir::Value x);
  Dim product(Dim a, Dim b);
  /// `dim` as `tensor<1xi64>`.
  mlir::Value asTensor(Dim dim);
  /// The shape operand for a result of these dimensions: null if all are static.
  mlir::Value shapeOperand(llvm::ArrayRef<Dim> dims);
  mlir::Value reshape(mlir::Value x, llvm::ArrayRef<Dim> dims);
  /// Index along `axis` as i64.
  mlir::Value iota(llvm::ArrayRef<Dim> dims, int64_t axis);

  /// `x` with exactly `type`: inference may know more or less of the shape than the op that is
  /// replaced.
  mlir::Value refine(mlir::Value x, mlir::Type type);
};

/// The type composites compute in: f64 for f64, otherwise f32.
mlir::Type computeType(mlir::Type element);

/// Whether an operand or result of `op` is encoded: such ops wait until encodings are decomposed.
bool isEncoded(mlir::Operation *op);

/// A rewrite of one composite op on plain tensors: `decompose` returns one value per result, or
/// none for an op that stays as it is, and then it must not have built anything.
template <typename OpTy>
struct DecomposePattern : mlir::OpRewritePattern<OpTy> {
  using mlir::OpRewritePattern<OpTy>::OpRewritePattern;
  virtual llvm::SmallVector<mlir::Value> decompose(OpTy op, NNBuilder &b) const = 0;

  mlir::LogicalResult matchAndRewrite(OpTy op, mlir::PatternRewriter &rewriter) const final {
    if (isEncoded(op))
      return rewriter.notifyMatchFailure(op, "an operand or result is encoded");
    NNBuilder b(op.getLoc(), rewriter);
    llvm::SmallVector<mlir::Value> results = decompose(op, b);
    if (results.empty())
      return rewriter.notifyMatchFailure(op, "is primitive");
    for (auto [value, result] : llvm::zip_equal(results, op->getResults()))
      value = b.refine(b.cast(value, typeOf(result).getElementType()), result.getType());
    rewriter.replaceOp(op, results);
    return mlir::success();
  }
};

} // namespace terse::nn

#endif
