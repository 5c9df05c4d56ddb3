//===- Runner.cpp - Something that computes a model -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Runner.h"
#include "Artifact.h"

#include "mlir/Pass/PassManager.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Pipelines/Pipelines.h"
#include "terse/Reference/Interpreter.h"
#include "llvm/Support/FormatVariadic.h"

using namespace terse;
using namespace terse::tool;

Runner::~Runner() = default;

namespace {

/// What both ways to execute a module share.
class ModuleRunner : public Runner {
public:
  llvm::Error load(llvm::StringRef path, const RunnerOptions &options, const LoadOptions &load) {
    auto loaded = session.load(path, load);
    if (!loaded)
      return loaded.takeError();
    module = std::move(*loaded);
    auto described = terse::getSignature(*module);
    if (!described)
      return inFile(path, described.takeError());
    signature = std::move(*described);
    return inFile(path, prepare(options));
  }

protected:
  virtual llvm::Error prepare(const RunnerOptions &options) = 0;

  Session session;
  mlir::OwningOpRef<mlir::ModuleOp> module; // Native code reads its weights.
};

class InterpretedRunner : public ModuleRunner {
public:
  llvm::StringRef getKind() const override { return "interpreter"; }
  llvm::Expected<std::vector<HostTensor>> run(llvm::ArrayRef<HostTensor> inputs) override {
    return interpreter->call(function, inputs);
  }

private:
  llvm::Error prepare(const RunnerOptions &) override {
    auto entry = findEntryFunction(*module);
    if (!entry)
      return entry.takeError();
    function = *entry;
    // Integers compute as in native code, to the last bit.
    mlir::PassManager manager = mlir::PassManager::on<mlir::ModuleOp>(module->getContext());
    buildIntegerPipeline(manager);
    if (mlir::failed(manager.run(*module)))
      return session.takeDiagnostics("", "cannot be computed on integers");
    interpreter = std::make_unique<Interpreter>(*module);
    return llvm::Error::success();
  }

  mlir::func::FuncOp function;
  std::unique_ptr<Interpreter> interpreter;
};

class NativeRunner : public ModuleRunner {
public:
  llvm::StringRef getKind() const override { return "native"; }
  uint64_t getCodeBytes() const override { return model->getCodeBytes(); }
  llvm::Expected<std::vector<HostTensor>> run(llvm::ArrayRef<HostTensor> inputs) override {
    return model->run(inputs);
  }

private:
  llvm::Error prepare(const RunnerOptions &options) override {
    JITModel::setNumThreads(options.threads);
    CompileOptions compile;
    compile.parallel = options.threads != 1;
    compile.cacheFolder = getDefaultCacheFolder();
    auto created = JITModel::create(*module, compile);
    if (!created)
      return created.takeError();
    model = std::move(*created);
    return llvm::Error::success();
  }

  std::unique_ptr<JITModel> model;
};

} // namespace

void RunnerOptions::addTo(CLI::App &command) {
  command.add_flag("--interpret", interpret,
                   "Use the reference interpreter instead of native code");
  command.add_option("--threads", threads, "Threads of native code (0: all cores)")
      ->capture_default_str();
  command
      .add_option("--variant", variant,
                  "Of compiled models with code for several targets, the one to run (default: "
                  "the best that this machine can)")
      ->type_name("TARGET");
  model.addTo(command);
}

static llvm::Expected<std::unique_ptr<Runner>>
createArtifactRunner(llvm::StringRef path, const RunnerOptions &options, const LoadOptions &load) {
  if (options.interpret)
    return makeError("'{0}': a compiled model cannot be interpreted; give the model that it was "
                     "compiled from",
                     path);
  auto runner = loadArtifact(path, options.threads, options.variant);
  if (!runner)
    return runner;
  for (const TensorSignature &input : (*runner)->getSignature().inputs)
    if (load.bindings.count(input.name))
      return makeError("'{0}': input '{1}' of a compiled model cannot be bound; give --bind to "
                       "terse compile",
                       path, input.name);
  return runner;
}

static llvm::Expected<std::unique_ptr<Runner>>
createRunner(llvm::StringRef path, const RunnerOptions &options, const LoadOptions &load) {
  if (isArtifactPath(path))
    return createArtifactRunner(path, options, load);
  std::unique_ptr<ModuleRunner> runner;
  if (options.interpret)
    runner = std::make_unique<InterpretedRunner>();
  else
    runner = std::make_unique<NativeRunner>();
  if (llvm::Error error = runner->load(path, options, load))
    return std::move(error);
  return runner;
}

llvm::Expected<std::vector<std::unique_ptr<Runner>>>
tool::createRunners(llvm::ArrayRef<std::string> paths, const RunnerOptions &options) {
  auto load = options.model.parse();
  if (!load)
    return load.takeError();
  std::set<std::string> used;
  load->used = &used;
  std::vector<std::unique_ptr<Runner>> runners;
  for (const std::string &path : paths) {
    auto runner = createRunner(path, options, *load);
    if (!runner)
      return runner.takeError();
    runners.push_back(std::move(*runner));
  }
  for (const auto &[name, value] : load->bindings)
    if (!used.count(name))
      return makeError("--bind {0}: no model has such an input", name);
  for (const auto &[name, size] : load->dims)
    if (!used.count(name))
      return makeError("--dim {0}: no model has such a dimension of unknown size", name);
  return runners;
}

void tool::printRangeCounts(llvm::StringRef path, llvm::ArrayRef<RangeCounts> counts,
                            llvm::raw_ostream &os) {
  if (counts.empty())
    return;
  size_t width = 5;
  for (const RangeCounts &range : counts)
    width = std::max(width, range.name.size());
  os << "ranges of " << path << "\n"
     << "value";
  os.indent(width - 5)
      << "                 range           seen          below          above    share\n";
  for (const RangeCounts &range : counts) {
    os << range.name;
    os.indent(width - range.name.size()) << llvm::formatv(
        "{0,22}{1,15}{2,15}{3,15}{4,9}\n",
        llvm::formatv("[{0:F3}, {1:F3}]", range.low, range.high).str(), range.seen, range.below,
        range.above, llvm::formatv("{0:F3}%", 100 * range.getShare()).str());
  }
}

llvm::json::Array tool::toJSON(llvm::ArrayRef<RangeCounts> counts) {
  llvm::json::Array list;
  for (const RangeCounts &range : counts)
    list.push_back(llvm::json::Object{{"name", range.name},
                                      {"range", llvm::json::Array{range.low, range.high}},
                                      {"seen", int64_t(range.seen)},
                                      {"below", int64_t(range.below)},
                                      {"above", int64_t(range.above)}});
  return list;
}
