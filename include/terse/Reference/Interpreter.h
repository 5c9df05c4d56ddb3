//===- Interpreter.h - The reference interpreter ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Defines what a program computes: every op of the nn and terse dialects as plain loops over host
// tensors, with func, scf and the little of arith, tensor and ml_program that models need around
// them. Compiled code is tested against it, and constants are folded by it.
//
// Numerics: integers are exact and wrap. Elementwise functions and reductions compute in f64 and
// round once to the element type. So do contractions, bias included: the order of a sum, which
// compiled code is free in, does not matter. With f32 accumulation they round after every
// addition, the contracted index ascending, then add the bias.
//
// Nothing that a program or its inputs contain is undefined behaviour here: indices out of range,
// shapes that do not fit and unsupported ops are errors with the op's location.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_REFERENCE_INTERPRETER_H
#define TERSE_REFERENCE_INTERPRETER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "terse/Support/HostTensor.h"
#include "llvm/Support/Error.h"

#include <functional>
#include <memory>
#include <vector>

namespace terse {

struct InterpreterOptions {
  /// Contractions of f32 and narrower floats accumulate in f64.
  bool f64Accumulation = true;
  /// Larger results are an error instead of an exhausted machine.
  uint64_t maxTensorBytes = uint64_t(8) << 30;
  /// Called with every tensor that an op yields. Encoded tensors are not shown.
  std::function<void(mlir::Value, const HostTensor &)> observer;
};

/// An error of a program: what went wrong in which op.
class InterpreterError : public llvm::ErrorInfo<InterpreterError> {
public:
  static char ID;
  InterpreterError(mlir::Location loc, std::string message)
      : loc(loc), message(std::move(message)) {}
  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override;
  mlir::Location getLoc() const { return loc; }
  const std::string &getMessage() const { return message; }

private:
  mlir::Location loc;
  std::string message;
};

/// Emits an error: InterpreterErrors at their location, others at `fallback`.
void emitError(llvm::Error error, mlir::Location fallback);

/// Whether evaluateOp has a definition of the op.
bool isEvaluable(mlir::Operation *op);

/// The results of one op without regions, from the values of its operands. An encoded tensor
/// (operand or result) is not among what this function can express: see Interpreter.
llvm::Expected<std::vector<HostTensor>> evaluateOp(mlir::Operation *op,
                                                   llvm::ArrayRef<HostTensor> operands,
                                                   const InterpreterOptions &options = {});

/// Runs functions of one module. Constants are read once and stay with the interpreter, so that the
/// second call is cheaper; the module may not change in between.
class Interpreter {
public:
  explicit Interpreter(mlir::ModuleOp module, InterpreterOptions options = {});
  ~Interpreter();

  /// The results of `function` for `inputs`. Encoded arguments and results are flattened to their
  /// components.
  llvm::Expected<std::vector<HostTensor>> call(mlir::func::FuncOp function,
                                               llvm::ArrayRef<HostTensor> inputs);

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

/// Interpreter(module of function, options).call(function, inputs).
llvm::Expected<std::vector<HostTensor>> interpret(mlir::func::FuncOp function,
                                                  llvm::ArrayRef<HostTensor> inputs,
                                                  const InterpreterOptions &options = {});

} // namespace terse

#endif // TERSE_REFERENCE_INTERPRETER_H
