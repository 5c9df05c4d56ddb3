//===- IndexBuilder.h - Arithmetic on indices while lowering --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CONVERSION_NNTOLINALG_INDEXBUILDER_H
#define TERSE_LIB_CONVERSION_NNTOLINALG_INDEXBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "terse/Conversion/NNToLinalg/NNToLinalg.h"

namespace terse {

inline mlir::RankedTensorType typeOf(mlir::Value v) {
  return mlir::cast<mlir::RankedTensorType>(v.getType());
}

/// Signed arithmetic on values of `index` type.
class IndexBuilder : public mlir::ImplicitLocOpBuilder {
public:
  IndexBuilder(mlir::OpBuilder &b, mlir::Location loc) : ImplicitLocOpBuilder(loc, b) {}

  mlir::Value constant(int64_t v) { return mlir::arith::ConstantIndexOp::create(*this, v); }
  mlir::Value value(mlir::OpFoldResult v) {
    return mlir::getValueOrCreateConstantIndexOp(*this, getLoc(), v);
  }
  mlir::Value size(mlir::Value tensor, int64_t dim) {
    return value(getSize(*this, getLoc(), tensor, dim));
  }
  mlir::Value index(int64_t dim) { return mlir::linalg::IndexOp::create(*this, dim); }

  mlir::Value add(mlir::Value a, mlir::Value b) { return mlir::arith::AddIOp::create(*this, a, b); }
  mlir::Value sub(mlir::Value a, mlir::Value b) { return mlir::arith::SubIOp::create(*this, a, b); }
  mlir::Value mul(mlir::Value a, mlir::Value b) { return mlir::arith::MulIOp::create(*this, a, b); }
  mlir::Value add(mlir::Value a, int64_t b) { return b ? add(a, constant(b)) : a; }
  mlir::Value mul(mlir::Value a, int64_t b) { return b == 1 ? a : mul(a, constant(b)); }
  mlir::Value min(mlir::Value a, mlir::Value b) {
    return mlir::arith::MinSIOp::create(*this, a, b);
  }
  mlir::Value max(mlir::Value a, mlir::Value b) {
    return mlir::arith::MaxSIOp::create(*this, a, b);
  }
  mlir::Value less(mlir::Value a, mlir::Value b) {
    return compare(mlir::arith::CmpIPredicate::slt, a, b);
  }
  mlir::Value equal(mlir::Value a, mlir::Value b) {
    return compare(mlir::arith::CmpIPredicate::eq, a, b);
  }
  mlir::Value compare(mlir::arith::CmpIPredicate p, mlir::Value a, mlir::Value b) {
    return mlir::arith::CmpIOp::create(*this, p, a, b);
  }
  mlir::Value select(mlir::Value c, mlir::Value a, mlir::Value b) {
    return mlir::arith::SelectOp::create(*this, c, a, b);
  }
  mlir::Value all(mlir::Value a, mlir::Value b) { return mlir::arith::AndIOp::create(*this, a, b); }
  mlir::Value any(mlir::Value a, mlir::Value b) { return mlir::arith::OrIOp::create(*this, a, b); }
  /// `v` moved into `[0, size - 1]`.
  mlir::Value clampToAxis(mlir::Value v, mlir::Value size) {
    return max(min(v, sub(size, constant(1))), constant(0));
  }
  /// An index tensor's element (i32 or i64) as an element of an axis: negative ones count from the
  /// end, whatever lies outside is clamped, because index data must never lead outside of a tensor.
  mlir::Value axisIndex(mlir::Value element, mlir::Value size) {
    mlir::Value i = toIndex(element);
    return clampToAxis(select(less(i, constant(0)), add(i, size), i), size);
  }
  mlir::Value toIndex(mlir::Value integer) {
    return mlir::arith::IndexCastOp::create(*this, getIndexType(), integer);
  }
  mlir::Value fromIndex(mlir::Value index, mlir::Type type) {
    return mlir::arith::IndexCastOp::create(*this, type, index);
  }
};

/// `x[indices]` for indices inside of non-empty axes; 0 if a dynamic axis turns out empty, and no
/// access at all.
mlir::Value extractElement(IndexBuilder &b, mlir::Value x, mlir::ValueRange indices);

/// A fresh tensor of `sizes` whose elements `body` computes from the values of `inputs` and the
/// loop indices. The result has exactly `type`.
mlir::Value createGenerated(mlir::OpBuilder &b, mlir::Location loc,
                            llvm::ArrayRef<mlir::OpFoldResult> sizes, mlir::Type type,
                            mlir::ValueRange inputs, llvm::ArrayRef<mlir::AffineMap> maps,
                            llvm::function_ref<mlir::Value(IndexBuilder &, mlir::ValueRange)> body);

/// scf.for loops from 0 to `bounds` that carry `tensors`; `body` yields their next values.
llvm::SmallVector<mlir::Value> createTensorLoops(
    IndexBuilder &b, mlir::ValueRange bounds, mlir::ValueRange tensors,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(IndexBuilder &, mlir::ValueRange,
                                                      mlir::ValueRange)>
        body);

/// Whether tensors of this element type hold its compute type, so that a running value can live in
/// one.
bool storesComputeType(mlir::Type element);

} // namespace terse

#endif
