//===- File.h - An ONNX file under construction -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_EXPORT_ONNX_FILE_H
#define TERSE_LIB_EXPORT_ONNX_FILE_H

#include "Wire.h"
#include "terse/Export/ONNX.h"
#include "terse/Support/DType.h"
#include "llvm/Support/raw_ostream.h"

#include <functional>
#include <vector>

namespace terse::onnx {

/// A tensor of the model. Its data are produced when they are written, one tensor at a time.
struct Initializer {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  /// Writes getPackedBytes(dtype, number of elements) bytes.
  std::function<llvm::Error(llvm::raw_ostream &)> write;

  uint64_t getBytes() const;
};

struct GraphValue {
  std::string name;
  DType dtype;
  struct Dim {
    int64_t size; ///< -1 if unknown.
    std::string symbol;
  };
  std::vector<Dim> dims;
};

/// A model as it is to be written; nodes are NodeProtos.
struct ModelFile {
  std::vector<Message> nodes;
  std::vector<Initializer> initializers;
  std::vector<GraphValue> inputs, outputs;
};

/// Writes the model, atomically; with a file of weights, that one appears first.
llvm::Expected<ONNXExportResult> writeModel(const ModelFile &model, llvm::StringRef path,
                                            const ONNXExportOptions &options);

} // namespace terse::onnx

#endif // TERSE_LIB_EXPORT_ONNX_FILE_H
