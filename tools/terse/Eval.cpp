//===- Eval.cpp - terse eval ------------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Artifact.h"
#include "Evaluation.h"
#include "Runner.h"

#include <chrono>
#include <cmath>

using namespace terse;
using namespace terse::tool;

namespace {
struct EvalOptions {
  std::vector<std::string> models, metrics{"top1"};
  std::string data, labels, output, json, html;
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

/// SQNR of every tensor that both models have under one name.
static llvm::Error compareTensors(Evaluation &evaluation, ModelResult &result, const Dataset &data,
                                  const EvalOptions &options) {
  const ModelResult &reference = evaluation.models.front();
  if (isArtifactPath(reference.path) || isArtifactPath(result.path))
    return llvm::Error::success(); // Compiled code has no insides.
  auto referenceTracer = Tracer::create(reference.path, options.runner.model);
  if (!referenceTracer)
    return referenceTracer.takeError();
  auto tracer = Tracer::create(result.path, options.runner.model);
  if (!tracer)
    return tracer.takeError();
  Progress progress("tracing " + result.path, evaluation.tracedSamples);
  std::map<std::string, Distortion> distortions;
  std::vector<std::string> order;
  for (int64_t sample = 0; sample < evaluation.tracedSamples; ++sample) {
    std::vector<Trace> traces;
    for (Tracer *each : {referenceTracer->get(), tracer->get()}) {
      auto signature = each->getSignature();
      if (!signature)
        return signature.takeError();
      auto arrays = data.bind(*signature);
      if (!arrays)
        return arrays.takeError();
      auto trace = each->run(Dataset::slice(*arrays, sample, getBatchSize(*signature, 1)));
      if (!trace)
        return trace.takeError();
      traces.push_back(std::move(*trace));
    }
    for (const std::string &name : traces[0].order) {
      auto other = traces[1].tensors.find(name);
      if (other == traces[1].tensors.end())
        continue;
      if (!distortions.count(name))
        order.push_back(name);
      distortions[name].add(traces[0].tensors[name], other->second);
    }
    progress.advance();
  }
  for (const std::string &name : order)
    result.tensors.push_back({name, distortions[name]});
  return llvm::Error::success();
}

static llvm::Error eval(const EvalOptions &options) {
  std::vector<std::pair<std::string, int64_t>> metrics;
  for (const std::string &name : options.metrics) {
    auto k = parseMetric(name);
    if (!k)
      return k.takeError();
    metrics.push_back({name, *k});
  }
  for (const std::string &path : {options.json, options.html})
    if (llvm::Error error = checkWritable(path))
      return error;
  auto data = Dataset::open(options.data, options.labels);
  if (!data)
    return data.takeError();

  Evaluation evaluation;
  evaluation.data = options.data;
  evaluation.samples = options.limit > 0 ? std::min(options.limit, data->size()) : data->size();
  evaluation.tracedSamples = std::min(options.traceSamples, evaluation.samples);
  evaluation.labels = data->getLabels().vec();
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
    if (llvm::Error error =
            evaluate(*runner, *data, options, evaluation.samples, result, outputs))
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
      if (evaluation.tracedSamples > 0)
        if (llvm::Error error = compareTensors(evaluation, result, *data, options))
          return error;
    }
    evaluation.models.push_back(std::move(result));
  }

  evaluation.print(llvm::outs());
  llvm::outs().flush();
  if (!options.json.empty())
    if (llvm::Error error = writeJSON(options.json, evaluation.toJSON()))
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
  command->add_option("--labels", options->labels,
                      "The array of class numbers; without it only predictions are compared")
      ->type_name("KEY");
  command->add_option("--metric", options->metrics, "top1, top5, ... (default: top1)")
      ->type_name("METRIC")
      ->allow_extra_args(false);
  command->add_option("--output", options->output, "The output with class scores (default: the first)")
      ->type_name("NAME");
  command->add_option("--batch", options->batch, "Samples per run, where the model leaves it open")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--limit", options->limit, "Use only so many samples")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--trace-samples", options->traceSamples,
                   "Samples that are interpreted for the SQNR of inner tensors; 0 for none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--max-drop", options->maxDrop,
                      "Fail if the first metric is worse than the reference's by more points")
      ->type_name("POINTS");
  command->add_option("--json", options->json, "Write all results as JSON (- for stdout)")
      ->type_name("OUT.json");
  command->add_option("--report", options->html, "Write all results as a page")
      ->type_name("OUT.html");
  options->runner.addTo(*command);
  command->callback([=, &action] { action = [=] { return eval(*options); }; });
}
