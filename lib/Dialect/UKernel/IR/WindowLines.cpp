//===- WindowLines.cpp - Lines of a window side by side -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/UKernel/IR/WindowLines.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace terse::ukernel;

// Bytes of a row of a tile.
static constexpr int64_t kTileBytes = 64;

int64_t terse::ukernel::countPlanes(WindowAttr window, int64_t lines) {
  int64_t stride = window.getStrides()[0];
  return lines >= window.getKernel()[0] || lines * window.getDilations()[0] % stride == 0 ? 1
                                                                                          : stride;
}

LineGroups::LineGroups(KernelSizes sizes, ScheduleAttr schedule) {
  int64_t lines = std::max<int64_t>(schedule.getLines(), 1);
  count = llvm::divideCeil(sizes.height, lines);
  int64_t columns = std::max<int64_t>(sizes.height * sizes.width, 1);
  column = llvm::alignTo(sizes.k / columns, schedule.getIsa() == ISA::AMXBF16 ? 2 : 1);
  elements = sizes.width * lines * column;
  padded = llvm::alignTo(elements, schedule.getAlign());
}

bool terse::ukernel::fillTiles(KernelOpInterface op) {
  auto lhs = cast<ShapedType>(op.getLhs().getType()),
       init = cast<ShapedType>(op.getInit().getType());
  return op.getWindowOrNull() && !op.isDepthwise() &&
         lhs.getShape().back() / op.getParts() * int64_t(lhs.getElementTypeBitWidth()) / 8 %
                 kTileBytes ==
             0 &&
         !lhs.isDynamicDim(2) && !init.isDynamicDim(1) && !init.isDynamicDim(2);
}

int64_t terse::ukernel::getColumnElements(int64_t channels, Type element) {
  return llvm::alignTo(channels, element.isBF16() ? 2 : 1);
}

int64_t terse::ukernel::getLineDepth(KernelOpInterface op, int64_t lines) {
  WindowAttr window = op.getWindowOrNull();
  auto lhs = cast<ShapedType>(op.getLhs().getType()), rhs = cast<ShapedType>(op.getRhs().getType()),
       init = cast<ShapedType>(op.getInit().getType());
  bool pairs = lhs.getElementType().isBF16() && rhs.getElementType().isBF16();
  if (!window || op.isDepthwise() || op.getDecodingAttr() ||
      (!pairs && (!lhs.getElementType().isInteger(8) || !rhs.getElementType().isInteger(8))))
    return 0;
  if (lhs.isDynamicDim(2) || init.isDynamicDim(1) || init.isDynamicDim(2))
    return 0;
  int64_t kh = window.getKernel()[0], kw = window.getKernel()[1],
          channels = lhs.getDimSize(3) / op.getParts();
  if (kh * kw == 1 || window.getDilations()[0] != 1 || window.getDilations()[1] != 1)
    return 0;
  if (lines < 1 || lines > kh ||
      (lines > 1 && (pairs || op.getParts() > 1 || lines * channels > kTileBytes)))
    return 0;
  if (pairs) {
    // Equal steps: a number behind the window times zero need not be zero.
    int64_t elements = kw * getColumnElements(channels, lhs.getElementType()),
            steps = llvm::divideCeil(elements, kTileBytes / 2);
    while (elements % (2 * steps))
      ++steps;
    return elements / steps;
  }
  int64_t elements = kw * lines * channels, steps = llvm::divideCeil(elements, kTileBytes);
  return llvm::alignTo(llvm::divideCeil(elements, steps), 4);
}
