//===- BlockLayout.h - Tensors whose blocks share parameters ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What encodings need to build decode and encode as nn ops. The one difficulty
// is that blocks share a parameter. Three layouts occur:
//
//   logical   the tensor's own shape, D
//   scale     the shape of the parameters, one element per block
//   work      a shape in which tensor and parameters broadcast against each other
//
// Where every block divides its dimension, `work` splits each blocked dimension
// in two, [.., D/B, B, ..] against [.., D/B, 1, ..]: reshapes, which cost
// nothing. Otherwise `work` is `logical`, and the parameters are gathered.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_DIALECT_TERSE_IR_BLOCKLAYOUT_H
#define TERSE_LIB_DIALECT_TERSE_IR_BLOCKLAYOUT_H

#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/Terse/IR/Granularity.h"

namespace terse {

inline mlir::RankedTensorType typeOf(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType());
}

/// A dimension: static; dynamic and held by a tensor<1xi64>; or that of another tensor, which is
/// only asked for it where it is needed.
struct Dim {
  int64_t size = mlir::ShapedType::kDynamic;
  mlir::Value value;
  mlir::Value source;
  int64_t index = 0;

  static Dim fixed(int64_t size) { return {size, {}, {}, 0}; }
  static Dim held(mlir::Value value) { return {mlir::ShapedType::kDynamic, value, {}, 0}; }
  static Dim of(mlir::Value source, int64_t index) {
    return {typeOf(source).getDimSize(index), {}, source, index};
  }
  bool isDynamic() const { return mlir::ShapedType::isDynamic(size); }
};

/// Short forms of the nn ops that encodings need.
struct BlockOps {
  mlir::OpBuilder &builder;
  mlir::Location loc;

  mlir::Value constant(mlir::Type elementType, double value);
  /// A 1-D f32 constant.
  mlir::Value constant(llvm::ArrayRef<float> values);
  mlir::Value unary(nn::UnaryKind kind, mlir::Value x, double alpha = 0, double beta = 0);
  mlir::Value binary(nn::BinaryKind kind, mlir::Value lhs, mlir::Value rhs);
  /// `value kind constant`, in the element type of `value`.
  mlir::Value binary(nn::BinaryKind kind, mlir::Value value, double number);
  /// lhs kind rhs ? onTrue : onFalse, elementwise
  mlir::Value select(nn::CompareKind kind, mlir::Value lhs, mlir::Value rhs, mlir::Value onTrue,
                     mlir::Value onFalse);
  mlir::Value cast(mlir::Value x, mlir::Type elementType);
  mlir::Value reduce(nn::ReduceKind kind, mlir::Value x, llvm::ArrayRef<int64_t> axes,
                     bool keepDims);
  mlir::Value reshape(mlir::Value x, llvm::ArrayRef<Dim> dims);
  mlir::Value reshape(mlir::Value x, llvm::ArrayRef<int64_t> shape);

  llvm::SmallVector<Dim> dims(mlir::Value x);
  /// The tensor<1xi64> of `dim`, the tensor<Nxi64> of `dims`.
  mlir::Value sizeOf(const Dim &dim);
  mlir::Value shapeOf(llvm::ArrayRef<Dim> dims);
  /// ceil(dim / divisor), dim * factor
  Dim ceilDiv(const Dim &dim, int64_t divisor);
  Dim multiply(const Dim &dim, int64_t factor);
};

/// The layouts of the file comment for one tensor.
class BlockLayout {
public:
  BlockLayout(BlockOps nn, Granularity granularity, mlir::Value like);

  /// logical -> work
  mlir::Value toWork(mlir::Value x) { return splits ? nn.reshape(x, work) : x; }
  /// work -> logical
  mlir::Value fromWork(mlir::Value x) { return splits ? nn.reshape(x, logical) : x; }
  /// scale -> a shape that broadcasts against work
  mlir::Value spread(mlir::Value scales);
  /// Reduces the elements of each block of `x`: logical -> scale. Where the last block is cut,
  /// zeros fill it up, so 0 must not change the result.
  mlir::Value reduceBlocks(nn::ReduceKind kind, mlir::Value x);

private:
  mlir::Value gatherScales(mlir::Value scales);
  mlir::Value fillLastBlocks(mlir::Value x);

  BlockOps nn;
  Granularity granularity;
  llvm::SmallVector<Dim> logical, work;
  llvm::SmallVector<int64_t> extents, scaleShape;
  /// Dimensions that hold several blocks of several elements.
  llvm::SmallVector<bool> partial;
  bool splits = true;
};

/// |x| with zeros in the place of NaN and infinities, which take no part in ranges. Zeros change
/// nothing there, because every range begins at or holds 0.
mlir::Value buildFiniteOrZero(BlockOps nn, mlir::Value x, bool magnitude);

} // namespace terse

#endif // TERSE_LIB_DIALECT_TERSE_IR_BLOCKLAYOUT_H
