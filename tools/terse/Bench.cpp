//===- Bench.cpp - terse bench ----------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Runner.h"

#include "terse/Evaluation/Metrics.h"
#include "terse/Support/Npz.h"

#include <chrono>
#include <random>

using namespace terse;
using namespace terse::tool;

namespace {
struct BenchOptions {
  std::vector<std::string> models;
  std::string inputs, json;
  int64_t batch = 1, runs = 50, warmup = 3;
  RunnerOptions runner;
};

struct Subject {
  std::string path;
  std::unique_ptr<Runner> runner;
  std::vector<HostTensor> inputs;
  uint64_t bytes = 0;
  int64_t batch = 1;
  Latencies latencies;
};
} // namespace

/// Reproducible inputs: floats in [-1, 1), integers 0 or 1, which are valid indices of any table.
static llvm::Expected<std::vector<HostTensor>> makeInputs(const ModelSignature &signature,
                                                          int64_t batch, llvm::StringRef path) {
  std::mt19937 generator(1);
  std::vector<HostTensor> inputs;
  for (const TensorSignature &input : signature.inputs) {
    std::vector<int64_t> shape = input.shape;
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      if (shape[axis] >= 0)
        continue;
      if (axis > 0)
        return makeError("'{0}': input '{1}' ({2}) has dynamic dimensions besides the batch; give "
                         "--inputs IN.npz",
                         path, input.name, input.getTypeString());
      shape[axis] = batch;
    }
    HostTensor tensor = HostTensor::zeros(input.dtype, shape);
    for (int64_t i = 0, n = tensor.getNumElements(); i < n; ++i)
      if (input.dtype.isFloat())
        tensor.setFromDouble(i, double(generator()) / 2147483648.0 - 1.0);
      else
        tensor.setFromInt(i, generator() >> 31);
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

static llvm::Expected<double> measure(Subject &subject) {
  auto start = std::chrono::steady_clock::now();
  llvm::Error error = subject.runner->execute(subject.inputs);
  std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  if (error)
    return inFile(subject.path, std::move(error));
  return time.count();
}

static llvm::Error bench(const BenchOptions &options) {
  if (llvm::Error error = checkWritable(options.json))
    return error;
  NamedTensors given;
  if (!options.inputs.empty()) {
    auto tensors = readNpz(options.inputs);
    if (!tensors)
      return tensors.takeError();
    given = std::move(*tensors);
  }

  auto runners = createRunners(options.models, options.runner);
  if (!runners)
    return runners.takeError();
  std::vector<Subject> subjects;
  for (const auto &[path, runner] : llvm::zip(options.models, *runners)) {
    Subject subject;
    subject.path = path;
    auto bytes = getModelFileBytes(path);
    if (!bytes)
      return bytes.takeError();
    subject.bytes = *bytes;
    subject.runner = std::move(runner);
    const ModelSignature &signature = subject.runner->getSignature();
    auto inputs = options.inputs.empty() ? makeInputs(signature, options.batch, path)
                                         : bindInputs(signature, given, options.inputs);
    if (!inputs)
      return inputs.takeError();
    subject.inputs = std::move(*inputs);
    if (!subject.inputs.empty() && !subject.inputs[0].shape.empty())
      subject.batch = subject.inputs[0].shape[0];
    subjects.push_back(std::move(subject));
  }

  // Models take turns, so that a slow phase of the machine meets all of them.
  Progress progress("measuring", uint64_t(options.runs));
  for (int64_t run = -options.warmup; run < options.runs; ++run) {
    for (Subject &subject : subjects) {
      auto time = measure(subject);
      if (!time)
        return time.takeError();
      if (run >= 0)
        subject.latencies.milliseconds.push_back(*time);
    }
    if (run >= 0)
      progress.advance();
  }

  llvm::json::Array list;
  size_t width = 5;
  for (const Subject &subject : subjects)
    width = std::max(width, subject.path.size());
  llvm::outs() << "model";
  llvm::outs().indent(width - 5)
      << "        bytes  batch    p50 ms    p90 ms    p99 ms  samples/s\n";
  for (const Subject &subject : subjects) {
    double p50 = subject.latencies.getPercentile(50);
    double throughput = p50 > 0 ? 1000.0 * double(subject.batch) / p50 : 0;
    llvm::outs() << subject.path;
    llvm::outs().indent(width - subject.path.size()) << llvm::formatv(
        "{0,13}{1,7}{2,10:F3}{3,10:F3}{4,10:F3}{5,11:F1}\n", subject.bytes, subject.batch, p50,
        subject.latencies.getPercentile(90), subject.latencies.getPercentile(99), throughput);
    llvm::json::Object item{{"model", subject.path},
                            {"runs_as", subject.runner->getKind()},
                            {"file_bytes", int64_t(subject.bytes)},
                            {"code_bytes", int64_t(subject.runner->getCodeBytes())},
                            {"batch", subject.batch},
                            {"latency", subject.latencies.toJSON()},
                            {"samples_per_second", throughput}};
    if (std::vector<RangeCounts> counts = subject.runner->getRangeCounts(); !counts.empty())
      item["ranges"] = tool::toJSON(counts);
    list.push_back(std::move(item));
  }
  for (const Subject &subject : subjects)
    printRangeCounts(subject.path, subject.runner->getRangeCounts(), llvm::outs());
  llvm::outs().flush();
  if (options.json.empty())
    return llvm::Error::success();
  return writeJSON(options.json, llvm::json::Object{{"terse_bench", 1},
                                                    {"threads", int64_t(options.runner.threads)},
                                                    {"models", std::move(list)}});
}

void tool::addBench(CLI::App &root, Action &action) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App *command = root.add_subcommand("bench", "Measure how fast models run, side by side");
  command->footer("Example:\n  terse bench model.onnx small.terse --batch 8 --threads 1");
  command->add_option("models", options->models, "The models")->required()->type_name("MODEL");
  command->add_option("--batch", options->batch, "Samples per run, where the model leaves it open")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--inputs", options->inputs, "Inputs to use instead of random ones")
      ->type_name("IN.npz");
  command->add_option("--runs", options->runs, "Measured runs of each model")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--warmup", options->warmup, "Runs before them")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--json", options->json, "Write the results as JSON (- for stdout)")
      ->type_name("OUT.json");
  options->runner.addTo(*command);
  command->callback([=, &action] { action = [=] { return bench(*options); }; });
}
