//===- DecodedWeights.h - Weights that kernels decode ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_DIALECT_UKERNEL_TRANSFORMS_DECODEDWEIGHTS_H
#define TERSE_LIB_DIALECT_UKERNEL_TRANSFORMS_DECODEDWEIGHTS_H

#include "terse/Dialect/UKernel/IR/WeightLayout.h"

namespace terse::ukernel {

/// Where element k of column n lies in the unpacked weights of this shape.
struct WeightOrder {
  int64_t n, k, channels = 0, height = 1, width = 1;
  bool transposed;

  WeightOrder(llvm::ArrayRef<int64_t> shape, bool transposed);
  int64_t at(int64_t column, int64_t i) const;
};

/// The weights that `rhs` shows, under another shape perhaps; null if it is something else.
WeightsOp getWeights(mlir::Value rhs);

/// How kernels that read `weights` as `rhs` find their numbers, on vectors of these instructions.
DecodingAttr chooseDecoding(WeightsOp weights, KernelOpInterface op, ISA isa);

/// The bytes of ukernel.pack of `weights`.
mlir::FailureOr<HostTensor> packDecoded(WeightsOp weights, PackOp op);

} // namespace terse::ukernel

#endif
