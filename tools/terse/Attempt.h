//===- Attempt.h - One run of a recipe on a model ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_TOOLS_TERSE_ATTEMPT_H
#define TERSE_TOOLS_TERSE_ATTEMPT_H

#include "Search.h"

namespace terse::tool {

/// What the command was given.
struct CompressOptions {
  std::string input, output, recipe, manifest, data, sensitivities, savedRecipe;
  std::vector<std::string> statistics;
  int64_t samples = 0;
  GateOptions gates;
  ModelOptions model;
  bool strict = false, printPipeline = false, quiet = false, keepFastFloats = false;
};

/// The folder where finished weights stand until the whole is written.
class SpoolFolder {
public:
  explicit SpoolFolder(llvm::StringRef output) : path((output + ".partial").str()) {}
  /// What ends in order, well or not, leaves nothing; only what is killed does. Files that are not
  /// ours, and then the folder, stay.
  ~SpoolFolder();

  const std::string &getPath() const { return path; }

  /// Files of this folder, also those that were being written.
  std::vector<std::string> list() const;

private:
  std::string path;
};

/// One run of the recipe on the model.
struct Attempt {
  Session session;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::optional<llvm::json::Value> plan;
  std::string pipeline;
  std::optional<SpoolFolder> spool;
  GateResult gates;
  GateFailures failures;

  llvm::Error run(const CompressOptions &options, Recipe recipe, const SearchBudgets &budgets,
                  llvm::StringRef sensitivities, bool isFirst);
};

} // namespace terse::tool

#endif // TERSE_TOOLS_TERSE_ATTEMPT_H
