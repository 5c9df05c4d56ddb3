//===- ModelOptions.h - Options of commands that read models ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_TOOLS_TERSE_MODELOPTIONS_H
#define TERSE_TOOLS_TERSE_MODELOPTIONS_H

#include "Tool.h"

namespace terse::tool {

/// `--bind` and `--dim`: what a model is specialized for when it is loaded.
class ModelOptions {
public:
  void addTo(CLI::App &command);

  /// Reads the files of the bound inputs.
  llvm::Expected<LoadOptions> parse() const;

private:
  std::vector<std::string> dims, bindings;
};

/// The `MODEL` argument of a command that reads one model.
void addModelArgument(CLI::App &command, std::string &path);

/// Whether the file `path` can be created; the message says why not. Empty paths and `-` are fine.
llvm::Error checkWritable(llvm::StringRef path);

} // namespace terse::tool

#endif // TERSE_TOOLS_TERSE_MODELOPTIONS_H
