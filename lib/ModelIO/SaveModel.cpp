//===- SaveModel.cpp - Writing models ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "terse/ModelIO/ModelFile.h"
#include "terse/Support/AtomicFile.h"
#include "terse/Support/Error.h"
#include "terse/Support/MLIRBridge.h"
#include "terse/Support/Safetensors.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace terse;

/// The weights of a module: one spec per global that has data.
static llvm::Error collectWeights(ModuleOp module, SmallVectorImpl<ml_program::GlobalOp> &globals,
                                  std::vector<SafetensorsSpec> &specs) {
  for (auto global : module.getOps<ml_program::GlobalOp>()) {
    auto value = dyn_cast_or_null<ElementsAttr>(global.getValueAttr());
    if (!value)
      return makeError("global '{0}' has no value to save", global.getSymName());
    std::optional<DType> dtype = toDType(value.getElementType());
    if (!dtype)
      return makeError("global '{0}' has element type {1}, which no weights file can hold",
                       global.getSymName(), value.getElementType());
    specs.push_back({global.getSymName().str(), *dtype, value.getShapedType().getShape().vec()});
    globals.push_back(global);
  }
  return llvm::Error::success();
}

static llvm::Error writeWeight(ElementsAttr value, const SafetensorsSpec &spec,
                               llvm::raw_ostream &os) {
  // A resource is stored as it is to be written already.
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    uint64_t expected = getPackedBytes(spec.dtype, *countElements(spec.shape));
    if (!blob || blob->getData().size() != expected)
      return makeError("global '{0}' has {1} bytes of data, expected {2}", spec.name,
                       blob ? blob->getData().size() : 0, expected);
    os.write(blob->getData().data(), blob->getData().size());
    return llvm::Error::success();
  }
  llvm::Expected<HostTensor> tensor = toHostTensor(value);
  if (!tensor)
    return tensor.takeError();
  std::vector<uint8_t> bytes = tensor->toPacked();
  os.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  return llvm::Error::success();
}

static llvm::Error writeModule(ModuleOp module, StringRef path, llvm::raw_ostream &os) {
  if (llvm::sys::path::extension(path) == ".mlir") {
    OpPrintingFlags flags;
    flags.enableDebugInfo(true); // Layer names are locations.
    module->print(os, flags);
    os << "\n";
    return llvm::Error::success();
  }
  BytecodeWriterConfig config("Terse");
  if (failed(writeBytecodeToFile(module, os, config)))
    return makeError("'{0}': the module cannot be written as bytecode", path);
  return llvm::Error::success();
}

static llvm::Error checkExtension(StringRef path) {
  StringRef extension = llvm::sys::path::extension(path);
  if (extension == ".mlirbc" || extension == ".mlir")
    return llvm::Error::success();
  return makeError("'{0}': a model is written as .mlirbc or .mlir", path);
}

llvm::Error terse::checkModelPathWritable(StringRef path) {
  if (llvm::Error error = checkExtension(path))
    return error;
  for (const std::string &file : {path.str(), getWeightsPath(path)}) {
    auto trial = AtomicFile::create(file);
    if (!trial)
      return trial.takeError();
  }
  return llvm::Error::success();
}

llvm::Expected<SavedModel> terse::saveModel(ModuleOp module, StringRef path) {
  if (llvm::Error error = checkExtension(path))
    return std::move(error);
  SmallVector<ml_program::GlobalOp> globals;
  std::vector<SafetensorsSpec> specs;
  if (llvm::Error error = collectWeights(module, globals, specs))
    return std::move(error);

  SmallVector<Attribute> values;
  for (ml_program::GlobalOp global : globals) {
    values.push_back(global.getValueAttr());
    global.setValueAttr(ml_program::ExternAttr::get(global.getContext(), global.getType()));
  }
  llvm::scope_exit restore([&] {
    for (auto [global, value] : llvm::zip(globals, values))
      global.setValueAttr(value);
  });

  // The module is complete under a temporary name before the weights appear, and appears last: what
  // fails, fails before anything is visible.
  SavedModel saved;
  saved.weightsPath = getWeightsPath(path);
  auto file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  if (llvm::Error error = writeModule(module, path, file->getStream()))
    return std::move(error);
  saved.moduleBytes = file->getStream().tell();
  auto produce = [&](size_t index, llvm::raw_ostream &os) {
    return writeWeight(cast<ElementsAttr>(values[index]), specs[index], os);
  };
  SafetensorsMetadata metadata{{"terse_format", std::to_string(kModelFormat)}};
  if (llvm::Error error = writeSafetensors(saved.weightsPath, specs, metadata, produce))
    return std::move(error);
  if (llvm::Error error = file->commit())
    return std::move(error);
  if (std::error_code code = llvm::sys::fs::file_size(saved.weightsPath, saved.weightsBytes))
    return makeError("'{0}': {1}", saved.weightsPath, code.message());
  return saved;
}

llvm::Expected<uint64_t> terse::getModelFileBytes(StringRef path) {
  uint64_t bytes = 0, weights = 0;
  if (std::error_code code = llvm::sys::fs::file_size(path, bytes))
    return makeError("'{0}': {1}", path, code.message());
  StringRef extension = llvm::sys::path::extension(path);
  if (extension == ".mlirbc" || extension == ".mlir")
    if (!llvm::sys::fs::file_size(getWeightsPath(path), weights))
      bytes += weights;
  return bytes;
}
