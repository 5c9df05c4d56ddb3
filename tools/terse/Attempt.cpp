//===- Attempt.cpp - One run of a recipe on a model -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Attempt.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Report/ModelReport.h"
#include "terse/Support/Step.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

#include <mutex>

using namespace terse;
using namespace terse::tool;

/// What a run takes that has nothing to compress, in bytes.
static constexpr uint64_t kBaseMemory = 30 << 20;

namespace {

/// Shows which pass runs.
class PassNotes : public mlir::PassInstrumentation {
public:
  explicit PassNotes(Progress &progress) : progress(progress) {}
  void runAfterPass(mlir::Pass *, mlir::Operation *) override { progress.advance(); }

private:
  Progress &progress;
};

/// Shows the steps of the passes that run while it lives.
class StepNotes {
public:
  StepNotes(mlir::MLIRContext &context, Progress &progress) : context(context) {
    context.registerActionHandler(
        [this, &progress](llvm::function_ref<void()> run, const mlir::tracing::Action &action) {
          if (auto *step = llvm::dyn_cast<StepAction>(&action)) {
            std::lock_guard<std::mutex> lock(mutex);
            progress.showStep(step->getWork(), step->getIndex(), step->getTotal());
          }
          run();
        });
  }
  ~StepNotes() { context.registerActionHandler({}); }

private:
  mlir::MLIRContext &context;
  std::mutex mutex; // Layers are worked on in parallel.
};

/// What compressing is going to take.
struct Estimate {
  uint64_t weights = 0, elements = 0;
  uint64_t plainBytes = 0, encodedBytes = 0, largestBytes = 0;
};

} // namespace

SpoolFolder::~SpoolFolder() {
  for (const std::string &file : list())
    (void)llvm::sys::fs::remove(file);
  (void)llvm::sys::fs::remove(path);
}

std::vector<std::string> SpoolFolder::list() const {
  std::vector<std::string> files;
  std::error_code code;
  for (llvm::sys::fs::directory_iterator it(path, code), end; !code && it != end;
       it.increment(code)) {
    llvm::StringRef key = llvm::sys::path::filename(it->path()).split('.').first;
    if (key.size() == 32 && llvm::all_of(key, llvm::isHexDigit))
      files.push_back(it->path());
  }
  return files;
}

/// Runs the strategies of the recipe on a copy of the graph (weights are shared, not copied) and
/// adds up what they choose. Choices that cannot be applied are found here, before any work.
static llvm::Expected<Estimate> estimate(mlir::ModuleOp module, const Recipe &recipe,
                                         Session &session) {
  Recipe strategies = recipe;
  // Activations have no bytes on disk, and their strategy needs statistics.
  llvm::erase_if(strategies.passes, [](llvm::StringRef pass) {
    return !pass.starts_with("terse-choose-") || pass.starts_with("terse-choose-activation-");
  });
  mlir::OwningOpRef<mlir::ModuleOp> copy(module.clone());
  mlir::PassManager manager = mlir::PassManager::on<mlir::ModuleOp>(module.getContext());
  if (llvm::Error error = addRecipePasses(strategies, manager))
    return std::move(error);
  if (mlir::failed(manager.run(*copy)))
    return session.takeDiagnostics("recipe '" + recipe.name + "': ", "a strategy failed");

  Estimate result;
  mlir::SymbolTableCollection symbols;
  llvm::SmallDenseSet<std::pair<mlir::Operation *, mlir::Attribute>> seen;
  bool legal = true;
  copy->walk([&](mlir::Operation *op) {
    for (const WeightOperand &weight : getWeightOperands(op)) {
      ChoiceAttr choice = ChoiceAttr::get(op);
      auto encoding = mlir::dyn_cast_or_null<EncodingAttrInterface>(
          choice ? choice.lookup(weight.operand->getOperandNumber()) : mlir::Attribute());
      auto type = mlir::dyn_cast<mlir::RankedTensorType>(weight.operand->get().getType());
      ConstantSource source = getConstantSource(weight.operand->get(), symbols);
      if (!encoding || !type || !source)
        continue;
      legal &= mlir::succeeded(encoding.verifyEncoding(type.getShape(), type.getElementType(),
                                                       [&] { return op->emitError(); }));
      mlir::Operation *holder =
          source.global ? source.global.getOperation() : weight.operand->get().getDefiningOp();
      if (!seen.insert({holder, encoding}).second)
        continue;
      uint64_t plain = uint64_t(type.getNumElements()) * type.getElementTypeBitWidth() / 8;
      ++result.weights;
      result.elements += type.getNumElements();
      result.plainBytes += plain;
      result.encodedBytes += llvm::divideCeil(encoding.getBits(type).value_or(0), 8);
      result.largestBytes = std::max(result.largestBytes, plain);
    }
  });
  if (!legal)
    return session.takeDiagnostics("recipe '" + recipe.name + "': ", "chose an illegal encoding");
  return result;
}

llvm::Error Attempt::run(const CompressOptions &options, Recipe recipe,
                         const SearchBudgets &budgets, llvm::StringRef sensitivities,
                         bool isFirst) {
  ExchangeFile planFile("terse-plan");
  bool mixes = mixesPrecision(recipe);
  pipeline = recipe.getPipeline();
  if (mixes)
    giveBudgets(recipe, options.gates, budgets, planFile.getPath(), sensitivities);
  mlir::PassManager manager = mlir::PassManager::on<mlir::ModuleOp>(&session.getContext());
  if (llvm::Error error = addRecipePasses(recipe, manager))
    return error;
  auto loaded = session.load(options.input, options.model);
  if (!loaded)
    return loaded.takeError();
  module = std::move(*loaded);

  auto expected = estimate(*module, recipe, session);
  if (!expected)
    return expected.takeError();
  ModelReport before = reportModel(*module);
  // One weight at a time is encoded and put aside on disk until the whole is written.
  uint64_t memory = kBaseMemory + 2 * expected->largestBytes;
  uint64_t disk = before.getBytes() - std::min(before.getBytes(), expected->plainBytes) +
                  2 * expected->encodedBytes;
  // What a search is going to choose nobody knows yet.
  if (isFirst && !mixes)
    note(
        llvm::formatv("estimate: {0} weights with {1} elements, {2} -> {3}; about {4:F1} s, {5} of "
                      "memory, {6} on disk",
                      expected->weights, expected->elements, formatBytes(expected->plainBytes),
                      formatBytes(expected->encodedBytes), 0.1 + double(expected->elements) / 30e6,
                      formatBytes(memory), formatBytes(disk)));

  spool.emplace(options.output);
  if (size_t finished = llvm::count_if(
          spool->list(), [](llvm::StringRef file) { return file.ends_with(".safetensors"); });
      finished && isFirst)
    note(llvm::formatv("continuing an interrupted run: {0} weight{1} found in {2}", finished,
                       finished == 1 ? "" : "s", spool->getPath()));
  setPassOptions(manager, "spool-folder", spool->getPath());
  {
    Progress progress("compressing", recipe.passes.size());
    StepNotes steps(*module->getContext(), progress);
    manager.addInstrumentation(std::make_unique<PassNotes>(progress));
    manager.enableVerifier(false); // Verified once, below, where a failure is our defect.
    if (mlir::failed(manager.run(*module)))
      return session.takeDiagnostics("'" + options.input + "': ", "a pass of the recipe failed");
  }
  if (mlir::failed(mlir::verify(*module)))
    return llvm::make_error<DefectError>(
        llvm::toString(session.takeDiagnostics("the compressed module is invalid: ", "")));
  if (mixes) {
    auto read = readPlan(planFile.getPath());
    if (!read)
      return read.takeError();
    plan = std::move(*read);
  }
  if (!options.gates.any())
    return llvm::Error::success();
  auto measured = measureGates(options.gates, options.input, options.model, *module);
  if (!measured)
    return measured.takeError();
  gates = std::move(*measured);
  auto checked = checkGates(options.gates, gates);
  if (!checked)
    return checked.takeError();
  failures = std::move(*checked);
  return llvm::Error::success();
}
