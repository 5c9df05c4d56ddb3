//===- terse-plugin.cpp - Terse inside the stock mlir-opt -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   mlir-opt --load-dialect-plugin=TersePlugin.so --load-pass-plugin=TersePlugin.so \
//     --pass-pipeline="builtin.module(func.func(nn-decompose))" model.mlir
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "terse/InitAll.h"

extern "C" LLVM_ATTRIBUTE_WEAK mlir::DialectPluginLibraryInfo mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Terse", TERSE_VERSION_STRING,
          [](mlir::DialectRegistry *registry) { terse::registerTerseDialects(*registry); }};
}

extern "C" LLVM_ATTRIBUTE_WEAK mlir::PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Terse", TERSE_VERSION_STRING,
          [] { terse::registerTersePasses(); }};
}
