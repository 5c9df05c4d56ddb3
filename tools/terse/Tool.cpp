//===- Tool.cpp - What the subcommands of terse share -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ModelOptions.h"

#include "terse/InitAll.h"
#include "terse/Support/AtomicFile.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

using namespace terse;
using namespace terse::tool;

char DefectError::ID;

static mlir::DialectRegistry makeRegistry() {
  mlir::DialectRegistry registry;
  terse::registerAllDialects(registry);
  return registry;
}

// Graph rewriting is sequential here; a pool of threads would only cost start-up time.
Session::Session() : context(makeRegistry(), mlir::MLIRContext::Threading::DISABLED) {
  handler = std::make_unique<mlir::ScopedDiagnosticHandler>(
      &context, [this](mlir::Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error || !diagnostics.empty())
          return mlir::success();
        // Name locations say which layer it is; positions in files are said by the caller.
        llvm::raw_string_ostream os(diagnostics);
        if (auto name = mlir::dyn_cast<mlir::NameLoc>(diagnostic.getLocation()))
          os << "layer '" << name.getName().getValue() << "': ";
        os << diagnostic;
        return mlir::success();
      });
}

llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> Session::load(llvm::StringRef path,
                                                                const LoadOptions &options) {
  auto module = loadModel(context, path, options);
  if (module)
    return module;
  // Diagnostics of a parser say more than its result.
  llvm::Error error = module.takeError();
  if (diagnostics.empty())
    return std::move(error);
  llvm::consumeError(std::move(error));
  return takeDiagnostics("'" + path + "': ", "cannot be loaded");
}

llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> Session::load(llvm::StringRef path,
                                                                const ModelOptions &options) {
  auto parsed = options.parse();
  if (!parsed)
    return parsed.takeError();
  return load(path, *parsed);
}

llvm::Error Session::takeDiagnostics(const llvm::Twine &prefix, const llvm::Twine &otherwise) {
  llvm::Error error =
      makeError("{0}{1}", prefix.str(), diagnostics.empty() ? otherwise.str() : diagnostics);
  diagnostics.clear();
  return error;
}

//===----------------------------------------------------------------------===//
// Talking
//===----------------------------------------------------------------------===//

Progress::Progress(std::string label, uint64_t total)
    : label(std::move(label)), total(total),
      onTerminal(llvm::sys::Process::StandardErrIsDisplayed()) {
  print();
}

Progress::~Progress() {
  if (onTerminal)
    llvm::errs() << "\r\033[K";
}

void Progress::advance(uint64_t by) {
  done += by;
  step.clear();
  print();
}

/// Whether a line is due where lines stay: at quarters of long work.
static bool isDue(uint64_t done, uint64_t total, uint64_t &printed) {
  uint64_t part = total ? done * 4 / total : 4;
  return total >= 100 && part > std::exchange(printed, part);
}

void Progress::showStep(llvm::StringRef work, uint64_t index, uint64_t total) {
  std::string now = llvm::formatv("{0} {1}/{2}", work, index + 1, total);
  if (!onTerminal) {
    if (isDue(index + 1, total, printedStep))
      llvm::errs() << now << "\n";
    return;
  }
  step = ": " + now;
  print();
}

void Progress::print() {
  if (onTerminal)
    llvm::errs() << "\r" << label << " " << done << "/" << total << step << "\033[K";
  else if (isDue(done, total, printedPart))
    llvm::errs() << label << " " << done << "/" << total << "\n";
}

void tool::note(const llvm::Twine &message) { llvm::errs() << message << "\n"; }

llvm::Error tool::writeText(llvm::StringRef path, llvm::StringRef text) {
  if (path == "-") {
    llvm::outs() << text;
    return llvm::Error::success();
  }
  return writeFileAtomically(path, [&](llvm::raw_ostream &os) {
    os << text;
    return llvm::Error::success();
  });
}

llvm::Error tool::writeJSON(llvm::StringRef path, const llvm::json::Value &value) {
  return writeText(path, llvm::formatv("{0:2}\n", value).str());
}

std::string tool::formatBytes(uint64_t bytes) {
  if (bytes < 10000)
    return llvm::formatv("{0} bytes", bytes);
  if (bytes < 10000000)
    return llvm::formatv("{0:F1} kB", double(bytes) / 1e3);
  return llvm::formatv("{0:F1} MB", double(bytes) / 1e6);
}
