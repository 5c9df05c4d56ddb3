//===- CPUDialect.cpp - Attributes of CPU code generation -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Codegen/CPU/IR/CPUDialect.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMInterface.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "terse/Codegen/CPU/IR/CPUDialect.cpp.inc"
#include "terse/Codegen/CPU/IR/CPUEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "terse/Codegen/CPU/IR/CPUAttributes.cpp.inc"

#define GET_OP_CLASSES
#include "terse/Codegen/CPU/IR/CPUOps.cpp.inc"

namespace {
struct StreamTileLowering : ConvertOpToLLVMPattern<terse::cpu::StreamTileOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(terse::cpu::StreamTileOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto type = cast<MemRefType>(op.getBase().getType());
    auto tile = cast<amx::TileType>(op.getTile().getType());
    int64_t bytes = type.getElementTypeBitWidth() / 8;
    auto number = [&](Type type, int64_t value) {
      return LLVM::ConstantOp::create(b, loc, type, b.getIntegerAttr(type, value)).getResult();
    };
    Value stride = LLVM::MulOp::create(b, loc, adaptor.getStride(),
                                       number(adaptor.getStride().getType(), bytes));
    SmallVector<Value> args{
        number(b.getI16Type(), tile.getDimSize(0)),
        number(b.getI16Type(), tile.getDimSize(1) * tile.getElementTypeBitWidth() / 8),
        getStridedElementPtr(b, loc, type, adaptor.getBase(), adaptor.getIndices()), stride};
    b.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(op, getTypeConverter()->convertType(tile),
                                                b.getStringAttr("llvm.x86.tileloaddt164.internal"),
                                                args);
    return success();
  }
};

struct ToLLVM : ConvertToLLVMPatternInterface {
  using ConvertToLLVMPatternInterface::ConvertToLLVMPatternInterface;

  void populateConvertToLLVMConversionPatterns(ConversionTarget &target,
                                               LLVMTypeConverter &converter,
                                               RewritePatternSet &patterns) const override {
    target.addIllegalOp<terse::cpu::StreamTileOp>();
    patterns.add<StreamTileLowering>(converter);
  }
};
} // namespace

void terse::cpu::TerseCPUDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "terse/Codegen/CPU/IR/CPUAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "terse/Codegen/CPU/IR/CPUOps.cpp.inc"
      >();
  addInterfaces<ToLLVM>();
}

LogicalResult terse::cpu::LookupOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getTable().getShapedType());
  if (!type || type.getRank() != 1 || type.getDimSize(0) != 256) // C1
    return emitOpError("expected a table of 256 entries (got ")
           << getTable().getShapedType() << ")";
  if (type.getElementType() != getElementTypeOrSelf(getResult())) // C1
    return emitOpError("expected a result of the table's ")
           << type.getElementType() << " (got " << getResult().getType() << ")";
  return success(); // C2 is Elementwise's.
}

LogicalResult terse::cpu::StreamTileOp::verify() {
  auto type = cast<MemRefType>(getBase().getType());
  if (type.getElementType() != cast<amx::TileType>(getTile().getType()).getElementType())
    return emitOpError("expected a tile of the memory's ")
           << type.getElementType() << " (got " << getTile().getType() << ")";
  if (type.getRank() != int64_t(getIndices().size()))
    return emitOpError("expected ")
           << type.getRank() << " indices (got " << getIndices().size() << ")";
  return success();
}
