//===- PackTest.cpp - Packing of 1 to 8 bit elements ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Numerics/Pack.h"

#include <gtest/gtest.h>
#include <random>
#include <vector>

using namespace terse::numerics;

/// The definition of the layout, bit by bit.
static std::vector<uint8_t> packBitByBit(const std::vector<uint8_t> &in, unsigned bits) {
  std::vector<uint8_t> out((in.size() * bits + 7) / 8);
  for (size_t i = 0; i < in.size(); ++i)
    for (unsigned b = 0; b < bits; ++b) {
      size_t k = i * bits + b;
      out[k / 8] |= static_cast<uint8_t>(((in[i] >> b) & 1) << (k % 8));
    }
  return out;
}

static int signExtend(unsigned pattern, unsigned bits) {
  int low = static_cast<int>(pattern & ((1u << bits) - 1));
  return low >= (1 << (bits - 1)) ? low - (1 << bits) : low;
}

TEST(Pack, SizeHasNoOverflow) {
  EXPECT_EQ(packedSize(0, 4), 0u);
  EXPECT_EQ(packedSize(1, 1), 1u);
  EXPECT_EQ(packedSize(8, 1), 1u);
  EXPECT_EQ(packedSize(9, 1), 2u);
  EXPECT_EQ(packedSize(3, 3), 2u);
  EXPECT_EQ(packedSize(5, 6), 4u);
  EXPECT_EQ(packedSize(7, 8), 7u);
  EXPECT_EQ(packedSize(UINT64_MAX, 8), UINT64_MAX);
  EXPECT_EQ(packedSize(UINT64_MAX, 4), uint64_t(1) << 63);
}

TEST(Pack, HandComputed) {
  // Two nibbles: the first one low, as in ONNX.
  const uint8_t nibbles[] = {0x1, 0xE, 0x7};
  uint8_t out[3];
  pack(nibbles, 3, 4, out);
  EXPECT_EQ(out[0], 0xE1);
  EXPECT_EQ(out[1], 0x07);
  // 3 bits: 1, 2, 3 = 001 010 011 from the low end: 1 | 2 << 3 | (3 & 3) << 6 = 0xD1, carry 0.
  const uint8_t threes[] = {1, 2, 3, 7};
  pack(threes, 4, 3, out);
  EXPECT_EQ(out[0], 0xD1);
  EXPECT_EQ(out[1], 0x0E);
  // -1 as a byte: only the low bits count.
  const uint8_t ones[] = {0xFF, 0x00, 0xFF};
  pack(ones, 3, 2, out);
  EXPECT_EQ(out[0], 0x33);
}

TEST(Pack, EveryWidthAndTail) {
  std::mt19937 random(1);
  for (unsigned bits = 1; bits <= 8; ++bits)
    for (size_t count = 0; count <= 41; ++count) {
      std::vector<uint8_t> in(count);
      for (uint8_t &x : in)
        x = static_cast<uint8_t>(random());
      std::vector<uint8_t> packed(packedSize(count, bits) + 1, 0xA5);
      pack(in.data(), count, bits, packed.data());
      ASSERT_EQ(packed.back(), 0xA5) << "written past the end";
      packed.pop_back();
      ASSERT_EQ(packed, packBitByBit(in, bits)) << bits << " bits, " << count;
      for (bool isSigned : {false, true}) {
        std::vector<uint8_t> out(count + 1, 0x5A);
        unpack(packed.data(), count, bits, isSigned, out.data());
        ASSERT_EQ(out.back(), 0x5A) << "written past the end";
        for (size_t i = 0; i < count; ++i) {
          int expected = isSigned ? signExtend(in[i], bits) : in[i] & ((1 << bits) - 1);
          ASSERT_EQ(isSigned ? int(int8_t(out[i])) : int(out[i]), expected);
          ASSERT_EQ(getPacked(packed.data(), i, bits, isSigned), expected);
          ASSERT_EQ(getPackedBits(packed.data(), i, bits), in[i] & ((1 << bits) - 1));
        }
      }
    }
}

TEST(Pack, EveryBytePatternRoundTrips) {
  for (unsigned bits = 1; bits <= 8; ++bits)
    for (unsigned pattern = 0; pattern < 256; ++pattern) {
      // `bits` bytes of the pattern hold exactly eight elements.
      std::vector<uint8_t> packed(bits, static_cast<uint8_t>(pattern)), again(bits), elements(8);
      for (bool isSigned : {false, true}) {
        unpack(packed.data(), 8, bits, isSigned, elements.data());
        pack(elements.data(), 8, bits, again.data());
        ASSERT_EQ(again, packed) << bits;
      }
    }
}

TEST(Pack, SetLeavesTheNeighbours) {
  for (unsigned bits = 1; bits <= 8; ++bits)
    for (uint8_t background : {0x00, 0xFF})
      for (unsigned index = 0; index < 16; ++index) {
        std::vector<uint8_t> packed(packedSize(16, bits), background);
        uint8_t value = static_cast<uint8_t>(~background);
        setPacked(packed.data(), index, bits, value);
        for (unsigned i = 0; i < 16; ++i)
          ASSERT_EQ(getPackedBits(packed.data(), i, bits),
                    (i == index ? value : background) & ((1 << bits) - 1));
      }
}
