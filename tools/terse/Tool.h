//===- Tool.h - What the subcommands of terse share ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_TOOLS_TERSE_TOOL_H
#define TERSE_TOOLS_TERSE_TOOL_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "terse/ModelIO/ModelFile.h"
#include "terse/Support/Error.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <CLI/App.hpp>
#include <functional>
#include <memory>
#include <string>

namespace terse::tool {

/// Exit statuses that scripts may rely on.
enum ExitStatus { kDone = 0, kCannotServe = 1, kWrongUsage = 2, kDefect = 3 };

/// An error that is the program's own fault and not that of its input.
class DefectError : public llvm::ErrorInfo<DefectError> {
public:
  static char ID;
  explicit DefectError(std::string message) : message(std::move(message)) {}
  void log(llvm::raw_ostream &os) const override { os << message; }
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }

private:
  std::string message;
};

/// What a subcommand does once its options are parsed.
using Action = std::function<llvm::Error()>;

/// Each adds one subcommand to the command line and stores what to do when it was given.
void addImport(CLI::App &root, Action &action);
void addCompress(CLI::App &root, Action &action);
void addInspect(CLI::App &root, Action &action);
void addCompile(CLI::App &root, Action &action);
void addRun(CLI::App &root, Action &action);
void addEval(CLI::App &root, Action &action);
void addExport(CLI::App &root, Action &action);
void addBench(CLI::App &root, Action &action);

class ModelOptions;

/// A context with everything registered, whose diagnostics are kept instead of printed.
class Session {
public:
  Session();

  mlir::MLIRContext &getContext() { return context; }

  /// Loads a model file of any kind but `.terse`.
  llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> load(llvm::StringRef path,
                                                         const LoadOptions &options);
  llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> load(llvm::StringRef path,
                                                         const ModelOptions &options);

  /// The errors that were emitted since the last call, the first one first; `otherwise` if none.
  llvm::Error takeDiagnostics(const llvm::Twine &prefix, const llvm::Twine &otherwise);

private:
  mlir::MLIRContext context;
  std::string diagnostics;
  std::unique_ptr<mlir::ScopedDiagnosticHandler> handler;
};

/// Progress of long work on stderr: a line that is rewritten on a terminal, a line per quarter
/// elsewhere. Short work prints nothing elsewhere.
class Progress {
public:
  Progress(std::string label, uint64_t total);
  ~Progress();
  void advance(uint64_t by = 1);
  /// Shows what the current part of the work is at, until the next part begins.
  void showStep(llvm::StringRef work, uint64_t index, uint64_t total);

private:
  void print();
  std::string label, step;
  uint64_t total, done = 0, printedPart = 0, printedStep = 0;
  bool onTerminal;
};

/// Says what happens now, on stderr.
void note(const llvm::Twine &message);

/// Writes text to a file, all of it or nothing; `-` is stdout.
llvm::Error writeText(llvm::StringRef path, llvm::StringRef text);
llvm::Error writeJSON(llvm::StringRef path, const llvm::json::Value &value);

/// `1.4 MB`, powers of ten as file managers show them.
std::string formatBytes(uint64_t bytes);

} // namespace terse::tool

#endif // TERSE_TOOLS_TERSE_TOOL_H
