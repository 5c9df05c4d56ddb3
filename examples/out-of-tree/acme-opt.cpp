//===- acme-opt.cpp - Terse's compression on another dialect ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Terse's passes ask interfaces. Attaching one to an op of another dialect, from
// outside of it, is all that the op needs to have its weights compressed.
//
//===----------------------------------------------------------------------===//

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "terse/Dialect/NN/IR/NNInterfaces.h"
#include "terse/InitAll.h"

#include "AcmeDialect.h.inc"
#define GET_OP_CLASSES
#include "AcmeOps.h.inc"

#include "AcmeDialect.cpp.inc"
#define GET_OP_CLASSES
#include "AcmeOps.cpp.inc"

void acme::AcmeDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "AcmeOps.cpp.inc"
      >();
}

namespace {

/// What Terse wants to know of acme.dense, whose kernel is [inputs, outputs].
struct DenseContraction
    : terse::nn::ContractionLike::ExternalModel<DenseContraction, acme::DenseOp> {
  mlir::OpOperand &getActivationOperand(mlir::Operation *op) const { return op->getOpOperand(0); }
  mlir::OpOperand &getWeightOperand(mlir::Operation *op) const { return op->getOpOperand(1); }
  int64_t getOutputChannelAxis(mlir::Operation *) const { return 1; }
  llvm::SmallVector<int64_t> getContractionAxes(mlir::Operation *) const { return {0}; }
  int64_t getActivationChannelAxis(mlir::Operation *) const { return 1; }
  int64_t getResultChannelAxis(mlir::Operation *) const { return 1; }
};

} // namespace

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  terse::registerAllDialects(registry);
  terse::registerAllPasses();
  registry.insert<acme::AcmeDialect>();
  registry.addExtension(+[](mlir::MLIRContext *context, acme::AcmeDialect *) {
    acme::DenseOp::attachInterface<DenseContraction>(*context);
  });
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Acme pass driver\n", registry));
}
