//===- MappedFile.h - Read-only file mappings -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_SUPPORT_MAPPEDFILE_H
#define TERSE_SUPPORT_MAPPEDFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"

#include <memory>
#include <string>

namespace terse {

/// The bytes of a file, mapped read-only; whoever keeps a view of them keeps the shared pointer.
/// Pages are read when they are touched, so that opening is immediate whatever the size. The file
/// must not be shortened in place while it is mapped (replacing it by renaming is fine).
///
/// Pipes and other files that cannot be mapped are read into memory instead.
class MappedFile {
public:
  /// Fails with a message that names the path.
  static llvm::Expected<std::shared_ptr<const MappedFile>> open(llvm::StringRef path);

  llvm::ArrayRef<uint8_t> getBytes() const { return bytes; }
  const std::string &getPath() const { return path; }

  /// Gives the memory of the pages back; they remain valid, and are read again when they are
  /// touched. For those who stream over files larger than memory.
  void dropPages() const;

private:
  MappedFile() = default;

  std::string path;
  llvm::ArrayRef<uint8_t> bytes;
  llvm::sys::fs::mapped_file_region region;
  llvm::SmallVector<char, 0> contents; ///< Instead of the region.
};

} // namespace terse

#endif // TERSE_SUPPORT_MAPPEDFILE_H
