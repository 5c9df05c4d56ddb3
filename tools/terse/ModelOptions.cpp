//===- ModelOptions.cpp - Options of commands that read models --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ModelOptions.h"

#include "terse/Support/AtomicFile.h"
#include "terse/Support/Npy.h"

using namespace terse;
using namespace terse::tool;

void ModelOptions::addTo(CLI::App &command) {
  // One value each, so that a model may follow.
  command
      .add_option("--bind", bindings,
                  "Make an input a constant, and fold what follows from it (repeatable)")
      ->type_name("NAME=FILE.npy")
      ->allow_extra_args(false);
  command
      .add_option("--dim", dims,
                  "Size of a dimension that the model leaves open, by its name or as "
                  "'INPUT[AXIS]=SIZE' (repeatable)")
      ->type_name("NAME=SIZE")
      ->allow_extra_args(false);
}

llvm::Expected<LoadOptions> ModelOptions::parse() const {
  LoadOptions options;
  for (llvm::StringRef text : dims) {
    auto [name, number] = text.rsplit('=');
    int64_t size;
    if (name.empty() || number.getAsInteger(10, size) || size < 0)
      return makeError("--dim {0}: expected NAME=SIZE or INPUT[AXIS]=SIZE", text);
    if (!options.dims.insert({name.str(), size}).second)
      return makeError("--dim {0}: '{1}' has a size already", text, name);
  }
  for (llvm::StringRef text : bindings) {
    auto [name, path] = text.rsplit('=');
    if (name.empty() || path.empty())
      return makeError("--bind {0}: expected NAME=FILE.npy", text);
    auto tensor = readNpy(path);
    if (!tensor)
      return tensor.takeError();
    if (!options.bindings.insert({name.str(), std::move(*tensor)}).second)
      return makeError("--bind {0}: '{1}' is bound already", text, name);
  }
  return options;
}

void tool::addModelArgument(CLI::App &command, std::string &path) {
  command.add_option("model", path, "The model")->required()->type_name("MODEL");
}

llvm::Error tool::checkWritable(llvm::StringRef path) {
  if (path.empty() || path == "-")
    return llvm::Error::success();
  return AtomicFile::create(path).takeError();
}
