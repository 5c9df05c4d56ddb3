//===- LeftRows.h - Rows of the left operand, copied -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_LEFTROWS_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_LEFTROWS_H

#include "KernelCode.h"

namespace terse {

/// Copies rows of a product's left operand, or what the windows of a convolution cover, into
/// contiguous memory: windows, padding, signedness and word sizes disappear. Goes from low to high
/// addresses, and may write up to a vector past the end of what it copies.
class LeftRows {
public:
  using Value = mlir::Value;

  /// `flipped`: with 128 added to signed bytes; `widened`: in 16 bits; `vectorBytes` at a time.
  LeftRows(KernelCode &code, mlir::Type stored, bool flipped, bool widened, int64_t vectorBytes);

  bool isFlipped() const { return flipped; }
  int64_t getVectorBytes() const { return vectorBytes; }

  /// Row `row` of all rows to row `r` of `rows`.
  void copy(Value rows, Value r, Value row);

  /// `count` elements from `at` in `memory` to column `column` of row `r`.
  void copyElements(Value memory, llvm::SmallVector<Value> at, Value r, Value column,
                    int64_t count);
  /// `count` times what stands outside of the input.
  void fill(Value r, Value column, int64_t count);

  /// Where `copyElements` and `fill` write.
  Value rows;

private:
  Value convert(Value v);
  void pieces(int64_t count, llvm::function_ref<void(Value, int64_t, int64_t, Value)> body);
  Value load(mlir::VectorType type, Value memory, mlir::ValueRange at, Value mask);
  void store(Value v, Value r, Value column);
  Value offset(Value base, Value i, int64_t fixed) {
    return k.add(i ? k.add(base, i) : base, fixed);
  }

  KernelCode &k;
  mlir::OpBuilder &b;
  mlir::MemRefType type;
  mlir::Type stored;
  bool flipped, widened;
  int64_t vectorBytes;
};

} // namespace terse

#endif
