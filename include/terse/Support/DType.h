//===- DType.h - Element types of host tensors ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The element types that tensors in files and in the interpreter have. Names are those of MLIR's
// builtin types: signless `iN` is the signed integer, `uiN` the unsigned one, and `i1` is bool; the
// signed 1-bit integer {-1, 0} is therefore `si1`.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_SUPPORT_DTYPE_H
#define TERSE_SUPPORT_DTYPE_H

#include "terse/Numerics/Float.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

namespace terse {

/// A small value class; a default-constructed DType is f32.
class DType {
public:
  enum class Kind : uint8_t { F64, F32, SmallFloat, Bool, SInt, UInt };

  constexpr DType() = default;

  static constexpr DType f64() { return DType(Kind::F64, 64); }
  static constexpr DType f32() { return DType(Kind::F32, 32); }
  static constexpr DType f16() { return DType(numerics::FloatKind::F16); }
  static constexpr DType bf16() { return DType(numerics::FloatKind::BF16); }
  static constexpr DType smallFloat(numerics::FloatKind kind) { return DType(kind); }
  static constexpr DType boolean() { return DType(Kind::Bool, 1); }
  /// Integers have 1 to 8, 16, 32 or 64 bits: see isValidIntWidth.
  static constexpr DType si(unsigned bits) { return DType(Kind::SInt, bits); }
  static constexpr DType ui(unsigned bits) { return DType(Kind::UInt, bits); }
  static constexpr DType i8() { return si(8); }
  static constexpr DType i16() { return si(16); }
  static constexpr DType i32() { return si(32); }
  static constexpr DType i64() { return si(64); }
  static constexpr DType u8() { return ui(8); }
  static constexpr DType u16() { return ui(16); }
  static constexpr DType u32() { return ui(32); }
  static constexpr DType u64() { return ui(64); }

  static constexpr bool isValidIntWidth(uint64_t bits) {
    return (bits >= 1 && bits <= 8) || bits == 16 || bits == 32 || bits == 64;
  }

  /// The inverse of getName; nothing for other names.
  static std::optional<DType> parse(llvm::StringRef name);

  constexpr Kind getKind() const { return kind; }
  /// Only for isSmallFloat().
  constexpr numerics::FloatKind getFloatKind() const { return floatKind; }
  /// The spelling of MLIR's builtin type: `f32`, `f8E4M3FN`, `i4`, `ui4`, `i1`, `si1`.
  std::string getName() const;

  /// Width of an element in files and weight blobs; bool is 1 (but see getPackedBits).
  constexpr unsigned getBits() const { return bits; }
  /// Bytes of an element in a HostTensor: sub-byte elements take a whole one.
  constexpr unsigned getHostBytes() const { return bits <= 8 ? 1 : bits / 8; }
  /// Width of an element in packed data: getBits(), except that bool takes a whole byte, as in
  /// every tensor file format.
  constexpr unsigned getPackedBits() const { return isBool() ? 8 : bits; }
  constexpr bool isSubByte() const { return getPackedBits() < 8; }

  constexpr bool isFloat() const {
    return kind == Kind::F64 || kind == Kind::F32 || kind == Kind::SmallFloat;
  }
  constexpr bool isSmallFloat() const { return kind == Kind::SmallFloat; }
  constexpr bool isBool() const { return kind == Kind::Bool; }
  /// Signed or unsigned integers, bool not among them.
  constexpr bool isInteger() const { return kind == Kind::SInt || kind == Kind::UInt; }
  constexpr bool isSignedInteger() const { return kind == Kind::SInt; }
  constexpr bool isUnsignedInteger() const { return kind == Kind::UInt; }

  friend constexpr bool operator==(DType a, DType b) {
    return a.kind == b.kind && a.bits == b.bits && a.floatKind == b.floatKind;
  }
  friend constexpr bool operator!=(DType a, DType b) { return !(a == b); }

private:
  constexpr DType(Kind kind, unsigned bits) : kind(kind), bits(static_cast<uint8_t>(bits)) {}
  constexpr explicit DType(numerics::FloatKind small)
      : kind(Kind::SmallFloat), floatKind(small),
        bits(static_cast<uint8_t>(numerics::getFloatBits(small))) {}

  Kind kind = Kind::F32;
  /// F16 where it means nothing, so that equality can compare all members.
  numerics::FloatKind floatKind = numerics::FloatKind::F16;
  uint8_t bits = 32;
};

/// The DType whose host representation is the C++ type T: float, double, bool, (u)int8..64_t.
template <typename T>
constexpr DType getDType() {
  if constexpr (std::is_same_v<T, bool>)
    return DType::boolean();
  else if constexpr (std::is_same_v<T, double>)
    return DType::f64();
  else if constexpr (std::is_same_v<T, float>)
    return DType::f32();
  else {
    static_assert(std::is_integral_v<T>, "no DType has this representation");
    return std::is_signed_v<T> ? DType::si(8 * sizeof(T)) : DType::ui(8 * sizeof(T));
  }
}

} // namespace terse

#endif // TERSE_SUPPORT_DTYPE_H
