//===- Compress.cpp - terse compress ----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Gates.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/MixedPrecision/Plan.h"
#include "terse/Recipe/Recipe.h"
#include "terse/Report/ModelReport.h"
#include "terse/Support/Step.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <mutex>

using namespace terse;
using namespace terse::tool;

/// What a run takes that has nothing to compress, in bytes.
static constexpr uint64_t kBaseMemory = 30 << 20;

namespace {

struct CompressOptions {
  std::string input, output, recipe, manifest, data, sensitivities, savedRecipe;
  std::vector<std::string> statistics;
  int64_t samples = 0;
  GateOptions gates;
  ModelOptions model;
  bool strict = false, printPipeline = false, quiet = false;
};

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

/// The folder where finished weights stand until the whole is written.
class SpoolFolder {
public:
  explicit SpoolFolder(llvm::StringRef output) : path((output + ".partial").str()) {}
  /// What ends in order, well or not, leaves nothing; only what is killed does. Files that are not
  /// ours, and then the folder, stay.
  ~SpoolFolder() {
    for (const std::string &file : list())
      (void)llvm::sys::fs::remove(file);
    (void)llvm::sys::fs::remove(path);
  }

  const std::string &getPath() const { return path; }

  /// Files of this folder, also those that were being written.
  std::vector<std::string> list() const {
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

private:
  std::string path;
};

/// What compressing is going to take.
struct Estimate {
  uint64_t weights = 0, elements = 0;
  uint64_t plainBytes = 0, encodedBytes = 0, largestBytes = 0;
};

} // namespace

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

/// Tensors that are dropped go back to the system at once. By default glibc keeps freed blocks of
/// megabytes and, aligned ones, hardly ever uses them again: memory would grow with the model.
static void returnFreedMemory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
#endif
}

static llvm::Error checkCoverage(const ModelReport &report) {
  std::vector<const WeightEntry *> gaps = report.getGaps();
  if (gaps.empty())
    return llvm::Error::success();
  std::string names;
  for (const WeightEntry *gap : llvm::ArrayRef(gaps).take_front(5))
    names += (names.empty() ? "" : ", ") + ("'" + gap->name + "'");
  if (gaps.size() > 5)
    names += ", ...";
  return makeError("--strict: no rule of the recipe decides about {0} weight{1}: {2}; add a rule, "
                   "or one with 'skip: REASON'",
                   gaps.size(), gaps.size() == 1 ? "" : "s", names);
}

/// Tells the passes that calibrate where their data are. Fails if there are such passes and no
/// data.
static llvm::Error giveData(Recipe &recipe, const CompressOptions &options) {
  bool calibrates = llvm::any_of(
      recipe.passes, [](llvm::StringRef pass) { return pass.starts_with("terse-calibrate"); });
  bool isGate = options.gates.maxDrop >= 0 || !options.gates.maxLatency.empty();
  if (!options.data.empty()) {
    if (options.statistics.size() > 1)
      return makeError("--statistics: with --data it names the one file to write");
    unsigned users = recipe.giveOption("data", options.data);
    if (options.samples)
      recipe.giveOption("samples", std::to_string(options.samples));
    if (!options.statistics.empty())
      recipe.giveOption("output", options.statistics.front());
    if (!users && !isGate)
      note("--data: no pass of this recipe uses calibration data");
    return llvm::Error::success();
  }
  if (!options.statistics.empty()) {
    std::string files = llvm::join(options.statistics, ",");
    if (options.statistics.size() > 1)
      files = "{" + files + "}";
    for (std::string &pass : recipe.passes)
      if (pass == "terse-calibrate")
        pass += "{from=" + files + "}";
    return llvm::Error::success();
  }
  if (calibrates && !options.printPipeline)
    return makeError(
        "recipe '{0}' calibrates: give inputs with --data CALIB.npz, or the statistics of an "
        "earlier run with --statistics FILE",
        recipe.name);
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Mixed precision
//===----------------------------------------------------------------------===//

static constexpr llvm::StringLiteral kMixPass = "terse-mix-precision";

static bool mixesPrecision(const Recipe &recipe) {
  return llvm::any_of(recipe.passes,
                      [](llvm::StringRef pass) { return pass.starts_with(kMixPass); });
}

namespace {

/// Files that a pass hands over.
class ExchangeFile {
public:
  explicit ExchangeFile(llvm::StringRef prefix) {
    llvm::SmallString<128> unique;
    (void)llvm::sys::fs::getPotentiallyUniqueTempFileName(prefix, "json", unique);
    path = unique.str().str();
  }
  ~ExchangeFile() { (void)llvm::sys::fs::remove(path); }
  const std::string &getPath() const { return path; }

private:
  std::string path;
};

/// The budgets that are passed on to the search. What it predicts and what the compressed model
/// does may differ a little; then they become tighter than what is promised.
struct SearchBudgets {
  double maxDrop = -1, maxLatency = 0;

  explicit SearchBudgets(const GateOptions &gates) : maxDrop(gates.maxDrop) {}

  /// Whether another attempt can succeed.
  bool tighten(const GateOptions &gates, const GateResult &result, const GateFailures &failures) {
    bool changed = false;
    if (!failures.drop.empty() && maxDrop > 0) {
      maxDrop = std::max(0.0, maxDrop - (result.getDrop() - gates.maxDrop) -
                                  100.0 / double(result.samples));
      changed = true;
    }
    if (!failures.latency.empty()) {
      auto limit = mixed::Budget::parseTime(gates.maxLatency);
      double allowed = limit ? limit->value : 0;
      if (limit && !limit->isRatio)
        allowed /= 1e6 * *result.floatMilliseconds;
      llvm::consumeError(limit.takeError());
      double before = maxLatency > 0 ? maxLatency : allowed;
      maxLatency = before * 0.98 * allowed * *result.floatMilliseconds / *result.milliseconds;
      changed = maxLatency > 0;
    }
    return changed && failures.size.empty();
  }
};

} // namespace

static void giveBudgets(Recipe &recipe, const CompressOptions &options,
                        const SearchBudgets &budgets, llvm::StringRef plan,
                        llvm::StringRef sensitivities) {
  const GateOptions &gates = options.gates;
  auto give = [&](llvm::StringRef name, llvm::StringRef value) {
    if (!value.empty())
      recipe.giveOption(name, value);
  };
  give("labels", gates.labels);
  if (gates.metric != "top1")
    give("metric", gates.metric);
  give("max-size", gates.maxSize);
  give("max-latency", budgets.maxLatency > 0 ? llvm::formatv("{0:F6}x", budgets.maxLatency).str()
                                             : gates.maxLatency);
  if (budgets.maxDrop >= 0)
    give("max-drop", llvm::formatv("{0:F6}", budgets.maxDrop).str());
  give("plan", plan);
  give("sensitivities", sensitivities);
}

static llvm::Expected<llvm::json::Value> readPlan(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return makeError("the plan of mixed precision was not written: {0}",
                     buffer.getError().message());
  return llvm::json::parse((*buffer)->getBuffer());
}

/// The recipe with rules in the place of the search.
static llvm::Error saveRecipe(llvm::StringRef path, const Recipe &recipe,
                              const llvm::json::Value &plan) {
  auto rules = mixed::writeRules(plan);
  if (!rules)
    return rules.takeError();
  std::string text =
      "# Made by a search under budgets (recipe " + recipe.name +
      "). Every line may be edited.\n"
      "terse_recipe: 1\ndescription: formats per layer, found by mixed precision\npasses:\n";
  for (llvm::StringRef pass : recipe.passes) {
    if (pass.starts_with(kMixPass)) {
      text += *rules;
      continue;
    }
    text += "  - \"";
    for (char c : pass) {
      if (c == '"' || c == '\\')
        text += '\\';
      text += c;
    }
    text += "\"\n";
  }
  return writeText(path, text);
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

namespace {

/// One run of the recipe on the model.
struct Attempt {
  Session session;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::optional<llvm::json::Value> plan;
  std::string pipeline;
  std::optional<SpoolFolder> spool;
  GateResult gates;
  GateFailures failures;

  llvm::Error run(const CompressOptions &options, Recipe recipe, const SearchBudgets &budgets,
                  llvm::StringRef sensitivities, bool isFirst);
};

} // namespace

llvm::Error Attempt::run(const CompressOptions &options, Recipe recipe,
                         const SearchBudgets &budgets, llvm::StringRef sensitivities,
                         bool isFirst) {
  ExchangeFile planFile("terse-plan");
  bool mixes = mixesPrecision(recipe);
  pipeline = recipe.getPipeline();
  if (mixes)
    giveBudgets(recipe, options, budgets, planFile.getPath(), sensitivities);
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

static llvm::Error compress(const CompressOptions &options) {
  returnFreedMemory();
  auto recipe = loadRecipe(options.recipe);
  if (!recipe)
    return recipe.takeError();
  Recipe original = *recipe;
  if (llvm::count_if(recipe->passes,
                     [](llvm::StringRef pass) { return pass.starts_with(kMixPass); }) > 1)
    return makeError("recipe '{0}': {1} stands there twice; one search decides about all layers",
                     recipe->name, kMixPass);
  if (llvm::Error error = giveData(*recipe, options))
    return error;
  if (options.printPipeline) {
    Session session;
    mlir::PassManager manager = mlir::PassManager::on<mlir::ModuleOp>(&session.getContext());
    giveBudgets(*recipe, options, SearchBudgets(options.gates), "", options.sensitivities);
    if (llvm::Error error = addRecipePasses(*recipe, manager))
      return error;
    manager.printAsTextualPipeline(llvm::outs());
    llvm::outs() << "\n";
    return llvm::Error::success();
  }

  // Whatever can be known to fail fails before the work begins.
  if (llvm::Error error = options.gates.check())
    return error;
  if (!mixesPrecision(*recipe) && (!options.savedRecipe.empty() || !options.sensitivities.empty()))
    return makeError("recipe '{0}' searches no formats, so there is nothing to write to {1}; take "
                     "recipe mixed, or one with "
                     "{2}",
                     recipe->name,
                     options.savedRecipe.empty() ? "--sensitivities" : "--save-recipe", kMixPass);
  if (llvm::Error error = checkModelPathWritable(options.output))
    return error;
  for (const std::string &path : {options.manifest, options.savedRecipe})
    if (llvm::Error error = checkWritable(path))
      return error;
  auto inputBytes = getModelFileBytes(options.input);
  if (!inputBytes)
    return inputBytes.takeError();

  // Sensitivities are measured once, however many attempts there are.
  ExchangeFile ownSensitivities("terse-sensitivities");
  llvm::StringRef sensitivities =
      options.sensitivities.empty() ? ownSensitivities.getPath() : options.sensitivities;
  SearchBudgets budgets(options.gates);
  constexpr int kAttempts = 6;
  std::unique_ptr<Attempt> attempt;
  for (int round = 0; round < kAttempts; ++round) {
    attempt.reset(); // Its spool folder has the same name.
    attempt = std::make_unique<Attempt>();
    if (llvm::Error error = attempt->run(options, *recipe, budgets, sensitivities, round == 0))
      return error;
    if (!attempt->failures.any() || !attempt->plan || round + 1 == kAttempts ||
        !budgets.tighten(options.gates, attempt->gates, attempt->failures))
      break;
    note("searching again: " + attempt->failures.getMessage());
  }
  if (attempt->failures.any())
    return makeError("'{0}': {1}; nothing is written", options.input,
                     attempt->failures.getMessage());

  ModelReport report = reportModel(*attempt->module);
  if (options.strict)
    if (llvm::Error error = checkCoverage(report))
      return error;
  auto saved = saveModel(*attempt->module, options.output);
  if (!saved)
    return saved.takeError();

  if (!options.quiet) {
    if (attempt->plan)
      mixed::printPlan(*attempt->plan, llvm::outs());
    report.print(llvm::outs());
  }
  llvm::outs().flush();
  if (!options.savedRecipe.empty())
    if (llvm::Error error = saveRecipe(options.savedRecipe, original, *attempt->plan))
      return error;
  if (!options.manifest.empty()) {
    llvm::json::Value manifest = report.toJSON();
    llvm::json::Object &object = *manifest.getAsObject();
    object["recipe"] = recipe->name;
    object["pipeline"] = attempt->pipeline;
    object["files"] = llvm::json::Object{{"input_bytes", int64_t(*inputBytes)},
                                         {"module_bytes", int64_t(saved->moduleBytes)},
                                         {"weights_bytes", int64_t(saved->weightsBytes)}};
    if (attempt->plan)
      object["mixed_precision"] = *attempt->plan;
    if (options.gates.any())
      object["gates"] = attempt->gates.toJSON();
    if (llvm::Error error = writeJSON(options.manifest, manifest))
      return error;
  }
  uint64_t outputBytes = saved->moduleBytes + saved->weightsBytes;
  if (attempt->gates.metric)
    note(llvm::formatv("{0} on {1} samples: {2:F4}, {3:F4} in float", options.gates.metric,
                       attempt->gates.samples, *attempt->gates.metric,
                       *attempt->gates.floatMetric));
  note(llvm::formatv("wrote {0} ({1}) and {2} ({3}): {4:F4}x of {5} ({6})", options.output,
                     formatBytes(saved->moduleBytes), saved->weightsPath,
                     formatBytes(saved->weightsBytes), double(outputBytes) / double(*inputBytes),
                     options.input, formatBytes(*inputBytes)));
  return llvm::Error::success();
}

void tool::addCompress(CLI::App &root, Action &action) {
  auto options = std::make_shared<CompressOptions>();
  CLI::App *command = root.add_subcommand("compress", "Make a model smaller by a recipe");
  std::string presets;
  for (const Preset &preset : getPresets())
    presets += (presets.empty() ? "" : ", ") + preset.name.str();
  command->footer(
      "Examples:\n"
      "  terse compress model.onnx --recipe int8-weights -o small.mlirbc\n"
      "  terse compress model.onnx --recipe mine.yaml --strict -o small.mlirbc "
      "--manifest small.json\n"
      "  terse compress model.onnx --recipe int8-static --data calibration.npz -o int8.mlirbc\n"
      "  terse compress model.onnx --recipe mixed --data test.npz --labels labels --max-drop 0.5 "
      "-o small.mlirbc --save-recipe small.yaml\n"
      "  terse compress --recipe int4-weights --print-pipeline\n"
      "Presets: " +
      presets +
      ".\n"
      "A run that was killed continues when the same command is given again: finished "
      "weights stand in OUT.mlirbc.partial until all are done.");
  command->add_option("model", options->input, "The model to compress")->type_name("MODEL");
  command->add_option("-r,--recipe", options->recipe, "A preset or a YAML file")
      ->required()
      ->type_name("NAME|FILE.yaml");
  command->add_option("-o,--output", options->output, "The module to write, .mlirbc or .mlir")
      ->type_name("OUT.mlirbc");
  command
      ->add_option("--manifest", options->manifest,
                   "Write what was done to every weight and op as JSON (- for stdout)")
      ->type_name("OUT.json");
  command
      ->add_option("--data", options->data,
                   "Calibration inputs, for recipes that need them: arrays under the names of the "
                   "model's inputs, samples along the first axis")
      ->type_name("CALIB.npz");
  command->add_option("--samples", options->samples, "Use the first N samples of --data only")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command
      ->add_option(
          "--statistics", options->statistics,
          "With --data, write what calibration saw to this file; without, use the statistics of "
          "earlier runs (merged, if given several times)")
      ->type_name("STATS.json");
  options->gates.addTo(*command);
  command
      ->add_option("--sensitivities", options->sensitivities,
                   "What each format costs each layer, for recipes that search formats: used if "
                   "the file is there, else "
                   "written")
      ->type_name("FILE.json");
  command
      ->add_option(
          "--save-recipe", options->savedRecipe,
          "Write the formats that were found as a recipe, which can be edited and run again")
      ->type_name("OUT.yaml");
  options->model.addTo(*command);
  command->add_flag("--strict", options->strict,
                    "Fail if a weight is left alone though no rule says so");
  command->add_flag("--print-pipeline", options->printPipeline,
                    "Print the recipe as a pass pipeline and do nothing else");
  command->add_flag("-q,--quiet", options->quiet, "Print no table");
  command->callback([=, &action] {
    if (!options->printPipeline) {
      if (options->input.empty())
        throw CLI::RequiredError("model");
      if (options->output.empty())
        throw CLI::RequiredError("--output");
    }
    options->gates.data = options->data;
    action = [=] { return compress(*options); };
  });
}
