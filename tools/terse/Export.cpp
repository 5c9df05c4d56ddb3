//===- Export.cpp - terse export --------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ModelOptions.h"

#include "terse/Export/ONNX.h"
#include "llvm/Support/Path.h"

using namespace terse;
using namespace terse::tool;

namespace {
struct ExportOptions {
  std::string input, output;
  ModelOptions model;
  ONNXExportOptions onnx;
};
} // namespace

static llvm::Error exportModel(const ExportOptions &options) {
  if (llvm::sys::path::extension(options.output) != ".onnx")
    return makeError("'{0}': a model is exported as .onnx", options.output);
  if (llvm::Error error = checkWritable(options.output))
    return error;
  Session session;
  auto module = session.load(options.input, options.model);
  if (!module)
    return module.takeError();
  auto result = exportONNX(**module, options.output, options.onnx);
  if (!result)
    return inFile(options.input, result.takeError());
  std::string weights = result->dataPath.empty() ? ""
                                                 : " and " + result->dataPath + " (" +
                                                       formatBytes(result->dataBytes) + ")";
  note("wrote " + options.output + " (" + formatBytes(result->modelBytes) + ")" + weights + ": " +
       llvm::Twine(result->numNodes) + " nodes, " + llvm::Twine(result->numInitializers) +
       " initializers, opset 21");
  return llvm::Error::success();
}

void tool::addExport(CLI::App &root, Action &action) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App *command = root.add_subcommand("export", "Write a model as ONNX");
  command->footer("Examples:\n  terse export small.mlirbc -o small.onnx\n"
                  "  terse export big.mlirbc --external-data -o big.onnx\n"
                  "Encoded weights become integers with DequantizeLinear, encoded activations "
                  "pairs of QuantizeLinear "
                  "and DequantizeLinear, which other runtimes compute on integers (opset 21).");
  addModelArgument(*command, options->input);
  command->add_option("-o,--output", options->output, "The ONNX file to write")
      ->required()
      ->type_name("OUT.onnx");
  options->model.addTo(*command);
  command->add_flag("--float-weights", options->onnx.floatWeights,
                    "Write encoded weights as the floats that they stand for");
  command->add_flag("--external-data", options->onnx.externalData,
                    "Write weights to OUT.onnx.data (done anyway beyond 2 GiB)");
  command->callback([=, &action] { action = [=] { return exportModel(*options); }; });
}
