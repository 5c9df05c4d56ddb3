//===- Converter.h - One op on stored integers ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the families of ops share that terse-integer-graph replaces by integer
// arithmetic. Each family has a file of its own.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_DIALECT_TERSE_TRANSFORMS_INTEGERGRAPH_CONVERTER_H
#define TERSE_LIB_DIALECT_TERSE_TRANSFORMS_INTEGERGRAPH_CONVERTER_H

#include "../StaticTensor.h"

#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/NN/IR/NNQuantization.h"

#include <limits>
#include <string>

namespace terse::integer {

inline mlir::RankedTensorType typeOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType());
}

/// Where the result of an op goes.
struct ResultUse {
  /// The encode with known parameters that it ends in; null if it stays float.
  StaticTensor target;
  EncodeOp encode;
  /// Clamps on the way, to be done by the requantization.
  llvm::SmallVector<mlir::Operation *> clamps;
  double low = -std::numeric_limits<double>::infinity(), high = -low;
};

/// A tensor of integers and its factors, which broadcast to it.
struct Term {
  mlir::Value tensor;
  std::vector<float> factors;
  llvm::SmallVector<int64_t> factorShape;
};

/// Converts one op.
class Converter {
public:
  Converter(mlir::Operation *op, bool fixedPoint)
      : op(op), fixedPoint(fixedPoint), builder(op), loc(op->getLoc()) {}

  /// Whether the op reads integers with known scales at all.
  bool isCandidate();
  /// Replaces the op, or says why not and changes nothing.
  mlir::LogicalResult convert(std::string &reason);
  /// The clamps and functions that went with it.
  llvm::ArrayRef<mlir::Operation *> getErased() const { return erased; }

private:
  mlir::LogicalResult convertContraction(nn::ContractionLike contraction, std::string &reason);
  mlir::LogicalResult convertMove(nn::Quantizable quantizable, std::string &reason);
  mlir::LogicalResult convertSum(nn::Quantizable quantizable, std::string &reason);
  mlir::LogicalResult convertTable(nn::Quantizable quantizable, std::string &reason);
  mlir::LogicalResult convertNormalize(nn::Quantizable quantizable, std::string &reason);

  ResultUse findUse(bool absorbClamps);
  /// Whether what counters of ranges need is to be marked.
  bool countsRanges() const;
  /// Ends the op: requantizes the sum of the terms, or makes it float.
  void finish(const ResultUse &use, llvm::ArrayRef<Term> terms);
  /// Ends the op with stored integers of the parameters of `use`.
  void finishStored(const ResultUse &use, mlir::Value stored);
  mlir::Value requantize(llvm::ArrayRef<Term> terms, const StaticTensor &target, int64_t low,
                         int64_t high, llvm::ArrayRef<int64_t> shape);

  mlir::Value roundTo(const StaticTensor &target, mlir::Value x);
  mlir::Value center(const StaticTensor &tensor, mlir::Value stored);
  mlir::Value constant(mlir::Type elementType, llvm::ArrayRef<int64_t> shape,
                       llvm::ArrayRef<float> values);
  mlir::Value constant(mlir::Type elementType, llvm::ArrayRef<int64_t> shape,
                       llvm::ArrayRef<int64_t> values);
  mlir::Value castTo(mlir::Value x, mlir::Type elementType) {
    if (typeOf(x).getElementType() == elementType)
      return x;
    return nn::CastOp::create(builder, loc,
                              mlir::RankedTensorType::get(typeOf(x).getShape(), elementType), x);
  }
  mlir::Value binary(nn::BinaryKind kind, mlir::Value lhs, mlir::Value rhs) {
    return nn::BinaryOp::create(builder, loc, kind, lhs, rhs);
  }
  /// The shape in which one number per channel broadcasts to the result of `contraction`.
  static llvm::SmallVector<int64_t> getChannelShape(nn::ContractionLike contraction,
                                                    int64_t channels) {
    llvm::SmallVector<int64_t> shape{channels};
    shape.append(
        typeOf(contraction->getResult(0)).getRank() - 1 - contraction.getResultChannelAxis(), 1);
    return shape;
  }

  mlir::Operation *op;
  bool fixedPoint;
  llvm::SmallVector<mlir::Operation *> erased;
  mlir::OpBuilder builder;
  mlir::Location loc;
};

/// Fails for a reason that people read.
inline mlir::LogicalResult fail(std::string &reason, const llvm::Twine &text) {
  reason = text.str();
  return mlir::failure();
}

/// Whether ops can take `tensor` as data: integers of at most 8 bits with one scale.
inline bool isIntegerData(const StaticTensor &tensor) {
  return tensor && tensor.isPerTensor() && !tensor.encoding.getAxis() &&
         tensor.encoding.getValueType().getWidth() <= 8;
}

} // namespace terse::integer

#endif // TERSE_LIB_DIALECT_TERSE_TRANSFORMS_INTEGERGRAPH_CONVERTER_H
