//===- Compress.cpp - terse compress ----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Attempt.h"

#include "mlir/Pass/PassManager.h"
#include "terse/MixedPrecision/Plan.h"
#include "terse/Report/ModelReport.h"
#include "terse/Support/Npz.h"
#include "llvm/Support/FormatVariadic.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

using namespace terse;
using namespace terse::tool;

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

/// Reconsiders what is rounded at run time, right before it is done.
static llvm::Error keepFastFloats(Recipe &recipe) {
  if (llvm::any_of(recipe.passes,
                   [](llvm::StringRef pass) { return pass.starts_with("terse-keep-fast-floats"); }))
    return llvm::Error::success();
  auto apply = llvm::find_if(recipe.passes, [](llvm::StringRef pass) {
    return pass.starts_with("terse-apply-encodings");
  });
  if (apply == recipe.passes.end())
    return makeError("--keep-float-when-faster: recipe '{0}' has no terse-apply-encodings",
                     recipe.name);
  recipe.passes.insert(apply, "terse-keep-fast-floats");
  return llvm::Error::success();
}

static llvm::Error compress(const CompressOptions &options) {
  returnFreedMemory();
  auto recipe = loadRecipe(options.recipe);
  if (!recipe)
    return recipe.takeError();
  if (options.keepFastFloats)
    if (llvm::Error error = keepFastFloats(*recipe))
      return error;
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
    giveBudgets(*recipe, options.gates, SearchBudgets(options.gates), "", options.sensitivities);
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
  if (!options.data.empty())
    if (auto file = NpzFile::open(options.data); !file)
      return file.takeError();
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
  command->add_flag("--keep-float-when-faster", options->keepFastFloats,
                    "Do not round activations at run time where float products are estimated to be "
                    "faster (pass terse-keep-fast-floats); results may then differ from the "
                    "interpreter's by a step of 8 bits");
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
