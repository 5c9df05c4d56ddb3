//===- Weights.h - Storage of weight globals ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CONVERSION_NNTOLINALG_WEIGHTS_H
#define TERSE_LIB_CONVERSION_NNTOLINALG_WEIGHTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"

namespace terse {

/// Bits per element of packed weights; 0 for element types of whole bytes and bool.
unsigned getPackedWidth(mlir::Type element);

/// The same values in storage elements (one byte each below 8 bits).
mlir::DenseElementsAttr toStorage(mlir::DenseElementsAttr value);

/// The type of a global's data: the bytes of the packed elements, or a tensor of storage elements.
mlir::RankedTensorType getWeightStorageType(mlir::RankedTensorType type);

/// A global's value under its storage type.
mlir::FailureOr<mlir::Attribute> toWeightStorage(mlir::Attribute value,
                                                 mlir::RankedTensorType type);

/// Constants of more bytes become data of the weights file: LLVM is slow with large constants.
inline constexpr int64_t kMaxInlineBytes = 1024;

/// Bytes of a static tensor whose elements take whole bytes each.
int64_t getByteSize(mlir::RankedTensorType type);

/// Replaces large `nn.constant`s by loads of private globals; splats stay, as they need no data.
void moveLargeConstantsToGlobals(mlir::ModuleOp module);

/// Gives every ml_program.global of `module` its storage type.
mlir::LogicalResult convertGlobals(mlir::ModuleOp module);

} // namespace terse

#endif
