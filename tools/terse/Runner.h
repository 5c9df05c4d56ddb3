//===- Runner.h - Something that computes a model --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_TOOLS_TERSE_RUNNER_H
#define TERSE_TOOLS_TERSE_RUNNER_H

#include "ModelOptions.h"

#include <functional>

namespace terse::tool {

struct RunnerOptions {
  /// Use the reference interpreter instead of native code.
  bool interpret = false;
  /// Threads of native code; 0 means one per core.
  unsigned threads = 0;
  ModelOptions model;

  void addTo(CLI::App &command);
};

/// A loaded model, whatever executes it: the interpreter, the JIT compiler, or the runtime for a
/// compiled artifact.
class Runner {
public:
  virtual ~Runner();

  const ModelSignature &getSignature() const { return signature; }
  /// `interpreter`, `native` or `artifact`.
  virtual llvm::StringRef getKind() const = 0;
  /// Inputs are in the order of the signature and fit it.
  virtual llvm::Expected<std::vector<HostTensor>> run(llvm::ArrayRef<HostTensor> inputs) = 0;

protected:
  ModelSignature signature;
};

/// One runner for each model. Whatever `--bind` and `--dim` name must occur in one model at least:
/// a model that is specialized already may stand beside its original.
llvm::Expected<std::vector<std::unique_ptr<Runner>>> createRunners(llvm::ArrayRef<std::string> paths,
                                                                   const RunnerOptions &options);

} // namespace terse::tool

#endif // TERSE_TOOLS_TERSE_RUNNER_H
