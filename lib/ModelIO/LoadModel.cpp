//===- LoadModel.cpp - Reading models ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Specialize.h"
#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "terse/Import/ONNX.h"
#include "terse/ModelIO/ModelFile.h"
#include "terse/Support/Error.h"
#include "terse/Support/MappedFile.h"
#include "terse/Support/SafetensorsBridge.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace terse;

std::string terse::getWeightsPath(StringRef modelPath) {
  SmallString<256> path(modelPath);
  llvm::sys::path::replace_extension(path, ".safetensors");
  return path.str().str();
}

static llvm::Error checkFormat(const SafetensorsFile &file) {
  auto it = file.getMetadata().find("terse_format");
  if (it == file.getMetadata().end())
    return makeError("not a weights file of terse: its metadata have no 'terse_format'");
  int version;
  if (StringRef(it->second).getAsInteger(10, version) || version < 1)
    return makeError("'terse_format' is '{0}'; expected a number", it->second);
  if (version > kModelFormat)
    return makeError("format version {0} is newer than this build of terse, which reads versions "
                     "up to {1}",
                     version, kModelFormat);
  return llvm::Error::success();
}

/// Points an external global at its tensor.
static llvm::Error attachGlobal(ml_program::GlobalOp global, const SafetensorsFile &file) {
  auto type = dyn_cast<RankedTensorType>(global.getType());
  if (!type)
    return makeError("global '{0}' of the module has type {1}, which no weights file can hold",
                     global.getSymName(), global.getType());
  auto value = mapTensor(file, global.getSymName(), type, global.getSymName());
  if (!value)
    return value.takeError();
  global.setValueAttr(*value);
  return llvm::Error::success();
}

static llvm::Error attachWeights(ModuleOp module, StringRef path) {
  SmallVector<ml_program::GlobalOp> globals;
  module.walk([&](ml_program::GlobalOp global) {
    if (isa_and_nonnull<ml_program::ExternAttr>(global.getValueAttr()))
      globals.push_back(global);
  });
  std::string weightsPath = getWeightsPath(path);
  if (globals.empty() && !llvm::sys::fs::exists(weightsPath))
    return llvm::Error::success();
  auto file = SafetensorsFile::open(weightsPath);
  if (!file)
    return file.takeError();
  if (llvm::Error error = checkFormat(*file))
    return inFile(weightsPath, std::move(error));
  for (ml_program::GlobalOp global : globals)
    if (llvm::Error error = attachGlobal(global, *file))
      return inFile(weightsPath, std::move(error));
  return llvm::Error::success();
}

/// A module file of MLIR begins with its magic number or is text. ONNX is a protocol buffer and has
/// no magic number; its extension decides, so that a broken file gets the right message.
static bool isONNX(StringRef path) { return llvm::sys::path::extension(path) == ".onnx"; }

llvm::Expected<OwningOpRef<ModuleOp>> terse::loadModel(MLIRContext &context, StringRef path,
                                                       const LoadOptions &options) {
  if (isONNX(path)) {
    ONNXImportOptions import;
    import.bindings = options.bindings;
    import.dims = options.dims;
    import.used = options.used;
    return importONNX(context, path, import);
  }
  StringRef extension = llvm::sys::path::extension(path);
  if (extension != ".mlir" && extension != ".mlirbc")
    return makeError("'{0}': not a model; expected .onnx, .mlirbc or .mlir", path);

  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  StringRef text(reinterpret_cast<const char *>((*file)->getBytes().data()),
                 (*file)->getBytes().size());
  bool isBytecode = mlir::isBytecode(llvm::MemoryBufferRef(text, path));
  if (extension == ".mlirbc" && !isBytecode)
    return makeError("'{0}': not MLIR bytecode; the file is damaged or something else", path);
  // The text parser wants a terminating zero, which a mapping does not have.
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(isBytecode ? llvm::MemoryBuffer::getMemBuffer(text, path, false)
                                        : llvm::MemoryBuffer::getMemBufferCopy(text, path),
                             llvm::SMLoc());
  ParserConfig config(&context);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, config);
  if (!module)
    return makeError("'{0}': not a valid module", path);
  if (llvm::Error error = attachWeights(*module, path))
    return std::move(error);
  if (llvm::Error error = specialize(*module, options))
    return inFile(path, std::move(error));
  return module;
}
