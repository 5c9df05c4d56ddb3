//===- Dim.h - What import knows of a size ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exporters compute shapes by nodes: Shape, Gather, Mul, Concat, Reshape. Where a model has dynamic
// dimensions, import follows these computations symbolically, so that `Reshape(x, [N, -1])` of an
// `N x 12 x 5` tensor is `N x 60`.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_IMPORT_ONNX_DIM_H
#define TERSE_LIB_IMPORT_ONNX_DIM_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <optional>

namespace terse::onnx {

/// An integer as the product of a factor and unknowns: 12, N, 3*N*H. Two Dims are the same number
/// if they are equal; nothing is known otherwise.
class Dim {
public:
  Dim(int64_t value = 0) : factor(value) {}
  static Dim symbol(unsigned id) {
    Dim d(1);
    d.symbols.push_back(id);
    return d;
  }

  bool isConstant() const { return symbols.empty(); }
  int64_t getConstant() const { return factor; }
  /// As a dimension of a tensor type.
  int64_t asStatic() const { return isConstant() ? factor : mlir::ShapedType::kDynamic; }

  /// Certainly not negative: a product of sizes (even symbols, see Emitter::newSymbol).
  bool isSize() const {
    for (unsigned s : symbols)
      if (s % 2)
        return false;
    return factor >= 0;
  }

  bool operator==(const Dim &other) const {
    return factor == other.factor && symbols == other.symbols;
  }
  bool operator!=(const Dim &other) const { return !(*this == other); }

  /// Nothing if the result has not this form or does not fit 64 bits.
  static std::optional<Dim> mul(const Dim &a, const Dim &b);
  static std::optional<Dim> add(const Dim &a, const Dim &b);
  static std::optional<Dim> sub(const Dim &a, const Dim &b);
  /// Only where the division is known to leave no remainder, or both are constants (then it
  /// truncates).
  static std::optional<Dim> div(const Dim &a, const Dim &b);

private:
  int64_t factor;
  llvm::SmallVector<unsigned, 2> symbols; ///< Sorted.
};

using Dims = llvm::SmallVector<Dim, 4>;

/// The product of all.
std::optional<Dim> product(llvm::ArrayRef<Dim> dims);
llvm::SmallVector<int64_t> toStatic(llvm::ArrayRef<Dim> dims);

} // namespace terse::onnx

#endif
