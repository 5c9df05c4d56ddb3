//===- ObjectCache.cpp - Code of earlier compilations ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ObjectCache.h"

#include "mlir/IR/OperationSupport.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Support/AtomicFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/CachePruning.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

using namespace mlir;
using namespace terse;
using namespace terse::cpu;

// A file is the magic, the hash of what follows, the size of the arena, and the object.
static constexpr llvm::StringLiteral kMagic = "TERSEOB1";
static constexpr size_t kHashSize = 32, kHeaderSize = 8 + kHashSize + 8;

namespace {
/// Hashes what is printed instead of keeping it.
class HashStream : public llvm::raw_ostream {
public:
  ~HashStream() override { flush(); }
  std::string finish() {
    flush();
    return llvm::toHex(hasher.final<kHashSize>(), /*LowerCase=*/true);
  }

private:
  void write_impl(const char *data, size_t size) override {
    hasher.update(llvm::StringRef(data, size));
    position += size;
  }
  uint64_t current_pos() const override { return position; }

  llvm::BLAKE3 hasher;
  uint64_t position = 0;
};
} // namespace

/// Another build makes other code. Its file's identity stands for it: hashing the program would
/// take longer than most of what is saved.
static void hashProgram(llvm::raw_ostream &os) {
  static int here;
  std::string path = llvm::sys::fs::getMainExecutable(nullptr, &here);
  llvm::sys::fs::file_status status;
  os << LLVM_VERSION_STRING << "\n" << path << "\n";
  if (!llvm::sys::fs::status(path, status))
    os << status.getSize() << " " << status.getLastModificationTime().time_since_epoch().count()
       << "\n";
}

static std::string getHash(llvm::StringRef bytes) {
  return llvm::toStringRef(llvm::BLAKE3::hash<kHashSize>(llvm::arrayRefFromStringRef(bytes))).str();
}

std::string terse::getDefaultCacheFolder() {
  if (std::optional<std::string> folder = llvm::sys::Process::GetEnv("TERSE_CACHE_DIR"))
    return *folder;
  llvm::SmallString<128> path;
  if (!llvm::sys::path::cache_directory(path))
    return "";
  llvm::sys::path::append(path, "terse");
  return std::string(path);
}

std::string ObjectCache::getKey(ModuleOp module, llvm::StringRef settings) {
  HashStream os;
  hashProgram(os);
  os << settings << "\n";
  module.print(os, OpPrintingFlags().elideLargeResourceString(0));
  return os.finish();
}

/// The prefix is the one that LLVM's pruning knows.
std::string ObjectCache::getPath(llvm::StringRef key) const {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, "llvmcache-" + key);
  return std::string(path);
}

std::optional<CachedObject> ObjectCache::find(llvm::StringRef key) const {
  if (folder.empty())
    return std::nullopt;
  auto file = llvm::MemoryBuffer::getFile(getPath(key));
  if (!file)
    return std::nullopt;
  llvm::StringRef bytes = (*file)->getBuffer();
  if (bytes.size() < kHeaderSize || !bytes.starts_with(kMagic))
    return std::nullopt;
  llvm::StringRef content = bytes.substr(8 + kHashSize);
  if (bytes.substr(8, kHashSize) != getHash(content))
    return std::nullopt;
  return CachedObject{content.substr(8).str(), llvm::support::endian::read64le(content.data())};
}

void ObjectCache::add(llvm::StringRef key, const CachedObject &entry) const {
  if (folder.empty() || llvm::sys::fs::create_directories(folder))
    return;
  std::string content(8, 0);
  llvm::support::endian::write64le(content.data(), entry.arenaSize);
  content += entry.object;
  // Without a cache the work is only done again.
  llvm::consumeError(writeFileAtomically(getPath(key), [&](llvm::raw_ostream &os) {
    os << kMagic << getHash(content) << content;
    return llvm::Error::success();
  }));
  llvm::CachePruningPolicy policy;
  policy.Expiration = std::chrono::hours(30 * 24);
  policy.MaxSizeBytes = uint64_t(1) << 30;
  llvm::pruneCache(folder, policy);
}
