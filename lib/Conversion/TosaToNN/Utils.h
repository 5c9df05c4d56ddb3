//===- Utils.h - What the TOSA patterns share -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CONVERSION_TOSATONN_UTILS_H
#define TERSE_LIB_CONVERSION_TOSATONN_UTILS_H

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "terse/Dialect/NN/IR/NNOps.h"

namespace terse {

/// Null for unranked tensors, which nn has not.
inline mlir::RankedTensorType rankedType(mlir::Value v) {
  return mlir::dyn_cast<mlir::RankedTensorType>(v.getType());
}

inline bool allRanked(mlir::Operation *op) {
  return llvm::all_of(op->getOperandTypes(),
                      [](mlir::Type t) { return !mlir::isa<mlir::UnrankedTensorType>(t); }) &&
         llvm::all_of(op->getResultTypes(), llvm::IsaPred<mlir::RankedTensorType>);
}

/// Whether `v` is a constant of nothing but zeros: a zero point or shift without effect. Constants
/// may have become nn.constant already.
inline bool isZero(mlir::Value v) {
  mlir::DenseElementsAttr elements;
  if (!mlir::matchPattern(v, mlir::m_Constant(&elements)) || !elements.isSplat())
    return false;
  if (mlir::isa<mlir::FloatType>(elements.getElementType()))
    return elements.getSplatValue<llvm::APFloat>().isZero();
  return elements.getSplatValue<llvm::APInt>().isZero();
}

/// The numbers of a constant `!tosa.shape`.
inline std::optional<llvm::SmallVector<int64_t>> constantShape(mlir::Value v) {
  auto shape = v.getDefiningOp<mlir::tosa::ConstShapeOp>();
  if (!shape)
    return std::nullopt;
  return llvm::map_to_vector(shape.getValues().getValues<llvm::APInt>(),
                             [](const llvm::APInt &i) { return i.getSExtValue(); });
}

inline mlir::Value transpose(mlir::OpBuilder &b, mlir::Location loc, mlir::Value v,
                             llvm::ArrayRef<int64_t> permutation) {
  return nn::TransposeOp::create(b, loc, v, permutation);
}

inline mlir::Value unary(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type,
                         nn::UnaryKind kind, mlir::Value x, double alpha = 0, double beta = 0) {
  return nn::UnaryOp::create(b, loc, type, nn::UnaryKindAttr::get(b.getContext(), kind), x,
                             b.getF64FloatAttr(alpha), b.getF64FloatAttr(beta));
}

} // namespace terse

#endif
