//===- Eval.cpp - terse eval ------------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Artifact.h"
#include "Insides.h"
#include "Runner.h"
#include "terse/Report/Evaluation.h"

#include "llvm/Support/Path.h"

#include <chrono>

using namespace terse;
using namespace terse::tool;

namespace {
struct EvalOptions {
  std::vector<std::string> models, metrics{"top1"};
  std::string data, labels, slices, output, json, html;
  std::vector<std::string> manifests;
  int64_t batch = 1, limit = 0, traceSamples = 1;
  double maxDrop = -1;
  RunnerOptions runner;
};
} // namespace

/// `top1`, `top5`, ...
static llvm::Expected<int64_t> parseMetric(llvm::StringRef name) {
  int64_t k;
  llvm::StringRef number = name;
  if (!number.consume_front("top") || number.getAsInteger(10, k) || k < 1)
    return makeError("--metric {0}: expected top1, top5 or topN", name);
  return k;
}

/// Everything about one model but its comparison with the first one.
static llvm::Error evaluate(Runner &runner, const Dataset &data, const EvalOptions &options,
                            int64_t samples, ModelResult &result,
                            std::vector<HostTensor> &outputs) {
  const ModelSignature &signature = runner.getSignature();
  auto arrays = data.bind(signature);
  if (!arrays)
    return arrays.takeError();
  if (signature.outputs.empty())
    return makeError("'{0}': the model has no outputs", result.path);
  result.kind = runner.getKind().str();
  result.codeBytes = runner.getCodeBytes();
  result.batch = getBatchSize(signature, options.batch);
  outputs.assign(signature.outputs.size(), HostTensor());

  Progress progress("evaluating " + result.path, samples);
  for (int64_t first = 0; first < samples; first += result.batch) {
    std::vector<HostTensor> inputs = Dataset::slice(*arrays, first, result.batch);
    auto start = std::chrono::steady_clock::now();
    auto results = runner.run(inputs);
    std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    if (!results)
      return inFile(result.path, results.takeError());
    // The first run warms caches up; it is not typical.
    if (first > 0 || samples <= result.batch)
      result.latencies.milliseconds.push_back(time.count());
    int64_t used = std::min(result.batch, samples - first);
    for (auto [whole, part] : llvm::zip(outputs, *results)) {
      if (part.shape.empty() || part.shape[0] != result.batch)
        continue; // Not one per sample.
      if (first == 0) {
        std::vector<int64_t> shape = part.shape;
        shape[0] = samples;
        whole = HostTensor::zeros(part.dtype, shape);
      }
      size_t sampleBytes = part.getBytes().size() / result.batch;
      if (whole.getBytes().size() != sampleBytes * samples)
        return makeError("'{0}': outputs of different samples have different shapes", result.path);
      llvm::copy(part.getBytes().take_front(used * sampleBytes),
                 whole.getMutableBytes().begin() + first * sampleBytes);
    }
    progress.advance(used);
  }
  return llvm::Error::success();
}

/// The output with the class scores.
static llvm::Expected<Scores> getScores(const ModelSignature &signature,
                                        llvm::ArrayRef<HostTensor> outputs,
                                        const EvalOptions &options, llvm::StringRef path,
                                        int64_t samples) {
  size_t index = 0;
  if (!options.output.empty()) {
    while (index < outputs.size() && signature.outputs[index].name != options.output)
      ++index;
    if (index == outputs.size())
      return makeError("'{0}': the model has no output '{1}'", path, options.output);
  }
  const HostTensor &output = outputs[index];
  if (output.shape.empty() || output.shape[0] != samples || output.getNumElements() == 0)
    return makeError("'{0}': output '{1}' ({2}) has no class scores per sample", path,
                     signature.outputs[index].name, signature.outputs[index].getTypeString());
  return Scores{output.getNumElements() / samples, output.toFloats()};
}

static llvm::Error eval(const EvalOptions &options) {
  std::vector<std::pair<std::string, int64_t>> metrics;
  for (const std::string &name : options.metrics) {
    auto k = parseMetric(name);
    if (!k)
      return k.takeError();
    metrics.push_back({name, *k});
  }
  // The same content for programs, beside the page.
  std::string json = options.json;
  if (json.empty() && !options.html.empty() && options.html != "-") {
    llvm::SmallString<128> beside(options.html);
    llvm::sys::path::replace_extension(beside, ".json");
    json = beside.str().str();
  }
  if (!json.empty() && json == options.html)
    return makeError(
        "--report {0}: the page and the JSON beside it would be one file; give --json another",
        options.html);
  if (options.manifests.size() > options.models.size() - 1)
    return makeError("--manifest: {0} files for {1} compressed model{2}; the first model has none",
                     options.manifests.size(), options.models.size() - 1,
                     options.models.size() == 2 ? "" : "s");
  for (const std::string &path : {json, options.html})
    if (llvm::Error error = checkWritable(path))
      return error;
  // Read before the work, which may take minutes.
  std::vector<llvm::json::Value> manifests;
  for (const std::string &path : options.manifests) {
    auto manifest = readManifest(path);
    if (!manifest)
      return manifest.takeError();
    manifests.push_back(std::move(*manifest));
  }
  auto data = Dataset::open(options.data, options.labels,
                            options.slices.empty() ? std::vector<std::string>()
                                                   : std::vector<std::string>{options.slices});
  if (!data)
    return data.takeError();

  Evaluation evaluation;
  evaluation.data = options.data;
  evaluation.samples = options.limit > 0 ? std::min(options.limit, data->size()) : data->size();
  evaluation.tracedSamples = std::min(options.traceSamples, evaluation.samples);
  evaluation.labels = data->getLabels().vec();
  if (!options.slices.empty()) {
    auto slices = readSlices(*data, options.slices);
    if (!slices)
      return slices.takeError();
    evaluation.sliceName = options.slices;
    evaluation.slices = std::move(*slices);
  }
  std::vector<HostTensor> referenceOutputs;
  auto runners = createRunners(options.models, options.runner);
  if (!runners)
    return runners.takeError();
  for (const auto &[path, runner] : llvm::zip(options.models, *runners)) {
    ModelResult result;
    result.path = path;
    auto bytes = getModelFileBytes(path);
    if (!bytes)
      return bytes.takeError();
    result.bytes = *bytes;
    const ModelSignature &signature = runner->getSignature();
    std::vector<HostTensor> outputs;
    if (llvm::Error error = evaluate(*runner, *data, options, evaluation.samples, result, outputs))
      return error;
    auto scores = getScores(signature, outputs, options, path, evaluation.samples);
    if (!scores)
      return scores.takeError();
    if (data->hasLabels())
      for (const auto &[name, k] : metrics)
        result.metrics.push_back({name, getTopK(*scores, data->getLabels(), k)});
    for (int64_t sample = 0; sample < evaluation.samples; ++sample)
      result.predictions.push_back(getPrediction(scores->row(sample)));

    if (evaluation.models.empty()) {
      if (!isArtifactPath(path))
        if (llvm::Error error = describeStorage(result, options.runner.model))
          return error;
      referenceOutputs = std::move(outputs);
    } else {
      const ModelResult &reference = evaluation.models.front();
      for (int64_t sample = 0; sample < evaluation.samples; ++sample)
        if (reference.predictions[sample] != result.predictions[sample])
          result.changed.push_back(
              {sample, reference.predictions[sample], result.predictions[sample]});
      for (size_t i = 0; i < std::min(outputs.size(), referenceOutputs.size()); ++i) {
        Distortion distortion;
        distortion.add(referenceOutputs[i], outputs[i]);
        result.outputs.push_back({signature.outputs[i].name, distortion});
      }
      if (data->hasLabels()) {
        auto compare = [&](llvm::ArrayRef<int64_t> groups) {
          return compareGroups(groups.take_front(evaluation.samples),
                               data->getLabels().take_front(evaluation.samples),
                               reference.predictions, result.predictions);
        };
        result.classes = compare(data->getLabels());
        if (!evaluation.slices.empty())
          result.slices = compare(evaluation.slices);
      }
      InsideOptions inside{options.runner.model, evaluation.tracedSamples,
                           /*pictures=*/!json.empty()};
      if (llvm::Error error = lookInside(reference, result, *data, inside))
        return error;
      size_t number = evaluation.models.size() - 1;
      if (number < manifests.size())
        result.manifest = std::move(manifests[number]);
    }
    evaluation.models.push_back(std::move(result));
  }

  evaluation.print(llvm::outs());
  llvm::outs().flush();
  if (!json.empty())
    if (llvm::Error error = writeJSON(json, evaluation.toJSON()))
      return error;
  if (!options.html.empty()) {
    std::string page;
    llvm::raw_string_ostream os(page);
    evaluation.printHTML(os);
    if (llvm::Error error = writeText(options.html, page))
      return error;
  }
  if (options.maxDrop >= 0 && data->hasLabels())
    for (const ModelResult &model : llvm::ArrayRef(evaluation.models).drop_front()) {
      double drop = 100 * (evaluation.models.front().metrics[0].second - model.metrics[0].second);
      if (drop > options.maxDrop)
        return makeError("'{0}': {1} drops by {2:F2} points, more than --max-drop {3:F2}",
                         model.path, model.metrics[0].first, drop, options.maxDrop);
    }
  return llvm::Error::success();
}

void tool::addEval(CLI::App &root, Action &action) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App *command =
      root.add_subcommand("eval", "Compare models on labelled data; the first is the reference");
  command->footer(
      "Example:\n  terse eval model.onnx small.mlirbc --data test.npz --labels labels "
      "--metric top1 --metric top5\n"
      "The first axis of every array counts samples. The array for a model's input is the one of "
      "the input's name or, for models with one input, the only array that is not the labels.");
  command->add_option("models", options->models, "The models")->required()->type_name("MODEL");
  command->add_option("--data", options->data, "Inputs and labels")
      ->required()
      ->type_name("DATA.npz");
  command
      ->add_option("--labels", options->labels,
                   "The array of class numbers; without it only predictions are compared")
      ->type_name("KEY");
  command->add_option("--metric", options->metrics, "top1, top5, ... (default: top1)")
      ->type_name("METRIC")
      ->allow_extra_args(false);
  command
      ->add_option("--output", options->output, "The output with class scores (default: the first)")
      ->type_name("NAME");
  command->add_option("--batch", options->batch, "Samples per run, where the model leaves it open")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--limit", options->limit, "Use only so many samples")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--trace-samples", options->traceSamples,
                   "Samples that errors of layers are measured on; 0 for none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--max-drop", options->maxDrop,
                   "Fail if the first metric is worse than the reference's by more points")
      ->type_name("POINTS");
  command->add_option("--json", options->json, "Write all results as JSON (- for stdout)")
      ->type_name("OUT.json");
  command
      ->add_option("--report", options->html, "Write all results as a page, and as JSON beside it")
      ->type_name("OUT.html");
  command
      ->add_option("--slices", options->slices,
                   "An array of --data that divides samples into groups: accuracy for each")
      ->type_name("KEY");
  command
      ->add_option("--manifest", options->manifests,
                   "What terse compress --manifest wrote, for the second model and further ones in "
                   "order: the page "
                   "then says what was done")
      ->type_name("FILE.json")
      ->allow_extra_args(false);
  options->runner.addTo(*command);
  command->callback([=, &action] { action = [=] { return eval(*options); }; });
}
