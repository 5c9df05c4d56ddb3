//===- Inspect.cpp - terse inspect ------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Artifact.h"
#include "ModelOptions.h"

#include "terse/Calibration/Statistics.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Codegen/CPU/Explain.h"
#include "terse/Report/ModelReport.h"
#include "terse/Report/StatisticsPage.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cmath>

using namespace terse;
using namespace terse::tool;

namespace {
struct InspectOptions {
  // `target`: of the code to show, if there is one.
  std::string input, html, target;
  ModelOptions model;
  bool json = false;
};
} // namespace

static llvm::Error inspectStatistics(const InspectOptions &options);

/// Which code every layer becomes, and the conversions of layout that remain between them.
static llvm::Error inspectKernels(const InspectOptions &options) {
  if (options.json || isArtifactPath(options.input) || isStatisticsFile(options.input))
    return makeError("'{0}': --kernels prints a table about a model that is not compiled yet",
                     options.input);
  Session session;
  auto module = session.load(options.input, options.model);
  if (!module)
    return module.takeError();
  CompileOptions compileOptions;
  compileOptions.target = options.target;
  compileOptions.observer = [](llvm::StringRef stage, mlir::ModuleOp lowered) {
    if (stage == "linalg")
      explainKernels(lowered, llvm::outs());
  };
  return compileToObject(**module, compileOptions).takeError();
}

static llvm::Error inspect(const InspectOptions &options) {
  auto bytes = getModelFileBytes(options.input);
  if (!bytes)
    return bytes.takeError();
  if (!options.html.empty() && !isStatisticsFile(options.input))
    return makeError("--report shows statistics of calibration, and '{0}' is a model; terse eval "
                     "--report shows models",
                     options.input);
  if (!options.target.empty())
    return inspectKernels(options);
  if (isArtifactPath(options.input))
    return inspectArtifact(options.input, options.json);
  if (isStatisticsFile(options.input))
    return inspectStatistics(options);

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

/// A histogram in `width` characters, from the smallest to the largest value; the height is the
/// logarithm of the count.
static std::string draw(const TensorStatistics &tensor, size_t width) {
  static constexpr const char *kLevels[] = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
                                            "\u2585", "\u2586", "\u2587", "\u2588"};
  std::vector<uint64_t> columns(width);
  double span = tensor.max - tensor.min, bin = tensor.histogram.getWidth();
  if (!tensor.hasHistogram || !(span > 0))
    return "";
  uint64_t most = 1;
  for (int64_t i = -Histogram::kBins; i < Histogram::kBins; ++i)
    if (uint64_t count = tensor.histogram.getCount(i)) {
      double at = ((double(i) + 0.5) * bin - tensor.min) / span * double(width);
      uint64_t &column = columns[size_t(std::clamp(at, 0.0, double(width - 1)))];
      column += count;
      most = std::max(most, column);
    }
  std::string text;
  for (uint64_t column : columns)
    text +=
        kLevels[column ? 1 + size_t(7 * std::log1p(double(column)) / std::log1p(double(most))) : 0];
  return text;
}

static llvm::Error inspectStatistics(const InspectOptions &options) {
  const std::string &path = options.input;
  auto tensors = readStatistics(path);
  if (!tensors)
    return tensors.takeError();
  if (!options.html.empty()) {
    std::string page;
    llvm::raw_string_ostream os(page);
    printStatisticsHTML(path, *tensors, os);
    return writeText(options.html, page);
  }
  if (options.json) {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    if (buffer)
      llvm::outs() << (*buffer)->getBuffer();
    return llvm::Error::success();
  }
  llvm::outs() << path << ": statistics of " << tensors->size() << " values\n"
               << llvm::formatv("{0,-24}{1,9}{2,12}{3,12}{4,12}{5,12}{6,8}  {7}\n", "value",
                                "samples", "min", "max", "avg min", "avg max", "bad",
                                "histogram (log)");
  for (const TensorStatistics &tensor : *tensors)
    llvm::outs() << llvm::formatv("{0,-24}{1,9}{2,12:f4}{3,12:f4}{4,12:f4}{5,12:f4}{6,8}  {7}\n",
                                  tensor.name, tensor.samples, tensor.min, tensor.max,
                                  tensor.averageMin, tensor.averageMax, tensor.nonFinite,
                                  draw(tensor, 40));
  return llvm::Error::success();
}

void tool::addInspect(CLI::App &root, Action &action) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App *command = root.add_subcommand(
      "inspect",
      "Show inputs, outputs, and how every weight is stored, in exact bits and bytes; or what "
      "calibration has seen");
  command->footer("Examples:\n  terse inspect small.mlirbc --json\n  terse inspect small.mlirbc "
                  "--kernels native\n"
                  "  terse inspect statistics.json\n"
                  "  terse inspect statistics.json --report statistics.html");
  addModelArgument(*command, options->input);
  command->add_flag("--json", options->json, "Print JSON instead of a table");
  command
      ->add_option("--report", options->html,
                   "Write statistics as a page, with histograms as pictures")
      ->type_name("OUT.html");
  command
      ->add_option(
          "--kernels", options->target,
          "Print which code every layer becomes for this target (native, x86-64-v3, ... as "
          "for terse compile), and where a layout is still converted (transpose)")
      ->type_name("TARGET");
  options->model.addTo(*command);
  command->callback([=, &action] { action = [=] { return inspect(*options); }; });
}
