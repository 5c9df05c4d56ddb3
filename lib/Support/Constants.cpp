//===- Constants.cpp - The tensors behind constant values -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Support/Constants.h"
#include "mlir/IR/Matchers.h"
#include "terse/Support/MLIRBridge.h"

using namespace mlir;
using namespace terse;

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(std::errc::invalid_argument, message.str().c_str());
}

llvm::Expected<HostTensor> terse::toConstantTensor(Attribute attr) {
  if (auto elements = dyn_cast_or_null<ElementsAttr>(attr))
    return toHostTensor(elements);
  auto typed = dyn_cast_or_null<TypedAttr>(attr);
  std::optional<DType> dtype = typed ? toDType(typed.getType()) : std::nullopt;
  if (!dtype)
    return makeError("the attribute is not a constant of a supported type");
  HostTensor scalar = HostTensor::zeros(*dtype, {});
  if (auto integer = dyn_cast<IntegerAttr>(attr)) {
    // An APInt of 64 bits at most: its low bits, extended by the element type's own sign.
    APInt value = integer.getValue();
    scalar.setFromInt(0, dtype->isSignedInteger() ? value.getSExtValue()
                                                  : static_cast<int64_t>(value.getZExtValue()));
    return scalar;
  }
  if (auto number = dyn_cast<FloatAttr>(attr)) {
    scalar.setFromDouble(0, number.getValueAsDouble());
    return scalar;
  }
  return makeError("the attribute is not a number");
}

llvm::Expected<HostTensor> terse::readGlobal(ml_program::GlobalOp global) {
  std::optional<Attribute> value = global.getValue();
  if (!value)
    return makeError("global @" + global.getSymName() + " has no value");
  if (isa<ml_program::ExternAttr>(*value))
    return makeError("global @" + global.getSymName() +
                     " is external: its weights file has not been attached");
  llvm::Expected<HostTensor> tensor = toConstantTensor(*value);
  if (!tensor)
    return makeError("global @" + global.getSymName() + ": " + llvm::toString(tensor.takeError()));
  auto type = dyn_cast<RankedTensorType>(global.getType());
  if (!type || !type.hasStaticShape() || type.getShape() != ArrayRef<int64_t>(tensor->shape) ||
      toDType(type.getElementType()) != tensor->dtype)
    return makeError("global @" + global.getSymName() + " has a value of type " +
                     tensor->getTypeString() + ", which is not its own");
  return tensor;
}

ml_program::GlobalOp terse::getConstantGlobal(Value value, SymbolTableCollection *symbols) {
  auto load = value.getDefiningOp<ml_program::GlobalLoadConstOp>();
  if (!load)
    return {};
  Operation *global = symbols ? symbols->lookupNearestSymbolFrom(load, load.getGlobalAttr())
                              : SymbolTable::lookupNearestSymbolFrom(load, load.getGlobalAttr());
  auto result = dyn_cast_or_null<ml_program::GlobalOp>(global);
  return result && !result.getIsMutable() ? result : ml_program::GlobalOp();
}

std::optional<HostTensor> terse::getConstant(Value value, SymbolTableCollection *symbols) {
  llvm::Expected<HostTensor> tensor = makeError("not a constant");
  if (ml_program::GlobalOp global = getConstantGlobal(value, symbols)) {
    llvm::consumeError(tensor.takeError());
    tensor = readGlobal(global);
  } else if (Attribute attr; matchPattern(value, m_Constant(&attr))) {
    llvm::consumeError(tensor.takeError());
    tensor = toConstantTensor(attr);
  }
  if (tensor)
    return std::move(*tensor);
  llvm::consumeError(tensor.takeError());
  return std::nullopt;
}
