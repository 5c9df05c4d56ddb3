//===- Run.cpp - terse run --------------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Runner.h"

#include "terse/Support/Npz.h"

using namespace terse;
using namespace terse::tool;

namespace {
struct RunOptions {
  std::string model, inputs, outputs;
  RunnerOptions runner;
};
} // namespace

static llvm::Error run(const RunOptions &options) {
  if (llvm::Error error = checkWritable(options.outputs))
    return error;
  auto tensors = readNpz(options.inputs);
  if (!tensors)
    return tensors.takeError();
  auto runners = createRunners({options.model}, options.runner);
  if (!runners)
    return runners.takeError();
  Runner &runner = *runners->front();
  const ModelSignature &signature = runner.getSignature();
  auto inputs = bindInputs(signature, *tensors, options.inputs);
  if (!inputs)
    return inputs.takeError();
  auto outputs = runner.run(*inputs);
  if (!outputs)
    return inFile(options.model, outputs.takeError());
  printRangeCounts(options.model, runner.getRangeCounts(), llvm::outs());
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
  addModelArgument(*command, options->model);
  command->add_option("-i,--inputs", options->inputs, "An array for every input")
      ->required()
      ->type_name("IN.npz");
  command->add_option("-o,--outputs", options->outputs, "Where to write the outputs")
      ->required()
      ->type_name("OUT.npz");
  options->runner.addTo(*command);
  command->callback([=, &action] { action = [=] { return run(*options); }; });
}
