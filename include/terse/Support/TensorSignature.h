//===- TensorSignature.h - Inputs and outputs of models --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_SUPPORT_TENSORSIGNATURE_H
#define TERSE_SUPPORT_TENSORSIGNATURE_H

#include "terse/Support/DType.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace terse {

/// One input or output of a model.
struct TensorSignature {
  std::string name;
  DType dtype;
  /// -1 for dimensions that are known at run time only.
  std::vector<int64_t> shape;
  /// Names of dynamic dimensions, empty for those without one; an empty list if there is no name.
  std::vector<std::string> dimNames = {};

  llvm::StringRef getDimName(size_t axis) const {
    return axis < dimNames.size() ? llvm::StringRef(dimNames[axis]) : llvm::StringRef();
  }

  /// `?x3x224x224xf32`
  std::string getTypeString() const {
    std::string text;
    for (int64_t size : shape)
      text += (size < 0 ? "?" : std::to_string(size)) + "x";
    return text + dtype.getName();
  }
};

} // namespace terse

#endif // TERSE_SUPPORT_TENSORSIGNATURE_H
