//===- Pack.h - Packing of 1 to 8 bit elements ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The packed layout of elements of 1 to 8 bits, the same in files, weight blobs and kernels:
// element i of the flattened row-major tensor takes the bits [i * b, (i + 1) * b) of the byte
// string, where bit k of the string is bit k % 8 (counted from the least significant) of byte k
// / 8. Elements follow each other without padding, also across bytes (3, 5, 6, 7 bits) and rows;
// only the last byte is filled up, with zero bits. Two 4-bit elements x, y thus give x | y << 4, as
// in ONNX.
//
// Unpacked elements take one byte each. Packing keeps the low b bits and drops the others, so that
// it does not depend on signedness; unpacking extends by sign or by zeros.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_NUMERICS_PACK_H
#define TERSE_NUMERICS_PACK_H

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace terse::numerics {

/// Bytes of `count` packed elements: ceil(count * bits / 8), without overflow for every count.
constexpr uint64_t packedSize(uint64_t count, unsigned bits) {
  return count / 8 * bits + (count % 8 * bits + 7) / 8;
}

/// Element `index` of packed data, as its bit pattern in [0, 2^bits).
inline uint8_t getPackedBits(const uint8_t *packed, uint64_t index, unsigned bits) {
  // Split before multiplying: index * bits may exceed 64 bits.
  uint64_t bit = index % 8 * bits;
  uint64_t byte = index / 8 * bits + bit / 8;
  unsigned shift = bit % 8;
  unsigned window = packed[byte];
  if (shift + bits > 8)
    window |= static_cast<unsigned>(packed[byte + 1]) << 8;
  return static_cast<uint8_t>((window >> shift) & ((1u << bits) - 1));
}

/// Extends a bit pattern of `bits` bits to a byte, by its sign or by zeros.
constexpr uint8_t extendBits(uint8_t pattern, unsigned bits, bool isSigned) {
  unsigned mask = (1u << bits) - 1;
  unsigned low = pattern & mask;
  bool negative = isSigned && ((low >> (bits - 1)) & 1) != 0;
  return static_cast<uint8_t>(negative ? (low | ~mask) : low);
}

/// Element `index` of packed data as an integer.
inline int getPacked(const uint8_t *packed, uint64_t index, unsigned bits, bool isSigned) {
  uint8_t byte = extendBits(getPackedBits(packed, index, bits), bits, isSigned);
  return isSigned ? static_cast<int>(static_cast<int8_t>(byte)) : static_cast<int>(byte);
}

/// Writes the low `bits` bits of `value` as element `index`; its neighbours stay.
inline void setPacked(uint8_t *packed, uint64_t index, unsigned bits, uint8_t value) {
  uint64_t bit = index % 8 * bits;
  uint64_t byte = index / 8 * bits + bit / 8;
  unsigned shift = bit % 8;
  unsigned mask = ((1u << bits) - 1) << shift;
  unsigned shifted = (static_cast<unsigned>(value) << shift) & mask;
  packed[byte] = static_cast<uint8_t>((packed[byte] & ~mask) | shifted);
  if (shift + bits > 8)
    packed[byte + 1] = static_cast<uint8_t>((packed[byte + 1] & ~(mask >> 8)) | (shifted >> 8));
}

/// Packs `count` byte-sized elements into packedSize(count, bits) bytes. `out` may not overlap
/// `in`.
inline void pack(const uint8_t *in, uint64_t count, unsigned bits, uint8_t *out) {
  if (bits == 8) {
    if (count)
      std::memcpy(out, in, count);
    return;
  }
  const uint64_t mask = (1u << bits) - 1;
  // Eight elements fill exactly `bits` bytes.
  uint64_t groups = count / 8;
  for (uint64_t g = 0; g < groups; ++g, in += 8, out += bits) {
    uint64_t word = 0;
    for (unsigned i = 0; i < 8; ++i)
      word |= (in[i] & mask) << (i * bits);
    for (unsigned i = 0; i < bits; ++i)
      out[i] = static_cast<uint8_t>(word >> (8 * i));
  }
  uint64_t word = 0;
  unsigned tail = count % 8;
  for (unsigned i = 0; i < tail; ++i)
    word |= (in[i] & mask) << (i * bits);
  for (unsigned i = 0; i < (tail * bits + 7) / 8; ++i)
    out[i] = static_cast<uint8_t>(word >> (8 * i));
}

/// Unpacks `count` elements to one byte each. `out` may not overlap `packed`.
inline void unpack(const uint8_t *packed, uint64_t count, unsigned bits, bool isSigned,
                   uint8_t *out) {
  if (bits == 8) {
    if (count)
      std::memcpy(out, packed, count);
    return;
  }
  uint64_t groups = count / 8;
  for (uint64_t g = 0; g < groups; ++g, packed += bits, out += 8) {
    uint64_t word = 0;
    for (unsigned i = 0; i < bits; ++i)
      word |= static_cast<uint64_t>(packed[i]) << (8 * i);
    for (unsigned i = 0; i < 8; ++i)
      out[i] = extendBits(static_cast<uint8_t>(word >> (i * bits)), bits, isSigned);
  }
  for (unsigned i = 0; i < count % 8; ++i)
    out[i] = extendBits(getPackedBits(packed, i, bits), bits, isSigned);
}

} // namespace terse::numerics

#endif // TERSE_NUMERICS_PACK_H
