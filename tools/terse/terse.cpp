//===- terse.cpp - Compress, compile and run neural networks ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Tool.h"

#include "terse/InitAll.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <unistd.h>

using namespace terse::tool;

static constexpr const char *kReportHint =
    "This is a defect of terse. Please report it with the command line, the model if it can be "
    "shared, and the text above.\n";

static int report(llvm::Error error) {
  if (!error)
    return kDone;
  bool isDefect = error.isA<DefectError>();
  llvm::errs() << "terse: error: " << llvm::toString(std::move(error)) << "\n";
  if (isDefect)
    llvm::errs() << kReportHint;
  return isDefect ? kDefect : kCannotServe;
}

int main(int argc, char **argv) {
  llvm::setBugReportMsg(kReportHint);
  llvm::InitLLVM init(argc, argv);
  // A crash is a defect too, and scripts must be able to tell.
  llvm::sys::AddSignalHandler([](void *) { _exit(kDefect); }, nullptr);
  // Pipes that close early are not.
  llvm::sys::SetOneShotPipeSignalFunction([] { _exit(kCannotServe); });
  terse::registerAllPasses();

  CLI::App app("Compress, compile and run trained neural networks.\n"
               "MODEL is an .onnx file, an .mlirbc or .mlir file with its .safetensors beside it, "
               "or a compiled .terse file.",
               "terse");
  app.footer("Example:\n"
             "  terse compress model.onnx --recipe int8-weights -o small.mlirbc\n"
             "  terse eval model.onnx small.mlirbc --data test.npz --labels labels\n"
             "\"terse COMMAND --help\" explains a command.\n"
             "Exit status: 0 done, 1 the request cannot be served, 2 wrong usage, 3 a defect of "
             "terse.");
  app.set_version_flag("--version", std::string("terse ") + TERSE_VERSION);
  app.require_subcommand(1);
  Action action;
  addImport(app, action);
  addCompress(app, action);
  addInspect(app, action);
  addCompile(app, action);
  addRun(app, action);
  addEval(app, action);
  addBench(app, action);
  addExport(app, action);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &e) {
    return app.exit(e) == 0 ? kDone : kWrongUsage;
  }
  try {
    return report(action());
  } catch (const std::exception &e) {
    return report(llvm::make_error<DefectError>(e.what()));
  }
}
