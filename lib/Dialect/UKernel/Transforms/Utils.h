//===- Utils.h - Helpers of passes over kernels ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_DIALECT_UKERNEL_TRANSFORMS_UTILS_H
#define TERSE_LIB_DIALECT_UKERNEL_TRANSFORMS_UTILS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"

namespace terse::ukernel {

/// `x` with dimension `i` of the result being dimension `permutation[i]` of `x`, as a
/// linalg.transpose.
inline mlir::Value createTranspose(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                                   llvm::ArrayRef<int64_t> permutation) {
  llvm::SmallVector<mlir::OpFoldResult> sizes = mlir::tensor::getMixedSizes(b, loc, x);
  mlir::applyPermutationToVector(sizes, permutation);
  mlir::Type element = mlir::cast<mlir::RankedTensorType>(x.getType()).getElementType();
  mlir::Value init = mlir::tensor::EmptyOp::create(b, loc, sizes, element);
  return mlir::linalg::TransposeOp::create(b, loc, x, init, permutation).getResult()[0];
}

/// The instructions for integers that the option `isa` of a pass names; none after an error at
/// `op`.
inline std::optional<ISA> readIntegerISA(mlir::Operation *op, llvm::StringRef text) {
  std::optional<ISA> isa = symbolizeISA(text);
  if (isa && *isa <= ISA::AMXInt8)
    return isa;
  op->emitError("unknown instructions '")
      << text
      << "' in option isa; expected portable, avx2, avxvnni, avx512, avx512vnni or amx_int8";
  return std::nullopt;
}

/// Inputs of linalg.generic lose dimensions of size 1 that keep loops from collapsing.
void populateDropUnitIndexPatterns(mlir::RewritePatternSet &patterns);

/// Casts that round and saturate to 8 bits, in fewer operations.
void populateRoundingCastPatterns(mlir::RewritePatternSet &patterns);

/// Reductions of a kernel's result to the largest magnitudes, as a second result of the kernel.
void populateFuseMagnitudePatterns(mlir::RewritePatternSet &patterns);

/// Whether a contraction has the operands of a product of matrices or of a convolution for which
/// there are kernels of bf16: with `tiles`, not in groups of several channels.
bool isBF16Kernel(mlir::linalg::GenericOp op, bool tiles);

/// A contraction of f32 whose operands are bf16 numbers, as one of bf16 with sums in f32; else `op`
/// itself. `tiles` multiply weights of few bits, too.
mlir::linalg::GenericOp narrowContraction(mlir::RewriterBase &b, mlir::linalg::GenericOp op,
                                          bool tiles);

} // namespace terse::ukernel

#endif
