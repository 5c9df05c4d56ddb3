//===- Contract.h - Sums of products --------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CONVERSION_NNTOLINALG_CONTRACT_H
#define TERSE_LIB_CONVERSION_NNTOLINALG_CONTRACT_H

#include "terse/Conversion/NNToLinalg/NNToLinalg.h"

namespace terse {

/// The type in which products of `element` add up, in its compute type: f32 for small floats, i32
/// for integers of at most 8 bits.
mlir::Type getSumType(mlir::Type element);

/// sum += lhs * rhs over `maps` (lhs, rhs, sum) and `iterators`, one linalg.generic. `init` holds
/// sums of getSumType(lhsElement); operands hold storage of their element types.
mlir::Value createContraction(mlir::OpBuilder &b, mlir::Location loc, mlir::Value lhs,
                              mlir::Type lhsElement, mlir::Value rhs, mlir::Type rhsElement,
                              mlir::Value init, llvm::ArrayRef<mlir::AffineMap> maps,
                              llvm::ArrayRef<mlir::utils::IteratorType> iterators);

/// A tensor of `sizes` to add sums to: zero, or `bias` (may be null) along dimension `biasDim`.
mlir::Value createSumInit(mlir::OpBuilder &b, mlir::Location loc,
                          llvm::ArrayRef<mlir::OpFoldResult> sizes, mlir::Type sumType,
                          mlir::Value bias, mlir::Type biasElement, int64_t biasDim);

/// Sums to storage of `element`, rounded once.
mlir::Value finishSums(mlir::OpBuilder &b, mlir::Location loc, mlir::Value sums, mlir::Type sumType,
                       mlir::Type element);

} // namespace terse

#endif
