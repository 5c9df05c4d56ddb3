//===- NNQuantization.h - What quantization asks an op --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNQUANTIZATION_H
#define TERSE_DIALECT_NN_IR_NNQUANTIZATION_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/OpDefinition.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <optional>
#include <string>

namespace terse::nn {

/// Elements before and after each axis.
struct Padding {
  llvm::SmallVector<int64_t> low, high;
};

/// Closed; infinite ends are open.
struct Interval {
  double low, high;
};

/// How an op computes on integers.
enum class IntegerForm {
  /// It does not.
  None,
  /// It only moves, picks or compares elements: it works on stored integers as on floats, and its
  /// result has the scale
  /// and zero point of its operands.
  Move,
  /// Its result is a sum of integer tensors, each with a factor: `terse.requantize` ends it.
  Sum,
  /// It is a function of one element: a table with one entry per stored integer replaces it.
  Table,
  /// It puts each element in relation to integer sums over some axes: softmax, norms. An island of
  /// float unless asked for.
  Normalize,
  /// A recurrent layer: products of integers, functions of the gates by tables, the cell in float.
  /// Likewise.
  Recurrent,
};

/// A tensor of integers with what it is to be multiplied with.
struct ScaledTensor {
  mlir::Value tensor;
  /// Broadcasts to the tensor, trailing axes aligned; dense f32.
  mlir::DenseElementsAttr factor;
};

/// Attaches the interfaces to the ops of the dialect, which calls it.
void attachQuantizationInterfaces(mlir::MLIRContext *context);
/// The part of it for softmax, norms and recurrent layers.
void attachNormalizationForms(mlir::MLIRContext *context);

class ResizeOp;
/// Whether a resize is a weighted sum of a few elements that are known ahead of time; what that sum
/// is, in Form `Sum`.
bool hasLinearForm(ResizeOp op);
llvm::SmallVector<ScaledTensor> buildLinearForm(ResizeOp op, mlir::OpBuilder &builder,
                                                mlir::Value centered, float scale);

} // namespace terse::nn

#include "terse/Dialect/NN/IR/NNQuantization.h.inc"

#endif
