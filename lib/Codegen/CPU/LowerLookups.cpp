//===- LowerLookups.cpp - Tables of 256 entries in vector code ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "terse/Codegen/CPU/Passes.h"
#include "llvm/Support/FormatVariadic.h"

namespace terse {
#define GEN_PASS_DEF_LOWERLOOKUPSPASS
#include "terse/Codegen/CPU/Passes.h.inc"
} // namespace terse

using namespace mlir;
using namespace terse;
using cpu::LookupOp;

// Bytes of a register of AVX-512; `vpermi2b` chooses from two of them by the low 7 bits.
static constexpr int64_t kRegister = 64;

namespace {
struct LowerLookupsPass : terse::impl::LowerLookupsPassBase<LowerLookupsPass> {
  using LowerLookupsPassBase::LowerLookupsPassBase;

  // Memory that holds `table`.
  Value getMemory(OpBuilder &b, Location loc, DenseElementsAttr table) {
    auto shape = cast<RankedTensorType>(table.getType());
    auto type = MemRefType::get(shape.getShape(), shape.getElementType());
    memref::GlobalOp &global = globals[table];
    if (!global) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(getOperation().getBody());
      global = memref::GlobalOp::create(b, loc, "lookup_table", b.getStringAttr("private"), type,
                                        table, /*constant=*/true, b.getI64IntegerAttr(kRegister));
      symbols->insert(global); // Makes the name unique.
    }
    return memref::GetGlobalOp::create(b, loc, type, global.getSymName());
  }

  static Value permute(OpBuilder &b, Location loc, VectorType type, Value low, Value index,
                       Value high) {
    return LLVM::CallIntrinsicOp::create(b, loc, type,
                                         b.getStringAttr("llvm.x86.avx512.vpermi2var.qi.512"),
                                         ValueRange{low, index, high})
        .getResults();
  }

  // Four registers hold the table; the sign of the index says which two.
  Value permuteTable(OpBuilder &b, LookupOp op, DenseElementsAttr table) {
    Location loc = op.getLoc();
    auto type = VectorType::get(kRegister, b.getI8Type());
    SmallVector<int8_t> bytes;
    for (APInt v : table.getValues<APInt>())
      bytes.push_back(int8_t(v.getSExtValue()));
    SmallVector<Value> quarters;
    for (int64_t i = 0; i < 256; i += kRegister)
      quarters.push_back(arith::ConstantOp::create(
          b, loc, DenseElementsAttr::get(type, ArrayRef<int8_t>(bytes).slice(i, kRegister))));
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    auto small = cast<VectorType>(op.getIndex().getType());
    int64_t lanes = small.getNumElements();
    SmallVector<Value> pieces;
    for (int64_t from = 0; from < lanes; from += kRegister) {
      SmallVector<int64_t> order;
      for (int64_t i = 0; i < kRegister; ++i)
        order.push_back(from + i < lanes ? from + i : vector::ShuffleOp::kPoisonIndex);
      Value index = lanes == kRegister
                        ? op.getIndex()
                        : vector::ShuffleOp::create(b, loc, op.getIndex(), op.getIndex(), order);
      Value low = permute(b, loc, type, quarters[0], index, quarters[1]),
            high = permute(b, loc, type, quarters[2], index, quarters[3]);
      Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, index, zero);
      Value piece = arith::SelectOp::create(b, loc, negative, high, low);
      int64_t count = std::min(kRegister, lanes - from);
      if (count < kRegister)
        piece = vector::ExtractStridedSliceOp::create(
            b, loc, piece, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{count}, ArrayRef<int64_t>{1});
      pieces.push_back(piece);
    }
    if (pieces.size() == 1)
      return pieces.front();
    Value result = arith::ConstantOp::create(b, loc, b.getZeroAttr(small));
    for (auto [i, piece] : llvm::enumerate(pieces))
      result = vector::InsertStridedSliceOp::create(
          b, loc, piece, result, ArrayRef<int64_t>{int64_t(i) * kRegister}, ArrayRef<int64_t>{1});
    return result;
  }

  // There are gathers of words only.
  Value gather(OpBuilder &b, LookupOp op, DenseElementsAttr table) {
    Location loc = op.getLoc();
    auto type = cast<VectorType>(op.getResult().getType());
    Type element = type.getElementType();
    bool narrow = element.isInteger(8) || element.isInteger(16);
    if (narrow)
      table = cast<DenseIntElementsAttr>(table).mapValues(
          b.getI32Type(), [](const APInt &v) { return v.zext(32); });
    auto words = VectorType::get(type.getShape(), table.getElementType());
    auto indexType = VectorType::get(type.getShape(), b.getI32Type());
    Value index = arith::ExtUIOp::create(b, loc, indexType, op.getIndex());
    Value all = arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(VectorType::get(type.getShape(), b.getI1Type()), true));
    Value other = arith::ConstantOp::create(b, loc, b.getZeroAttr(words));
    Value first = arith::ConstantIndexOp::create(b, loc, 0);
    Value result =
        vector::GatherOp::create(b, loc, words, getMemory(b, loc, table), first, index, all, other);
    return narrow ? arith::TruncIOp::create(b, loc, type, result).getResult() : result;
  }

  void runOnOperation() override {
    SymbolTable table(getOperation());
    symbols = &table;
    globals.clear();
    getOperation().walk([&](LookupOp op) {
      OpBuilder b(op);
      Location loc = op.getLoc();
      auto values = cast<DenseElementsAttr>(op.getTable());
      Value result;
      if (!isa<VectorType>(op.getIndex().getType())) {
        Value index = arith::IndexCastUIOp::create(b, loc, b.getIndexType(), op.getIndex());
        result = memref::LoadOp::create(b, loc, getMemory(b, loc, values), index);
      } else if (hasVBMI && values.getElementType().isInteger(8)) {
        result = permuteTable(b, op, values);
      } else {
        result = gather(b, op, values);
      }
      op.replaceAllUsesWith(result);
      op.erase();
    });
    symbols = nullptr;
  }

  SymbolTable *symbols = nullptr;
  DenseMap<Attribute, memref::GlobalOp> globals;
};
} // namespace
