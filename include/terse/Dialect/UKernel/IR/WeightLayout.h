//===- WeightLayout.h - Where codes and scales lie ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What kernels with a decoding read for one vector of `lanes` columns:
//
//   tables | group 0: scales, zero points, units | group 1: ... | zeros up to 64 bytes
//
// With `blocks` there is one group, which begins with all scales, all zero points, and the index of
// each element's block in 16 bits.
//
// A unit is the shortest run of codes along the contraction that fills whole 32-bit words: word w
// of a column holds bits [32 w, 32 w + 32) of its codes. Words lie as vectors of `lanes`. Codes of
// 8 bits lie as vectors of bytes. Groups are filled up to whole units; the left operand has zeros
// there.
//
// Schedules of depth 4 multiply integers, four neighbours along the contraction (a quad) in each
// word of a vector at a time. Codes are unsigned there: signed ones have half of their range added.
// A unit has its codes' bits in planes of 4, 2 and 1 bits that make up their number (8: one plane);
// a word of a plane of p bits has bits [p i, p i + p) of each of its bytes for quad i, so that a
// shift and a mask give the quad. Codes of 8 bits need neither.

#ifndef TERSE_DIALECT_UKERNEL_IR_WEIGHTLAYOUT_H
#define TERSE_DIALECT_UKERNEL_IR_WEIGHTLAYOUT_H

#include "terse/Dialect/UKernel/IR/UKernelOps.h"

namespace terse::ukernel {

struct WeightLayout {
  WeightLayout(KernelSizes sizes, ScheduleAttr schedule, DecodingAttr decoding);

  /// Columns of a vector, vectors of a panel, panels.
  int64_t lanes, vectors, panels;
  int64_t bits;
  /// Codes and bytes of a unit (of all lanes).
  int64_t unitCodes, unitBytes;
  /// Elements along the contraction that share a scale; the same filled up; how many groups.
  int64_t group, paddedGroup, groups;
  /// Entries of a table as it is stored, and bytes of each part.
  int64_t entries, tableBytes, scaleBytes, zeroBytes, indexBytes, groupBytes, bytes;
  /// Scales that stand before the codes of a group, 1 unless there are several blocks.
  int64_t blocks;

  /// From the begin of a group to its zero points, indices and codes.
  int64_t getZeroOffset() const { return blocks * scaleBytes; }
  int64_t getIndexOffset() const { return blocks * (scaleBytes + zeroBytes); }
  int64_t getCodeOffset() const { return getIndexOffset() + indexBytes; }

  /// The contraction with all groups filled up.
  int64_t getDepth() const { return groups * paddedGroup; }
  /// Where element `k` of the contraction stands in it.
  int64_t getPosition(int64_t k) const { return k / group * paddedGroup + k % group; }
  /// Whether tiles multiply a group in several turns, each of which takes a part of it; it is
  /// filled up to whole steps of tiles then.
  bool isLong() const { return groups == 1 || group >= 256; }
  bool hasGaps() const { return groups > 1 && group != paddedGroup; }
  llvm::SmallVector<int64_t> getShape() const { return {panels, vectors, bytes}; }

  /// Whether codes lie as quads; what was added to them.
  bool quads;
  int64_t offset;
  /// A part of the bits of all codes of a unit: how many bits, from which on, its first word.
  struct Plane {
    int64_t bits, from, word;
  };
  llvm::SmallVector<Plane, 3> getPlanes() const;
};

/// Columns of a vector register of these instructions, of 32 bits each.
int64_t getLanes(ISA isa);

} // namespace terse::ukernel

#endif
