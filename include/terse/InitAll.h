//===- InitAll.h - Everything Terse and its tools know ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One place to register dialects and passes, used by every tool. A new dialect,
// pass or external model is added in lib/InitAll.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TERSE_INITALL_H
#define TERSE_INITALL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace terse {

/// Terse's own dialects and the external models that join upstream ones.
void registerTerseDialects(mlir::DialectRegistry &registry);

/// Terse's own passes and pipelines.
void registerTersePasses();

/// Terse's dialects, the upstream dialects that its pipelines use, and the external models that
/// join them.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Terse's passes and pipelines, and the upstream passes that its pipelines use.
void registerAllPasses();

} // namespace terse

#endif // TERSE_INITALL_H
