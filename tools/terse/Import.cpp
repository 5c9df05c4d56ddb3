//===- Import.cpp - terse import --------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ModelOptions.h"

using namespace terse;
using namespace terse::tool;

namespace {
struct ImportOptions {
  std::string input, output;
  ModelOptions model;
};
} // namespace

static llvm::Error import(const ImportOptions &options) {
  if (llvm::Error error = checkModelPathWritable(options.output))
    return error;
  Session session;
  auto module = session.load(options.input, options.model);
  if (!module)
    return module.takeError();
  auto saved = saveModel(**module, options.output);
  if (!saved)
    return saved.takeError();
  note("wrote " + options.output + " (" + formatBytes(saved->moduleBytes) + ") and " +
       saved->weightsPath + " (" + formatBytes(saved->weightsBytes) + ")");
  return llvm::Error::success();
}

void tool::addImport(CLI::App &root, Action &action) {
  auto options = std::make_shared<ImportOptions>();
  CLI::App *command = root.add_subcommand("import", "Convert an ONNX model to Terse's own form");
  command->footer("Examples:\n  terse import model.onnx -o model.mlirbc\n"
                  "  terse import model.onnx --dim 'input[0]=1' -o single.mlirbc\n"
                  "The first writes model.mlirbc and its weights, model.safetensors.");
  command->add_option("model", options->input, "The ONNX file")->required()->type_name("MODEL");
  command->add_option("-o,--output", options->output, "The module to write, .mlirbc or .mlir")
      ->required()
      ->type_name("OUT.mlirbc");
  options->model.addTo(*command);
  command->callback([=, &action] { action = [=] { return import(*options); }; });
}
