//===- terse-lsp-server.cpp - Language server for .mlir files ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Diagnostics, definitions and hovers for files with Terse's dialects in any
// editor that speaks the Language Server Protocol: name this program as the
// editor's `mlir-lsp-server`.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "terse/InitAll.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  terse::registerAllDialects(registry);
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
