//===- ByteResults.h - Results of 8 bits, four vectors at once ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_BYTERESULTS_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_BYTERESULTS_H

#include "KernelCode.h"

namespace terse {

/// An epilogue that ends by rounding floats to bytes, on vectors of 256 or 512 bits: instructions
/// that saturate bring four vectors of results into one, which costs less than four conversions,
/// and most clamps come with them.
class ByteResults {
public:
  using Value = mlir::Value;

  /// What the op's epilogue rounds and clamps; see `matches`.
  explicit ByteResults(KernelCode &code);

  /// Whether the epilogue ends that way and the kernel has such vectors.
  bool matches() const { return bool(rounded); }
  /// Whether it does, and extras are constants of channels.
  bool matchesChannels() const;

  /// The results of a vector of sums as 32-bit integers, not yet clamped from below.
  Value round(Value sums, llvm::ArrayRef<Value> extras);

  /// The bytes of four such vectors. `interleaved`: parts of 128 bits of the four follow each
  /// other (the first of each, then the second), as the instructions leave them.
  Value pack(llvm::ArrayRef<Value> four, bool interleaved);

private:
  KernelCode &k;
  mlir::OpBuilder &b;
  // The float that is rounded; its upper bound; what is added to the integer; bounds of the sum.
  Value rounded;
  double most = 0;
  int64_t shift = 0, low = 0, high = 0;
};

} // namespace terse

#endif
