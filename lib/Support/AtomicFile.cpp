//===- AtomicFile.cpp - Files that appear complete or not at all -*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Support/AtomicFile.h"
#include "terse/Support/Error.h"
#include "llvm/ADT/SmallString.h"

using namespace terse;
namespace fs = llvm::sys::fs;

llvm::Expected<AtomicFile> AtomicFile::create(llvm::StringRef path) {
  AtomicFile file;
  file.path = path.str();
  file.destination = file.path;

  fs::file_status status;
  if (!fs::status(path, status) && fs::exists(status)) {
    if (fs::is_directory(status))
      return makeError("cannot write '{0}': it is a directory; name a file in it", path);
    if (fs::access(path, fs::AccessMode::Write))
      return makeError("cannot write '{0}': the file is write-protected", path);
    if (!fs::is_regular_file(status)) {
      std::error_code ec;
      file.stream = std::make_unique<llvm::raw_fd_ostream>(path, ec);
      if (ec)
        return makeError("cannot write '{0}': {1}", path, ec.message());
      return std::move(file);
    }
    llvm::SmallString<256> resolved;
    if (!fs::real_path(path, resolved))
      file.destination = resolved.str().str();
  }

  llvm::Expected<fs::TempFile> temporary = fs::TempFile::create(file.destination + ".tmp-%%%%%%%%");
  if (!temporary)
    return makeError("cannot write '{0}': {1}", path, llvm::toString(temporary.takeError()));
  file.temporaryPath = temporary->TmpName;
  file.stream = std::make_unique<llvm::raw_fd_ostream>(temporary->FD, /*shouldClose=*/false);
  file.temporary.emplace(std::move(*temporary));
  return std::move(file);
}

void AtomicFile::discard() {
  if (!stream)
    return;
  // An unread error would end the process when the stream is destroyed.
  stream->clear_error();
  stream.reset();
  if (temporary)
    llvm::consumeError(temporary->discard());
}

AtomicFile::~AtomicFile() { discard(); }

llvm::Error AtomicFile::commit() {
  stream->flush();
  if (std::error_code ec = stream->error()) {
    discard();
    return makeError("cannot write '{0}': {1}", path, ec.message());
  }
  stream.reset();
  if (!temporary)
    return llvm::Error::success();
  if (llvm::Error error = temporary->keep(destination))
    return makeError("cannot write '{0}': {1}", path, llvm::toString(std::move(error)));
  return llvm::Error::success();
}

llvm::Error terse::writeFileAtomically(llvm::StringRef path,
                                       llvm::function_ref<llvm::Error(llvm::raw_ostream &)> write) {
  llvm::Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  if (llvm::Error error = write(file->getStream()))
    return error;
  return file->commit();
}
