//===- terse-opt.cpp - Pass driver ------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "terse/InitAll.h"

int main(int argc, char **argv) {
  terse::registerAllPasses();
  mlir::DialectRegistry registry;
  terse::registerAllDialects(registry);
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Terse pass driver\n", registry));
}
