//===- ObjectCache.h - Code of earlier compilations ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What LLVM makes of a model depends on its operations, not on its weights, which stand in a blob
// of their own. So the code is kept in a folder under a hash of all that it depends on: models of
// the same structure share it, and what has been compiled once is not compiled again.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_LIB_CODEGEN_CPU_OBJECTCACHE_H
#define TERSE_LIB_CODEGEN_CPU_OBJECTCACHE_H

#include "mlir/IR/BuiltinOps.h"

#include <optional>
#include <string>

namespace terse::cpu {

struct CachedObject {
  std::string object;
  uint64_t arenaSize = 0;
};

class ObjectCache {
public:
  /// A folder that cannot be read or written is an empty cache. An empty name is none at all.
  explicit ObjectCache(llvm::StringRef folder) : folder(folder) {}

  /// A name for the code of this module: a hash of its text without the contents of resources, of
  /// `settings`, and of the program that compiles.
  static std::string getKey(mlir::ModuleOp module, llvm::StringRef settings);

  /// Nothing if it is not there, or damaged.
  std::optional<CachedObject> find(llvm::StringRef key) const;
  void add(llvm::StringRef key, const CachedObject &entry) const;

private:
  std::string getPath(llvm::StringRef key) const;
  std::string folder;
};

} // namespace terse::cpu

#endif // TERSE_LIB_CODEGEN_CPU_OBJECTCACHE_H
