//===- MappedFile.cpp - Read-only file mappings -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "terse/Support/MappedFile.h"
#include "terse/Support/Error.h"
#include "llvm/ADT/ScopeExit.h"

#include <sys/mman.h>

using namespace terse;
namespace fs = llvm::sys::fs;

llvm::Expected<std::shared_ptr<const MappedFile>> MappedFile::open(llvm::StringRef path) {
  llvm::Expected<fs::file_t> descriptor = fs::openNativeFileForRead(path);
  if (!descriptor)
    return makeError("cannot open '{0}': {1}", path, llvm::toString(descriptor.takeError()));
  llvm::scope_exit close([&] { (void)fs::closeFile(*descriptor); });

  fs::file_status status;
  if (std::error_code ec = fs::status(*descriptor, status))
    return makeError("cannot open '{0}': {1}", path, ec.message());
  if (fs::is_directory(status))
    return makeError("cannot open '{0}': it is a directory, expected a file", path);

  std::shared_ptr<MappedFile> file(new MappedFile());
  file->path = path.str();
  if (!fs::is_regular_file(status)) {
    if (llvm::Error error = fs::readNativeFileToEOF(*descriptor, file->contents))
      return makeError("cannot read '{0}': {1}", path, llvm::toString(std::move(error)));
    file->bytes = {reinterpret_cast<const uint8_t *>(file->contents.data()), file->contents.size()};
    return std::shared_ptr<const MappedFile>(std::move(file));
  }
  // Nothing can be mapped of an empty file.
  if (status.getSize() == 0)
    return std::shared_ptr<const MappedFile>(std::move(file));
  std::error_code ec;
  file->region = fs::mapped_file_region(*descriptor, fs::mapped_file_region::readonly,
                                        status.getSize(), /*offset=*/0, ec);
  if (ec)
    return makeError("cannot map '{0}': {1}", path, ec.message());
  file->bytes = {reinterpret_cast<const uint8_t *>(file->region.const_data()), file->region.size()};
  return std::shared_ptr<const MappedFile>(std::move(file));
}

void MappedFile::dropPages() const {
  // mapped_file_region::dontNeed() calls posix_madvise, which does nothing in glibc.
  if (region)
    (void)madvise(const_cast<char *>(region.const_data()), region.size(), MADV_DONTNEED);
}
