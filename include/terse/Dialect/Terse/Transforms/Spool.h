//===- Spool.h - Finished tensors of an unfinished run ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A folder with one file per weight that is done, under a name that follows from
// the weight's contents and its encoding. What stands there therefore never has
// to be asked whether it is current: an interrupted run is continued by doing
// the same again. Finished tensors are views of these files, so that a pass over
// a model holds one weight in memory and not all of them.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_DIALECT_TERSE_TRANSFORMS_SPOOL_H
#define TERSE_DIALECT_TERSE_TRANSFORMS_SPOOL_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "terse/Support/HostTensor.h"

namespace terse {

/// A component of an encoded tensor: its name and its type.
struct SpoolSlot {
  std::string name;
  mlir::RankedTensorType type;
};

class Spool {
public:
  /// Without a folder everything stays in memory. The folder is made when it is needed.
  explicit Spool(llvm::StringRef folder) : folder(folder.str()) {}

  /// Smaller weights are encoded faster than they are written and read.
  static constexpr uint64_t kMinBytes = 64 * 1024;

  /// The name of what `method` makes of a tensor; empty if it is not kept.
  std::string getKey(const HostTensor &tensor, llvm::StringRef method) const;

  /// The values of `slots` if they are there; `resources` name them in the context. A file that is
  /// damaged counts as missing.
  std::optional<llvm::SmallVector<mlir::DenseResourceElementsAttr>>
  find(llvm::StringRef key, llvm::ArrayRef<SpoolSlot> slots,
       llvm::ArrayRef<std::string> resources) const;

  /// Writes the values of `slots`.
  llvm::Error store(llvm::StringRef key, llvm::ArrayRef<SpoolSlot> slots,
                    llvm::ArrayRef<HostTensor> values) const;

private:
  std::string getPath(llvm::StringRef key) const;
  std::string folder;
};

} // namespace terse

#endif // TERSE_DIALECT_TERSE_TRANSFORMS_SPOOL_H
