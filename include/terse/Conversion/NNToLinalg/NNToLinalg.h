//===- NNToLinalg.h - Lowering of the nn dialect to linalg ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Three representations of an element meet here:
//   element type   what the nn op says (`ui4`, `f8E4M3FN`, `bf16`); signedness and format come from
//   nowhere else storage type   what tensors hold after the conversion (`i8`, `i8`, `bf16`) compute
//   type   what scalar arithmetic runs on: f32 for every float narrower than it, else the storage
//   type
// A lowering loads (storage -> compute), computes, and stores (compute -> storage), which rounds or
// wraps once.

#ifndef TERSE_CONVERSION_NNTOLINALG_NNTOLINALG_H
#define TERSE_CONVERSION_NNTOLINALG_NNTOLINALG_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Transforms/DialectConversion.h"
#include "terse/Dialect/NN/IR/NNOps.h"

namespace terse {

/// Tensors to tensors of storage elements; everything else stays.
class StorageTypeConverter : public mlir::TypeConverter {
public:
  StorageTypeConverter();
};

mlir::Type getStorageElementType(mlir::Type element);
mlir::Type getComputeType(mlir::Type element);

/// Whether integers of this element type are unsigned (`uiN`; bool counts as unsigned, too).
bool isUnsignedElement(mlir::Type element);

//===----------------------------------------------------------------------===//
// Scalars. `element` is always the element type of the nn op, values are of its compute type unless
// said otherwise.
//===----------------------------------------------------------------------===//

/// Storage to compute type, exact.
mlir::Value loadElement(mlir::OpBuilder &b, mlir::Location loc, mlir::Value storage,
                        mlir::Type element);

/// Compute type to storage: floats round half to even, sub-byte integers keep their low bits.
/// `saturate` as in nn.cast.
mlir::Value storeElement(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value,
                         mlir::Type element, bool saturate = false);

/// `value` rounded to the compute type.
mlir::Value createScalarConstant(mlir::OpBuilder &b, mlir::Location loc, double value,
                                 mlir::Type element);

/// The lowest and highest values of the element type (infinities for floats), in its compute type.
mlir::Value createLowest(mlir::OpBuilder &b, mlir::Location loc, mlir::Type element);
mlir::Value createHighest(mlir::OpBuilder &b, mlir::Location loc, mlir::Type element);

/// The type in which elements are summed up: f64 for floats, so that a sum is rounded once.
mlir::Type getWideSumType(mlir::Type element);

/// Null if the kind has no meaning for the element type.
mlir::Value createUnary(mlir::OpBuilder &b, mlir::Location loc, nn::UnaryKind kind, mlir::Value x,
                        mlir::Type element, double alpha = 0, double beta = 0);

/// `rhsElement` differs from `element` for pow only. Null if the kind has no meaning for the
/// element type.
mlir::Value createBinary(mlir::OpBuilder &b, mlir::Location loc, nn::BinaryKind kind,
                         mlir::Value lhs, mlir::Value rhs, mlir::Type element,
                         mlir::Type rhsElement = {});

/// An i1.
mlir::Value createCompare(mlir::OpBuilder &b, mlir::Location loc, nn::CompareKind kind,
                          mlir::Value lhs, mlir::Value rhs, mlir::Type element);

/// Storage of `from` to storage of `to`, as nn.cast.
mlir::Value createCast(mlir::OpBuilder &b, mlir::Location loc, mlir::Value storage, mlir::Type from,
                       mlir::Type to, bool saturate = true,
                       nn::CastRounding rounding = nn::CastRounding::Up);

//===----------------------------------------------------------------------===//
// Tensors (of storage types)
//===----------------------------------------------------------------------===//

/// Constants for static dimensions, tensor.dim otherwise.
llvm::SmallVector<mlir::OpFoldResult> getSizes(mlir::OpBuilder &b, mlir::Location loc,
                                               mlir::Value tensor);
mlir::OpFoldResult getSize(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor, int64_t dim);

/// Folded affine arithmetic on sizes: `expr` over symbols s0, s1, ... bound to `operands`.
mlir::OpFoldResult computeSize(mlir::OpBuilder &b, mlir::Location loc, mlir::AffineExpr expr,
                               llvm::ArrayRef<mlir::OpFoldResult> operands);

/// The elements of a 1-D i64 shape tensor as sizes; static entries of `type` (the tensor to be
/// made) win.
llvm::SmallVector<mlir::OpFoldResult> getSizesFromShape(mlir::OpBuilder &b, mlir::Location loc,
                                                        mlir::Value shape,
                                                        mlir::RankedTensorType type);

mlir::Value createEmpty(mlir::OpBuilder &b, mlir::Location loc,
                        llvm::ArrayRef<mlir::OpFoldResult> sizes, mlir::Type storageElement);

/// A tensor of `sizes` filled with a scalar of storage type.
mlir::Value createFilled(mlir::OpBuilder &b, mlir::Location loc,
                         llvm::ArrayRef<mlir::OpFoldResult> sizes, mlir::Value storageScalar);

/// tensor.cast to `type` where the static shapes differ (op results must have exactly the converted
/// type).
mlir::Value castTo(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor, mlir::Type type);

/// A linalg.generic with parallel iterators only over a fresh tensor of `sizes`; operand i is read
/// through `maps[i]`, the result through the identity. `body` gets storage scalars and yields a
/// storage scalar.
mlir::Value createMap(
    mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<mlir::OpFoldResult> sizes,
    mlir::Type storageElement, mlir::ValueRange inputs, llvm::ArrayRef<mlir::AffineMap> maps,
    llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::ValueRange)> body);

/// Sizes of the common broadcast shape of `operands`, and for each operand its value and the map
/// that reads it. Where only the run decides whether a dimension stretches, the operand is
/// stretched up front under a condition. The last `trailing` dimensions of every operand take no
/// part.
struct BroadcastOperands {
  llvm::SmallVector<mlir::OpFoldResult> sizes;
  llvm::SmallVector<mlir::Value> values;
  llvm::SmallVector<mlir::AffineMap> maps;
};
BroadcastOperands broadcastOperands(mlir::OpBuilder &b, mlir::Location loc,
                                    mlir::ValueRange operands, int64_t trailing = 0);

//===----------------------------------------------------------------------===//
// Patterns, one family per file
//===----------------------------------------------------------------------===//

/// Constants, weights, shape, iota, range.
void populateConstantPatterns(const mlir::TypeConverter &converter,
                              mlir::RewritePatternSet &patterns);
/// unary, binary, compare, select, cast, bitcast.
void populateElementwisePatterns(const mlir::TypeConverter &converter,
                                 mlir::RewritePatternSet &patterns);
/// linear, matmul, embedding, and the convolutions.
void populateContractionPatterns(const mlir::TypeConverter &converter,
                                 mlir::RewritePatternSet &patterns);
/// conv, conv_transpose.
void populateConvolutionPatterns(const mlir::TypeConverter &converter,
                                 mlir::RewritePatternSet &patterns);
/// reshape, transpose, broadcast, slice, dynamic_slice, concat, reverse_sequence.
void populateShapePatterns(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
/// pad.
void populatePadPatterns(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
/// gather, gather_elements, gather_nd.
void populateGatherPatterns(const mlir::TypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
/// scatter_elements, scatter_nd.
void populateScatterPatterns(const mlir::TypeConverter &converter,
                             mlir::RewritePatternSet &patterns);
/// reduce (sum, prod, max, min), arg_reduce.
void populateReducePatterns(const mlir::TypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
/// cumulative, top_k.
void populateScanPatterns(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
/// pool, max_pool_indices.
void populatePoolPatterns(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);
/// resize.
void populateResizePatterns(const mlir::TypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
/// All of them.
void populateNNToLinalgPatterns(const mlir::TypeConverter &converter,
                                mlir::RewritePatternSet &patterns);

} // namespace terse

#endif
