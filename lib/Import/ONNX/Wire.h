//===- Wire.h - Protobuf wire format over mapped bytes ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the protobuf encoding in place: a message is a range of bytes, a field is a number and a
// value inside that range, nothing is copied. Whatever the bytes are, reading stops with an error
// or at the end, never outside. https://protobuf.dev/programming-guides/encoding
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_IMPORT_ONNX_WIRE_H
#define TERSE_LIB_IMPORT_ONNX_WIRE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <cstring>
#include <string>

namespace terse::onnx {

using Bytes = llvm::ArrayRef<uint8_t>;

/// One field of a message. Exactly one of the values has a meaning, as `wire` says.
struct WireField {
  enum Type : uint8_t { Varint = 0, Fixed64 = 1, Length = 2, Fixed32 = 5 };

  uint32_t number = 0;
  Type wire = Varint;
  uint64_t integer = 0; ///< Varint, Fixed64, Fixed32.
  Bytes bytes;          ///< Length.

  int64_t asInt() const { return static_cast<int64_t>(integer); }
  float asFloat() const {
    uint32_t bits = static_cast<uint32_t>(integer);
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }
  llvm::StringRef asString() const {
    return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
  }
};

/// Iterates over the fields of a message:
///   WireReader reader(bytes);
///   while (reader.next(field)) ...
///   if (reader.failed()) ... reader.getError()
class WireReader {
public:
  explicit WireReader(Bytes bytes) : rest(bytes) {}

  /// False at the end and on malformed bytes.
  bool next(WireField &field);

  bool failed() const { return !error.empty(); }
  const std::string &getError() const { return error; }

  /// Reads one varint off the front of `bytes`; false if it is cut off or longer than ten bytes.
  static bool readVarint(Bytes &bytes, uint64_t &value);

private:
  bool fail(const char *reason) {
    error = reason;
    return false;
  }

  Bytes rest;
  std::string error;
};

} // namespace terse::onnx

#endif
