//===- Gates.cpp - Promises that are checked --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Gates.h"

#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Evaluation/Dataset.h"
#include "terse/Evaluation/Metrics.h"
#include "terse/Report/ModelReport.h"

#include <chrono>

using namespace terse;
using namespace terse::tool;

void GateOptions::addTo(CLI::App &command) {
  command
      .add_option("--max-size", maxSize,
                  "Budget for all weights, in bytes (500000, 500KiB, 1.5MB) or as a ratio to the "
                  "float weights (0.15x)")
      ->type_name("SIZE");
  command
      .add_option("--max-drop", maxDrop,
                  "Points of the metric that may be lost on --data with --labels; measured on the "
                  "compressed model")
      ->check(CLI::NonNegativeNumber)
      ->type_name("POINTS");
  command
      .add_option("--max-latency", maxLatency,
                  "Budget for one run, as a time (3ms) or a ratio to the float model (0.9x)")
      ->type_name("TIME");
  command.add_option("--labels", labels, "The array of class numbers in --data")->type_name("KEY");
  command.add_option("--metric", metric, "What --max-drop is about: top1, top5, ...")
      ->capture_default_str();
}

static llvm::Expected<int64_t> parseTop(llvm::StringRef metric) {
  int64_t k;
  llvm::StringRef number = metric;
  if (!number.consume_front("top") || number.getAsInteger(10, k) || k < 1)
    return makeError("--metric {0}: expected top1, top5 or topN", metric);
  return k;
}

llvm::Error GateOptions::check() const {
  if (auto size = mixed::Budget::parseSize(maxSize); !size)
    return makeError("--max-size: {0}", llvm::toString(size.takeError()));
  if (auto time = mixed::Budget::parseTime(maxLatency); !time)
    return makeError("--max-latency: {0}", llvm::toString(time.takeError()));
  if (auto k = parseTop(metric); !k)
    return k.takeError();
  if (maxDrop >= 0 && (data.empty() || labels.empty()))
    return makeError(
        "--max-drop is measured: give labelled data with --data DATA.npz --labels KEY");
  if (!maxLatency.empty() && data.empty())
    return makeError("--max-latency is measured: give inputs with --data DATA.npz");
  return llvm::Error::success();
}

llvm::json::Object GateResult::toJSON() const {
  llvm::json::Object object{{"weights_bytes", int64_t(bytes)},
                            {"plain_weights_bytes", int64_t(plainBytes)}};
  if (metric) {
    object["samples"] = samples;
    object["float_metric"] = *floatMetric;
    object["metric"] = *metric;
  }
  if (milliseconds) {
    object["float_p50_ms"] = *floatMilliseconds;
    object["p50_ms"] = *milliseconds;
  }
  return object;
}

std::string GateFailures::getMessage() const {
  std::string text;
  for (const std::string *part : {&size, &drop, &latency})
    if (!part->empty())
      text += (text.empty() ? "" : "; ") + *part;
  return text;
}

namespace {
/// One of the two models on the data.
struct Subject {
  std::unique_ptr<JITModel> model;
  std::vector<HostTensor> arrays;
  int64_t batch = 1, hits = 0;
  Latencies latencies;

  llvm::Error prepare(mlir::ModuleOp module, const Dataset &data) {
    auto compiled = JITModel::create(module);
    if (!compiled)
      return compiled.takeError();
    model = std::move(*compiled);
    ModelSignature signature{model->getInputs().vec(), model->getOutputs().vec()};
    auto bound = data.bind(signature);
    if (!bound)
      return bound.takeError();
    arrays = std::move(*bound);
    batch = getBatchSize(signature, 1);
    return llvm::Error::success();
  }

  llvm::Error run(int64_t first, int64_t end, llvm::ArrayRef<int64_t> labels, int64_t k) {
    std::vector<HostTensor> inputs = Dataset::slice(arrays, first, batch);
    auto start = std::chrono::steady_clock::now();
    auto outputs = model->run(inputs);
    std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    if (!outputs)
      return outputs.takeError();
    if (first > 0)
      latencies.milliseconds.push_back(time.count());
    if (labels.empty())
      return llvm::Error::success();
    const HostTensor &output = outputs->front();
    if (output.shape.empty() || output.shape[0] != batch || output.getNumElements() == 0)
      return makeError("the first output ({0}) has no class scores per sample",
                       output.getTypeString());
    Scores scores = Scores::from(output);
    for (int64_t sample = first; sample < std::min(first + batch, end); ++sample)
      hits += isAmongBest(scores.row(sample - first), labels[sample], k);
    return llvm::Error::success();
  }
};
} // namespace

llvm::Expected<GateResult> tool::measureGates(const GateOptions &options, llvm::StringRef original,
                                              const ModelOptions &model,
                                              mlir::ModuleOp compressed) {
  GateResult result;
  ModelReport report = reportModel(compressed);
  result.bytes = report.getBytes();
  result.plainBytes = report.getPlainBytes();
  if (options.maxDrop < 0 && options.maxLatency.empty())
    return result;
  auto data = Dataset::open(options.data, options.labels);
  if (!data)
    return data.takeError();
  auto k = parseTop(options.metric);
  if (!k)
    return k.takeError();
  Session session;
  auto plain = session.load(original, model);
  if (!plain)
    return plain.takeError();
  Subject subjects[2];
  if (llvm::Error error = subjects[0].prepare(**plain, *data))
    return inFile(original, std::move(error));
  if (llvm::Error error = subjects[1].prepare(compressed, *data))
    return std::move(error);

  // Times alone need no more samples than make a steady median.
  constexpr int64_t kTimed = 50;
  bool labelled = options.maxDrop >= 0;
  result.samples = labelled ? data->size() : std::min(data->size(), kTimed * subjects[0].batch + 1);
  Progress progress("checking", result.samples);
  for (int64_t first = 0; first < result.samples; first += subjects[0].batch) {
    for (Subject &subject : subjects)
      if (llvm::Error error = subject.run(
              first, result.samples, labelled ? data->getLabels() : llvm::ArrayRef<int64_t>(), *k))
        return std::move(error);
    progress.advance(std::min(subjects[0].batch, result.samples - first));
  }
  if (labelled) {
    result.floatMetric = double(subjects[0].hits) / double(result.samples);
    result.metric = double(subjects[1].hits) / double(result.samples);
  }
  result.floatMilliseconds = subjects[0].latencies.getPercentile(50);
  result.milliseconds = subjects[1].latencies.getPercentile(50);
  return result;
}

llvm::Expected<GateFailures> tool::checkGates(const GateOptions &options,
                                              const GateResult &result) {
  GateFailures failures;
  auto size = mixed::Budget::parseSize(options.maxSize);
  if (!size)
    return size.takeError();
  auto time = mixed::Budget::parseTime(options.maxLatency);
  if (!time)
    return time.takeError();
  if (uint64_t limit = size->resolve(result.plainBytes); size->given && result.bytes > limit)
    failures.size =
        llvm::formatv(
            "the weights take {0} bytes ({1:F4}x), and --max-size allows {2}", result.bytes,
            double(result.bytes) / double(std::max<uint64_t>(result.plainBytes, 1)), limit)
            .str();
  if (options.maxDrop >= 0 && result.getDrop() > options.maxDrop + 1e-9)
    failures.drop = llvm::formatv("{0} drops by {1:F2} points, from {2:F4} to {3:F4} on {4} "
                                  "samples, and --max-drop allows {5:F2}",
                                  options.metric, result.getDrop(), *result.floatMetric,
                                  *result.metric, result.samples, options.maxDrop)
                        .str();
  if (time->given) {
    double allowed = time->isRatio ? time->value * *result.floatMilliseconds : time->value / 1e6;
    if (*result.milliseconds > allowed)
      failures.latency = llvm::formatv("one run takes {0:F3} ms ({1:F3}x of the float model), and "
                                       "--max-latency allows {2:F3} ms",
                                       *result.milliseconds,
                                       *result.milliseconds / *result.floatMilliseconds, allowed)
                             .str();
  }
  return failures;
}
