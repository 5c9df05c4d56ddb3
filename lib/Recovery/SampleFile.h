//===- SampleFile.h - Tensors of many samples on disk -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_LIB_RECOVERY_SAMPLEFILE_H
#define TERSE_LIB_RECOVERY_SAMPLEFILE_H

#include "terse/Support/HostTensor.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FileSystem.h"

#include <optional>
#include <vector>

namespace terse {

/// The tensors of one sample after another in a temporary file, which goes with the object.
class SampleFile {
public:
  static llvm::Expected<std::unique_ptr<SampleFile>> create();
  ~SampleFile();
  SampleFile(const SampleFile &) = delete;
  SampleFile &operator=(const SampleFile &) = delete;

  /// Appends the next sample.
  llvm::Error add(llvm::ArrayRef<HostTensor> tensors);
  /// May be called from several threads, but not while samples are added.
  llvm::Expected<std::vector<HostTensor>> read(size_t sample) const;
  size_t size() const { return samples.size(); }

private:
  SampleFile() = default;
  struct Entry {
    DType dtype;
    std::vector<int64_t> shape;
    uint64_t offset;
  };
  llvm::SmallString<128> path;
  int descriptor = -1;
  uint64_t end = 0;
  std::vector<std::vector<Entry>> samples;
};

} // namespace terse

#endif // TERSE_LIB_RECOVERY_SAMPLEFILE_H
