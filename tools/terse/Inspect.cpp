//===- Inspect.cpp - terse inspect ------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Artifact.h"
#include "ModelOptions.h"

#include "terse/Report/ModelReport.h"
#include "llvm/Support/FormatVariadic.h"

using namespace terse;
using namespace terse::tool;

namespace {
struct InspectOptions {
  std::string input;
  ModelOptions model;
  bool json = false;
};
} // namespace

static llvm::Error inspect(const InspectOptions &options) {
  auto bytes = getModelFileBytes(options.input);
  if (!bytes)
    return bytes.takeError();
  if (isArtifactPath(options.input))
    return inspectArtifact(options.input, options.json);

  Session session;
  auto module = session.load(options.input, options.model);
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
  printSignature(*signature);
  report.print(llvm::outs());
  return llvm::Error::success();
}

void tool::addInspect(CLI::App &root, Action &action) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App *command = root.add_subcommand(
      "inspect", "Show inputs, outputs, and how every weight is stored, in exact bits and bytes");
  command->footer("Example:\n  terse inspect small.mlirbc --json");
  addModelArgument(*command, options->input);
  command->add_flag("--json", options->json, "Print JSON instead of a table");
  options->model.addTo(*command);
  command->callback([=, &action] { action = [=] { return inspect(*options); }; });
}
