//===- Harness.h - What the benchmarks of kernels share -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_BENCHMARKS_KERNELS_HARNESS_H
#define TERSE_BENCHMARKS_KERNELS_HARNESS_H

#include "Peers.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"

#include <map>
#include <utility>

namespace terse::bench {

/// Options of all benchmarks.
struct CommonOptions {
  /// Time for each row of the table.
  double seconds = 1;
  /// A regular expression that names of layers match.
  std::string shapes;
  /// NAME or NAME=PLACE.
  std::vector<std::string> peers;
  int threads = 1;
};

/// Reads `--name=value` and `--name value`; `own` takes the names that are not common and says
/// whether it did. On errors, prints them and `usage` and returns false. `--help` prints `usage`
/// and ends the program.
bool parseOptions(int argc, char **argv, CommonOptions &options, const char *usage,
                  llvm::function_ref<bool(llvm::StringRef, llvm::StringRef)> own);

/// Which bursts of arithmetic have to be fast beside a sample for it to count.
struct Bursts {
  bool floats = false, bytes = false;
};

/// Median times of kernels, those that are null left at 0, and how many samples count of how many.
struct Timing {
  std::vector<double> seconds;
  size_t fast = 0, count = 0;
};

/// Runs `kernels` in turns. Shared machines are fast and slow by turns: bursts of arithmetic run
/// before and after every sample, and samples next to one below 85 % of the best do not count.
/// Cold kernels find their weights in memory.
Timing timeInTurns(llvm::ArrayRef<PreparedPeer *> kernels, bool cold, Bursts bursts,
                   const CommonOptions &options);

/// How many times faster than others groups of layers are.
class Ratios {
public:
  void add(const std::string &group, const std::string &other, double ratio);
  /// As a table; `what` the groups are, `whose` the others.
  void print(const char *what, const char *whose) const;

private:
  struct Sums {
    double logarithm = 0, worst = 1e9;
    int count = 0;
  };
  std::map<std::pair<std::string, std::string>, Sums> sums;
};

} // namespace terse::bench

#endif
