//===- TerseOps.cpp - Ops of the terse dialect ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "mlir/IR/Builders.h"
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
