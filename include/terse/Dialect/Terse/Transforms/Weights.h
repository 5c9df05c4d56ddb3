//===- Weights.h - Which constants are weights -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The questions that compression and its reports ask of a graph: which operands
// are weights, where does their constant lie, and what is the layer called. All
// answers come from interfaces, so ops of other dialects are found too.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_DIALECT_TERSE_TRANSFORMS_WEIGHTS_H
#define TERSE_DIALECT_TERSE_TRANSFORMS_WEIGHTS_H

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "terse/Dialect/Terse/IR/EncodingInterface.h"

namespace terse {

/// The name that the imported model gave to the layer of `op`: the innermost name of its location.
/// Without one, the name of the operation.
std::string getLayerName(mlir::Operation *op);

/// The first name in a location; empty if there is none.
llvm::StringRef getLocationName(mlir::Location loc);

/// An operand that holds trained parameters which are multiplied with activations or looked up.
struct WeightOperand {
  mlir::OpOperand *operand;
  /// Axes of the weight whose slices get a scale each at granularity "channel".
  llvm::SmallVector<int64_t> channelAxes;
  /// Axes along which blocks run, outermost first.
  llvm::SmallVector<int64_t> contractionAxes;
  /// Whether it is looked up.
  bool isTable = false;
  /// The operand it is multiplied with, if that can be encoded for it.
  mlir::OpOperand *activation = nullptr;
  int64_t activationChannelAxis = 0;
};

/// The weight operands of `op`, constant or not: the weights of a WeightedOp, the weight of a
/// ContractionLike, the table of a LookupLike.
llvm::SmallVector<WeightOperand> getWeightOperands(mlir::Operation *op);

/// The operands of `op` that are added to sums of products.
llvm::SmallVector<mlir::OpOperand *> getBiasOperands(mlir::Operation *op);

/// Whether a constant of this type is large enough to be worth a decision even where no interface
/// calls it a weight: a float matrix of more than 1 KiB. Smaller ones and vectors, such as the
/// scales of a norm, are not.
bool isSizeable(mlir::Type type);

/// Where a constant value lies.
struct ConstantSource {
  /// The global that is loaded, or null for a constant op.
  mlir::ml_program::GlobalOp global;
  /// The value; null for a global whose value is kept outside of the module.
  mlir::ElementsAttr value;
  /// The global's or location's name, for messages and for new globals.
  std::string name;

  explicit operator bool() const { return global || value; }
};

/// Traces `value` to the constant that it is, through no computation at all.
ConstantSource getConstantSource(mlir::Value value, mlir::SymbolTableCollection &symbols);

} // namespace terse

#endif // TERSE_DIALECT_TERSE_TRANSFORMS_WEIGHTS_H
