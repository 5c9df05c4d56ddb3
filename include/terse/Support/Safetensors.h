//===- Safetensors.h - The safetensors file format --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A safetensors file is an 8-byte little-endian header size, a JSON header, and the data of the
// tensors, which follow each other without gaps and cover the rest of the file.
//
// Element types that the format does not have, first of all packed integers below 8 bits, are
// stored as U8 tensors of rank 1; two metadata entries give the tensor's own type and shape:
//
//   "__metadata__": {"dtype:w": "i4", "shape:w": "[64,32]"}
//
// The reader gives such a tensor its own type, other programs see the packed bytes. Types are
// spelled as in MLIR (DType::getName), shapes are JSON arrays.
//
// Reading maps the file. The header is checked completely before anything is believed: sizes,
// nesting, names, types, shapes, and that the data ranges neither overlap nor leave gaps.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_SUPPORT_SAFETENSORS_H
#define TERSE_SUPPORT_SAFETENSORS_H

#include "terse/Support/HostTensor.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace terse {

/// Sorted, so that files are deterministic.
using SafetensorsMetadata = std::map<std::string, std::string>;

/// A tensor of an open file.
struct SafetensorsEntry {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  /// The data as they lie in the file: getPackedBytes(dtype, elements) bytes, sub-byte packed.
  llvm::ArrayRef<uint8_t> bytes;
};

class SafetensorsFile {
public:
  /// Maps and checks a file. Every error names the path.
  static llvm::Expected<SafetensorsFile> open(llvm::StringRef path);

  /// Checks the contents of a file; `owner` keeps the bytes alive. The bytes may be hostile.
  static llvm::Expected<SafetensorsFile> parse(llvm::ArrayRef<uint8_t> bytes,
                                               std::shared_ptr<const void> owner,
                                               llvm::StringRef path = "<memory>");

  /// All tensors, in the order of their data.
  llvm::ArrayRef<SafetensorsEntry> getEntries() const { return entries; }
  /// The tensor of that name, or null.
  const SafetensorsEntry *find(llvm::StringRef name) const;
  /// The file's metadata without the `dtype:` and `shape:` entries of its tensors.
  const SafetensorsMetadata &getMetadata() const { return metadata; }
  /// Keeps the bytes of the entries alive.
  const std::shared_ptr<const void> &getOwner() const { return owner; }

  /// A tensor in host representation: a view of the mapping if its elements take whole bytes and
  /// are aligned. A name that is not there is an error that lists those that are.
  llvm::Expected<HostTensor> read(llvm::StringRef name) const;

private:
  std::string path;
  std::shared_ptr<const void> owner;
  std::vector<SafetensorsEntry> entries;
  llvm::StringMap<size_t> indices;
  SafetensorsMetadata metadata;
};

/// What a file is going to contain.
struct SafetensorsSpec {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
};

/// Writes a file, atomically, one tensor at a time: `produce(i, os)` is called once for every spec
/// and writes the getPackedBytes(...) bytes of specs[i]; writing another number of bytes is an
/// error. Calls come in the order of the data: descending element size, then by name, so that every
/// element is aligned in the mapping. The same input gives the same bytes. Names must be different,
/// not empty, UTF-8, and not `__metadata__`.
llvm::Error writeSafetensors(llvm::StringRef path, llvm::ArrayRef<SafetensorsSpec> specs,
                             const SafetensorsMetadata &metadata,
                             llvm::function_ref<llvm::Error(size_t, llvm::raw_ostream &)> produce);

/// The same for tensors in memory.
llvm::Error writeSafetensors(llvm::StringRef path,
                             llvm::ArrayRef<std::pair<std::string, HostTensor>> tensors,
                             const SafetensorsMetadata &metadata = {});

} // namespace terse

#endif // TERSE_SUPPORT_SAFETENSORS_H
