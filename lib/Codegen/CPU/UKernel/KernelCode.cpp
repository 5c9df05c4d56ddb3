//===- KernelCode.cpp - Pieces of vector code for kernels -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KernelCode.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse;
using namespace terse::ukernel;

KernelCode::KernelCode(OpBuilder &b, KernelOpInterface op, bool hasFMA, bool fetchesStreams)
    : VectorCode(b, op.getLoc(), hasFMA), op(op), schedule(op.getScheduleAttr()),
      fetchesStreams(fetchesStreams), magnitudes(*this) {}

SmallVector<Value> KernelCode::unflatten(Value row) {
  auto type = cast<MemRefType>(op.getInit().getType());
  SmallVector<Value> lead(type.getRank() - 1);
  for (int64_t d = type.getRank() - 2; d > 0; --d) {
    Value n = size(op.getInit(), d);
    lead[d] = rem(row, n);
    row = div(row, n);
  }
  lead[0] = row;
  return lead;
}

Value KernelCode::countRows() {
  Value rows = c(1);
  for (int64_t d = 0; d < cast<MemRefType>(op.getInit().getType()).getRank() - 1; ++d)
    rows = mul(rows, size(op.getInit(), d));
  return rows;
}

Value KernelCode::readExtra(unsigned i, ArrayRef<Value> dims, int64_t lanes, Value mask) {
  Value memory = op.getExtras()[i];
  AffineMap map = cast<AffineMapAttr>(op.getExtraMapsAttr()[i]).getValue();
  if (dims.size() != map.getNumDims()) { // A row and a column.
    memory = flatExtras[i];
    map = b.getMultiDimIdentityMap(2);
  }
  SmallVector<Value> at;
  for (AffineExpr e : map.getResults())
    at.push_back(affine::expandAffineExpr(b, loc, e, dims, {}));
  Type element = cast<MemRefType>(memory.getType()).getElementType();
  auto type = VectorType::get(lanes, element);
  if (!map.isFunctionOfDim(map.getNumDims() - 1))
    return vector::BroadcastOp::create(b, loc, type, memref::LoadOp::create(b, loc, memory, at));
  if (mask)
    return vector::MaskedLoadOp::create(b, loc, type, memory, at, mask, zero(type));
  return vector::LoadOp::create(b, loc, type, memory, at);
}

void KernelCode::flatten() {
  auto flat = [&](Value v) -> Value {
    auto type = cast<MemRefType>(v.getType());
    if (!type.getLayout().isIdentity() || type.getRank() <= 2)
      return nullptr;
    SmallVector<ReassociationIndices> groups(2);
    for (int64_t d = 0; d < type.getRank() - 1; ++d)
      groups[0].push_back(d);
    groups[1].push_back(type.getRank() - 1);
    return memref::CollapseShapeOp::create(b, loc, v, groups);
  };
  flatInit = flat(op.getInit());
  for (auto [extra, attr] : llvm::zip(op.getExtras(), op.getExtraMapsAttr())) {
    bool whole = cast<AffineMapAttr>(attr).getValue().isIdentity();
    flatExtras.push_back(flatInit && whole ? flat(extra) : Value());
  }
}

void KernelCode::finish(ArrayRef<Value> lead, Value n, Value sums, Value mask) {
  SmallVector<Value> dims(lead);
  dims.push_back(n);
  finish(dims, Value(), n, sums, mask, {});
}

void KernelCode::finish(Value row, Value n, Value sums, Value mask, ArrayRef<Value> known) {
  SmallVector<Value> dims = unflatten(row);
  dims.push_back(n);
  finish(dims, row, n, sums, mask, known);
}

SmallVector<Value> KernelCode::readAt(ArrayRef<Value> dims, Value row, int64_t lanes, Value mask,
                                      ArrayRef<Value> known) {
  SmallVector<Value> flat{row, dims.back()}, vectors;
  Block &block = op.getEpilogue().front();
  for (unsigned i = 0; i < op.getExtras().size(); ++i) {
    if (block.getArgument(i + 1).use_empty())
      vectors.push_back({});
    else if (!known.empty() && known[i])
      vectors.push_back(known[i]);
    else
      vectors.push_back(
          readExtra(i, row && flatExtras[i] ? ArrayRef<Value>(flat) : dims, lanes, mask));
  }
  return vectors;
}

SmallVector<Value> KernelCode::readChannelExtras(Value n, int64_t lanes, Value mask) {
  SmallVector<Value> vectors;
  Block &block = op.getEpilogue().front();
  for (unsigned i = 0; i < op.getExtras().size(); ++i) {
    AffineMap map = cast<AffineMapAttr>(op.getExtraMapsAttr()[i]).getValue();
    bool isChannel = !block.getArgument(i + 1).use_empty();
    for (unsigned d = 0; d + 1 < map.getNumDims(); ++d)
      isChannel &= !map.isFunctionOfDim(d);
    SmallVector<Value> dims(map.getNumDims() - 1, c(0));
    dims.push_back(n);
    vectors.push_back(isChannel ? readExtra(i, dims, lanes, mask) : Value());
  }
  return vectors;
}

SmallVector<Value> KernelCode::readExtras(Value row, Value n, int64_t lanes, Value mask,
                                          ArrayRef<Value> known) {
  SmallVector<Value> dims = unflatten(row);
  dims.push_back(n);
  return readAt(dims, row, lanes, mask, known);
}

SmallVector<Value> KernelCode::readExtras(ArrayRef<Value> lead, Value n, int64_t lanes,
                                          Value mask) {
  SmallVector<Value> dims(lead);
  dims.push_back(n);
  return readAt(dims, Value(), lanes, mask, {});
}

// By an instruction, where bf16 is multiplied by others of the target. It takes numbers below
// 2^-126 for zero, as those do; elsewhere they count.
bool KernelCode::roundsToBF16(Operation &inner) {
  bool has = schedule.getIsa() == ISA::AMXBF16 || schedule.getIsa() == ISA::AVX512BF16;
  return has && isa<arith::TruncFOp>(inner) && inner.getResult(0).getType().isBF16() &&
         inner.getOperand(0).getType().isF32();
}

Value KernelCode::vectorize(Operation &inner, ValueRange operands, int64_t lanes) {
  if (!roundsToBF16(inner) || (lanes != 16 && lanes != 32))
    return VectorCode::vectorize(inner, operands, lanes);
  auto type = VectorType::get(lanes, inner.getResult(0).getType());
  if (lanes == 16)
    return intrinsic("llvm.x86.avx512bf16.cvtneps2bf16.512", type, operands);
  auto half = [&](int64_t from) -> Value {
    return vector::ExtractStridedSliceOp::create(b, loc, operands[0], ArrayRef<int64_t>{from},
                                                 ArrayRef<int64_t>{16}, ArrayRef<int64_t>{1});
  };
  return intrinsic("llvm.x86.avx512bf16.cvtne2ps2bf16.512", type, {half(16), half(0)});
}

Value KernelCode::evaluate(Value wanted, Value sums, ArrayRef<Value> extras) {
  SmallVector<Value> arguments{sums};
  arguments.append(extras.begin(), extras.end());
  return evaluate(op.getEpilogue().front(), wanted,
                  cast<VectorType>(sums.getType()).getNumElements(), arguments);
}

std::pair<Value, SmallVector<Value>> KernelCode::locate(Value row, Value n) {
  if (flatInit)
    return {flatInit, {row, n}};
  SmallVector<Value> dims = unflatten(row);
  dims.push_back(n);
  return {op.getInit(), dims};
}

void KernelCode::finish(ArrayRef<Value> dims, Value row, Value n, Value sums, Value mask,
                        ArrayRef<Value> known) {
  int64_t lanes = cast<VectorType>(sums.getType()).getNumElements();
  SmallVector<Value> flat{row, n};
  Block &block = op.getEpilogue().front();
  Value result =
      evaluate(block.getTerminator()->getOperand(0), sums, readAt(dims, row, lanes, mask, known));
  Value to = op.getInit();
  if (op.getMagnitudes())
    magnitudes.add(dims.front(), result, mask);
  if (row && flatInit)
    to = flatInit, dims = flat;
  if (!mask) {
    vector::StoreOp::create(b, loc, result, to, dims);
    return;
  }
  auto masked = [&] { vector::MaskedStoreOp::create(b, loc, to, dims, mask, result); };
  // LLVM stores four bytes instead of one where it knows that one lane of a vector of truncated
  // words is left.
  if (getSizes(op).n % lanes != 1 ||
      !cast<VectorType>(result.getType()).getElementType().isInteger(8))
    return masked();
  branch(
      compare(arith::CmpIPredicate::eq, n, c(getSizes(op).n - 1)),
      [&] {
        Value only = vector::ExtractOp::create(b, loc, result, ArrayRef<int64_t>{0});
        memref::StoreOp::create(b, loc, only, to, dims);
      },
      masked);
}

void KernelCode::forVectors(Value p, int64_t lanes,
                            llvm::function_ref<void(int64_t, Value, Value)> body) {
  int64_t columns = schedule.getColumns(), total = getSizes(op).n;
  int64_t last = (total - 1) / columns, valid = total - last * columns;
  auto all = [&](int64_t count) {
    for (int64_t v = 0; v * lanes < count; ++v) {
      Value mask;
      if (count - v * lanes < lanes)
        mask = vector::CreateMaskOp::create(b, loc, VectorType::get(lanes, b.getI1Type()),
                                            c(count - v * lanes));
      body(v, add(mul(p, columns), v * lanes), mask);
    }
  };
  if (valid == columns || last == 0)
    return all(valid);
  branch(
      less(p, c(last)), [&] { all(columns); }, [&] { all(valid); });
}

void KernelCode::finishPanel(Value p, int64_t lanes, Value sums, Value r, Value row) {
  auto type = VectorType::get(lanes, cast<MemRefType>(sums.getType()).getElementType());
  forVectors(p, lanes, [&](int64_t v, Value n, Value mask) {
    Value sum = vector::LoadOp::create(b, loc, type, sums, ValueRange{r, c(v * lanes)});
    finish(row, n, sum, mask);
  });
}

int64_t KernelCode::countEpilogue() {
  Block &block = op.getEpilogue().front();
  return std::distance(block.begin(), block.end());
}

PanelChunks terse::cutPanels(KernelOpInterface op, int64_t columns) {
  int64_t width = op.getScheduleAttr().getColumns(),
          panels = llvm::divideCeil(getSizes(op).n, width);
  int64_t size = std::clamp<int64_t>(columns / width, 1, panels);
  int64_t count = llvm::divideCeil(panels, size);
  // Halves for two threads.
  if (count % 2 && count < 8 && panels > count)
    ++count;
  size = llvm::divideCeil(panels, count);
  return {panels, size, int64_t(llvm::divideCeil(panels, size))};
}
