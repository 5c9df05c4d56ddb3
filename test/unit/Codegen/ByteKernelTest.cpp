//===- ByteKernelTest.cpp - Dot products of bytes in vectors --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "UKernelTest.h"

using namespace mlir;
using namespace terse;
using llvm::formatv;

namespace {
class ByteKernelTest : public UKernelTest {};
} // namespace

// Rows in place and copied, with ends of steps, tiles, blocks and panels, a column that is alone in
// its panel; weights that are fetched ahead.
TEST_F(ByteKernelTest, Products) {
  struct Case {
    int64_t m, n, k;
    const char *x;
  };
  static const llvm::StringRef kVectors[] = {"x86-64", "x86-64-v3", "x86-64-v3+avxvnni",
                                             "x86-64-v4", "x86-64-v4+avx512vnni"};
  targets = kVectors;
  for (const Case &c : {Case{40, 70, 64, "ui8"}, Case{29, 33, 2048, "ui8"}, Case{8, 32, 2503, "i8"},
                        Case{21, 300, 2112, "ui8"}, Case{60, 17, 8, "i8"}, Case{50, 120, 96, "i8"},
                        Case{2, 60, 1001, "ui8"}})
    compareRequantized("nn.linear %x, %w", {c.m, c.n}, {c.n}, {c.m, c.k}, {c.n, c.k}, c.x,
                       c.m % 2 == 0);
}

// Windows of lines in place and with padding, which is left out where it is zero: images of one
// tile in a line and of many, results that see nothing of the image, columns that none sees or that
// are no whole steps. Dot products of bytes for all, others in turn.
TEST_F(ByteKernelTest, Windows) {
  struct Case {
    int64_t batch, channels, height, width, outputs, kernelHeight, kernelWidth, stride, pad,
        dilation, groups = 1;
  };
  static const llvm::StringRef kOthers[] = {"x86-64-v3", "x86-64-v4", "x86-64-v3+avxvnni",
                                            "x86-64"};
  size_t turn = 0;
  for (const Case &c :
       {Case{2, 64, 7, 7, 40, 3, 3, 1, 1, 1},    Case{1, 32, 14, 14, 70, 3, 3, 1, 1, 1},
        Case{1, 16, 5, 28, 33, 3, 3, 1, 1, 1},   Case{1, 8, 3, 57, 32, 3, 3, 1, 1, 1},
        Case{1, 4, 3, 70, 16, 3, 3, 1, 1, 1},    Case{2, 12, 9, 13, 24, 3, 3, 2, 1, 1},
        Case{1, 20, 10, 11, 17, 5, 5, 1, 2, 1},  Case{1, 4, 12, 12, 9, 5, 3, 3, 2, 1},
        Case{1, 8, 9, 9, 32, 3, 3, 1, 2, 2},     Case{1, 16, 8, 8, 32, 3, 3, 1, 0, 1},
        Case{1, 16, 9, 8, 32, 1, 1, 2, 0, 1},    Case{1, 4, 6, 7, 8, 1, 7, 1, 3, 1},
        Case{1, 4, 7, 6, 8, 7, 1, 1, 3, 1},      Case{1, 8, 2, 2, 8, 5, 5, 1, 4, 1},
        Case{1, 4, 3, 3, 8, 3, 3, 2, 4, 1},      Case{1, 3, 17, 16, 20, 3, 3, 2, 1, 1},
        Case{2, 32, 7, 9, 64, 3, 3, 1, 1, 1, 2}, Case{1, 64, 4, 7, 24, 3, 3, 1, 1, 1},
        Case{1, 256, 3, 16, 80, 1, 1, 1, 0, 1},  Case{1, 2048, 2, 3, 5, 3, 3, 1, 1, 1},
        Case{1, 6, 4, 20, 9, 3, 2, 1, 1, 1},     Case{1, 5, 4, 9, 8, 2, 2, 1, 1, 1}}) {
    llvm::StringRef some[] = {"x86-64-v4+avx512vnni", kOthers[turn++ % 4]};
    targets = some;
    std::vector<int64_t> input{c.batch, c.channels, c.height, c.width},
        weights{c.outputs, c.channels / c.groups, c.kernelHeight, c.kernelWidth},
        sums{c.batch, c.outputs,
             countWindows(c.height, c.kernelHeight, c.stride, c.pad, c.dilation),
             countWindows(c.width, c.kernelWidth, c.stride, c.pad, c.dilation)};
    for (const char *x : {"ui8", "i8"}) {
      // Padding of signed bytes is multiplied.
      if (x[0] == 'i' && c.dilation == 1 && c.groups == 1)
        continue;
      compareRequantized("nn.conv %x, %w " + printWindows(c.stride, c.pad, c.dilation, c.groups),
                         sums, {c.outputs, 1, 1}, input, weights, x,
                         (x[0] == 'u') != (c.batch == 2));
    }
  }
}
