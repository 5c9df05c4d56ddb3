//===- Run.cpp - terse run --------------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Runner.h"

#include "terse/Support/AtomicFile.h"
#include "terse/Support/Npz.h"

using namespace terse;
using namespace terse::tool;

namespace {
struct RunOptions {
  std::string model, inputs, outputs;
  std::vector<std::string> dims;
  RunnerOptions runner;
};
} // namespace

static llvm::Error run(const RunOptions &options) {
  {
    auto trial = AtomicFile::create(options.outputs);
    if (!trial)
      return trial.takeError();
  }
  RunnerOptions runnerOptions = options.runner;
  auto dims = parseDims(options.dims);
  if (!dims)
    return dims.takeError();
  runnerOptions.load.dims = *dims;
  auto tensors = readNpz(options.inputs);
  if (!tensors)
    return tensors.takeError();
  auto runner = createRunner(options.model, runnerOptions);
  if (!runner)
    return runner.takeError();
  const ModelSignature &signature = (*runner)->getSignature();
  auto inputs = bindInputs(signature, *tensors, options.inputs);
  if (!inputs)
    return inputs.takeError();
  auto outputs = (*runner)->run(*inputs);
  if (!outputs)
    return inFile(options.model, outputs.takeError());
  NamedTensors named;
  for (auto [output, tensor] : llvm::zip(signature.outputs, *outputs))
    named.push_back({output.name, tensor});
  return writeNpz(options.outputs, named);
}

void tool::addRun(CLI::App &root, Action &action) {
  auto options = std::make_shared<RunOptions>();
  CLI::App *command = root.add_subcommand("run", "Run a model once");
  command->footer(
      "Example:\n  terse run model.onnx --inputs in.npz --outputs out.npz\n"
      "The arrays of in.npz have the names of the model's inputs, see \"terse inspect\".");
  command->add_option("model", options->model, "The model")->required()->type_name("MODEL");
  command->add_option("-i,--inputs", options->inputs, "An array for every input")
      ->required()
      ->type_name("IN.npz");
  command->add_option("-o,--outputs", options->outputs, "Where to write the outputs")
      ->required()
      ->type_name("OUT.npz");
  command->add_flag("--interpret", options->runner.interpret,
                    "Use the reference interpreter instead of native code");
  command->add_option("--threads", options->runner.threads, "Threads of native code (0: all cores)");
  addDimOption(*command, options->dims);
  command->callback([=, &action] { action = [=] { return run(*options); }; });
}
