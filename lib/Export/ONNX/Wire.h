//===- Wire.h - Writes the protobuf wire format -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The counterpart of the importer's reader. A message is a string of fields; only what holds tensor
// data is written piece by piece (File.cpp). https://protobuf.dev/programming-guides/encoding
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_EXPORT_ONNX_WIRE_H
#define TERSE_LIB_EXPORT_ONNX_WIRE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <cstring>
#include <string>

namespace terse::onnx {

class Message {
public:
  const std::string &getBytes() const { return bytes; }
  uint64_t size() const { return bytes.size(); }

  Message &integer(uint32_t field, int64_t value) {
    key(field, 0);
    varint(static_cast<uint64_t>(value));
    return *this;
  }
  Message &text(uint32_t field, llvm::StringRef value) {
    lengthPrefix(field, value.size());
    bytes += value;
    return *this;
  }
  Message &message(uint32_t field, const Message &value) { return text(field, value.bytes); }
  Message &number(uint32_t field, float value) {
    key(field, 5);
    append(value);
    return *this;
  }
  /// Packed runs.
  Message &integers(uint32_t field, llvm::ArrayRef<int64_t> values) {
    Message run;
    for (int64_t value : values)
      run.varint(static_cast<uint64_t>(value));
    return message(field, run);
  }
  Message &numbers(uint32_t field, llvm::ArrayRef<float> values) {
    Message run;
    for (float value : values)
      run.append(value);
    return message(field, run);
  }
  /// The head of a field of `size` bytes that follow.
  Message &lengthPrefix(uint32_t field, uint64_t size) {
    key(field, 2);
    varint(size);
    return *this;
  }

private:
  void key(uint32_t field, unsigned wire) { varint(uint64_t(field) << 3 | wire); }
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      bytes += static_cast<char>(value | 0x80);
    bytes += static_cast<char>(value);
  }
  void append(float value) {
    char raw[sizeof(value)];
    std::memcpy(raw, &value, sizeof(value)); // Hosts are little-endian, as the format is.
    bytes.append(raw, sizeof(value));
  }

  std::string bytes;
};

} // namespace terse::onnx

#endif // TERSE_LIB_EXPORT_ONNX_WIRE_H
