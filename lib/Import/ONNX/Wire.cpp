//===- Wire.cpp - Protobuf wire format over mapped bytes --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Wire.h"
#include "llvm/Support/Endian.h"

using namespace terse::onnx;

bool WireReader::readVarint(Bytes &bytes, uint64_t &value) {
  value = 0;
  for (unsigned i = 0; i < 10 && i < bytes.size(); ++i) {
    value |= uint64_t(bytes[i] & 0x7f) << (7 * i);
    if (!(bytes[i] & 0x80)) {
      bytes = bytes.drop_front(i + 1);
      return true;
    }
  }
  return false;
}

bool WireReader::next(WireField &field) {
  if (rest.empty() || failed())
    return false;
  uint64_t key;
  if (!readVarint(rest, key))
    return fail("a field's key is cut off");
  if ((key >> 3) == 0 || (key >> 3) > 0x1fffffff)
    return fail("a field has an impossible number");
  field.number = static_cast<uint32_t>(key >> 3);
  field.bytes = {};
  field.integer = 0;
  switch (key & 7) {
  case WireField::Varint:
    field.wire = WireField::Varint;
    return readVarint(rest, field.integer) || fail("an integer is cut off");
  case WireField::Fixed64:
    field.wire = WireField::Fixed64;
    if (rest.size() < 8)
      return fail("a 64-bit value is cut off");
    field.integer = llvm::support::endian::read64le(rest.data());
    rest = rest.drop_front(8);
    return true;
  case WireField::Length: {
    field.wire = WireField::Length;
    uint64_t size;
    if (!readVarint(rest, size))
      return fail("a length is cut off");
    if (size > rest.size())
      return fail("a length goes beyond the end of its message");
    field.bytes = rest.take_front(size);
    rest = rest.drop_front(size);
    return true;
  }
  case WireField::Fixed32:
    field.wire = WireField::Fixed32;
    if (rest.size() < 4)
      return fail("a 32-bit value is cut off");
    field.integer = llvm::support::endian::read32le(rest.data());
    rest = rest.drop_front(4);
    return true;
  default: // Groups, which no ONNX message has, and the two unassigned types.
    return fail("a field has an unknown wire type");
  }
}
