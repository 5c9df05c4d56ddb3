//===- Indexing.cpp - Gather, scatter, reverse ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elements.h"
#include "OpCall.h"

#include "terse/Dialect/NN/IR/NNOps.h"

using namespace terse;
using namespace terse::reference;

/// Makes indices from the end positive and fails for those out of range.
static llvm::Error resolveIndex(OpCall &call, int64_t &index, int64_t size) {
  int64_t resolved = index < 0 ? index + size : index;
  if (resolved < 0 || resolved >= size)
    return call.fail("index " + llvm::Twine(index) + " is out of range for a dimension of size " +
                     llvm::Twine(size));
  index = resolved;
  return llvm::Error::success();
}

static llvm::Error resolveIndices(OpCall &call, std::vector<int64_t> &indices, int64_t size) {
  for (int64_t &index : indices)
    if (llvm::Error error = resolveIndex(call, index, size))
      return error;
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Gather
//===----------------------------------------------------------------------===//

static llvm::Error evalGather(nn::GatherOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  std::vector<int64_t> indices = call[op.getIndices()].toInts();
  AxisView view(x.shape, op.getAxis());
  if (llvm::Error error = resolveIndices(call, indices, view.size))
    return error;
  int64_t row = view.inner * x.dtype.getHostBytes();
  uint8_t *y = call.result().getMutableBytes().data();
  for (int64_t o = 0; o < view.outer && row; ++o)
    for (int64_t index : indices) {
      std::memcpy(y, x.getBytes().data() + (o * view.size + index) * row, row);
      y += row;
    }
  return llvm::Error::success();
}

/// Fails if `indices`, of the rank of `x`, reach beyond it along an axis other than `axis`.
static llvm::Error checkAlongAxis(OpCall &call, const HostTensor &x, const HostTensor &indices,
                                  int64_t axis) {
  for (int64_t d = 0; d < x.getRank(); ++d)
    if (d != axis && indices.shape[d] > x.shape[d])
      return call.fail("expected indices of at most " + llvm::Twine(x.shape[d]) +
                       " elements along axis " + llvm::Twine(d) + " (got " +
                       llvm::Twine(indices.shape[d]) + ")");
  return llvm::Error::success();
}

/// Calls `fn(i, offset)` for every index: `offset` is that of the element of `x` it names.
template <typename Fn>
static llvm::Error forEachAlongAxis(OpCall &call, const HostTensor &x, const HostTensor &indices,
                                    int64_t axis, Fn fn) {
  if (llvm::Error error = checkAlongAxis(call, x, indices, axis))
    return error;
  std::vector<int64_t> resolved = indices.toInts();
  if (llvm::Error error = resolveIndices(call, resolved, x.shape[axis]))
    return error;
  std::vector<int64_t> strides = x.getStrides();
  int64_t step = strides[axis];
  strides[axis] = 0;
  forEachPosition<1>(indices.shape, {strides}, [&](int64_t i, std::array<int64_t, 1> at) {
    fn(i, at[0] + resolved[i] * step);
  });
  return llvm::Error::success();
}

static llvm::Error evalGatherElements(nn::GatherElementsOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()], &indices = call[op.getIndices()];
  HostTensor &out = call.result();
  return visitStorage(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T *in = x.getAs<T>().data();
    T *y = out.getMutableAs<T>().data();
    return forEachAlongAxis(call, x, indices, op.getAxis(),
                            [&](int64_t i, int64_t offset) { y[i] = in[offset]; });
  });
}

/// The row of `x` that each index tuple names, in units of the slices that are left of `x` after
/// `batchDims + tuple` axes. The leading `batchDims` axes of `x` and `indices` run in parallel.
static llvm::Expected<std::vector<int64_t>>
resolveTuples(OpCall &call, const HostTensor &x, const HostTensor &indices, int64_t batchDims) {
  auto xShape = llvm::ArrayRef<int64_t>(x.shape);
  auto indexShape = llvm::ArrayRef<int64_t>(indices.shape);
  if (xShape.take_front(batchDims) != indexShape.take_front(batchDims))
    return call.fail("expected the first " + llvm::Twine(batchDims) +
                     " dimensions of x and indices to agree (got " + x.getTypeString() + " and " +
                     indices.getTypeString() + ")");
  int64_t tuple = indexShape.back();
  auto extents = xShape.slice(batchDims, tuple);
  int64_t batch = AxisView::product(xShape.take_front(batchDims));
  int64_t perBatch = AxisView::product(indexShape.drop_front(batchDims).drop_back());
  std::vector<int64_t> values = indices.toInts(), rows;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t i = 0; i < perBatch; ++i) {
      int64_t row = b;
      for (int64_t k = 0; k < tuple; ++k) {
        int64_t index = values[(b * perBatch + i) * tuple + k];
        if (llvm::Error error = resolveIndex(call, index, extents[k]))
          return std::move(error);
        row = row * extents[k] + index;
      }
      rows.push_back(row);
    }
  return rows;
}

static llvm::Error evalGatherND(nn::GatherNDOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()], &indices = call[op.getIndices()];
  auto rows = resolveTuples(call, x, indices, op.getBatchDims());
  if (!rows)
    return rows.takeError();
  auto rest = llvm::ArrayRef<int64_t>(x.shape).drop_front(op.getBatchDims() + indices.shape.back());
  int64_t bytes = AxisView::product(rest) * x.dtype.getHostBytes();
  uint8_t *y = call.result().getMutableBytes().data();
  for (size_t i = 0, e = rows->size(); i < e && bytes; ++i)
    std::memcpy(y + i * bytes, x.getBytes().data() + (*rows)[i] * bytes, bytes);
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Scatter
//===----------------------------------------------------------------------===//

template <typename T>
static T combine(nn::ScatterKind kind, T old, T update) {
  switch (kind) {
  case nn::ScatterKind::Replace:
    return update;
  case nn::ScatterKind::Add:
    return wrappingAdd(old, update);
  case nn::ScatterKind::Mul:
    return wrappingMul(old, update);
  case nn::ScatterKind::Max:
    return propagatingMax(old, update);
  case nn::ScatterKind::Min:
    return propagatingMin(old, update);
  }
  return update;
}

static llvm::Error checkUpdates(OpCall &call, const HostTensor &x, const HostTensor &updates) {
  if (x.dtype == updates.dtype)
    return llvm::Error::success();
  return call.fail("expected updates of type " + x.dtype.getName() + " (got " +
                   updates.getTypeString() + ")");
}

/// Replacing moves patterns, so that it loses no NaN payloads; the rest computes.
template <typename Fn>
static llvm::Error scatter(OpCall &call, nn::ScatterKind kind, const HostTensor &x,
                           const HostTensor &updates, Fn forEachUpdate) {
  if (llvm::Error error = checkUpdates(call, x, updates))
    return error;
  if (kind == nn::ScatterKind::Replace) {
    HostTensor out = x;
    return visitStorage(x.dtype, [&](auto zero) -> llvm::Error {
      using T = decltype(zero);
      T *y = out.getMutableAs<T>().data();
      const T *u = updates.getAs<T>().data();
      if (llvm::Error error = forEachUpdate([&](int64_t i, int64_t offset) { y[offset] = u[i]; }))
        return error;
      call.setResult(0, out);
      return llvm::Error::success();
    });
  }
  return visitCarrier(x.dtype, [&](auto zero) -> llvm::Error {
    using T = decltype(zero);
    std::vector<T> values = load<T>(x), u = load<T>(updates);
    if (llvm::Error error = forEachUpdate([&](int64_t i, int64_t offset) {
          values[offset] = combine(kind, values[offset], u[i]);
        }))
      return error;
    store(values, call.result());
    return llvm::Error::success();
  });
}

static llvm::Error evalScatterElements(nn::ScatterElementsOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()], &indices = call[op.getIndices()];
  const HostTensor &updates = call[op.getUpdates()];
  if (llvm::Error error = call.checkShape(updates, indices.shape, "updates"))
    return error;
  return scatter(call, op.getKind(), x, updates,
                 [&](auto fn) { return forEachAlongAxis(call, x, indices, op.getAxis(), fn); });
}

static llvm::Error evalScatterND(nn::ScatterNDOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()], &indices = call[op.getIndices()];
  const HostTensor &updates = call[op.getUpdates()];
  auto rows = resolveTuples(call, x, indices, /*batchDims=*/0);
  if (!rows)
    return rows.takeError();
  auto rest = llvm::ArrayRef<int64_t>(x.shape).drop_front(indices.shape.back());
  std::vector<int64_t> expected = llvm::ArrayRef<int64_t>(indices.shape).drop_back().vec();
  expected.insert(expected.end(), rest.begin(), rest.end());
  if (llvm::Error error = call.checkShape(updates, expected, "updates"))
    return error;
  int64_t slice = AxisView::product(rest);
  return scatter(call, op.getKind(), x, updates, [&](auto fn) {
    for (size_t i = 0, e = rows->size(); i < e; ++i)
      for (int64_t n = 0; n < slice; ++n)
        fn(i * slice + n, (*rows)[i] * slice + n);
    return llvm::Error::success();
  });
}

//===----------------------------------------------------------------------===//
// nn.reverse_sequence
//===----------------------------------------------------------------------===//

static llvm::Error evalReverseSequence(nn::ReverseSequenceOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  int64_t time = op.getTimeAxis(), batch = op.getBatchAxis();
  if (llvm::Error error = call.checkShape(call[op.getLengths()], {x.shape[batch]}, "lengths"))
    return error;
  std::vector<int64_t> lengths = call[op.getLengths()].toInts();
  for (int64_t length : lengths)
    if (length < 0 || length > x.shape[time])
      return call.fail("expected lengths in [0, " + llvm::Twine(x.shape[time]) + "] (got " +
                       llvm::Twine(length) + ")");
  int64_t stride = x.getStrides()[time];
  HostTensor &out = call.result();
  visitStorage(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T *in = x.getAs<T>().data();
    T *y = out.getMutableAs<T>().data();
    forEachIndex(x.shape, [&](int64_t i, llvm::ArrayRef<int64_t> position) {
      int64_t t = position[time], length = lengths[position[batch]];
      int64_t source = t < length ? length - 1 - t : t;
      y[i] = in[i + (source - t) * stride];
    });
  });
  return llvm::Error::success();
}

void reference::registerIndexing(KernelTable &table) {
  table.add<nn::GatherOp>(evalGather);
  table.add<nn::GatherElementsOp>(evalGatherElements);
  table.add<nn::GatherNDOp>(evalGatherND);
  table.add<nn::ScatterElementsOp>(evalScatterElements);
  table.add<nn::ScatterNDOp>(evalScatterND);
  table.add<nn::ReverseSequenceOp>(evalReverseSequence);
}
