//===- Case.cpp - One case of ONNX's backend tests --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Case.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Export/ONNX.h"
#include "terse/Import/ONNX.h"
#include "terse/Reference/Interpreter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"

#include <set>

using namespace terse;
using namespace terse::conformance;

const char *conformance::getName(Status status) {
  switch (status) {
  case Status::Passed:
    return "passed";
  case Status::Unsupported:
    return "unsupported";
  case Status::Wrong:
    return "wrong";
  case Status::Crashed:
    return "crashed";
  }
  return "";
}

namespace {
struct DataSet {
  std::vector<HostTensor> inputs, outputs;
};
} // namespace

static llvm::Expected<std::vector<HostTensor>> readAll(const std::string &prefix) {
  std::vector<HostTensor> result;
  for (unsigned i = 0;; ++i) {
    std::string path = prefix + std::to_string(i) + ".pb";
    if (!llvm::sys::fs::exists(path))
      return result;
    llvm::Expected<HostTensor> tensor = readTensorProto(path);
    if (!tensor)
      return tensor.takeError();
    result.push_back(std::move(*tensor));
  }
}

using Module = mlir::OwningOpRef<mlir::ModuleOp>;

static llvm::Expected<Module> importWith(mlir::MLIRContext &context, const std::string &path,
                                         const ONNXModelDescription &model, const DataSet &data,
                                         const std::set<size_t> &bound) {
  ONNXImportOptions options;
  for (size_t i : bound)
    options.bindings[model.inputs[i].name] = data.inputs[i];
  return importONNX(context, path, options);
}

// Imports without bindings if that works; otherwise binds as few inputs as it takes, small ones
// first.
static llvm::Expected<Module> importBinding(mlir::MLIRContext &context, const std::string &path,
                                            const ONNXModelDescription &model, const DataSet &data,
                                            std::set<size_t> &bound) {
  llvm::Expected<Module> plain = importWith(context, path, model, data, {});
  if (plain)
    return plain;
  std::string reason = llvm::toString(plain.takeError());
  auto refuse = [&] { return llvm::createStringError(llvm::inconvertibleErrorCode(), reason); };
  if (reason.find("bind") == std::string::npos || data.inputs.size() != model.inputs.size())
    return refuse();
  auto choose = [&](auto accept) {
    std::set<size_t> result;
    for (size_t i = 0; i < data.inputs.size(); ++i)
      if (accept(i, data.inputs[i]))
        result.insert(i);
    return result;
  };
  std::set<size_t> candidates[] = {
      choose([](size_t i, const HostTensor &t) {
        return i > 0 && !t.dtype.isFloat() && t.getRank() <= 1;
      }),
      choose([](size_t i, const HostTensor &t) { return i > 0 && t.getRank() <= 1; }),
      choose([](size_t, const HostTensor &t) { return t.getRank() <= 1; }),
      choose([](size_t, const HostTensor &t) { return !t.dtype.isFloat(); }),
      choose([](size_t, const HostTensor &) { return true; }),
  };
  for (std::set<size_t> &set : candidates) {
    if (set.empty())
      continue;
    llvm::Expected<Module> module = importWith(context, path, model, data, set);
    if (!module) {
      reason = llvm::toString(module.takeError());
      continue;
    }
    for (size_t i : std::set<size_t>(set)) {
      std::set<size_t> fewer = set;
      fewer.erase(i);
      if (llvm::Expected<Module> smaller = importWith(context, path, model, data, fewer)) {
        set = fewer;
        module = std::move(smaller);
      } else {
        llvm::consumeError(smaller.takeError());
      }
    }
    bound = set;
    return module;
  }
  return refuse();
}

// Older test data keep bfloat16 as UINT16, and f32 values were cut off, not rounded, when they were
// made. Whether there are such data.
static bool restoreBFloat16(std::vector<HostTensor> &tensors,
                            const std::vector<ONNXValueDescription> &declared) {
  bool any = false;
  for (size_t i = 0; i < tensors.size() && i < declared.size(); ++i)
    if (tensors[i].dtype == DType::u16() && declared[i].dtype == DType::bf16()) {
      tensors[i].dtype = DType::bf16();
      any = true;
    }
  return any;
}

// Some cases come with inputs of another shape than their model declares.
static bool fitsDeclaration(const DataSet &data, const ONNXModelDescription &model) {
  for (size_t i = 0; i < data.inputs.size() && i < model.inputs.size(); ++i) {
    const std::vector<int64_t> &declared = model.inputs[i].shape, &shape = data.inputs[i].shape;
    if (!model.inputs[i].hasShape)
      continue;
    if (declared.size() != shape.size())
      return false;
    for (size_t d = 0; d < shape.size(); ++d)
      if (declared[d] >= 0 && declared[d] != shape[d])
        return false;
  }
  return true;
}

static std::string check(llvm::Expected<std::vector<HostTensor>> results,
                         const std::vector<HostTensor> &expected, double relative) {
  if (!results)
    return llvm::toString(results.takeError());
  if (results->size() != expected.size())
    return "expected " + std::to_string(expected.size()) + " outputs (got " +
           std::to_string(results->size()) + ")";
  for (size_t i = 0; i < expected.size(); ++i)
    if (std::string difference = compare((*results)[i], expected[i], relative); !difference.empty())
      return "output " + std::to_string(i) + ": " + difference;
  return "";
}

/// The module after a detour through a file.
static llvm::Expected<Module> exportAndImport(mlir::MLIRContext &context, mlir::ModuleOp module,
                                              std::string &refused) {
  llvm::SmallString<128> path;
  if (std::error_code code = llvm::sys::fs::createTemporaryFile("terse-export", "onnx", path))
    return llvm::createStringError(code, "no temporary file");
  llvm::FileRemover remover(path);
  llvm::Expected<ONNXExportResult> written = exportONNX(module, path);
  if (!written) {
    refused = llvm::toString(written.takeError());
    return Module();
  }
  return importONNX(context, path);
}

Outcome conformance::runCase(const std::string &directory, Mode mode) {
  Outcome outcome;
  auto finish = [&](Status status, std::string message) {
    outcome.status = status;
    outcome.message = std::move(message);
    return outcome;
  };
  std::string path = directory + "/model.onnx";
  llvm::Expected<ONNXModelDescription> model = describeONNX(path);
  if (!model)
    return finish(Status::Wrong, llvm::toString(model.takeError()));
  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  bool any = false;
  for (unsigned set = 0; llvm::sys::fs::exists(directory + "/test_data_set_" + std::to_string(set));
       ++set) {
    std::string data = directory + "/test_data_set_" + std::to_string(set);
    DataSet tensors;
    // Files of sequences and optional values are no tensors; import has the reason then.
    std::string unreadable;
    for (auto [prefix, into] :
         {std::pair{"/input_", &tensors.inputs}, std::pair{"/output_", &tensors.outputs}}) {
      llvm::Expected<std::vector<HostTensor>> read = readAll(data + prefix);
      if (read)
        *into = std::move(*read);
      else
        unreadable = llvm::toString(read.takeError());
    }
    restoreBFloat16(tensors.inputs, model->inputs);
    bool cutOff = restoreBFloat16(tensors.outputs, model->outputs);
    if (!fitsDeclaration(tensors, *model))
      return finish(Status::Unsupported, "the data do not have the shapes that the model declares");
    std::set<size_t> bound;
    llvm::Expected<Module> module = importBinding(context, path, *model, tensors, bound);
    if (!module)
      return finish(Status::Unsupported, llvm::toString(module.takeError()));
    if (!unreadable.empty())
      return finish(Status::Unsupported, unreadable);
    std::vector<HostTensor> arguments;
    for (size_t i = 0; i < tensors.inputs.size(); ++i) {
      if (!bound.count(i))
        arguments.push_back(tensors.inputs[i]);
      else if (set == 0)
        outcome.bound += (outcome.bound.empty() ? "" : ",") + model->inputs[i].name;
    }
    if (mode == Mode::Export) {
      std::string refused;
      llvm::Expected<Module> again = exportAndImport(context, **module, refused);
      if (!refused.empty())
        return finish(Status::Unsupported, "exported: " + refused);
      if (!again)
        return finish(Status::Wrong, "imported again: " + llvm::toString(again.takeError()));
      module = std::move(again);
    }
    double relative = cutOff ? 0x1p-7 : 1e-3;
    if (mode != Mode::Compile) {
      auto main = (*module)->lookupSymbol<mlir::func::FuncOp>("main");
      if (std::string difference = check(interpret(main, arguments), tensors.outputs, relative);
          !difference.empty())
        return finish(Status::Wrong, "interpreted: " + difference);
    }
    if (mode == Mode::Compile || mode == Mode::Both) {
      // Compilation has no "unsupported": what was imported must run.
      llvm::Expected<std::unique_ptr<JITModel>> compiled = JITModel::create(**module);
      if (!compiled)
        return finish(Status::Wrong, "compiled: " + llvm::toString(compiled.takeError()));
      if (std::string difference = check((*compiled)->run(arguments), tensors.outputs, relative);
          !difference.empty())
        return finish(Status::Wrong, "compiled: " + difference);
    }
    any = true;
  }
  return any ? finish(Status::Passed, "") : finish(Status::Wrong, "the case has no data");
}
