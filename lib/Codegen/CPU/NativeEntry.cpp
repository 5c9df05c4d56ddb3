//===- NativeEntry.cpp - The entry function of the native ABI -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "EntryFunction.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "terse/Codegen/CPU/Passes.h"
#include "terse/Runtime/abi.h"

namespace terse {
#define GEN_PASS_DEF_NATIVEENTRYPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;

namespace {
// Builds the pieces of the entry function at one insertion point.
struct EntryBuilder {
  OpBuilder b;
  Location loc;
  LLVMTypeConverter converter;
  Type ptr, i64;

  EntryBuilder(MLIRContext *ctx, Location loc)
      : b(ctx), loc(loc), converter(ctx), ptr(LLVM::LLVMPointerType::get(ctx)),
        i64(b.getI64Type()) {}

  Value c64(int64_t v) { return LLVM::ConstantOp::create(b, loc, i64, b.getI64IntegerAttr(v)); }

  // Field `field` (0: data, 1: shape) of entry `index` of an array of terse_buffer.
  Value fieldAddress(Value buffers, int64_t index, int64_t field) {
    return LLVM::GEPOp::create(b, loc, ptr, ptr, buffers,
                               ArrayRef<LLVM::GEPArg>{LLVM::GEPArg(int32_t(2 * index + field))});
  }
  Value dimAddress(Value shape, int64_t dim) {
    return LLVM::GEPOp::create(b, loc, ptr, i64, shape,
                               ArrayRef<LLVM::GEPArg>{LLVM::GEPArg(int32_t(dim))});
  }

  // A memref of row-major elements at `data`; `sizes` are i64.
  Value makeMemRef(Value data, MemRefType type, ArrayRef<Value> sizes) {
    auto desc = MemRefDescriptor::poison(b, loc, converter.convertType(type));
    desc.setAllocatedPtr(b, loc, data);
    desc.setAlignedPtr(b, loc, data);
    desc.setConstantOffset(b, loc, 0);
    Value stride = c64(1);
    for (int64_t d = type.getRank() - 1; d >= 0; --d) {
      Value size = type.isDynamicDim(d) ? sizes[d] : c64(type.getDimSize(d));
      desc.setSize(b, loc, d, size);
      desc.setStride(b, loc, d, stride);
      if (d)
        stride = LLVM::MulOp::create(b, loc, stride, size);
    }
    return UnrealizedConversionCastOp::create(b, loc, type, ValueRange{desc}).getResult(0);
  }

  Value loadInput(Value inputs, int64_t index, MemRefType type) {
    Value data = LLVM::LoadOp::create(b, loc, ptr, fieldAddress(inputs, index, 0));
    SmallVector<Value> sizes(type.getRank());
    if (!type.hasStaticShape()) {
      Value shape = LLVM::LoadOp::create(b, loc, ptr, fieldAddress(inputs, index, 1));
      for (int64_t d = 0; d < type.getRank(); ++d)
        if (type.isDynamicDim(d))
          sizes[d] = LLVM::LoadOp::create(b, loc, i64, dimAddress(shape, d));
    }
    return makeMemRef(data, type, sizes);
  }
};
} // namespace

static LLVM::LLVMFuncOp declare(ModuleOp module, StringRef name, Type result,
                                ArrayRef<Type> arguments) {
  if (auto f = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return f;
  OpBuilder b(module.getBodyRegion());
  return LLVM::LLVMFuncOp::create(b, module.getLoc(), name,
                                  LLVM::LLVMFunctionType::get(result, arguments));
}

static LLVM::LLVMFuncOp declareAlignedAlloc(ModuleOp module) {
  Type i64 = IntegerType::get(module.getContext(), 64),
       ptr = LLVM::LLVMPointerType::get(module.getContext());
  return declare(module, "aligned_alloc", ptr, {i64, i64});
}

// In place of `alloc`, the memory in front of the arena, which is replaced if it is too small.
static void useScratch(EntryBuilder &e, ModuleOp module, Value arena, memref::AllocOp alloc) {
  OpBuilder &b = e.b;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(alloc);
  Value bytes = arith::IndexCastOp::create(b, e.loc, e.i64, alloc.getDynamicSizes()[0]);
  auto field = [&](int32_t offset) {
    return LLVM::GEPOp::create(b, e.loc, e.ptr, b.getI8Type(), arena,
                               ArrayRef<LLVM::GEPArg>{LLVM::GEPArg(offset)});
  };
  Value data = field(-TERSE_SCRATCH_OFFSET), size = field(8 - TERSE_SCRATCH_OFFSET);
  Value old = LLVM::LoadOp::create(b, e.loc, e.ptr, data);
  Value fits = LLVM::ICmpOp::create(b, e.loc, LLVM::ICmpPredicate::ule, bytes,
                                    LLVM::LoadOp::create(b, e.loc, e.i64, size));
  auto branch = scf::IfOp::create(b, e.loc, e.ptr, fits, /*withElse=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, e.loc, old);
    b.setInsertionPointToStart(branch.elseBlock());
    Type none = LLVM::LLVMVoidType::get(b.getContext());
    LLVM::CallOp::create(b, e.loc, declare(module, "free", none, {e.ptr}), ValueRange{old});
    Value whole =
        LLVM::AndOp::create(b, e.loc, LLVM::AddOp::create(b, e.loc, bytes, e.c64(63)), e.c64(-64));
    Value memory =
        LLVM::CallOp::create(b, e.loc, declareAlignedAlloc(module), ValueRange{e.c64(64), whole})
            .getResult();
    LLVM::StoreOp::create(b, e.loc, memory, data);
    // Without memory the next run tries again.
    Value none64 = e.c64(0), null = LLVM::ZeroOp::create(b, e.loc, e.ptr);
    Value ok = LLVM::ICmpOp::create(b, e.loc, LLVM::ICmpPredicate::ne, memory, null);
    LLVM::StoreOp::create(b, e.loc, LLVM::SelectOp::create(b, e.loc, ok, whole, none64), size);
    scf::YieldOp::create(b, e.loc, memory);
  }
  alloc.replaceAllUsesWith(e.makeMemRef(branch.getResult(0), alloc.getType(), {bytes}));
  alloc.erase();
}

static Value allocateBytes(EntryBuilder &e, ModuleOp module, Value bytes) {
  return LLVM::CallOp::create(e.b, e.loc, declareAlignedAlloc(module), ValueRange{e.c64(64), bytes})
      .getResult();
}

static Value isThere(EntryBuilder &e, Value data) {
  Value null = LLVM::ZeroOp::create(e.b, e.loc, e.ptr);
  return LLVM::ICmpOp::create(e.b, e.loc, LLVM::ICmpPredicate::ne, data, null);
}

// If `result` is a buffer of static size in the arena, moves it to the fresh memory that becomes
// the output, which is returned. Without memory it stays where it is.
static Value moveToOutput(EntryBuilder &e, ModuleOp module, Value arena, Value arenaData,
                          Value result) {
  while (Operation *op = result.getDefiningOp()) {
    if (!isa<memref::ExpandShapeOp, memref::CollapseShapeOp>(op))
      break;
    result = op->getOperand(0);
  }
  auto view = result.getDefiningOp<memref::ViewOp>();
  if (!view || view.getSource() != arena || !view.getType().hasStaticShape() ||
      !view.getType().getLayout().isIdentity())
    return nullptr;
  OpBuilder &b = e.b;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(view);
  MemRefType type = view.getType();
  int64_t width = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  int64_t bytes = type.getNumElements() * width / 64 * 64 + 64;
  Value data = allocateBytes(e, module, e.c64(bytes));
  Value offset = arith::IndexCastOp::create(b, e.loc, e.i64, view.getByteShift());
  Value inArena = LLVM::GEPOp::create(b, e.loc, e.ptr, b.getI8Type(), arenaData, offset);
  Value to = arith::SelectOp::create(b, e.loc, isThere(e, data), data, inArena);
  view.replaceAllUsesWith(e.makeMemRef(to, type, SmallVector<Value>(type.getRank())));
  view.erase();
  return data;
}

// Describes `result` by outputs[index] and copies it to fresh memory if it is not in `data`, that
// of the output. Yields an i32, 1 if there was no memory.
static Value storeOutput(EntryBuilder &e, ModuleOp module, Value outputs, int64_t index,
                         Value result, Value data) {
  OpBuilder &b = e.b;
  auto type = cast<MemRefType>(result.getType());
  auto plain = MemRefType::get(type.getShape(), type.getElementType());
  SmallVector<Value> sizes;
  Value count = e.c64(1);
  Value shape;
  if (type.getRank())
    shape = LLVM::LoadOp::create(b, e.loc, e.ptr, e.fieldAddress(outputs, index, 1));
  for (int64_t d = 0; d < type.getRank(); ++d) {
    Value size = type.isDynamicDim(d)
                     ? Value(arith::IndexCastOp::create(b, e.loc, e.i64,
                                                        memref::DimOp::create(b, e.loc, result, d)))
                     : e.c64(type.getDimSize(d));
    LLVM::StoreOp::create(b, e.loc, size, e.dimAddress(shape, d));
    count = LLVM::MulOp::create(b, e.loc, count, size);
    sizes.push_back(size);
  }
  bool copies = !data;
  if (copies) {
    // aligned_alloc wants a multiple of the alignment; an empty tensor still gets an address.
    int64_t width = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    Value bytes = LLVM::AddOp::create(b, e.loc, LLVM::MulOp::create(b, e.loc, count, e.c64(width)),
                                      e.c64(64));
    data = allocateBytes(e, module, LLVM::AndOp::create(b, e.loc, bytes, e.c64(-64)));
  }
  LLVM::StoreOp::create(b, e.loc, data, e.fieldAddress(outputs, index, 0));
  Value ok = isThere(e, data);
  auto branch = scf::IfOp::create(b, e.loc, b.getI32Type(), ok, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  if (copies)
    linalg::CopyOp::create(b, e.loc, result, e.makeMemRef(data, plain, sizes));
  scf::YieldOp::create(b, e.loc, Value(arith::ConstantIntOp::create(b, e.loc, 0, 32)));
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, e.loc, Value(arith::ConstantIntOp::create(b, e.loc, 1, 32)));
  return branch.getResult(0);
}

namespace {
struct NativeEntryPass : terse::impl::NativeEntryPassBase<NativeEntryPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    func::FuncOp entry = getEntryFunction(module);
    if (!entry || !entry.getBody().hasOneBlock() || entry.getNumArguments() < 2) {
      module.emitError("expected one entry function with weights and arena");
      return signalPassFailure();
    }
    for (Type t : llvm::concat<const Type>(entry.getArgumentTypes(), entry.getResultTypes()))
      if (!isa<MemRefType>(t)) {
        entry.emitError("expected memrefs as arguments and results (got ") << t << ")";
        return signalPassFailure();
      }

    EntryBuilder e(&getContext(), entry.getLoc());
    Block &block = entry.getBody().front();
    unsigned numOld = block.getNumArguments();
    SmallVector<Value> args;
    Value arena;
    for (int i = 0; i < 4; ++i)
      args.push_back(block.addArgument(e.ptr, entry.getLoc()));
    e.b.setInsertionPointToStart(&block);
    for (unsigned i = 0; i < numOld; ++i) {
      auto type = cast<MemRefType>(block.getArgument(i).getType());
      // The sizes of weights and arena play no role.
      SmallVector<Value> sizes(type.getRank());
      Value value;
      if (i < 2) {
        sizes.assign(1, e.c64(INT64_MAX));
        value = e.makeMemRef(args[i], type, sizes);
        arena = value;
      } else {
        value = e.loadInput(args[2], i - 2, type);
      }
      block.getArgument(i).replaceAllUsesWith(value);
    }
    block.eraseArguments(0, numOld);
    for (auto alloc : llvm::make_early_inc_range(block.getOps<memref::AllocOp>()))
      if (alloc->hasAttr(kScratchAttr))
        useScratch(e, module, args[1], alloc);

    auto ret = cast<func::ReturnOp>(block.getTerminator());
    e.b.setInsertionPoint(ret);
    e.loc = ret.getLoc();
    // All pointers are null until memory is there, so that the caller may free whatever is not.
    Value null = ret.getNumOperands() ? LLVM::ZeroOp::create(e.b, e.loc, e.ptr) : Value();
    for (unsigned i = 0; i < ret.getNumOperands(); ++i)
      LLVM::StoreOp::create(e.b, e.loc, null, e.fieldAddress(args[3], i, 0));
    Value status = arith::ConstantIntOp::create(e.b, e.loc, 0, 32);
    for (unsigned i = 0; i < ret.getNumOperands(); ++i) {
      Value data = moveToOutput(e, module, arena, args[1], ret.getOperand(i));
      Value failed = storeOutput(e, module, args[3], i, ret.getOperand(i), data);
      status = arith::OrIOp::create(e.b, e.loc, status, failed);
    }
    func::ReturnOp::create(e.b, e.loc, status);
    ret.erase();

    entry.setName(TERSE_ENTRY_SYMBOL);
    entry.setPublic();
    entry.setType(FunctionType::get(&getContext(), block.getArgumentTypes(), e.b.getI32Type()));
    entry.setAllArgAttrs(ArrayRef<Attribute>(SmallVector<Attribute>(4, e.b.getDictionaryAttr({}))));
    entry.setAllResultAttrs(ArrayRef<Attribute>{e.b.getDictionaryAttr({})});
  }
};
} // namespace
