//===- WindowPlan.cpp - Positions of a convolution's tiles ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "WindowPlan.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace terse;

// Rows of a tile register.
static constexpr int64_t kRegisterRows = 16;

// Lines of the window that sixteen rows from `position` on multiply; `outY` is the block's first
// line.
static int64_t countLines(const WindowTiles &t, const WindowPlan &plan, int64_t outY,
                          int64_t position) {
  if (!t.skips)
    return t.kernel;
  auto lineOf = [&](int64_t p) { return std::max<int64_t>(p - plan.lead, 0) / plan.positions; };
  int64_t first = lineOf(position), last = lineOf(position + kRegisterRows - 1);
  if (position > plan.lead && (position - plan.lead) % plan.positions >= t.outWidth)
    ++first;
  int64_t from = std::clamp<int64_t>(t.pad - (outY + last) * t.stride, 0, t.kernel),
          to = std::clamp<int64_t>(t.inHeight + t.pad - (outY + first) * t.stride, 0, t.kernel);
  return std::max<int64_t>(to - from, 0);
}

static int64_t countProducts(const WindowTiles &t, const WindowPlan &plan) {
  int64_t products = 0;
  for (int64_t outY = 0; outY < t.outHeight; outY += plan.height) {
    int64_t height = std::min(plan.height, t.outHeight - outY),
            count = plan.lead + (height - 1) * plan.positions + t.outWidth;
    for (int64_t at = 0; at < count; at += t.tileRows) {
      int64_t begin = std::max<int64_t>(std::min(at, count - t.tileRows), 0);
      for (int64_t r = 0; r < t.tileRows; r += kRegisterRows)
        products += countLines(t, plan, outY, begin + r);
    }
  }
  return products;
}

WindowPlan terse::planWindowTiles(const WindowTiles &t) {
  WindowPlan best{t.least, 0, 1};
  int64_t fewest = INT64_MAX;
  int64_t most = std::clamp<int64_t>(t.mostLines, 1, t.outHeight);
  int64_t blocks = llvm::divideCeil(t.outHeight, most);
  // Blocks of equal height, and some lower ones.
  for (int64_t n = blocks; n < 2 * blocks; ++n)
    for (int64_t lead = 0; lead < (t.skips ? kRegisterRows : 1); ++lead)
      for (int64_t positions = t.least; positions < t.least + (t.skips ? 4 : 1); ++positions) {
        if (lead > positions)
          continue;
        WindowPlan plan{positions, lead, int64_t(llvm::divideCeil(t.outHeight, n))};
        int64_t products = countProducts(t, plan);
        if (products < fewest)
          best = plan, fewest = products;
      }
  return best;
}
