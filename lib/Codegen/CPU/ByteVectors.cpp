//===- ByteVectors.cpp - Vectors of floats to vectors of bytes ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ByteVectors.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

static Value call(OpBuilder &b, Location loc, StringRef name, Type type, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, loc, type, b.getStringAttr(name), operands).getResults();
}

static int64_t countLanes(Value v) { return cast<VectorType>(v.getType()).getNumElements(); }

Value terse::roundToIntegers(OpBuilder &b, Location loc, Value floats) {
  auto type = VectorType::get(countLanes(floats), b.getI32Type());
  if (type.getNumElements() == 8)
    return call(b, loc, "llvm.x86.avx.cvt.ps2dq.256", type, {floats});
  Value none = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  Value all = arith::ConstantOp::create(b, loc, b.getI16IntegerAttr(-1));
  Value mode = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(4));
  return call(b, loc, "llvm.x86.avx512.mask.cvtps2dq.512", type, {floats, none, all, mode});
}

Value terse::packWords(OpBuilder &b, Location loc, Value x, Value y) {
  int64_t lanes = countLanes(x);
  return call(b, loc, lanes == 8 ? "llvm.x86.avx2.packssdw" : "llvm.x86.avx512.packssdw.512",
              VectorType::get(2 * lanes, b.getI16Type()), {x, y});
}

Value terse::packBytes(OpBuilder &b, Location loc, Value x, Value y, bool isSigned) {
  int64_t lanes = countLanes(x);
  StringRef name = isSigned ? "llvm.x86.avx512.packsswb.512" : "llvm.x86.avx512.packuswb.512";
  if (lanes == 16)
    name = isSigned ? "llvm.x86.avx2.packsswb" : "llvm.x86.avx2.packuswb";
  return call(b, loc, name, VectorType::get(2 * lanes, b.getI8Type()), {x, y});
}

// A value that LLVM does not know.
static Value hide(OpBuilder &b, Location loc, Value v) {
  Type type = v.getType();
  auto op = LLVM::InlineAsmOp::create(
      b, loc, type, v, /*asm_string=*/"", /*constraints=*/"=v,0", /*has_side_effects=*/false,
      /*is_align_stack=*/false, LLVM::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr());
  return op.getRes();
}

Value terse::orderPacked(OpBuilder &b, Location loc, Value bytes) {
  // Of each half of a known permutation that is used, LLVM would make a permutation of its own.
  int32_t lanes = countLanes(bytes) / 4, parts = lanes / 4;
  auto integers = VectorType::get(lanes, b.getI32Type());
  SmallVector<int32_t> order;
  for (int32_t i = 0; i < lanes; ++i)
    order.push_back(i % parts * 4 + i / parts);
  Value indices =
      arith::ConstantOp::create(b, loc, DenseElementsAttr::get(integers, ArrayRef(order)));
  indices = hide(b, loc, indices);
  Value words = vector::BitCastOp::create(b, loc, integers, bytes);
  words = call(b, loc, lanes == 8 ? "llvm.x86.avx2.permd" : "llvm.x86.avx512.permvar.si.512",
               integers, {words, indices});
  return vector::BitCastOp::create(b, loc, bytes.getType(), words);
}
