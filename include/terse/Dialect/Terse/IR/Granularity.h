//===- Granularity.h - Which elements share a parameter --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one notion of "per tensor, per slice of an axis, per block" that all
// encodings use for their scales, zero points and tables.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_DIALECT_TERSE_IR_GRANULARITY_H
#define TERSE_DIALECT_TERSE_IR_GRANULARITY_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace terse {

struct WeightAxes;

/// At most one of `axis` and `block` is given; with neither, the whole tensor shares a parameter.
struct Granularity {
  /// A block size that spans its whole dimension; written `?`.
  static constexpr int64_t kWholeDimension = mlir::ShapedType::kDynamic;

  std::optional<int64_t> axis;
  /// One block size per dimension. Where it does not divide, the last block is shorter.
  llvm::SmallVector<int64_t> block;

  Granularity() = default;
  Granularity(std::optional<int64_t> axis, llvm::ArrayRef<int64_t> block)
      : axis(axis), block(block) {}

  bool isPerTensor() const { return !axis && block.empty(); }

  /// Shape of a parameter of a tensor of shape `shape`: `[]`, `[D[axis]]` or the numbers of blocks.
  llvm::SmallVector<int64_t> getParameterShape(llvm::ArrayRef<int64_t> shape) const;

  /// The extent in every dimension of what shares a parameter. A block larger than its
  /// dimension is cut; whole dynamic dimensions give kWholeDimension.
  llvm::SmallVector<int64_t> getExtents(llvm::ArrayRef<int64_t> shape) const;

  /// The constraints without a tensor: at most one of axis and block, positive block sizes.
  mlir::LogicalResult verify(llvm::function_ref<mlir::InFlightDiagnostic()> emitError) const;

  /// The constraints on a tensor: an axis in range, a block size for each dimension.
  mlir::LogicalResult verifyFor(llvm::ArrayRef<int64_t> shape,
                                llvm::function_ref<mlir::InFlightDiagnostic()> emitError) const;
};

/// Blocks of `channels` output channels, whole along everything that is no channel.
llvm::SmallVector<int64_t> getChannelBlock(llvm::ArrayRef<int64_t> shape, const WeightAxes &axes,
                                           int64_t channels);

} // namespace terse

#endif // TERSE_DIALECT_TERSE_IR_GRANULARITY_H
