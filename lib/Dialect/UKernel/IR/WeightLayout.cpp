//===- WeightLayout.cpp - Where codes and scales lie ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/UKernel/IR/WeightLayout.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace terse::ukernel;

int64_t terse::ukernel::getLanes(ISA isa) {
  switch (isa) {
  case ISA::Portable:
    return 4;
  case ISA::AVX2:
  case ISA::AVXVNNI:
    return 8;
  default:
    return 16;
  }
}

WeightLayout::WeightLayout(KernelSizes sizes, ScheduleAttr schedule, DecodingAttr decoding) {
  lanes = getLanes(schedule.getIsa());
  vectors = schedule.getColumns() / lanes;
  panels = llvm::divideCeil(sizes.n, schedule.getColumns());
  bits = decoding.getValue().getIntOrFloatBitWidth();
  quads = schedule.getDepth() == 4;
  bool isSigned = decoding.getValue().isInteger() && !decoding.getValue().isUnsignedInteger();
  offset = quads && isSigned ? int64_t(1) << (bits - 1) : 0;
  unitCodes = bits == 8 ? (quads ? 4 : 1) : 32 / std::gcd<int64_t>(32, bits);
  unitBytes = unitCodes * bits * lanes / 8;
  group = std::min(decoding.getGroup(), std::max<int64_t>(sizes.k, 1));
  paddedGroup = llvm::alignTo(group, unitCodes);
  groups = llvm::divideCeil(sizes.k, group);
  if (quads && schedule.getIsa() == ISA::AMXInt8 && isLong() && group > 64)
    paddedGroup = llvm::alignTo(group, 64);
  // Registers that tables are looked up in have 16 entries; short tables are repeated.
  entries = decoding.getTable() == TableKind::None ? 0 : int64_t(1) << bits;
  if (decoding.getTable() == TableKind::Shared)
    entries = std::max<int64_t>(entries, 16);
  tableBytes = entries * 4 * (decoding.getTable() == TableKind::Column ? lanes : 1);
  scaleBytes = decoding.getScale() ? decoding.getScale().getIntOrFloatBitWidth() / 8 * lanes : 0;
  zeroBytes = decoding.getZeroPoints() ? lanes : 0;
  blocks = std::max<int64_t>(decoding.getBlocks(), 1);
  indexBytes = decoding.getBlocks() ? paddedGroup * 2 : 0;
  groupBytes = getCodeOffset() + paddedGroup / unitCodes * unitBytes;
  // Words are read from any of their bytes on.
  bytes = llvm::alignTo(tableBytes + groups * groupBytes + 3, 64);
}

SmallVector<WeightLayout::Plane, 3> WeightLayout::getPlanes() const {
  SmallVector<Plane, 3> planes;
  int64_t word = 0;
  for (int64_t size = 8, from = 0; size >= 1; size /= 2)
    if (bits & size) {
      planes.push_back({size, from, word});
      from += size;
      word += unitCodes * size / 32;
    }
  return planes;
}
