//===- VectorCode.h - Pieces of vector code -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_VECTORCODE_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_VECTORCODE_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace terse {

/// A buffer as one dimension of elements: the element at some indices lies at `offset` plus the
/// indices times the steps. Steps that are not known when the code is made are kDynamic in `known`.
struct FlatBuffer {
  mlir::Value memory, offset;
  llvm::SmallVector<mlir::Value> steps;
  llvm::SmallVector<int64_t> known;
};

/// Small ops with less text.
class VectorCode {
public:
  using Value = mlir::Value;

  VectorCode(mlir::OpBuilder &b, mlir::Location loc, bool hasFMA)
      : b(b), loc(loc), hasFMA(hasFMA) {}
  virtual ~VectorCode() = default;

  Value c(int64_t v) { return mlir::arith::ConstantIndexOp::create(b, loc, v); }
  Value add(Value x, Value y) { return mlir::arith::AddIOp::create(b, loc, x, y); }
  Value add(Value x, int64_t y) { return y ? add(x, c(y)) : x; }
  Value sub(Value x, Value y) { return mlir::arith::SubIOp::create(b, loc, x, y); }
  Value mul(Value x, int64_t y) {
    return y == 1 ? x : mlir::arith::MulIOp::create(b, loc, x, c(y)).getResult();
  }
  Value mul(Value x, Value y) { return mlir::arith::MulIOp::create(b, loc, x, y); }
  Value min(Value x, Value y) { return mlir::arith::MinSIOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return mlir::arith::DivUIOp::create(b, loc, x, y); }
  Value rem(Value x, Value y) { return mlir::arith::RemUIOp::create(b, loc, x, y); }
  Value ceilDiv(Value x, int64_t y) { return div(add(x, y - 1), c(y)); }
  Value less(Value x, Value y) { return compare(mlir::arith::CmpIPredicate::slt, x, y); }
  Value compare(mlir::arith::CmpIPredicate p, Value x, Value y) {
    return mlir::arith::CmpIOp::create(b, loc, p, x, y);
  }
  Value zero(mlir::Type type) {
    return mlir::arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  }
  Value splat(int64_t value, mlir::VectorType type);
  Value size(Value memory, int64_t dim);

  using Body = llvm::function_ref<llvm::SmallVector<Value>(Value, mlir::ValueRange)>;
  llvm::SmallVector<Value> loop(Value from, Value to, int64_t step, mlir::ValueRange init,
                                Body body);
  void loop(Value from, Value to, int64_t step, llvm::function_ref<void(Value)> body);
  void branch(Value condition, llvm::function_ref<void()> then,
              llvm::function_ref<void()> otherwise = nullptr);
  /// The values of one of two bodies.
  llvm::SmallVector<Value> choose(Value condition,
                                  llvm::function_ref<llvm::SmallVector<Value>()> then,
                                  llvm::function_ref<llvm::SmallVector<Value>()> otherwise);

  /// x * y + acc of floats.
  Value multiplyAdd(Value x, Value y, Value acc);

  /// Calls an LLVM intrinsic.
  Value intrinsic(llvm::StringRef name, mlir::Type result, mlir::ValueRange args);

  /// The value `wanted` of `block` on vectors of `lanes` elements, from vectors of its arguments.
  Value evaluate(mlir::Block &block, Value wanted, int64_t lanes, llvm::ArrayRef<Value> arguments);

  FlatBuffer flatten(Value buffer);
  /// All elements of contiguous memory in one dimension.
  Value collapse(Value memory);

  /// Bytes on the stack if that is small, else on the heap, freed by `release` at the end of the
  /// function.
  Value allocate(int64_t bytes);
  Value allocate(Value bytes);
  void release();

  mlir::OpBuilder &b;
  mlir::Location loc;
  bool hasFMA;

protected:
  /// `inner` on vectors.
  virtual Value vectorize(mlir::Operation &inner, mlir::ValueRange operands, int64_t lanes);

private:
  llvm::SmallVector<Value> heap;
};

} // namespace terse

#endif
