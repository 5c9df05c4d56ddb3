//===- Error.h - Making errors ----------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Messages start in lower case, name the thing that is wrong, and say what would work. Functions
// that read or write a file put its name in front once, at the outermost level, with inFile.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_SUPPORT_ERROR_H
#define TERSE_SUPPORT_ERROR_H

#include "llvm/Support/Error.h"
#include "llvm/Support/FormatVariadic.h"

#include <string>
#include <system_error>

namespace terse {

/// An error with a message in the notation of llvm::formatv: `makeError("no tensor '{0}'", name)`.
template <typename... Args>
llvm::Error makeError(const char *format, Args &&...args) {
  return llvm::make_error<llvm::StringError>(
      llvm::formatv(format, std::forward<Args>(args)...).str(),
      std::make_error_code(std::errc::invalid_argument));
}

/// `'path': message`. Success stays success.
inline llvm::Error inFile(llvm::StringRef path, llvm::Error error) {
  if (!error)
    return error;
  return makeError("'{0}': {1}", path, llvm::toString(std::move(error)));
}

} // namespace terse

#endif // TERSE_SUPPORT_ERROR_H
