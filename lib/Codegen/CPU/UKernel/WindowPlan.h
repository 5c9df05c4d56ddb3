//===- WindowPlan.h - Positions of a convolution's tiles -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_CODEGEN_CPU_UKERNEL_WINDOWPLAN_H
#define TERSE_LIB_CODEGEN_CPU_UKERNEL_WINDOWPLAN_H

#include <cstdint>

namespace terse {

/// What a plan follows from: the result, rows of a tile, positions that a line has at least, lines
/// that a block has at most, and, where lines in the padding may be left out (`skips`), the window.
struct WindowTiles {
  int64_t outHeight, outWidth, tileRows, least, mostLines;
  bool skips;
  int64_t inHeight, kernel, stride, pad;
};

/// Positions of a line, positions in front of the first one, lines of the result in a block.
struct WindowPlan {
  int64_t positions, lead, height;
};

/// The plan with the fewest products of tiles: their ends fall on the ends of blocks, and as many
/// sixteens of rows as possible lie in the first and the last line, whose windows reach into the
/// padding. Among equal ones that with the largest blocks and the fewest positions.
WindowPlan planWindowTiles(const WindowTiles &tiles);

} // namespace terse

#endif
