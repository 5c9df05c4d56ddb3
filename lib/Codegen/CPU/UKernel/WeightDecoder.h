//===- WeightDecoder.h - Weights of few bits in registers -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_WEIGHTDECODER_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_WEIGHTDECODER_H

#include "KernelCode.h"
#include "terse/Dialect/UKernel/IR/WeightLayout.h"

namespace terse {

/// Code that reads the packed weights of a kernel with a decoding.
class WeightDecoder {
public:
  using Value = mlir::Value;

  explicit WeightDecoder(KernelCode &code);

  const ukernel::WeightLayout &getLayout() const { return layout; }

  /// Writes elements [from, to) along the contraction of panel `p` to `floats`, [rows][columns],
  /// and returns which element is its first row: elements are decoded from the begin of their unit
  /// on.
  Value decode(Value p, Value from, Value to, Value floats);
  /// Rows of `floats` for any `count` elements.
  int64_t getDecodedRows(int64_t count) const;

  /// Multiplies `count` rows of `rows`, from `first` on, with panel `p` and writes the sums to rows
  /// of `sums`. Products of a group are summed first and then scaled.
  void multiply(Value p, Value rows, Value first, int64_t count, Value sums);

  /// Of a vector of columns: the scale in f32; the zero point, in f32 or for quads in i32.
  struct Group {
    Value scale, zero;
  };
  /// The scales of the group at byte `at`; of its block `index`, if it has several.
  Group loadGroup(Value p, int64_t v, Value at, Value index = Value());

  /// The words of the unit of quads at byte `at`.
  llvm::SmallVector<Value> loadPlanes(Value p, int64_t v, Value at);
  /// Codes 4 q to 4 q + 3 of a unit of quads in the bytes of each lane.
  Value quad(llvm::ArrayRef<Value> words, int64_t q);

private:
  // What decoding a vector of columns needs.
  struct Tables {
    llvm::SmallVector<Value, 2> registers;
    Value memory;
  };

  // What begins where decoding may begin: a unit, or a group if groups have gaps between them.
  int64_t getStep() const { return layout.hasGaps() ? layout.group : layout.unitCodes; }
  mlir::VectorType vector(mlir::Type element) const;
  Value load(Value p, int64_t v, Value at, mlir::Type element);
  Value constants(llvm::ArrayRef<float> values);
  Value shift(Value x, int64_t right);
  Value toFloat(Value x);
  Value fromSmallFloat(Value codes, unsigned bits, unsigned mantissa, unsigned bias);
  Tables loadTables(Value p, int64_t v);
  // The block of element `i` of the group at byte `at`.
  Value loadIndex(Value p, int64_t v, Value at, Value i);
  Value lookUp(Value index, const Tables &tables);
  // The words of a unit, each of them as four: from its first, second, third and last byte on.
  llvm::SmallVector<Value> loadWords(Value p, int64_t v, Value at);
  // The number that code `i` of a unit stands for.
  Value number(llvm::ArrayRef<Value> words, int64_t i, const Tables &tables, Value zero);

  KernelCode &k;
  mlir::OpBuilder &b;
  ukernel::DecodingAttr decoding;
  ukernel::ISA isa;
  ukernel::WeightLayout layout;
  bool permutes;
};

} // namespace terse

#endif
