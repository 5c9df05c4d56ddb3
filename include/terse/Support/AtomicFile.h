//===- AtomicFile.h - Files that appear complete or not at all --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_SUPPORT_ATOMICFILE_H
#define TERSE_SUPPORT_ATOMICFILE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>
#include <optional>
#include <string>

namespace terse {

/// An output file that is written beside its destination under a temporary name and renamed when
/// everything has succeeded. Destruction without commit(), and a fatal signal, remove the temporary
/// file and leave what stood at the destination.
///
/// Symbolic links are followed. A destination that is not a regular file (a pipe, /dev/null) cannot
/// be replaced by renaming: it is written directly.
class AtomicFile {
public:
  /// Fails with a message that names the path if the destination is a directory, is write-protected
  /// or its directory does not exist.
  static llvm::Expected<AtomicFile> create(llvm::StringRef path);

  AtomicFile(AtomicFile &&) = default;
  AtomicFile &operator=(AtomicFile &&) = delete;
  ~AtomicFile();

  llvm::raw_ostream &getStream() { return *stream; }

  /// False if the destination is written directly.
  bool hasTemporaryPath() const { return temporary.has_value(); }
  /// The name that the file has until commit(), for libraries that want to write it by name.
  const std::string &getTemporaryPath() const { return temporaryPath; }

  /// Flushes, checks for write errors (a full disk) and renames. At most once; after it, successful
  /// or not, nothing temporary is left.
  llvm::Error commit();

private:
  AtomicFile() = default;
  void discard();

  std::string path;        ///< As the user gave it, for messages.
  std::string destination; ///< With links resolved.
  std::string temporaryPath;
  /// Nothing if the destination is written directly.
  std::optional<llvm::sys::fs::TempFile> temporary;
  std::unique_ptr<llvm::raw_fd_ostream> stream;
};

/// Creates the file, lets `write` fill it, and commits unless `write` fails.
llvm::Error writeFileAtomically(llvm::StringRef path,
                                llvm::function_ref<llvm::Error(llvm::raw_ostream &)> write);

} // namespace terse

#endif // TERSE_SUPPORT_ATOMICFILE_H
