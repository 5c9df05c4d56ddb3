//===- Inspect.cpp - terse inspect ------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Artifact.h"
#include "Tool.h"

#include "terse/Report/ModelReport.h"
#include "llvm/Support/FormatVariadic.h"

using namespace terse;
using namespace terse::tool;

namespace {
struct InspectOptions {
  std::string input;
  std::vector<std::string> dims;
  bool json = false;
};
} // namespace

static void print(const ModelSignature &signature) {
  for (const TensorSignature &input : signature.inputs)
    llvm::outs() << "input  " << input.name << ": " << input.getTypeString() << "\n";
  for (const TensorSignature &output : signature.outputs)
    llvm::outs() << "output " << output.name << ": " << output.getTypeString() << "\n";
}

static llvm::Error inspect(const InspectOptions &options) {
  auto bytes = getModelFileBytes(options.input);
  if (!bytes)
    return bytes.takeError();
  if (isArtifactPath(options.input))
    return inspectArtifact(options.input, options.json);

  LoadOptions load;
  auto dims = parseDims(options.dims);
  if (!dims)
    return dims.takeError();
  load.dims = *dims;
  Session session;
  auto module = session.load(options.input, load);
  if (!module)
    return module.takeError();
  auto signature = getSignature(**module);
  if (!signature)
    return signature.takeError();
  ModelReport report = reportModel(**module);
  if (options.json) {
    llvm::json::Value value = report.toJSON();
    llvm::json::Object &object = *value.getAsObject();
    object["file"] = options.input;
    object["file_bytes"] = int64_t(*bytes);
    object["inputs"] = tool::toJSON(signature->inputs);
    object["outputs"] = tool::toJSON(signature->outputs);
    return writeJSON("-", value);
  }
  llvm::outs() << options.input << ": " << *bytes << " bytes on disk\n";
  print(*signature);
  report.print(llvm::outs());
  return llvm::Error::success();
}

void tool::addInspect(CLI::App &root, Action &action) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App *command = root.add_subcommand(
      "inspect", "Show inputs, outputs, and how every weight is stored, in exact bits and bytes");
  command->footer("Example:\n  terse inspect small.mlirbc --json");
  command->add_option("model", options->input, "The model")->required()->type_name("MODEL");
  command->add_flag("--json", options->json, "Print JSON instead of a table");
  addDimOption(*command, options->dims);
  command->callback([=, &action] { action = [=] { return inspect(*options); }; });
}
