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
  /// Of compiled models with code for several targets, the one to run; empty: the best.
  std::string variant;
  ModelOptions model;

  void addTo(CLI::App &command);
};

/// How often values left the range of a static integer tensor.
struct RangeCounts {
  std::string name;
  double low = 0, high = 0;
  uint64_t seen = 0, below = 0, above = 0;
  double getShare() const { return seen ? double(below + above) / double(seen) : 0; }
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
  /// The same without a look at the results, which takes the time that a program waits for them:
  /// they are not copied into tensors of this tool.
  virtual llvm::Error execute(llvm::ArrayRef<HostTensor> inputs) { return run(inputs).takeError(); }

  /// Bytes of machine code (`native`: of its object file); 0 where there is none.
  virtual uint64_t getCodeBytes() const { return 0; }

  /// What was counted since the model was loaded; nothing for models that do not count.
  virtual std::vector<RangeCounts> getRangeCounts() { return {}; }

protected:
  ModelSignature signature;
};

/// A table of what live data do to ranges; nothing for an empty list.
void printRangeCounts(llvm::StringRef path, llvm::ArrayRef<RangeCounts> counts,
                      llvm::raw_ostream &os);
llvm::json::Array toJSON(llvm::ArrayRef<RangeCounts> counts);

/// One runner for each model. Whatever `--bind` and `--dim` name must occur in one model at least:
/// a model that is specialized already may stand beside its original.
llvm::Expected<std::vector<std::unique_ptr<Runner>>>
createRunners(llvm::ArrayRef<std::string> paths, const RunnerOptions &options);

} // namespace terse::tool

#endif // TERSE_TOOLS_TERSE_RUNNER_H
