//===- ContractionShape.h - What kernels ask of a contraction -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_CONTRACTIONSHAPE_H
#define TERSE_LIB_CODEGEN_CPU_CONTRACTIONSHAPE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "terse/Codegen/CPU/IR/CPUDialect.h"

#include <optional>

namespace terse {

/// `out += f(a) * g(b)` where f and g convert single elements. Dimensions are iterators of the
/// linalg op, -1 where there is none.
struct ContractionShape {
  cpu::Kernel kernel;
  /// Operand numbers: `vector` is the one read in vectors along `vectorDim` (panel, product) or the
  /// one with `vectorDim` as its rows (dot); `scalar` is the other one.
  unsigned scalarOperand, vectorOperand;
  /// panel, product: innermost dimension of the result, in `vectorOperand` only. dot: a dimension
  /// of `vectorOperand` only.
  int64_t vectorDim;
  /// A parallel dimension of `scalarOperand` only, to reuse vectors for.
  int64_t scalarDim = -1;
  /// panel: a parallel dimension of `vectorOperand` only beside vectorDim, to reuse scalars for.
  int64_t rowDim = -1;
  /// Distance of consecutive elements along vectorDim in `vectorOperand` (panel).
  int64_t stride = 1;
  llvm::SmallVector<int64_t> reductionDims, outerDims;
  /// product: whether the operands are bytes whose products are summed in i32, and which of them
  /// are unsigned.
  bool bytes = false;
  std::array<bool, 2> isUnsigned{};
  /// Iterations, dynamic if one dimension is.
  int64_t work = 1;
};

/// The best kernel for `op` on buffers, or nothing if it is no sum of products or has no suitable
/// layout.
std::optional<ContractionShape> analyzeContraction(mlir::linalg::GenericOp op);

/// The same without packing.
std::optional<ContractionShape> analyzeUnpacked(mlir::linalg::GenericOp op);

/// Rows from which packing the other operand pays.
inline constexpr int64_t kMinProductRows = 8;

/// The same for a given kernel.
std::optional<ContractionShape> analyzeContraction(mlir::linalg::GenericOp op, cpu::Kernel kernel);

} // namespace terse

#endif
