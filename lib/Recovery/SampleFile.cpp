//===- SampleFile.cpp - Tensors of many samples on disk ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "SampleFile.h"

#include "terse/Support/Error.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace terse;

llvm::Expected<std::unique_ptr<SampleFile>> SampleFile::create() {
  std::unique_ptr<SampleFile> file(new SampleFile);
  if (std::error_code code =
          llvm::sys::fs::createTemporaryFile("terse-samples", "bin", file->descriptor, file->path))
    return makeError("no temporary file can be made: {0}", code.message());
  llvm::sys::RemoveFileOnSignal(file->path);
  return std::move(file);
}

SampleFile::~SampleFile() {
  if (descriptor < 0)
    return;
  llvm::sys::fs::file_t handle = llvm::sys::fs::convertFDToNativeFile(descriptor);
  (void)llvm::sys::fs::closeFile(handle);
  (void)llvm::sys::fs::remove(path);
  llvm::sys::DontRemoveFileOnSignal(path);
}

llvm::Error SampleFile::add(llvm::ArrayRef<HostTensor> tensors) {
  std::vector<Entry> &entries = samples.emplace_back();
  llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/false, /*unbuffered=*/true);
  for (const HostTensor &tensor : tensors) {
    llvm::ArrayRef<uint8_t> bytes = tensor.getBytes();
    entries.push_back({tensor.dtype, tensor.shape, end});
    stream.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    end += bytes.size();
  }
  if (std::error_code code = stream.error()) {
    stream.clear_error();
    return makeError("'{0}': {1}; set TMPDIR to a folder with more room", path, code.message());
  }
  return llvm::Error::success();
}

llvm::Expected<std::vector<HostTensor>> SampleFile::read(size_t sample) const {
  std::vector<HostTensor> tensors;
  for (const Entry &entry : samples[sample]) {
    HostTensor tensor = HostTensor::zeros(entry.dtype, entry.shape);
    llvm::MutableArrayRef<uint8_t> bytes = tensor.getMutableBytes();
    llvm::MutableArrayRef<char> left(reinterpret_cast<char *>(bytes.data()), bytes.size());
    for (uint64_t offset = entry.offset; !left.empty();) {
      llvm::Expected<size_t> count = llvm::sys::fs::readNativeFileSlice(
          llvm::sys::fs::convertFDToNativeFile(descriptor), left, offset);
      if (!count)
        return count.takeError();
      if (*count == 0)
        return makeError("'{0}': the file has become shorter", path);
      offset += *count;
      left = left.drop_front(*count);
    }
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}
