//===- ONNXTypes.h - Element types by their number in ONNX ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_IMPORT_ONNXTYPES_H
#define TERSE_IMPORT_ONNXTYPES_H

#include "terse/Support/DType.h"

#include <optional>
#include <string>

namespace terse::onnx {

/// TensorProto.DataType, as far as it has a host type.
std::optional<DType> getElementType(int64_t onnxType);
/// `FLOAT`, `STRING`, ... for messages.
std::string getElementTypeName(int64_t onnxType);
/// The number of a host type in TensorProto.DataType; 0 if it has none.
int64_t getOnnxType(DType dtype);

} // namespace terse::onnx

#endif // TERSE_IMPORT_ONNXTYPES_H
