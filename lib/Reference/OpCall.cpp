//===- OpCall.cpp - One evaluation of one op --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "OpCall.h"

#include "mlir/IR/Block.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "terse/Support/MLIRBridge.h"
#include "llvm/Support/Threading.h"

using namespace mlir;
using namespace terse;
using namespace terse::reference;

char InterpreterError::ID = 0;

void InterpreterError::log(llvm::raw_ostream &os) const { os << loc << ": " << message; }

std::error_code InterpreterError::convertToErrorCode() const {
  return std::make_error_code(std::errc::invalid_argument);
}

void terse::emitError(llvm::Error error, Location fallback) {
  llvm::handleAllErrors(
      std::move(error),
      [](const InterpreterError &e) { mlir::emitError(e.getLoc(), e.getMessage()); },
      [&](const llvm::ErrorInfoBase &e) { mlir::emitError(fallback, e.message()); });
}

LogicalResult reference::captureFailure(MLIRContext *ctx, std::string *text,
                                        llvm::function_ref<LogicalResult()> fn) {
  uint64_t thread = llvm::get_threadid();
  ScopedDiagnosticHandler handler(ctx, [&](Diagnostic &diagnostic) {
    if (llvm::get_threadid() != thread)
      return failure();
    if (text->empty())
      *text = diagnostic.str();
    return success();
  });
  return fn();
}

//===----------------------------------------------------------------------===//
// OpCall
//===----------------------------------------------------------------------===//

llvm::Error OpCall::fail(const llvm::Twine &message) const {
  std::string text = ("'" + op->getName().getStringRef() + "' op " + message).str();
  return llvm::make_error<InterpreterError>(op->getLoc(), std::move(text));
}

static std::string formatShape(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '[';
  llvm::interleaveComma(
      shape, os, [&](int64_t extent) { ShapedType::isDynamic(extent) ? os << '?' : os << extent; });
  os << ']';
  return text;
}

llvm::Error OpCall::checkShape(const HostTensor &tensor, ArrayRef<int64_t> shape,
                               StringRef what) const {
  if (ArrayRef<int64_t>(tensor.shape) == shape)
    return llvm::Error::success();
  return fail("expected " + what + " of shape " + formatShape(shape) + " (got " +
              formatShape(tensor.shape) + ")");
}

llvm::Error OpCall::checkBroadcastable(const HostTensor &tensor, ArrayRef<int64_t> shape,
                                       StringRef what) const {
  bool fits = tensor.shape.size() <= shape.size();
  for (size_t i = 0; fits && i < tensor.shape.size(); ++i) {
    int64_t extent = tensor.shape[tensor.shape.size() - 1 - i];
    fits = extent == 1 || extent == shape[shape.size() - 1 - i];
  }
  if (fits)
    return llvm::Error::success();
  return fail("expected " + what + " to broadcast to shape " + formatShape(shape) + " (got " +
              formatShape(tensor.shape) + ")");
}

llvm::Error OpCall::setResultShape(unsigned i, ArrayRef<int64_t> shape) {
  auto type = dyn_cast<RankedTensorType>(op->getResult(i).getType());
  if (!type || failed(verifyCompatibleShape(type.getShape(), shape)))
    return fail("result " + Twine(i) + " is of shape " + formatShape(shape) +
                ", which its type does not allow");
  std::optional<DType> dtype = toDType(type.getElementType());
  if (!dtype)
    return fail("result " + Twine(i) + " has an element type that has no values here");
  std::optional<int64_t> count = countElements(shape);
  if (!count || uint64_t(*count) > options.maxTensorBytes / dtype->getHostBytes())
    return fail("result " + Twine(i) + " of shape " + formatShape(shape) +
                " takes more than the limit of " + Twine(options.maxTensorBytes) + " bytes");
  shapes[i] = shape.vec();
  return llvm::Error::success();
}

DType OpCall::getResultDType(unsigned i) const {
  // setResultShape has checked that there is one.
  return *toDType(cast<RankedTensorType>(op->getResult(i).getType()).getElementType());
}

HostTensor &OpCall::result(unsigned i) {
  if (!results[i])
    results[i] = HostTensor::zeros(getResultDType(i), getResultShape(i));
  return *results[i];
}

std::vector<HostTensor> OpCall::takeResults() {
  std::vector<HostTensor> tensors;
  for (unsigned i = 0, e = results.size(); i < e; ++i) {
    result(i);
    tensors.push_back(std::move(*results[i]));
  }
  return tensors;
}

//===----------------------------------------------------------------------===//
// evaluateOp
//===----------------------------------------------------------------------===//

const KernelTable &KernelTable::get() {
  static const KernelTable table = [] {
    KernelTable t;
    registerElementwise(t);
    registerCasts(t);
    registerContractions(t);
    registerPooling(t);
    registerNorms(t);
    registerAttention(t);
    registerRecurrent(t);
    registerReductions(t);
    registerDataMovement(t);
    registerIndexing(t);
    registerResize(t);
    registerChecks(t);
    return t;
  }();
  return table;
}

bool terse::isEvaluable(Operation *op) { return KernelTable::get().lookup(op) != nullptr; }

namespace {

/// The op with the operand types of the run. Usually that is the op itself; where its types are
/// dynamic or encoded it is a copy over block arguments, so that inference and verifiers see (and
/// check) what is known now.
class SpecializedOp {
public:
  SpecializedOp(Operation *op, ArrayRef<HostTensor> operands) : op(op) {
    SmallVector<Type> types;
    bool same = true;
    for (auto [tensor, type] : llvm::zip(operands, op->getOperandTypes())) {
      // The element type stays as it is spelled: `si8` and `i8` are one DType.
      auto declared = cast<RankedTensorType>(type);
      types.push_back(RankedTensorType::get(tensor.shape, declared.getElementType()));
      same &= types.back() == type;
    }
    for (Type type : op->getResultTypes())
      same &= cast<RankedTensorType>(type).getEncoding() == nullptr;
    if (same)
      return;
    copy = op->clone();
    for (auto [operand, type] : llvm::zip(copy->getOpOperands(), types))
      operand.set(block.addArgument(type, op->getLoc()));
    for (OpResult result : copy->getResults()) {
      auto type = cast<RankedTensorType>(result.getType());
      result.setType(RankedTensorType::get(type.getShape(), type.getElementType()));
    }
  }
  ~SpecializedOp() {
    if (copy)
      copy->destroy();
  }

  Operation *get() const { return copy ? copy : op; }
  /// The verifiers have seen the original already.
  bool isCopy() const { return copy != nullptr; }

private:
  Operation *op;
  Operation *copy = nullptr;
  Block block;
};

} // namespace

static llvm::Error checkOperands(OpCall &call) {
  Operation *op = call.getOperation();
  if (op->getNumOperands() != call.getOperands().size())
    return call.fail("expected " + Twine(op->getNumOperands()) + " operands (got " +
                     Twine(call.getOperands().size()) + ")");
  for (auto [i, type] : llvm::enumerate(op->getOperandTypes())) {
    const HostTensor &tensor = call.getOperands()[i];
    auto declared = dyn_cast<RankedTensorType>(type);
    if (!declared || toDType(declared.getElementType()) != tensor.dtype ||
        failed(verifyCompatibleShape(declared.getShape(), tensor.shape)))
      return call.fail("operand " + Twine(i) + " is " + tensor.getTypeString() +
                       ", which its type does not allow");
  }
  for (auto [i, type] : llvm::enumerate(op->getResultTypes())) {
    auto declared = dyn_cast<RankedTensorType>(type);
    if (!declared || !toDType(declared.getElementType()))
      return call.fail("result " + Twine(i) + " has a type that has no values here");
  }
  return llvm::Error::success();
}

/// Result shapes of ops that infer them from operand types.
static llvm::Error inferShapes(OpCall &call) {
  Operation *op = call.getOperation();
  auto inference = dyn_cast<InferTypeOpInterface>(op);
  if (!inference)
    return llvm::Error::success();
  SmallVector<Type> types;
  std::string text;
  LogicalResult inferred = captureFailure(op->getContext(), &text, [&] {
    return inference.inferReturnTypes(op->getContext(), op->getLoc(), op->getOperands(),
                                      op->getAttrDictionary(), op->getPropertiesStorage(),
                                      op->getRegions(), types);
  });
  if (failed(inferred))
    return call.fail(text);
  for (auto [i, type] : llvm::enumerate(types))
    if (llvm::Error error = call.setResultShape(i, cast<RankedTensorType>(type).getShape()))
      return error;
  return llvm::Error::success();
}

llvm::Expected<std::vector<HostTensor>>
terse::evaluateOp(Operation *op, ArrayRef<HostTensor> operands, const InterpreterOptions &options) {
  OpCall original(op, operands, options);
  const Kernel *kernel = KernelTable::get().lookup(op);
  if (!kernel)
    return original.fail("has no definition in the interpreter");
  if (llvm::Error error = checkOperands(original))
    return error;

  SpecializedOp specialized(op, operands);
  OpCall call(specialized.get(), operands, options);
  if (llvm::Error error = inferShapes(call))
    return error;
  if (specialized.isCopy()) {
    std::string text;
    LogicalResult verified = captureFailure(
        op->getContext(), &text, [&] { return op->getName().verifyInvariants(specialized.get()); });
    if (failed(verified))
      return original.fail("does not fit the values it is given: " + text);
  }
  if (llvm::Error error = (*kernel)(call))
    return error;
  return call.takeResults();
}
