//===- ONNX.h - Export of models to ONNX ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a module of the nn dialect, compressed or not, to an ONNX file of opset 21. Encoded weights
// become integers with DequantizeLinear, encoded activations pairs of QuantizeLinear and
// DequantizeLinear. docs/Interchange.md says what becomes of each encoding.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_EXPORT_ONNX_H
#define TERSE_EXPORT_ONNX_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace terse {

struct ONNXExportOptions {
  /// Encoded weights are written as the floats that they decode to.
  bool floatWeights = false;
  /// Weights of 1 KiB and more go to a file beside the model. Done anyway where the model would
  /// exceed `maxFileBytes`: readers of protocol buffers stop at 2 GiB.
  bool externalData = false;
  uint64_t maxFileBytes = (uint64_t(1) << 31) - 1;
};

struct ONNXExportResult {
  uint64_t modelBytes = 0;
  /// Of the file of weights; empty without one.
  std::string dataPath;
  uint64_t dataBytes = 0;
  unsigned numNodes = 0, numInitializers = 0;
};

/// Writes the entry function of `module`, which is not changed, to `path`. Equal modules give equal
/// bytes. After an error no file is changed. Errors read like
///   layer 'X' (nn.top_k): reason; way out
llvm::Expected<ONNXExportResult> exportONNX(mlir::ModuleOp module, llvm::StringRef path,
                                            const ONNXExportOptions &options = {});

} // namespace terse

#endif // TERSE_EXPORT_ONNX_H
