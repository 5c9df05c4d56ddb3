//===- Artifact.h - Writes `.terse` files -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The deployable form of a model: header, metadata, code and weights in one
// file that the C runtime maps. docs/Formats.md describes it; terse/Runtime/
// format.h is its header in C. Equal contents give equal bytes.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_ARTIFACT_ARTIFACT_H
#define TERSE_ARTIFACT_ARTIFACT_H

#include "terse/Support/DType.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace terse {

/// An input or output; -1 stands for a dynamic dimension.
struct ArtifactTensor {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
};

/// One tensor of the weights blob. `data` is read while the file is written, from mapped memory if
/// need be, and never copied as a whole.
struct ArtifactWeight {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  /// From the beginning of the blob; the weights stand in order and do not overlap. What no weight
  /// covers is zero.
  uint64_t offset = 0;
  llvm::ArrayRef<char> data;
};

/// A range of static integers that the code counts.
struct ArtifactRange {
  std::string name;
  double low, high;
};

/// The model's code for one level of CPU features.
struct ArtifactCode {
  /// What the level is called: `amx`, `x86-64-v3`. Only matters where there are several.
  std::string name;
  /// A relocatable object that exports the names of terse/Runtime/abi.h.
  llvm::StringRef object;
  /// LLVM's feature string (`+avx2,-amx-tile`). What it enables is asked of the CPU at load, as far
  /// as it names instructions that compilers select; the rest concerns operating systems.
  std::string features;
  uint64_t arenaSize = 0;
};

struct ArtifactContents {
  /// At least one, the best first: the loader takes the first whose features the CPU has.
  std::vector<ArtifactCode> variants;
  /// Target triple of all code.
  std::string triple;
  /// Of the one blob that all variants read.
  uint64_t weightsSize = 0;
  std::vector<ArtifactTensor> inputs, outputs;
  std::vector<ArtifactWeight> weights;
  /// What the rows of the last output count: tensor<Rx3xi64>; empty if it is an output like the
  /// others.
  std::vector<ArtifactRange> ranges;
};

/// Links `object` to a shared object that depends on libc and libm only, with the linker beside
/// this LLVM, else the first of `ld.lld` and `ld` on the PATH. Returns its bytes.
llvm::Expected<std::string> linkSharedObject(llvm::StringRef object, llvm::StringRef triple);

/// Links the code and writes the artifact. The file at `path` is replaced in one step once all is
/// written; after an error it is as it was.
llvm::Error writeArtifact(llvm::StringRef path, const ArtifactContents &contents);

/// The number that stands for `dtype` in artifacts and in the C interface (`terse_dtype`).
uint32_t getArtifactDType(DType dtype);

/// The inverse; nothing for other numbers.
std::optional<DType> parseArtifactDType(uint32_t dtype);

} // namespace terse

#endif // TERSE_ARTIFACT_ARTIFACT_H
