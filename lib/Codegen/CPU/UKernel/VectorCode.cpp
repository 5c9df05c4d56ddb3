//===- VectorCode.cpp - Pieces of vector code -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "VectorCode.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace terse;

// Larger buffers come from the heap: threads may have little stack.
static constexpr int64_t kMaxStack = 128 << 10;

Value VectorCode::splat(int64_t value, VectorType type) {
  Attribute element = isa<FloatType>(type.getElementType())
                          ? Attribute(b.getFloatAttr(type.getElementType(), double(value)))
                          : Attribute(b.getIntegerAttr(type.getElementType(), value));
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, element));
}

Value VectorCode::size(Value memory, int64_t dim) {
  auto type = cast<MemRefType>(memory.getType());
  if (!type.isDynamicDim(dim))
    return c(type.getDimSize(dim));
  return memref::DimOp::create(b, loc, memory, dim);
}

SmallVector<Value> VectorCode::loop(Value from, Value to, int64_t step, ValueRange init,
                                    Body body) {
  auto loop = scf::ForOp::create(
      b, loc, from, to, c(step), init, [&](OpBuilder &inner, Location, Value iv, ValueRange args) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
        SmallVector<Value> next = body(iv, args);
        scf::YieldOp::create(b, loc, next);
      });
  return SmallVector<Value>(loop.getResults());
}

void VectorCode::loop(Value from, Value to, int64_t step, llvm::function_ref<void(Value)> body) {
  loop(from, to, step, ValueRange(), [&](Value iv, ValueRange) {
    body(iv);
    return SmallVector<Value>();
  });
}

void VectorCode::branch(Value condition, llvm::function_ref<void()> then,
                        llvm::function_ref<void()> otherwise) {
  auto branch = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/bool(otherwise));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  then();
  if (otherwise) {
    b.setInsertionPointToStart(branch.elseBlock());
    otherwise();
  }
}

SmallVector<Value> VectorCode::choose(Value condition,
                                      llvm::function_ref<SmallVector<Value>()> then,
                                      llvm::function_ref<SmallVector<Value>()> otherwise) {
  auto yield = [&](llvm::function_ref<SmallVector<Value>()> body) {
    return [this, body](OpBuilder &inner, Location) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
      scf::YieldOp::create(b, loc, body());
    };
  };
  return scf::IfOp::create(b, loc, condition, yield(then), yield(otherwise)).getResults();
}

Value VectorCode::multiplyAdd(Value x, Value y, Value acc) {
  // Not vector.fma, which leaves it to code generation whether to round twice.
  if (hasFMA)
    return math::FmaOp::create(b, loc, x, y, acc);
  return arith::AddFOp::create(b, loc, acc, arith::MulFOp::create(b, loc, x, y));
}

Value VectorCode::intrinsic(StringRef name, Type result, ValueRange args) {
  return LLVM::CallIntrinsicOp::create(b, loc, result, b.getStringAttr(name), args).getResults();
}

Value VectorCode::vectorize(Operation &inner, ValueRange operands, int64_t lanes) {
  OperationState state(loc, inner.getName(), operands,
                       VectorType::get(lanes, inner.getResult(0).getType()), inner.getAttrs());
  state.propertiesAttr = inner.getPropertiesAsAttribute();
  return b.create(state)->getResult(0);
}

Value VectorCode::evaluate(Block &block, Value wanted, int64_t lanes, ArrayRef<Value> arguments) {
  DenseMap<Value, Value> vectors;
  for (auto [arg, vector] : llvm::zip_equal(block.getArguments(), arguments))
    vectors[arg] = vector;
  auto lookup = [&](Value v) -> Value {
    Value &vector = vectors[v];
    if (!vector) {
      // A constant, inside or outside of the region.
      TypedAttr value;
      matchPattern(v, m_Constant(&value));
      auto type = VectorType::get(lanes, v.getType());
      vector = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, Attribute(value)));
    }
    return vector;
  };
  for (Operation &inner : block.without_terminator()) {
    if (inner.hasTrait<OpTrait::ConstantLike>())
      continue;
    SmallVector<Value> operands;
    for (Value v : inner.getOperands())
      operands.push_back(lookup(v));
    vectors[inner.getResult(0)] = vectorize(inner, operands, lanes);
    if (inner.getResult(0) == wanted)
      break;
  }
  return lookup(wanted);
}

Value VectorCode::collapse(Value memory) {
  int64_t rank = cast<MemRefType>(memory.getType()).getRank();
  if (rank == 1)
    return memory;
  SmallVector<ReassociationIndices> all(1, llvm::to_vector(llvm::seq<int64_t>(0, rank)));
  return memref::CollapseShapeOp::create(b, loc, memory, all);
}

FlatBuffer VectorCode::flatten(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, loc, buffer);
  FlatBuffer flat;
  int64_t offset;
  (void)type.getStridesAndOffset(flat.known, offset);
  // Nothing asks for its size.
  OpFoldResult size = c(int64_t(1) << 40);
  flat.memory = memref::ReinterpretCastOp::create(
      b, loc, MemRefType::get(ShapedType::kDynamic, type.getElementType()),
      metadata.getBaseBuffer(), OpFoldResult(b.getIndexAttr(0)), ArrayRef<OpFoldResult>{size},
      ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
  flat.offset = ShapedType::isDynamic(offset) ? Value(metadata.getOffset()) : c(offset);
  for (auto [known, step] : llvm::zip(flat.known, metadata.getStrides()))
    flat.steps.push_back(ShapedType::isDynamic(known) ? Value(step) : c(known));
  return flat;
}

Value VectorCode::allocate(int64_t bytes) {
  auto type = MemRefType::get(bytes, b.getI8Type());
  IntegerAttr alignment = b.getI64IntegerAttr(64);
  if (bytes <= kMaxStack)
    return memref::AllocaOp::create(b, loc, type, ValueRange(), alignment);
  heap.push_back(memref::AllocOp::create(b, loc, type, ValueRange(), alignment));
  return heap.back();
}

Value VectorCode::allocate(Value bytes) {
  if (std::optional<int64_t> known = getConstantIntValue(bytes))
    return allocate(*known);
  auto type = MemRefType::get(ShapedType::kDynamic, b.getI8Type());
  heap.push_back(memref::AllocOp::create(b, loc, type, bytes, b.getI64IntegerAttr(64)));
  return heap.back();
}

void VectorCode::release() {
  for (Value v : heap)
    memref::DeallocOp::create(b, loc, v);
  heap.clear();
}
