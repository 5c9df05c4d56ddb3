//===- TerseOps.cpp - Ops of the terse dialect ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace terse;

#define GET_OP_CLASSES
#include "terse/Dialect/Terse/IR/TerseOps.cpp.inc"

/// The constraints (C2) to (C4) that `terse.encode` and `terse.fake_quant` share.
static LogicalResult verifyParameters(Operation *op, EncodingAttrInterface encoding,
                                      RankedTensorType logical, ValueRange parameters) {
  if (parameters.empty())
    return success();
  // C4
  if (encoding.hasRunTimeParameters())
    return op->emitOpError() << "expected no parameters, which " << encoding
                             << " computes at run time (got " << parameters.size() << ")";
  // C2
  SmallVector<EncodingComponent> expected = getParameterComponents(encoding, logical);
  if (parameters.size() != expected.size())
    return op->emitOpError() << "expected no parameters or the " << expected.size() << " of "
                             << encoding << " (got " << parameters.size() << ")";
  // C3
  for (auto [value, component] : llvm::zip_equal(parameters, expected))
    if (value.getType() != component.type)
      return op->emitOpError() << "expected parameter '" << component.name << "' of type "
                               << component.type << " (got " << value.getType() << ")";
  return success();
}

//===----------------------------------------------------------------------===//
// EncodeOp
//===----------------------------------------------------------------------===//

void EncodeOp::build(OpBuilder &, OperationState &state, Value input,
                     EncodingAttrInterface encoding, ValueRange parameters) {
  auto logical = cast<RankedTensorType>(input.getType());
  state.addOperands(input);
  state.addOperands(parameters);
  state.addTypes(RankedTensorType::get(logical.getShape(), logical.getElementType(), encoding));
}

LogicalResult EncodeOp::verify() {
  // C1
  RankedTensorType logical = stripEncoding(getType());
  if (logical != getInput().getType())
    return emitOpError() << "expected the result to be an encoding of the input's type "
                         << getInput().getType() << " (got one of " << logical << ")";
  return verifyParameters(*this, getEncoding(), logical, getParameters());
}

//===----------------------------------------------------------------------===//
// DecodeOp
//===----------------------------------------------------------------------===//

// C1
LogicalResult DecodeOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc,
                                         Adaptor adaptor, SmallVectorImpl<Type> &types) {
  Type type = adaptor.getInput().getType();
  if (!terse::getEncoding(type))
    return emitOptionalError(loc, "'terse.decode' op expected an encoded tensor (got ", type, ")");
  types.push_back(getLogicalType(type));
  return success();
}

//===----------------------------------------------------------------------===//
// AssembleOp
//===----------------------------------------------------------------------===//

LogicalResult AssembleOp::verify() {
  SmallVector<EncodingComponent> expected = getEncoding().getComponents(stripEncoding(getType()));
  // C1
  if (getComponents().size() != expected.size()) {
    InFlightDiagnostic diag = emitOpError()
                              << "expected the " << expected.size() << " components of "
                              << getEncoding() << " (got " << getComponents().size() << "): ";
    llvm::interleaveComma(expected, diag, [&](const EncodingComponent &component) {
      diag << "'" << component.name << "' of type " << component.type;
    });
    return diag;
  }
  // C2
  for (auto [value, component] : llvm::zip_equal(getComponents(), expected))
    if (value.getType() != component.type)
      return emitOpError() << "expected component '" << component.name << "' of type "
                           << component.type << " (got " << value.getType() << ")";
  return success();
}

/// assemble(components(x)) is x: nothing is rounded on the way.
OpFoldResult AssembleOp::fold(FoldAdaptor) {
  if (getComponents().empty())
    return {};
  auto source = getComponents().front().getDefiningOp<ComponentsOp>();
  if (!source || source.getInput().getType() != getType() ||
      !llvm::equal(source.getComponents(), getComponents()))
    return {};
  return source.getInput();
}

//===----------------------------------------------------------------------===//
// ComponentsOp
//===----------------------------------------------------------------------===//

// C1
LogicalResult ComponentsOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc,
                                             Adaptor adaptor, SmallVectorImpl<Type> &types) {
  Type type = adaptor.getInput().getType();
  EncodingAttrInterface encoding = terse::getEncoding(type);
  if (!encoding)
    return emitOptionalError(loc, "'terse.components' op expected an encoded tensor (got ", type,
                             ")");
  llvm::append_range(types,
                     getComponentTypes(encoding, stripEncoding(cast<RankedTensorType>(type))));
  return success();
}

/// components(assemble(c...)) is c...
LogicalResult ComponentsOp::fold(FoldAdaptor, SmallVectorImpl<OpFoldResult> &results) {
  auto assemble = getInput().getDefiningOp<AssembleOp>();
  if (!assemble)
    return failure();
  llvm::append_range(results, assemble.getComponents());
  return success();
}

void ComponentsOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  RankedTensorType logical = stripEncoding(getInput().getType());
  for (auto [value, component] : llvm::zip(getComponents(), getEncoding().getComponents(logical))) {
    std::string name = component.name;
    llvm::replace(name, '.', '_');
    setName(value, name);
  }
}

//===----------------------------------------------------------------------===//
// ObserveOp
//===----------------------------------------------------------------------===//

void terse::removeObservers(ModuleOp module) {
  module.walk([](ObserveOp op) {
    op.replaceAllUsesWith(op.getInput());
    op.erase();
  });
}

LogicalResult ObserveOp::verify() {
  // C1
  if (getName().empty())
    return emitOpError("expected a name that is not empty");
  // C2
  bool wantsAxis = getKind() == ObserverKind::Channel || getKind() == ObserverKind::SecondMoment;
  if (wantsAxis != getAxis().has_value())
    return emitOpError() << "expected " << (wantsAxis ? "an axis" : "no axis") << " for kind '"
                         << stringifyObserverKind(getKind()) << "'";
  // C3
  int64_t rank = getInput().getType().getRank();
  if (wantsAxis && (*getAxis() < 0 || *getAxis() >= rank))
    return emitOpError() << "expected an axis in [0, " << rank << ") (got " << *getAxis() << ")";
  return success();
}

//===----------------------------------------------------------------------===//
// FakeQuantOp
//===----------------------------------------------------------------------===//

LogicalResult FakeQuantOp::verify() {
  RankedTensorType logical = getInput().getType();
  // C1
  if (failed(getEncoding().verifyEncoding(logical.getShape(), logical.getElementType(),
                                          [&] { return emitOpError(); })))
    return failure();
  return verifyParameters(*this, getEncoding(), logical, getParameters());
}

//===----------------------------------------------------------------------===//
// RequantizeOp
//===----------------------------------------------------------------------===//

LogicalResult RequantizeOp::verify() {
  auto elementOf = [](Value value) {
    return cast<RankedTensorType>(value.getType()).getElementType();
  };
  // C1
  auto resultType = dyn_cast<IntegerType>(elementOf(getResult()));
  if (!resultType || resultType.getWidth() > 16)
    return emitOpError() << "expected a result of integers of at most 16 bits (got "
                         << elementOf(getResult()) << ")";
  for (Value input : getInputs())
    if (auto type = dyn_cast<IntegerType>(elementOf(input)); !type || type.getWidth() > 32)
      return emitOpError() << "expected inputs of integers of at most 32 bits (got "
                           << elementOf(input) << ")";
  // C2
  if (getInputs().empty() || getInputs().size() != getMultipliers().size())
    return emitOpError() << "expected one multiplier for each input (got "
                         << getMultipliers().size() << " for " << getInputs().size() << ")";
  Type factor = elementOf(getMultipliers().front());
  for (Value multiplier : getMultipliers())
    if (elementOf(multiplier) != factor || !(factor.isF32() || factor.isSignlessInteger(32)))
      return emitOpError() << "expected multipliers that are all f32 or all i32 (got "
                           << elementOf(multiplier) << ")";
  // C3
  if (factor.isF32() == bool(getShift()))
    return emitOpError() << "expected a shift exactly with i32 multipliers (got " << factor << ")";
  if (getShift() && !elementOf(getShift()).isSignlessInteger(32))
    return emitOpError() << "expected a shift of type i32 (got " << elementOf(getShift()) << ")";
  // C4
  if (getZeroPoint() && elementOf(getZeroPoint()) != resultType)
    return emitOpError() << "expected a zero point of type " << resultType << " (got "
                         << elementOf(getZeroPoint()) << ")";
  // C5
  unsigned bits = resultType.getWidth();
  int64_t min = resultType.isUnsigned() ? 0 : -(int64_t(1) << (bits - 1));
  int64_t max = (int64_t(1) << (resultType.isUnsigned() ? bits : bits - 1)) - 1;
  int64_t low = getLow(), high = getHigh();
  if (low > high || low < min || high > max)
    return emitOpError() << "expected bounds in order and within [" << min << ", " << max
                         << "] (got " << low << " and " << high << ")";
  // C6
  SmallVector<int64_t> shape;
  for (Value operand : getOperands()) {
    auto joined = nn::broadcastShapes(shape, cast<RankedTensorType>(operand.getType()).getShape());
    if (!joined)
      return emitOpError() << "expected operands that broadcast to each other (got "
                           << operand.getType() << ")";
    shape = std::move(*joined);
  }
  if (failed(verifyCompatibleShape(shape, getResult().getType().getShape())))
    return emitOpError() << "expected operands that broadcast to the result's shape (got "
                         << getResult().getType() << ")";
  return success();
}
