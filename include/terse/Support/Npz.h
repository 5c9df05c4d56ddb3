//===- Npz.h - NumPy's archives of named arrays -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An .npz file is a zip archive of .npy files, stored (numpy.savez) or deflated
// (numpy.savez_compressed). The array `x` is the member `x.npy`; other members are left out.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_SUPPORT_NPZ_H
#define TERSE_SUPPORT_NPZ_H

#include "terse/Support/HostTensor.h"
#include "terse/Support/MappedFile.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

struct zip;

namespace terse {

using NamedTensors = std::vector<std::pair<std::string, HostTensor>>;

/// An open archive; arrays are read one by one, on request.
class NpzFile {
public:
  /// Reads the directory of the archive. Every error names the path.
  static llvm::Expected<NpzFile> open(llvm::StringRef path);

  /// The names of the arrays, in the order of the archive.
  llvm::ArrayRef<std::string> getNames() const { return names; }
  bool contains(llvm::StringRef name) const;

  /// Reads one array and checks its checksum. A name that is not there is an error that lists those
  /// that are.
  llvm::Expected<HostTensor> read(llvm::StringRef name) const;

private:
  friend class NpzStream;
  struct CloseArchive {
    void operator()(zip *archive) const;
  };

  std::string path;
  std::shared_ptr<const MappedFile> file; ///< Outlives the archive, which reads from it.
  std::unique_ptr<zip, CloseArchive> archive;
  std::vector<std::string> names;
  std::vector<uint64_t> indices; ///< Of the members, parallel to the names.
};

/// Reads one array slice by slice along its first axis, for archives larger than memory. Arrays in
/// column-major or foreign byte order are read whole.
class NpzStream {
public:
  /// Opens an array of an archive. Every error names the path.
  static llvm::Expected<std::unique_ptr<NpzStream>> open(llvm::StringRef path,
                                                         llvm::StringRef name);
  ~NpzStream();

  DType getDType() const;
  llvm::ArrayRef<int64_t> getShape() const;
  /// The next slice, of the array's rank with a first dimension of 1. Past the end it is an error.
  llvm::Expected<HostTensor> next();

private:
  struct Impl;
  explicit NpzStream(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// Reads all arrays of an archive, in its order.
llvm::Expected<NamedTensors> readNpz(llvm::StringRef path);

/// Writes an archive as numpy.savez does, stored without compression, in the given order,
/// atomically. The same tensors give the same bytes at any time: members carry the date 1980-01-01.
/// Element types that NumPy does not have are widened, see Npy.h. Names must differ.
llvm::Error writeNpz(llvm::StringRef path, const NamedTensors &tensors);

} // namespace terse

#endif // TERSE_SUPPORT_NPZ_H
