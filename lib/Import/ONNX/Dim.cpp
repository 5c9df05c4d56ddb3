//===- Dim.cpp - What import knows of a size --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Dim.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace terse::onnx;

std::optional<Dim> Dim::mul(const Dim &a, const Dim &b) {
  Dim r;
  if (llvm::MulOverflow(a.factor, b.factor, r.factor))
    return std::nullopt;
  if (r.factor == 0)
    return r;
  r.symbols = a.symbols;
  r.symbols.append(b.symbols.begin(), b.symbols.end());
  llvm::sort(r.symbols);
  // A hostile graph can square a size over and over.
  if (r.symbols.size() > 16)
    return std::nullopt;
  return r;
}

std::optional<Dim> Dim::add(const Dim &a, const Dim &b) {
  if (a.factor == 0)
    return b;
  if (b.factor == 0)
    return a;
  Dim r = a;
  if (a.symbols != b.symbols || llvm::AddOverflow(a.factor, b.factor, r.factor))
    return std::nullopt;
  if (r.factor == 0)
    r.symbols.clear();
  return r;
}

std::optional<Dim> Dim::sub(const Dim &a, const Dim &b) {
  Dim negated = b;
  if (llvm::SubOverflow<int64_t>(0, b.factor, negated.factor))
    return std::nullopt;
  return add(a, negated);
}

std::optional<Dim> Dim::div(const Dim &a, const Dim &b) {
  if (b.factor == 0 || (a.factor == std::numeric_limits<int64_t>::min() && b.factor == -1))
    return std::nullopt;
  if (a.isConstant() && b.isConstant())
    return Dim(a.factor / b.factor);
  if (a.factor % b.factor)
    return std::nullopt;
  Dim r(a.factor / b.factor);
  r.symbols = a.symbols;
  for (unsigned s : b.symbols) {
    auto it = llvm::find(r.symbols, s);
    if (it == r.symbols.end())
      return std::nullopt;
    r.symbols.erase(it);
  }
  return r;
}

std::optional<Dim> terse::onnx::product(llvm::ArrayRef<Dim> dims) {
  Dim r(1);
  for (const Dim &d : dims) {
    std::optional<Dim> next = Dim::mul(r, d);
    if (!next)
      return std::nullopt;
    r = *next;
  }
  return r;
}

llvm::SmallVector<int64_t> terse::onnx::toStatic(llvm::ArrayRef<Dim> dims) {
  llvm::SmallVector<int64_t> r;
  for (const Dim &d : dims)
    r.push_back(d.asStatic());
  return r;
}
