//===- Pooling.cpp - Pools over spatial windows -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elements.h"
#include "Functions.h"
#include "OpCall.h"

#include "terse/Dialect/NN/IR/NNOps.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace terse;
using namespace terse::reference;
using nn::PoolKind;

namespace {

/// The windows of a pool over a spatial block.
struct Windows {
  llvm::ArrayRef<int64_t> in, kernel, strides, pads, dilations;

  /// The offsets, within the block, of the elements of the window at `position` that lie inside of
  /// it, in row-major order.
  std::vector<int64_t> getElements(llvm::ArrayRef<int64_t> position) const {
    std::vector<int64_t> offsets{0};
    for (size_t d = 0; d < in.size(); ++d) {
      std::vector<int64_t> next;
      for (int64_t offset : offsets)
        forEachTap(d, position[d], 0, in[d],
                   [&](int64_t at) { next.push_back(offset * in[d] + at); });
      offsets = std::move(next);
    }
    return offsets;
  }

  /// Elements of the window inside the padded block.
  int64_t countPadded(llvm::ArrayRef<int64_t> position) const {
    int64_t count = 1;
    for (size_t d = 0; d < in.size(); ++d) {
      auto [first, last] = getTaps(d, position[d], -pads[d], in[d] + pads[d + in.size()]);
      if (llvm::MulOverflow(count, std::max<int64_t>(last - first, 0), count))
        return std::numeric_limits<int64_t>::max();
    }
    return count;
  }

private:
  /// The range of the window's taps whose coordinates along an axis are in [low, high). Computed,
  /// not searched: a hostile kernel may be huge.
  std::pair<int64_t, int64_t> getTaps(size_t d, int64_t position, int64_t low, int64_t high) const {
    int64_t origin = position * strides[d] - pads[d];
    auto firstAtLeast = [&](int64_t bound) {
      int64_t tap = origin < bound ? (bound - origin - 1) / dilations[d] + 1 : 0;
      return std::min(tap, kernel[d]);
    };
    return {firstAtLeast(low), firstAtLeast(high)};
  }

  /// Calls `fn(coordinate)` for the window's coordinates along an axis that are in [low, high).
  template <typename Fn>
  void forEachTap(size_t d, int64_t position, int64_t low, int64_t high, Fn fn) const {
    auto [first, last] = getTaps(d, position, low, high);
    for (int64_t k = first; k < last; ++k)
      fn(position * strides[d] - pads[d] + k * dilations[d]);
  }
};

} // namespace

//===----------------------------------------------------------------------===//
// nn.pool
//===----------------------------------------------------------------------===//

/// The value of a window of which `count` elements count for the average.
template <typename T>
static T poolFloats(PoolKind kind, const T *block, llvm::ArrayRef<int64_t> window, int64_t count,
                    int64_t p) {
  T max = -std::numeric_limits<T>::infinity();
  double sum = 0;
  switch (kind) {
  case PoolKind::Max:
    for (int64_t at : window)
      max = propagatingMax(max, block[at]);
    return max;
  case PoolKind::Average:
    for (int64_t at : window)
      sum += block[at];
    return static_cast<T>(sum) / static_cast<T>(count);
  case PoolKind::Lp:
    for (int64_t at : window) {
      T magnitude = std::fabs(block[at]);
      sum += p == 1 ? magnitude : reference::pow(magnitude, static_cast<T>(p));
    }
    T total = static_cast<T>(sum);
    return p == 1   ? total
           : p == 2 ? std::sqrt(total)
                    : reference::pow(total, static_cast<T>(1.0 / static_cast<double>(p)));
  }
  return 0;
}

template <typename T>
static T poolIntegers(PoolKind kind, const T *block, llvm::ArrayRef<int64_t> window, int64_t count,
                      DType dtype) {
  if (kind == PoolKind::Max) {
    T max = getLowest<T>(dtype);
    for (int64_t at : window)
      max = std::max(max, block[at]);
    return max;
  }
  T sum = 0;
  for (int64_t at : window)
    sum = wrappingAdd(sum, block[at]);
  return count ? T(sum / static_cast<T>(count)) : T(0);
}

static llvm::Error evalPool(nn::PoolOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  PoolKind kind = op.getKind();
  if (kind == PoolKind::Lp && !x.dtype.isFloat())
    return call.fail("'lp' is not defined on " + x.dtype.getName());
  HostTensor &out = call.result();
  Windows windows{llvm::ArrayRef<int64_t>(x.shape).drop_front(2), op.getKernel(), op.getStrides(),
                  op.getPads(), op.getDilations()};
  auto spatial = llvm::ArrayRef<int64_t>(out.shape).drop_front(2);
  int64_t blocks = x.shape[0] * x.shape[1];
  int64_t inSize = AxisView::product(windows.in), outSize = AxisView::product(spatial);

  visitCompute(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> values = load<T>(x), results(out.getNumElements());
    if (results.empty())
      return;
    forEachIndex(spatial, [&](int64_t i, llvm::ArrayRef<int64_t> position) {
      std::vector<int64_t> window = windows.getElements(position);
      int64_t count =
          op.getCountIncludePad() ? windows.countPadded(position) : int64_t(window.size());
      for (int64_t b = 0; b < blocks; ++b) {
        const T *block = values.data() + b * inSize;
        if constexpr (std::is_floating_point_v<T>)
          results[b * outSize + i] = poolFloats(kind, block, window, count, op.getP());
        else
          results[b * outSize + i] = poolIntegers(kind, block, window, count, x.dtype);
      }
    });
    store(results, out);
  });
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// nn.max_pool_indices
//===----------------------------------------------------------------------===//

/// `offset` in a block of row-major order as one in column-major order.
static int64_t toColumnMajor(int64_t offset, llvm::ArrayRef<int64_t> shape) {
  std::vector<int64_t> position(shape.size());
  for (size_t d = shape.size(); d-- > 0; offset /= shape[d])
    position[d] = offset % shape[d];
  int64_t result = 0;
  for (size_t d = shape.size(); d-- > 0;)
    result = result * shape[d] + position[d];
  return result;
}

static llvm::Error evalMaxPoolIndices(nn::MaxPoolIndicesOp op, OpCall &call) {
  const HostTensor &x = call[op.getX()];
  HostTensor &out = call.result(0);
  llvm::MutableArrayRef<int64_t> indices = call.result(1).getMutableAs<int64_t>();
  Windows windows{llvm::ArrayRef<int64_t>(x.shape).drop_front(2), op.getKernel(), op.getStrides(),
                  op.getPads(), op.getDilations()};
  auto spatial = llvm::ArrayRef<int64_t>(out.shape).drop_front(2);
  int64_t blocks = x.shape[0] * x.shape[1];
  int64_t inSize = AxisView::product(windows.in), outSize = AxisView::product(spatial);

  return visitCarrier(x.dtype, [&](auto zero) -> llvm::Error {
    using T = decltype(zero);
    std::vector<T> values = load<T>(x), results(out.getNumElements());
    if (results.empty())
      return llvm::Error::success();
    bool anyEmpty = false;
    forEachIndex(spatial, [&](int64_t i, llvm::ArrayRef<int64_t> position) {
      std::vector<int64_t> window = windows.getElements(position);
      anyEmpty |= window.empty();
      for (int64_t b = 0; b < blocks && !window.empty(); ++b) {
        const T *block = values.data() + b * inSize;
        // The first maximum, where the first NaN counts as one.
        int64_t best = window.front();
        for (int64_t at : window)
          if (block[best] == block[best] && (block[at] > block[best] || block[at] != block[at]))
            best = at;
        results[b * outSize + i] = block[best];
        indices[b * outSize + i] =
            b * inSize + (op.getColumnMajor() ? toColumnMajor(best, windows.in) : best);
      }
    });
    if (anyEmpty)
      return call.fail("has a window that lies in the padding, so that its maximum has no index");
    store(results, out);
    return llvm::Error::success();
  });
}

void reference::registerPooling(KernelTable &table) {
  table.add<nn::PoolOp>(evalPool);
  table.add<nn::MaxPoolIndicesOp>(evalMaxPoolIndices);
}
