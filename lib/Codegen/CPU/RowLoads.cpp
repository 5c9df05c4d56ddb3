//===- RowLoads.cpp - Elements of rows that are chosen at run time --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "RowLoads.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace terse;

// Adds what computes `v`, if that is the same along `loop` and integers alone.
static bool addIndex(linalg::GenericOp op, unsigned loop, Value v, RowLoads &rows) {
  if (!v.getType().isIntOrIndex())
    return false;
  if (auto arg = dyn_cast<BlockArgument>(v); arg && arg.getOwner() == op.getBody()) {
    if (arg.getArgNumber() >= op.getNumDpsInputs())
      return false;
    return !op.getIndexingMapsArray()[arg.getArgNumber()].isFunctionOfDim(loop);
  }
  Operation *from = v.getDefiningOp();
  if (!from || from->getBlock() != op.getBody())
    return true;
  if (auto index = dyn_cast<linalg::IndexOp>(from); index && index.getDim() == loop)
    return false;
  if (from->getNumRegions() || from->getNumResults() != 1 || !isPure(from))
    return false;
  for (Value operand : from->getOperands())
    if (!addIndex(op, loop, operand, rows))
      return false;
  rows.indices.insert(from);
  return true;
}

std::optional<RowLoads> terse::findRowLoads(linalg::GenericOp op, unsigned loop) {
  RowLoads rows;
  SmallVector<linalg::IndexOp> columns;
  for (Operation &inner : *op.getBody()) {
    if (auto load = dyn_cast<memref::LoadOp>(inner)) {
      SmallVector<int64_t> strides;
      int64_t offset;
      auto column = load.getIndices().empty()
                        ? linalg::IndexOp()
                        : load.getIndices().back().getDefiningOp<linalg::IndexOp>();
      if (!column || column.getDim() != loop ||
          failed(load.getMemRefType().getStridesAndOffset(strides, offset)) ||
          strides.back() != 1 || load.getMemRef().getParentBlock() == op.getBody())
        return std::nullopt;
      for (Value v : load.getIndices().drop_back())
        if (!addIndex(op, loop, v, rows))
          return std::nullopt;
      rows.loads.push_back(load);
      columns.push_back(column);
    }
  }
  if (rows.loads.empty())
    return std::nullopt;
  rows.indices.insert(columns.begin(), columns.end());
  for (Operation &inner : *op.getBody()) {
    if (isa<linalg::IndexOp>(inner) && !rows.indices.contains(&inner))
      return std::nullopt;
    // Lanes are not computed from indices.
    if (rows.indices.contains(&inner) &&
        !llvm::all_of(inner.getUsers(), [&](Operation *user) { return rows.contains(user); }))
      return std::nullopt;
  }
  return rows;
}
