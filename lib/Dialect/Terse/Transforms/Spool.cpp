//===- Spool.cpp - Finished tensors of an unfinished run --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/Dialect/Terse/Transforms/Spool.h"

#include "terse/Support/Error.h"
#include "terse/Support/SafetensorsBridge.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace terse;

/// Part of every key: another number when encoding computes something else than before.
static constexpr StringRef kVersion = "terse-spool-1";

std::string Spool::getPath(StringRef key) const {
  SmallString<256> path(folder);
  llvm::sys::path::append(path, key + ".safetensors");
  return path.str().str();
}

std::string Spool::getKey(const HostTensor &tensor, StringRef method) const {
  if (folder.empty() || getPackedBytes(tensor.dtype, tensor.getNumElements()) < kMinBytes)
    return "";
  std::string type = tensor.getTypeString();
  llvm::BLAKE3 hash;
  // Terminators keep parts apart.
  for (StringRef part : {kVersion, method, StringRef(type)}) {
    hash.update(part);
    hash.update(StringRef("\0", 1));
  }
  hash.update(tensor.getBytes());
  return llvm::toHex(hash.final<16>(), /*LowerCase=*/true);
}

std::optional<SmallVector<DenseResourceElementsAttr>>
Spool::find(StringRef key, ArrayRef<SpoolSlot> slots, ArrayRef<std::string> resources) const {
  if (key.empty() || !llvm::sys::fs::exists(getPath(key)))
    return std::nullopt;
  auto file = SafetensorsFile::open(getPath(key));
  if (!file) {
    llvm::consumeError(file.takeError());
    return std::nullopt;
  }
  SmallVector<DenseResourceElementsAttr> values;
  for (auto [slot, resource] : llvm::zip_equal(slots, resources)) {
    auto value = mapTensor(*file, slot.name, slot.type, resource);
    if (!value) {
      llvm::consumeError(value.takeError());
      return std::nullopt;
    }
    values.push_back(*value);
  }
  return values;
}

llvm::Error Spool::store(StringRef key, ArrayRef<SpoolSlot> slots,
                         ArrayRef<HostTensor> values) const {
  if (std::error_code code = llvm::sys::fs::create_directories(folder))
    return makeError("cannot create folder '{0}': {1}", folder, code.message());
  std::vector<std::pair<std::string, HostTensor>> tensors;
  for (auto [slot, value] : llvm::zip_equal(slots, values))
    tensors.push_back({slot.name, value});
  return writeSafetensors(getPath(key), tensors);
}
