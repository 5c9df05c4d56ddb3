//===- Interpreter.cpp - Functions, calls, loops ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Reference/Interpreter.h"
#include "RuntimeOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "terse/Support/Constants.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace terse;
using namespace terse::reference;

/// Calls nest at most this deep; a recursion without end is an error, not a crash.
static constexpr unsigned kMaxCallDepth = 256;

using Values = SmallVector<RuntimeValue>;

struct Interpreter::Impl {
  Impl(ModuleOp module, InterpreterOptions options) : module(module), options(std::move(options)) {}

  /// The values of one activation of a function.
  using Frame = DenseMap<Value, RuntimeValue>;

  llvm::Expected<Values> callFunction(func::FuncOp function, Values arguments, Operation *caller);
  /// Runs a block; the values of its terminator's operands.
  llvm::Expected<Values> runBlock(Block &block, Values arguments, Frame &frame);
  llvm::Error runOp(Operation *op, Frame &frame);
  llvm::Expected<Values> runFor(scf::ForOp op, Values operands, Frame &frame);
  llvm::Expected<Values> runWhile(scf::WhileOp op, Values operands, Frame &frame);
  llvm::Expected<Values> loadGlobal(ml_program::GlobalLoadConstOp op);

  ModuleOp module;
  InterpreterOptions options;
  SymbolTableCollection symbols;
  /// Globals as read, so that sub-byte weights are unpacked once.
  DenseMap<Operation *, HostTensor> globals;
  unsigned depth = 0;
};

static llvm::Error fail(Operation *op, const llvm::Twine &message) {
  std::string text = ("'" + op->getName().getStringRef() + "' op " + message).str();
  return llvm::make_error<InterpreterError>(op->getLoc(), std::move(text));
}

llvm::Expected<Values> Interpreter::Impl::callFunction(func::FuncOp function, Values arguments,
                                                       Operation *caller) {
  if (function.isDeclaration())
    return fail(caller, "calls @" + function.getSymName() + ", which has no body");
  if (!function.getBody().hasOneBlock())
    return fail(caller, "calls @" + function.getSymName() + ", which is not a single block");
  if (depth >= kMaxCallDepth)
    return fail(caller, "nests more than " + llvm::Twine(kMaxCallDepth) + " calls");
  ++depth;
  Frame frame;
  llvm::Expected<Values> results =
      runBlock(function.getBody().front(), std::move(arguments), frame);
  --depth;
  return results;
}

llvm::Expected<Values> Interpreter::Impl::runBlock(Block &block, Values arguments, Frame &frame) {
  for (auto [argument, value] : llvm::zip_equal(block.getArguments(), arguments))
    frame[argument] = std::move(value);
  for (Operation &op : block.without_terminator())
    if (llvm::Error error = runOp(&op, frame))
      return std::move(error);
  Values results;
  for (Value operand : block.getTerminator()->getOperands())
    results.push_back(frame.lookup(operand));
  return results;
}

llvm::Error Interpreter::Impl::runOp(Operation *op, Frame &frame) {
  Values operands;
  for (Value operand : op->getOperands())
    operands.push_back(frame.lookup(operand));

  auto results =
      llvm::TypeSwitch<Operation *, llvm::Expected<Values>>(op)
          .Case([&](func::CallOp call) -> llvm::Expected<Values> {
            auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
            if (!callee)
              return fail(op, "calls something that is not a function");
            return callFunction(callee, std::move(operands), op);
          })
          .Case([&](scf::IfOp branch) -> llvm::Expected<Values> {
            bool condition = operands[0][0].getAsInt(0) != 0;
            Region &region = condition ? branch.getThenRegion() : branch.getElseRegion();
            if (region.empty())
              return Values();
            return runBlock(region.front(), {}, frame);
          })
          .Case([&](scf::ForOp loop) { return runFor(loop, std::move(operands), frame); })
          .Case([&](scf::WhileOp loop) { return runWhile(loop, std::move(operands), frame); })
          .Case([&](ml_program::GlobalLoadConstOp load) { return loadGlobal(load); })
          .Default([&](Operation *) { return evaluateRuntimeOp(op, operands, options); });
  if (!results)
    return results.takeError();
  for (auto [result, value] : llvm::zip_equal(op->getResults(), *results)) {
    if (options.observer && value.size() == 1 && isa<RankedTensorType>(result.getType()))
      options.observer(result, value.front());
    frame[result] = std::move(value);
  }
  return llvm::Error::success();
}

llvm::Expected<Values> Interpreter::Impl::runFor(scf::ForOp op, Values operands, Frame &frame) {
  int64_t lower = operands[0][0].getAsInt(0), upper = operands[1][0].getAsInt(0);
  int64_t step = operands[2][0].getAsInt(0);
  if (step <= 0)
    return fail(op, "expected a positive step (got " + llvm::Twine(step) + ")");
  HostTensor counter = operands[0][0];
  Values carried(operands.begin() + 3, operands.end());
  int64_t i = lower;
  while (i < upper) {
    counter.setFromInt(0, i);
    Values arguments{RuntimeValue{counter}};
    llvm::append_range(arguments, std::move(carried));
    auto yielded = runBlock(*op.getBody(), std::move(arguments), frame);
    if (!yielded)
      return yielded.takeError();
    carried = std::move(*yielded);
    if (llvm::AddOverflow(i, step, i))
      break;
  }
  return carried;
}

llvm::Expected<Values> Interpreter::Impl::runWhile(scf::WhileOp op, Values operands, Frame &frame) {
  while (true) {
    // The operands of scf.condition: whether to go on, and with what.
    auto checked = runBlock(op.getBefore().front(), std::move(operands), frame);
    if (!checked)
      return checked.takeError();
    bool goOn = checked->front()[0].getAsInt(0) != 0;
    Values forwarded(checked->begin() + 1, checked->end());
    if (!goOn)
      return forwarded;
    auto yielded = runBlock(op.getAfter().front(), std::move(forwarded), frame);
    if (!yielded)
      return yielded.takeError();
    operands = std::move(*yielded);
  }
}

llvm::Expected<Values> Interpreter::Impl::loadGlobal(ml_program::GlobalLoadConstOp op) {
  ml_program::GlobalOp global = getConstantGlobal(op.getResult(), &symbols);
  if (!global)
    return fail(op, "reads @" + op.getGlobal().getLeafReference().getValue() +
                        ", which is no constant global");
  auto [it, inserted] = globals.try_emplace(global);
  if (inserted) {
    llvm::Expected<HostTensor> tensor = readGlobal(global);
    if (!tensor) {
      globals.erase(it);
      return fail(op, llvm::toString(tensor.takeError()));
    }
    it->second = std::move(*tensor);
  }
  return Values{RuntimeValue{it->second}};
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

Interpreter::Interpreter(ModuleOp module, InterpreterOptions options)
    : impl(std::make_unique<Impl>(module, std::move(options))) {}

Interpreter::~Interpreter() = default;

llvm::Expected<std::vector<HostTensor>> Interpreter::call(func::FuncOp function,
                                                          ArrayRef<HostTensor> inputs) {
  Values arguments;
  size_t next = 0;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    auto components = getRuntimeComponents(type);
    if (!components)
      return fail(function, "has an argument of a type that the interpreter does not know");
    RuntimeValue value;
    for (RankedTensorType component : *components) {
      if (next == inputs.size())
        return fail(function, "expected more inputs (got " + llvm::Twine(inputs.size()) + ")");
      const HostTensor &tensor = inputs[next++];
      if (toDType(component.getElementType()) != tensor.dtype ||
          failed(verifyCompatibleShape(component.getShape(), tensor.shape)))
        return fail(function,
                    "argument " + llvm::Twine(i) + " cannot be " + tensor.getTypeString());
      value.push_back(tensor);
    }
    arguments.push_back(std::move(value));
  }
  if (next != inputs.size())
    return fail(function, "expected " + llvm::Twine(next) + " inputs (got " +
                              llvm::Twine(inputs.size()) + ")");
  auto results = impl->callFunction(function, std::move(arguments), function);
  if (!results)
    return results.takeError();
  std::vector<HostTensor> tensors;
  for (RuntimeValue &value : *results)
    llvm::move(value, std::back_inserter(tensors));
  return tensors;
}

llvm::Expected<std::vector<HostTensor>> terse::interpret(func::FuncOp function,
                                                         ArrayRef<HostTensor> inputs,
                                                         const InterpreterOptions &options) {
  return Interpreter(function->getParentOfType<ModuleOp>(), options).call(function, inputs);
}
