//===- Artifact.h - Compiled models in the tool ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_TOOLS_TERSE_ARTIFACT_H
#define TERSE_TOOLS_TERSE_ARTIFACT_H

#include "Runner.h"

namespace terse::tool {

/// Whether a path names a compiled model.
bool isArtifactPath(llvm::StringRef path);

/// Loads a compiled model through the C runtime.
/// Of code for several targets, takes `variant`, or the best if that is empty.
llvm::Expected<std::unique_ptr<Runner>> loadArtifact(llvm::StringRef path, unsigned threads,
                                                     llvm::StringRef variant = "");

/// Prints what a compiled model says of itself.
llvm::Error inspectArtifact(llvm::StringRef path, bool json);

/// Inputs and outputs as lines of a table.
void printSignature(const ModelSignature &signature);

/// Inputs or outputs as JSON.
llvm::json::Array toJSON(llvm::ArrayRef<TensorSignature> tensors);

} // namespace terse::tool

#endif // TERSE_TOOLS_TERSE_ARTIFACT_H
