//===- EncodingInterface.h - What every encoding answers -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The attribute interface behind `tensor<..., #terse.x<...>>`, and the questions
// about types that every user of encoded tensors asks.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_DIALECT_TERSE_IR_ENCODINGINTERFACE_H
#define TERSE_DIALECT_TERSE_IR_ENCODINGINTERFACE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/TensorEncoding.h"
#include "terse/Dialect/Terse/IR/Granularity.h"
#include "terse/Support/HostTensor.h"
#include <optional>
#include <string>

namespace terse {

/// One of the plain tensors that an encoded tensor is stored as.
struct EncodingComponent {
  std::string name;
  mlir::RankedTensorType type;
  /// A parameter can be given to `terse.encode` (scales, zero points, tables); what remains is
  /// computed from the tensor and the parameters.
  bool isParameter = false;
};

/// The axes of a weight by which a template is fitted to it.
struct WeightAxes {
  /// Those that index output channels, or the rows of a table, outermost first. Directions of a
  /// recurrent layer count as channels too.
  llvm::SmallVector<int64_t> channels;
  /// Those that blocks run along, outermost first.
  llvm::SmallVector<int64_t> contraction;
};

/// Sum of the components' elements times their widths; absent when a dimension is dynamic.
std::optional<int64_t> sumComponentBits(llvm::ArrayRef<EncodingComponent> components);

} // namespace terse

#include "terse/Dialect/Terse/IR/EncodingInterface.h.inc"

namespace terse {

/// The encoding that `type` carries, or null: for types that are no ranked tensors, tensors without
/// an encoding, and tensors with another dialect's encoding.
EncodingAttrInterface getEncoding(mlir::Type type);

/// `type` without its encoding; for an encoded tensor that is the logical type.
mlir::RankedTensorType stripEncoding(mlir::RankedTensorType type);

/// stripEncoding for encoded tensors; every other type is returned as it is.
mlir::Type getLogicalType(mlir::Type type);

/// The component types of `encoding` on `logical`, in order.
llvm::SmallVector<mlir::Type> getComponentTypes(EncodingAttrInterface encoding,
                                                mlir::RankedTensorType logical);

/// The components of `encoding` on `logical` that can be given to `terse.encode`, in order.
llvm::SmallVector<EncodingComponent> getParameterComponents(EncodingAttrInterface encoding,
                                                            mlir::RankedTensorType logical);

} // namespace terse

#endif // TERSE_DIALECT_TERSE_IR_ENCODINGINTERFACE_H
