//===- OpCall.h - One evaluation of one op ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a kernel (the definition of an op) gets and fills, and the table of kernels.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_REFERENCE_OPCALL_H
#define TERSE_LIB_REFERENCE_OPCALL_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "terse/Reference/Interpreter.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/Twine.h"

#include <cassert>
#include <optional>

namespace terse::reference {

/// One evaluation of one op. The op that a kernel sees has the operand types of the run: the static
/// shapes of the operand tensors, without encodings, verified. Kernels check what verifiers cannot
/// know (values) or do not look at.
class OpCall {
public:
  OpCall(mlir::Operation *op, llvm::ArrayRef<HostTensor> operands,
         const InterpreterOptions &options)
      : options(options), op(op), operands(operands), results(op->getNumResults()),
        shapes(op->getNumResults()) {}

  const InterpreterOptions &options;

  mlir::Operation *getOperation() const { return op; }

  /// The tensor of an operand of the op.
  const HostTensor &operator[](mlir::Value value) const {
    const HostTensor *tensor = find(value);
    assert(tensor && "not an operand of the op");
    return *tensor;
  }
  /// The tensor of an optional operand; null without one.
  const HostTensor *find(mlir::Value value) const {
    for (auto [i, operand] : llvm::enumerate(op->getOperands()))
      if (value && operand == value)
        return &operands[i];
    return nullptr;
  }
  llvm::ArrayRef<HostTensor> getOperands() const { return operands; }

  llvm::Error fail(const llvm::Twine &message) const;

  /// Fails unless the tensor has this shape. `what` names it in the message.
  llvm::Error checkShape(const HostTensor &tensor, llvm::ArrayRef<int64_t> shape,
                         llvm::StringRef what) const;
  /// The same for tensors that are allowed to be absent.
  llvm::Error checkShape(const HostTensor *tensor, llvm::ArrayRef<int64_t> shape,
                         llvm::StringRef what) const {
    return tensor ? checkShape(*tensor, shape, what) : llvm::Error::success();
  }
  /// Fails unless the shape of `tensor` broadcasts to `shape`.
  llvm::Error checkBroadcastable(const HostTensor &tensor, llvm::ArrayRef<int64_t> shape,
                                 llvm::StringRef what) const;

  /// Says the shape of a result. Needed before result(i) for ops whose types are not inferred from
  /// operand types. Fails if the shape disagrees with the declared type or is too large.
  llvm::Error setResultShape(unsigned i, llvm::ArrayRef<int64_t> shape);
  DType getResultDType(unsigned i = 0) const;
  llvm::ArrayRef<int64_t> getResultShape(unsigned i = 0) const {
    assert(shapes[i] && "result shape not known yet");
    return *shapes[i];
  }

  /// The tensor of a result, zeros at first.
  HostTensor &result(unsigned i = 0);
  /// Takes a tensor that has been computed otherwise.
  void setResult(unsigned i, HostTensor tensor) { results[i] = std::move(tensor); }

  std::vector<HostTensor> takeResults();

private:
  mlir::Operation *op;
  llvm::ArrayRef<HostTensor> operands;
  std::vector<std::optional<HostTensor>> results;
  std::vector<std::optional<std::vector<int64_t>>> shapes;
};

/// Runs `fn` and keeps the diagnostics of this thread from the user; `text` gets the first one.
mlir::LogicalResult captureFailure(mlir::MLIRContext *ctx, std::string *text,
                                   llvm::function_ref<mlir::LogicalResult()> fn);

using Kernel = std::function<llvm::Error(OpCall &)>;

/// The kernels by op.
class KernelTable {
public:
  static const KernelTable &get();

  template <typename Op>
  void add(llvm::Error (*kernel)(Op, OpCall &)) {
    kernels[mlir::TypeID::get<Op>()] = [kernel](OpCall &call) {
      return kernel(mlir::cast<Op>(call.getOperation()), call);
    };
  }
  const Kernel *lookup(mlir::Operation *op) const {
    auto it = kernels.find(op->getName().getTypeID());
    return it == kernels.end() ? nullptr : &it->second;
  }

private:
  llvm::DenseMap<mlir::TypeID, Kernel> kernels;
};

void registerElementwise(KernelTable &table);
void registerCasts(KernelTable &table);
void registerContractions(KernelTable &table);
void registerPooling(KernelTable &table);
void registerNorms(KernelTable &table);
void registerAttention(KernelTable &table);
void registerRecurrent(KernelTable &table);
void registerReductions(KernelTable &table);
void registerDataMovement(KernelTable &table);
void registerIndexing(KernelTable &table);
void registerResize(KernelTable &table);
void registerChecks(KernelTable &table);

} // namespace terse::reference

#endif // TERSE_LIB_REFERENCE_OPCALL_H
