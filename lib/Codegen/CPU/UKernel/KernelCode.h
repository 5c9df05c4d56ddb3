//===- KernelCode.h - Pieces of vector code for kernels -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_KERNELCODE_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_KERNELCODE_H

#include "Magnitudes.h"
#include "VectorCode.h"
#include "terse/Dialect/UKernel/IR/UKernelOps.h"

namespace terse {

/// What a kernel function is made from: an op on the function's arguments.
class KernelCode : public VectorCode {
public:
  KernelCode(mlir::OpBuilder &b, ukernel::KernelOpInterface op, bool hasFMA, bool fetchesStreams);

  /// The leading dimensions of the result at flat row `row`.
  llvm::SmallVector<Value> unflatten(Value row);
  /// Rows of the result: the product of all dimensions but the last.
  Value countRows();

  /// Runs the epilogue on `lanes` sums from column `n` on at the row of `lead` and stores the
  /// results; lanes that `mask` (may be null) leaves out are not touched.
  void finish(llvm::ArrayRef<Value> lead, Value n, Value sums, Value mask);
  /// The same at flat row `row`, after `flatten()`: contiguous operands are read without the
  /// divisions that find their indices.
  void finish(Value row, Value n, Value sums, Value mask, llvm::ArrayRef<Value> known = {});
  /// The vectors of packed panel `p` that hold columns of the result: number, first column, and a
  /// mask where there are fewer columns than lanes.
  void forVectors(Value p, int64_t lanes, llvm::function_ref<void(int64_t, Value, Value)> body);
  /// The epilogue of row `r` of `sums`, [rows][columns of panel `p`], at flat row `row`.
  void finishPanel(Value p, int64_t lanes, Value sums, Value r, Value row);
  /// Shows the result and the extras that are as large as it as matrices. Once, at the start of a
  /// function.
  void flatten();

  /// Elements of all extras (null: not used) for `lanes` results from column `n` on at flat row
  /// `row`, or at the row of `lead`.
  /// `known` (may be empty) are those that were read before.
  llvm::SmallVector<Value> readExtras(Value row, Value n, int64_t lanes, Value mask,
                                      llvm::ArrayRef<Value> known = {});
  llvm::SmallVector<Value> readExtras(llvm::ArrayRef<Value> lead, Value n, int64_t lanes,
                                      Value mask);
  /// The extras that are the same for all rows (null: others, or not used).
  llvm::SmallVector<Value> readChannelExtras(Value n, int64_t lanes, Value mask);
  /// Ops of the epilogue: long ones are not repeated for each register of sums.
  int64_t countEpilogue();
  using VectorCode::evaluate;
  /// The value `wanted` of the epilogue for the vector `sums`, from vectors of the extras.
  Value evaluate(Value wanted, Value sums, llvm::ArrayRef<Value> extras);
  /// Where a vector of results from column `n` on at flat row `row` is stored, and its indices.
  std::pair<Value, llvm::SmallVector<Value>> locate(Value row, Value n);

  /// Until `releaseMagnitudes`, in the same block, results are those of `sample`.
  void holdMagnitudes(Value sample) { magnitudes.hold(sample); }
  void releaseMagnitudes() { magnitudes.release(); }
  /// Writes what is known of the magnitudes of the results so far. Once, at the end of a function.
  void finishMagnitudes() { magnitudes.flush(); }

  ukernel::KernelOpInterface op;
  ukernel::ScheduleAttr schedule;
  /// Whether the target wants several streams of memory to be fetched ahead.
  const bool fetchesStreams;

private:
  bool roundsToBF16(mlir::Operation &inner);
  Value vectorize(mlir::Operation &inner, mlir::ValueRange operands, int64_t lanes) override;
  Value readExtra(unsigned i, llvm::ArrayRef<Value> dims, int64_t lanes, Value mask);
  llvm::SmallVector<Value> readAt(llvm::ArrayRef<Value> dims, Value row, int64_t lanes, Value mask,
                                  llvm::ArrayRef<Value> known);
  void finish(llvm::ArrayRef<Value> dims, Value row, Value n, Value sums, Value mask,
              llvm::ArrayRef<Value> known);
  Magnitudes magnitudes;
  // Matrices; null where memory is not contiguous.
  Value flatInit;
  llvm::SmallVector<Value> flatExtras;
};

/// Which items compute which rows of a kernel's result. Blocks of rows follow each other.
struct KernelBlocks {
  /// Rows of a block at most; 0 where items are something else.
  int64_t rows = 0;
  /// After how many rows blocks begin anew; 0: they cut all rows evenly.
  int64_t image = 0;
  /// Items of a block, neighbours.
  int64_t items = 1;
};

/// The panels of packed weights, and chunks of them: panels of a chunk, and how many there are.
struct PanelChunks {
  int64_t panels = 0, size = 0, count = 0;
};
/// Chunks of about `columns` columns that threads can share.
PanelChunks cutPanels(ukernel::KernelOpInterface op, int64_t columns);

/// Code of the outer iterations [begin, end) of a kernel, and how many there are.
void buildMatrixKernel(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::Value countMatrixItems(KernelCode &code);
KernelBlocks getMatrixBlocks(KernelCode &code);
void buildTileKernel(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::Value countTileItems(KernelCode &code);
void buildFloatKernel(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::Value countFloatItems(KernelCode &code);
KernelBlocks getFloatBlocks(KernelCode &code);
/// Whether the op multiplies one row with weights of floats, or of bytes by dot products.
bool isStreamKernel(ukernel::KernelOpInterface op);
/// Whether the op multiplies a few rows with weights of few bits, which it decodes in registers.
bool isFewRowsKernel(ukernel::KernelOpInterface op);
int64_t getMostFewRows(ukernel::KernelOpInterface op);
void buildFewRowsKernel(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::Value countFewRowsItems(KernelCode &code);
void buildOneRowKernel(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::Value countOneRowItems(KernelCode &code);
/// Whether it may turn out at run time that the op multiplies one row; the kernel of one row reads
/// weights that are packed for the kernel of many rows, too.
bool mayBeOneRow(ukernel::KernelOpInterface op);
void buildStreamKernel(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::Value countStreamItems(KernelCode &code);
/// Bytes times weights of few bits, in integers.
void buildDotKernel(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::Value countDotItems(KernelCode &code);
/// The same for at most as many rows as a tile has.
void buildFewDotKernel(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::Value countFewDotItems(KernelCode &code);
void buildDepthwiseKernel(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::Value countDepthwiseItems(KernelCode &code);
KernelBlocks getDepthwiseBlocks(KernelCode &code);
bool isDepthwiseDotKernel(ukernel::KernelOpInterface op);
void buildDepthwiseDotKernel(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::Value countDepthwiseDotItems(KernelCode &code);
KernelBlocks getDepthwiseDotBlocks(KernelCode &code);

} // namespace terse

#endif
