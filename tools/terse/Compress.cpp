//===- Compress.cpp - terse compress ----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ModelOptions.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "terse/Dialect/Terse/IR/TerseAttributes.h"
#include "terse/Dialect/Terse/Transforms/Weights.h"
#include "terse/Recipe/Recipe.h"
#include "terse/Report/ModelReport.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

using namespace terse;
using namespace terse::tool;

/// What a run takes that has nothing to compress, in bytes.
static constexpr uint64_t kBaseMemory = 30 << 20;

namespace {

struct CompressOptions {
  std::string input, output, recipe, manifest, data;
  std::vector<std::string> statistics;
  int64_t samples = 0;
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
      legal &= mlir::succeeded(encoding.verifyEncoding(
          type.getShape(), type.getElementType(), [&] { return op->emitError(); }));
      mlir::Operation *holder = source.global ? source.global.getOperation()
                                              : weight.operand->get().getDefiningOp();
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

/// Tells the passes that calibrate where their data are. Fails if there are such passes and no data.
static llvm::Error giveData(Recipe &recipe, const CompressOptions &options) {
  bool calibrates = llvm::any_of(recipe.passes, [](llvm::StringRef pass) {
    return pass.starts_with("terse-calibrate");
  });
  if (!options.data.empty()) {
    if (options.statistics.size() > 1)
      return makeError("--statistics: with --data it names the one file to write");
    unsigned users = recipe.giveOption("data", options.data);
    if (options.samples)
      recipe.giveOption("samples", std::to_string(options.samples));
    if (!options.statistics.empty())
      recipe.giveOption("output", options.statistics.front());
    if (!users)
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
    return makeError("recipe '{0}' calibrates: give inputs with --data CALIB.npz, or the statistics of an "
                     "earlier run with --statistics FILE",
                     recipe.name);
  return llvm::Error::success();
}

static llvm::Error compress(const CompressOptions &options) {
  returnFreedMemory();
  auto recipe = loadRecipe(options.recipe);
  if (!recipe)
    return recipe.takeError();
  if (llvm::Error error = giveData(*recipe, options))
    return error;
  Session session;
  mlir::PassManager manager =
      mlir::PassManager::on<mlir::ModuleOp>(&session.getContext());
  if (llvm::Error error = addRecipePasses(*recipe, manager))
    return error;
  if (options.printPipeline) {
    manager.printAsTextualPipeline(llvm::outs());
    llvm::outs() << "\n";
    return llvm::Error::success();
  }

  // Whatever can be known to fail fails before the work begins.
  if (llvm::Error error = checkModelPathWritable(options.output))
    return error;
  if (llvm::Error error = checkWritable(options.manifest))
    return error;
  auto inputBytes = getModelFileBytes(options.input);
  if (!inputBytes)
    return inputBytes.takeError();
  auto module = session.load(options.input, options.model);
  if (!module)
    return module.takeError();

  auto expected = estimate(**module, *recipe, session);
  if (!expected)
    return expected.takeError();
  ModelReport before = reportModel(**module);
  // One weight at a time is encoded and put aside on disk until the whole is written.
  uint64_t memory = kBaseMemory + 2 * expected->largestBytes;
  uint64_t disk = before.getBytes() - std::min(before.getBytes(), expected->plainBytes) +
                  2 * expected->encodedBytes;
  note(llvm::formatv("estimate: {0} weights with {1} elements, {2} -> {3}; about {4:F1} s, {5} of "
                     "memory, {6} on disk",
                     expected->weights, expected->elements, formatBytes(expected->plainBytes),
                     formatBytes(expected->encodedBytes), 0.1 + double(expected->elements) / 30e6,
                     formatBytes(memory), formatBytes(disk)));

  SpoolFolder spool(options.output);
  if (size_t finished = llvm::count_if(spool.list(), [](llvm::StringRef file) {
        return file.ends_with(".safetensors");
      }))
    note(llvm::formatv("continuing an interrupted run: {0} weight{1} found in {2}", finished,
                       finished == 1 ? "" : "s", spool.getPath()));
  setPassOptions(manager, "spool-folder", spool.getPath());
  {
    Progress progress("compressing", recipe->passes.size());
    manager.addInstrumentation(std::make_unique<PassNotes>(progress));
    manager.enableVerifier(false); // Verified once, below, where a failure is our defect.
    if (mlir::failed(manager.run(**module)))
      return session.takeDiagnostics("'" + options.input + "': ", "a pass of the recipe failed");
  }
  if (mlir::failed(mlir::verify(**module)))
    return llvm::make_error<DefectError>(
        llvm::toString(session.takeDiagnostics("the compressed module is invalid: ", "")));

  ModelReport report = reportModel(**module);
  if (options.strict)
    if (llvm::Error error = checkCoverage(report))
      return error;
  auto saved = saveModel(**module, options.output);
  if (!saved)
    return saved.takeError();

  if (!options.quiet)
    report.print(llvm::outs());
  llvm::outs().flush();
  if (!options.manifest.empty()) {
    llvm::json::Value manifest = report.toJSON();
    llvm::json::Object &object = *manifest.getAsObject();
    object["recipe"] = recipe->name;
    object["pipeline"] = recipe->getPipeline();
    object["files"] = llvm::json::Object{{"input_bytes", int64_t(*inputBytes)},
                                         {"module_bytes", int64_t(saved->moduleBytes)},
                                         {"weights_bytes", int64_t(saved->weightsBytes)}};
    if (llvm::Error error = writeJSON(options.manifest, manifest))
      return error;
  }
  uint64_t outputBytes = saved->moduleBytes + saved->weightsBytes;
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
  command->footer("Examples:\n"
                  "  terse compress model.onnx --recipe int8-weights -o small.mlirbc\n"
                  "  terse compress model.onnx --recipe mine.yaml --strict -o small.mlirbc "
                  "--manifest small.json\n"
                  "  terse compress model.onnx --recipe int8-static --data calibration.npz -o int8.mlirbc\n"
                  "  terse compress --recipe int4-weights --print-pipeline\n"
                  "Presets: " + presets + ".\n"
                  "A run that was killed continues when the same command is given again: finished "
                  "weights stand in OUT.mlirbc.partial until all are done.");
  command->add_option("model", options->input, "The model to compress")->type_name("MODEL");
  command->add_option("-r,--recipe", options->recipe, "A preset or a YAML file")
      ->required()
      ->type_name("NAME|FILE.yaml");
  command->add_option("-o,--output", options->output, "The module to write, .mlirbc or .mlir")
      ->type_name("OUT.mlirbc");
  command->add_option("--manifest", options->manifest,
                      "Write what was done to every weight and op as JSON (- for stdout)")
      ->type_name("OUT.json");
  command->add_option("--data", options->data,
                      "Calibration inputs, for recipes that need them: arrays under the names of the "
                      "model's inputs, samples along the first axis")
      ->type_name("CALIB.npz");
  command->add_option("--samples", options->samples, "Use the first N samples of --data only")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command->add_option("--statistics", options->statistics,
                      "With --data, write what calibration saw to this file; without, use the statistics of "
                      "earlier runs (merged, if given several times)")
      ->type_name("STATS.json");
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
    action = [=] { return compress(*options); };
  });
}
