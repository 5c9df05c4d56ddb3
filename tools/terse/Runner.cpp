//===- Runner.cpp - Something that computes a model -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Runner.h"
#include "Artifact.h"

#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Reference/Interpreter.h"

using namespace terse;
using namespace terse::tool;

Runner::~Runner() = default;

namespace {

class InterpretedRunner : public Runner {
public:
  llvm::Error load(llvm::StringRef path, const LoadOptions &options) {
    auto loaded = session.load(path, options);
    if (!loaded)
      return loaded.takeError();
    module = std::move(*loaded);
    auto entry = findEntryFunction(*module);
    if (!entry)
      return entry.takeError();
    function = *entry;
    auto described = terse::getSignature(*module);
    if (!described)
      return described.takeError();
    signature = std::move(*described);
    interpreter = std::make_unique<Interpreter>(*module);
    return llvm::Error::success();
  }

  llvm::StringRef getKind() const override { return "interpreter"; }
  llvm::Expected<std::vector<HostTensor>> run(llvm::ArrayRef<HostTensor> inputs) override {
    return interpreter->call(function, inputs);
  }

private:
  Session session;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
  std::unique_ptr<Interpreter> interpreter;
};

class NativeRunner : public Runner {
public:
  llvm::Error load(llvm::StringRef path, const RunnerOptions &options) {
    auto loaded = session.load(path, options.load);
    if (!loaded)
      return loaded.takeError();
    module = std::move(*loaded);
    auto described = terse::getSignature(*module);
    if (!described)
      return described.takeError();
    signature = std::move(*described);
    JITModel::setNumThreads(options.threads);
    CompileOptions compile;
    compile.parallel = options.threads != 1;
    auto created = JITModel::create(*module, compile);
    if (!created)
      return inFile(path, created.takeError());
    model = std::move(*created);
    return llvm::Error::success();
  }

  llvm::StringRef getKind() const override { return "native"; }
  llvm::Expected<std::vector<HostTensor>> run(llvm::ArrayRef<HostTensor> inputs) override {
    return model->run(inputs);
  }

private:
  Session session;
  mlir::OwningOpRef<mlir::ModuleOp> module; // The code reads its weights.
  std::unique_ptr<JITModel> model;
};

} // namespace

llvm::Expected<std::unique_ptr<Runner>> tool::createRunner(llvm::StringRef path,
                                                           const RunnerOptions &options) {
  if (isArtifactPath(path)) {
    if (options.interpret)
      return makeError("'{0}': a compiled model cannot be interpreted; give the model that it was "
                       "compiled from",
                       path);
    return loadArtifact(path, options.threads);
  }
  if (options.interpret) {
    auto runner = std::make_unique<InterpretedRunner>();
    if (llvm::Error error = runner->load(path, options.load))
      return std::move(error);
    return runner;
  }
  auto runner = std::make_unique<NativeRunner>();
  if (llvm::Error error = runner->load(path, options))
    return std::move(error);
  return runner;
}

llvm::Expected<std::unique_ptr<Tracer>> Tracer::create(llvm::StringRef path,
                                                       const LoadOptions &options) {
  auto tracer = std::make_unique<Tracer>();
  auto module = tracer->session.load(path, options);
  if (!module)
    return module.takeError();
  tracer->module = std::move(*module);
  return tracer;
}

llvm::Expected<Trace> Tracer::run(llvm::ArrayRef<HostTensor> inputs) {
  auto function = findEntryFunction(*module);
  if (!function)
    return function.takeError();
  Trace trace;
  InterpreterOptions options;
  options.observer = [&](mlir::Value value, const HostTensor &tensor) {
    auto result = mlir::dyn_cast<mlir::OpResult>(value);
    if (!result || !tensor.dtype.isFloat() || result.getOwner()->getNumOperands() == 0)
      return; // Constants are no activations.
    llvm::StringRef name = getLocationName(result.getOwner()->getLoc());
    if (name.empty())
      return;
    std::string key = name.str();
    if (result.getResultNumber())
      key += ":" + std::to_string(result.getResultNumber());
    if (!trace.tensors.count(key))
      trace.order.push_back(key);
    trace.tensors[key] = tensor;
  };
  auto outputs = interpret(*function, inputs, options);
  if (!outputs)
    return outputs.takeError();
  return trace;
}
