//===- DecodedPanel.h - Weights of few bits as tiles of bf16 ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_DECODEDPANEL_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_DECODEDPANEL_H

#include "WeightDecoder.h"

namespace terse {

/// A panel of weights of few bits as tiles of bf16. The products of bf16 are exact in f32, but the
/// numbers that codes stand for have more than 8 bits: each is the sum of two bf16, with an error
/// of 2^-18 of its size at most.
class DecodedPanel {
public:
  using Value = mlir::Value;

  /// For `steps` tiles along the contraction, of 32 elements each.
  DecodedPanel(KernelCode &code, int64_t steps);

  /// Takes memory. Once, before the loops.
  void allocate();
  /// Makes tiles of panel `p`.
  void decode(Value p);

  /// Where the tile of step `i` and vector `j` of columns lies in `tiles`, of which rows are 32
  /// elements: the larger part of each number (0), or what it leaves (1).
  Value getRow(Value i, int64_t j, int64_t part);
  Value tiles;

  int64_t getBytes() const { return steps * layout.vectors * 2 * 1024; }

private:
  void decodePiece(Value p, Value step);
  void storePairs(Value from, Value row, int64_t j);

  KernelCode &k;
  mlir::OpBuilder &b;
  WeightDecoder decoder;
  const ukernel::WeightLayout &layout;
  int64_t depth, steps;
  Value floats;
};

} // namespace terse

#endif
