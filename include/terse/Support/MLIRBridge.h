//===- MLIRBridge.h - Host tensors and MLIR attributes ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Between DType/HostTensor and mlir::Type/ElementsAttr. Dense attributes are for small constants;
// weights are resource blobs, whose sub-byte elements are packed (Numerics/Pack.h) and whose bytes
// are shared, not copied.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_SUPPORT_MLIRBRIDGE_H
#define TERSE_SUPPORT_MLIRBRIDGE_H

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "terse/Support/HostTensor.h"

namespace terse {

/// The DType of an MLIR element type: signless and signed integers are signed, i1 is bool, index is
/// i64. Nothing for types without one (i12, tf32, complex, ...).
std::optional<DType> toDType(mlir::Type elementType);

/// The MLIR element type: signless for signed integers (except si1), `uiN`, i1 for bool.
mlir::Type toMLIRType(DType dtype, mlir::MLIRContext *context);

/// The static tensor type of a host tensor.
mlir::RankedTensorType toTensorType(const HostTensor &tensor, mlir::MLIRContext *context);

/// The elements of a dense or resource attribute. Whole-byte elements are viewed where they lie,
/// which is valid as long as the context (for resources: the blob) lives. Fails for element types
/// without a DType, dynamic shapes, resources without data or of the wrong size, and other kinds
/// of attributes.
llvm::Expected<HostTensor> toHostTensor(mlir::ElementsAttr attr);

/// A dense attribute with a copy of the elements, of type `type` if given (for `index`, or signed
/// integer types; its shape and width must be the tensor's).
mlir::DenseElementsAttr toDenseElements(const HostTensor &tensor, mlir::MLIRContext *context,
                                        mlir::ShapedType type = {});

/// A blob over bytes that something else owns, for example a file mapping; the blob keeps `owner`
/// alive. Resource data must be aligned to the element: `alignment` is what the address guarantees.
mlir::AsmResourceBlob makeSharedBlob(llvm::ArrayRef<uint8_t> bytes, size_t alignment,
                                     std::shared_ptr<const void> owner);

/// The file representation of the tensor: sub-byte elements are packed into new memory, the bytes
/// of others are shared with the tensor.
mlir::AsmResourceBlob toResourceBlob(const HostTensor &tensor);

/// `dense_resource<name>`; the name gets a suffix if it is taken.
mlir::DenseResourceElementsAttr toDenseResource(const HostTensor &tensor, llvm::StringRef name,
                                                mlir::MLIRContext *context);

} // namespace terse

#endif // TERSE_SUPPORT_MLIRBRIDGE_H
