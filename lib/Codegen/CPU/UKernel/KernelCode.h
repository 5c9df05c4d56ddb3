//===- KernelCode.h - Pieces of vector code for kernels -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_KERNELCODE_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_KERNELCODE_H

#include "Magnitudes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"

namespace terse {

/// What a kernel function is made from: an op on the function's arguments.
class KernelCode {
public:
  using Value = mlir::Value;

  KernelCode(mlir::OpBuilder &b, ukernel::KernelOpInterface op, bool hasFMA);

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

  /// x * y + acc of floats.
  Value multiplyAdd(Value x, Value y, Value acc);

  /// Calls an LLVM intrinsic.
  Value intrinsic(llvm::StringRef name, mlir::Type result, mlir::ValueRange args);

  /// The leading dimensions of the result at flat row `row`.
  llvm::SmallVector<Value> unflatten(Value row);
  /// Rows of the result: the product of all dimensions but the last.
  Value countRows();

  /// Runs the epilogue on `lanes` sums from column `n` on at the row of `lead` and stores the
  /// results; lanes that `mask` (may be null) leaves out are not touched.
  void finish(llvm::ArrayRef<Value> lead, Value n, Value sums, Value mask);
  /// The same at flat row `row`, after `flatten()`: contiguous operands are read without the
  /// divisions that find their indices.
  void finish(Value row, Value n, Value sums, Value mask);
  /// Shows the result and the extras that are as large as it as matrices. Once, at the start of a
  /// function.
  void flatten();

  /// Elements of all extras (null: not used) for `lanes` results from column `n` on at flat row
  /// `row`, or at the row of `lead`.
  llvm::SmallVector<Value> readExtras(Value row, Value n, int64_t lanes, Value mask);
  llvm::SmallVector<Value> readExtras(llvm::ArrayRef<Value> lead, Value n, int64_t lanes,
                                      Value mask);
  /// The value `wanted` of the epilogue for the vector `sums`, from vectors of the extras.
  Value evaluate(Value wanted, Value sums, llvm::ArrayRef<Value> extras);
  /// Where a vector of results from column `n` on at flat row `row` is stored, and its indices.
  std::pair<Value, llvm::SmallVector<Value>> locate(Value row, Value n);

  /// Writes what is known of the magnitudes of the results so far. Once, at the end of a function.
  void finishMagnitudes() { magnitudes.flush(); }

  /// Bytes on the stack if that is small, else on the heap, freed by `release` at the end of the
  /// function.
  Value allocate(int64_t bytes);
  void release();

  mlir::OpBuilder &b;
  mlir::Location loc;
  ukernel::KernelOpInterface op;
  ukernel::ScheduleAttr schedule;
  bool hasFMA;

private:
  bool roundsToBF16(mlir::Operation &inner);
  Value readExtra(unsigned i, llvm::ArrayRef<Value> dims, int64_t lanes, Value mask);
  llvm::SmallVector<Value> readAt(llvm::ArrayRef<Value> dims, Value row, int64_t lanes, Value mask);
  void finish(llvm::ArrayRef<Value> dims, Value row, Value n, Value sums, Value mask);
  Magnitudes magnitudes;
  // Matrices; null where memory is not contiguous.
  Value flatInit;
  llvm::SmallVector<Value> flatExtras;
  llvm::SmallVector<Value> heap;
};

/// Code of the outer iterations [begin, end) of a kernel, and how many there are.
void buildMatrixKernel(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::Value countMatrixItems(KernelCode &code);
void buildTileKernel(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::Value countTileItems(KernelCode &code);
void buildFloatKernel(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::Value countFloatItems(KernelCode &code);
/// Whether the op multiplies one row with weights of floats, or of bytes by dot products.
bool isStreamKernel(ukernel::KernelOpInterface op);
/// Whether it may turn out at run time that the op multiplies one row; the stream kernel reads
/// weights that are packed for the kernel of many rows, too.
bool mayBeOneRow(ukernel::KernelOpInterface op);
void buildStreamKernel(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::Value countStreamItems(KernelCode &code);
/// Bytes times weights of few bits, in integers.
void buildDotKernel(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::Value countDotItems(KernelCode &code);
void buildDepthwiseKernel(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::Value countDepthwiseItems(KernelCode &code);
void buildDepthwiseDotKernel(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::Value countDepthwiseDotItems(KernelCode &code);

} // namespace terse

#endif
