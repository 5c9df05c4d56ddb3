//===- ChosenWeights.h - Weights with a chosen encoding --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every method that improves encoded weights begins and ends with: the
// constant weights whose choice is an encoding, and ways to change the choice's
// parameters and the weight itself.
//
// A method that decides about the integers themselves writes the parameters into
// the choice and replaces the weight by what it is to decode to: encoding that
// with those parameters gives the decided integers back. So both can be looked
// at, further passes see what the network is going to compute, and
// terse-apply-encodings need not know of any method.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_RECOVERY_CHOSENWEIGHTS_H
#define TERSE_RECOVERY_CHOSENWEIGHTS_H

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Support/HostTensor.h"

#include <string>
#include <vector>

namespace terse {

/// A constant and the operands that are to hold it in one encoding.
struct ChosenWeight {
  EncodingAttrInterface encoding;
  /// Parameters that are given; null if they follow from the weight.
  StaticAttr given;
  mlir::RankedTensorType type;
  HostTensor value;
  /// Null for constant ops.
  mlir::ml_program::GlobalOp global;
  llvm::SmallVector<mlir::OpOperand *> operands;

  mlir::Operation *getOp() const { return operands.front()->getOwner(); }
  mlir::InFlightDiagnostic emitError() const;
  /// The given parameters, or those that the encoding computes from the weight; fails with a
  /// diagnostic.
  mlir::FailureOr<llvm::SmallVector<HostTensor>> getParameters() const;
  /// What the weight decodes to when it is encoded with `parameters`.
  mlir::FailureOr<HostTensor> round(llvm::ArrayRef<HostTensor> parameters) const;
};

/// All of them in the order of the ops. Left out: weights that are no finite constants of static
/// shape. Fails with a diagnostic if a choice cannot be applied to its operand.
mlir::FailureOr<std::vector<ChosenWeight>> collectChosenWeights(mlir::ModuleOp module);

/// Makes `parameters` the given ones; `origin` says for people where they come from.
void setParameters(ChosenWeight &weight, llvm::ArrayRef<HostTensor> parameters,
                   llvm::StringRef origin);

/// Replaces the constant that the operands read; other readers keep the old one.
void replaceWeight(ChosenWeight &weight, const HostTensor &value, mlir::SymbolTable &symbols);

/// Replaces the constant behind one operand, which may be any; other readers keep the old one.
/// `name` is that of a new global, if it needs one.
void replaceConstant(mlir::OpOperand &operand, const HostTensor &value, llvm::StringRef name,
                     mlir::SymbolTable &symbols);

} // namespace terse

#endif // TERSE_RECOVERY_CHOSENWEIGHTS_H
