//===- DType.cpp - Element types of host tensors ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Support/DType.h"

using namespace terse;
using numerics::FloatKind;

namespace {
struct NamedFloat {
  FloatKind kind;
  const char *name;
};
} // namespace

static constexpr NamedFloat kSmallFloats[] = {
    {FloatKind::F16, "f16"},
    {FloatKind::BF16, "bf16"},
    {FloatKind::F8E5M2, "f8E5M2"},
    {FloatKind::F8E4M3FN, "f8E4M3FN"},
    {FloatKind::F8E5M2FNUZ, "f8E5M2FNUZ"},
    {FloatKind::F8E4M3FNUZ, "f8E4M3FNUZ"},
    {FloatKind::F6E3M2FN, "f6E3M2FN"},
    {FloatKind::F6E2M3FN, "f6E2M3FN"},
    {FloatKind::F4E2M1FN, "f4E2M1FN"},
    {FloatKind::F8E8M0FNU, "f8E8M0FNU"},
};

std::string DType::getName() const {
  switch (kind) {
  case Kind::F64:
    return "f64";
  case Kind::F32:
    return "f32";
  case Kind::Bool:
    return "i1";
  case Kind::SInt:
    return (bits == 1 ? "si" : "i") + std::to_string(bits);
  case Kind::UInt:
    return "ui" + std::to_string(bits);
  case Kind::SmallFloat:
    break;
  }
  for (const NamedFloat &entry : kSmallFloats)
    if (entry.kind == floatKind)
      return entry.name;
  return "f32";
}

std::optional<DType> DType::parse(llvm::StringRef name) {
  if (name == "f64")
    return f64();
  if (name == "f32")
    return f32();
  if (name == "i1")
    return boolean();
  if (name == "si1")
    return si(1);
  for (const NamedFloat &entry : kSmallFloats)
    if (name == entry.name)
      return smallFloat(entry.kind);
  bool isUnsigned = name.consume_front("ui");
  unsigned width;
  if (!isUnsigned && !name.consume_front("i"))
    return std::nullopt;
  if (name.starts_with("0") || name.getAsInteger(10, width) || !isValidIntWidth(width))
    return std::nullopt;
  return isUnsigned ? ui(width) : si(width);
}
