//===- Magnitudes.cpp - Largest magnitudes of a kernel's results ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Magnitudes are compared as integers: the bits of floats that are not negative have their order.

#include "Magnitudes.h"
#include "KernelCode.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace terse;

void Magnitudes::start(int64_t count) {
  lanes = count;
  OpBuilder::InsertionGuard guard(k.b);
  // Not by way of the insertion point: loops around it are not part of the function yet.
  auto function = k.op->getParentOfType<func::FuncOp>();
  k.b.setInsertionPointToStart(&function.getBody().front());
  auto stack = [&](int64_t size, Type element) -> Value {
    return memref::AllocaOp::create(k.b, k.loc, MemRefType::get(size, element), ValueRange(),
                                    k.b.getI64IntegerAttr(64));
  };
  Value zero = k.c(0);
  auto type = VectorType::get(lanes, k.b.getI32Type());
  largest = stack(lanes, k.b.getI32Type());
  current = stack(1, k.b.getIndexType());
  vector::StoreOp::create(k.b, k.loc, k.zero(type), largest, zero);
  memref::StoreOp::create(k.b, k.loc, k.c(-1), current, zero);
}

// The magnitudes of finite results, as integers; zero for others.
Value Magnitudes::getBits(Value results, Value mask) {
  auto type = VectorType::get(lanes, k.b.getI32Type());
  Value bits = arith::BitcastOp::create(k.b, k.loc, type, results);
  bits = arith::AndIOp::create(k.b, k.loc, bits, k.splat(0x7fffffff, type));
  Value counts =
      arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::slt, bits, k.splat(0x7f800000, type));
  if (mask)
    counts = arith::AndIOp::create(k.b, k.loc, counts, mask);
  return arith::SelectOp::create(k.b, k.loc, counts, bits, k.zero(type));
}

void Magnitudes::add(Value sample, Value results, Value mask) {
  int64_t count = cast<VectorType>(results.getType()).getNumElements();
  if (!largest)
    start(count);
  assert(count == lanes && "a kernel has vectors of one length");
  if (!heldSample)
    return join(sample, [&] { return getBits(results, mask); });
  Value bits = getBits(results, mask);
  held = held ? Value(arith::MaxSIOp::create(k.b, k.loc, held, bits)) : bits;
}

void Magnitudes::release() {
  Value sample = heldSample, bits = held;
  heldSample = held = Value();
  if (bits)
    join(sample, [&] { return bits; });
}

void Magnitudes::join(Value sample, llvm::function_ref<Value()> getBits) {
  Value zero = k.c(0);
  Value before = memref::LoadOp::create(k.b, k.loc, current, zero);
  k.branch(k.compare(arith::CmpIPredicate::ne, before, sample), [&] {
    write(before);
    memref::StoreOp::create(k.b, k.loc, sample, current, zero);
  });
  Value bits = getBits();
  Value old = vector::LoadOp::create(k.b, k.loc, cast<VectorType>(bits.getType()), largest, zero);
  vector::StoreOp::create(k.b, k.loc, arith::MaxSIOp::create(k.b, k.loc, old, bits), largest, zero);
}

// Joins the magnitudes so far with those of `sample` (none: -1) in memory and starts anew.
void Magnitudes::write(Value sample) {
  Value zero = k.c(0);
  auto type = VectorType::get(lanes, k.b.getI32Type());
  k.branch(k.compare(arith::CmpIPredicate::sge, sample, zero), [&] {
    Value all = vector::LoadOp::create(k.b, k.loc, type, largest, zero);
    Value most = vector::ReductionOp::create(k.b, k.loc, vector::CombiningKind::MAXSI, all);
    // Other threads may be at the same sample.
    Value to = k.op.getMagnitudes();
    Type i64 = k.b.getI64Type(), ptr = LLVM::LLVMPointerType::get(k.b.getContext());
    auto meta = memref::ExtractStridedMetadataOp::create(k.b, k.loc, to);
    Value at = memref::ExtractAlignedPointerAsIndexOp::create(k.b, k.loc, to);
    Value index = k.add(meta.getOffset(), k.mul(sample, meta.getStrides()[0]));
    at = k.add(at, k.mul(index, 4));
    at = arith::IndexCastOp::create(k.b, k.loc, i64, at);
    at = LLVM::IntToPtrOp::create(k.b, k.loc, ptr, at);
    LLVM::AtomicRMWOp::create(k.b, k.loc, LLVM::AtomicBinOp::max, at, most,
                              LLVM::AtomicOrdering::monotonic);
  });
  vector::StoreOp::create(k.b, k.loc, k.zero(type), largest, zero);
}

void Magnitudes::flush() {
  if (largest)
    write(memref::LoadOp::create(k.b, k.loc, current, k.c(0)));
}
