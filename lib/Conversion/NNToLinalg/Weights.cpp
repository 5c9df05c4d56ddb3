//===- Weights.cpp - Storage of weight globals ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Weights.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/SymbolTable.h"
#include "terse/Conversion/NNToLinalg/NNToLinalg.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Numerics/Pack.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;

unsigned terse::getPackedWidth(Type element) {
  if (!element.isIntOrFloat() || element.isSignlessInteger(1))
    return 0;
  unsigned width = element.getIntOrFloatBitWidth();
  return width < 8 ? width : 0;
}

DenseElementsAttr terse::toStorage(DenseElementsAttr value) {
  Type element = value.getElementType(), storage = getStorageElementType(element);
  if (element == storage)
    return value;
  unsigned width = storage.getIntOrFloatBitWidth();
  bool extendSign = isa<IntegerType>(element) && !isUnsignedElement(element);
  if (isa<FloatType>(element))
    return cast<DenseFPElementsAttr>(value).mapValues(
        storage, [&](const APFloat &v) { return v.bitcastToAPInt().zext(width); });
  return cast<DenseIntElementsAttr>(value).mapValues(
      storage, [&](const APInt &v) { return extendSign ? v.sext(width) : v.zext(width); });
}

RankedTensorType terse::getWeightStorageType(RankedTensorType type) {
  Type storage = getStorageElementType(type.getElementType());
  unsigned packed = getPackedWidth(type.getElementType());
  if (!packed)
    return RankedTensorType::get(type.getShape(), storage);
  return RankedTensorType::get(int64_t(numerics::packedSize(type.getNumElements(), packed)),
                               storage);
}

FailureOr<Attribute> terse::toWeightStorage(Attribute value, RankedTensorType type) {
  RankedTensorType stored = getWeightStorageType(type);
  if (isa<ml_program::ExternAttr>(value))
    return Attribute(ml_program::ExternAttr::get(value.getContext(), stored));
  // Resource blobs hold the packed bytes already: the same blob under another type.
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
    return Attribute(DenseResourceElementsAttr::get(stored, resource.getRawHandle()));
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense)
    return failure();
  dense = toStorage(dense);
  unsigned packed = getPackedWidth(type.getElementType());
  if (!packed)
    return Attribute(dense.reshape(stored));
  SmallVector<uint8_t> bytes, out(stored.getNumElements());
  for (APInt v : dense.getValues<APInt>())
    bytes.push_back(uint8_t(v.getZExtValue()));
  numerics::pack(bytes.data(), bytes.size(), packed, out.data());
  return Attribute(DenseElementsAttr::getFromRawBuffer(
      stored, ArrayRef<char>(reinterpret_cast<const char *>(out.data()), out.size())));
}

LogicalResult terse::convertGlobals(ModuleOp module) {
  for (auto global : module.getOps<ml_program::GlobalOp>()) {
    auto type = dyn_cast<RankedTensorType>(global.getType());
    if (!type || getWeightStorageType(type) == type)
      continue;
    if (!type.hasStaticShape())
      return global.emitOpError("expected a static shape (got ") << type << ")";
    if (global.getValueAttr()) {
      FailureOr<Attribute> value = toWeightStorage(global.getValueAttr(), type);
      if (failed(value))
        return global.emitOpError("expected a dense or resource value");
      global.setValueAttr(*value);
    }
    global.setType(getWeightStorageType(type));
  }
  return success();
}

int64_t terse::getByteSize(RankedTensorType type) {
  return type.getNumElements() * int64_t(llvm::divideCeil(type.getElementTypeBitWidth(), 8));
}

void terse::moveLargeConstantsToGlobals(ModuleOp module) {
  SymbolTable symbols(module);
  module.walk([&](nn::ConstantOp op) {
    auto value = dyn_cast<DenseElementsAttr>(op.getValue());
    if (!value || value.isSplat() || getByteSize(op.getType()) <= kMaxInlineBytes)
      return;
    OpBuilder globals = OpBuilder::atBlockBegin(module.getBody());
    auto global =
        ml_program::GlobalOp::create(globals, op.getLoc(), "constant", value.getType(),
                                     /*is_mutable=*/false, value, globals.getStringAttr("private"));
    symbols.insert(global); // Makes the name unique.
    OpBuilder b(op);
    op.replaceAllUsesWith(ml_program::GlobalLoadConstOp::create(b, op.getLoc(), value.getType(),
                                                                FlatSymbolRefAttr::get(global))
                              .getResult());
    op.erase();
  });
}
