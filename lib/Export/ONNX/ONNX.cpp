//===- ONNX.cpp - Export of models to ONNX ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Export/ONNX.h"

#include "Exporter.h"
#include "mlir/IR/OwningOpRef.h"
#include "terse/ModelIO/ModelFile.h"
#include "terse/Support/Error.h"

using namespace mlir;
using namespace terse;
using namespace terse::onnx;

llvm::Expected<ONNXExportResult> terse::exportONNX(ModuleOp module, llvm::StringRef path,
                                                   const ONNXExportOptions &options) {
  // Rewritten on a copy, which shares the weights.
  OwningOpRef<ModuleOp> copy(cast<ModuleOp>(module->clone()));
  if (llvm::Error error = prepareForExport(*copy, options.floatWeights))
    return std::move(error);
  auto function = findEntryFunction(*copy);
  if (!function)
    return function.takeError();
  if (!function->getBody().hasOneBlock())
    return makeError("the entry function has several blocks; ONNX graphs are straight lines");
  ModelFile file;
  try {
    Exporter exporter(*copy);
    file = exporter.run(*function);
  } catch (const ExportFailure &failure) {
    return makeError("{0}", failure.reason);
  }
  return writeModel(file, path, options);
}
