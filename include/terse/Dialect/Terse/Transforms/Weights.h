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
  /// Axis of the weight whose slices get a scale each at granularity "channel".
  int64_t channelAxis;
  /// Axes along which blocks run, outermost first.
  llvm::SmallVector<int64_t> contractionAxes;
  /// The operand it is multiplied with, or null for a table.
  mlir::OpOperand *activation = nullptr;
  int64_t activationChannelAxis = 0;
};

/// The weight operands of `op`, constant or not: the weight of a ContractionLike, the table of a
/// LookupLike.
llvm::SmallVector<WeightOperand> getWeightOperands(mlir::Operation *op);

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
