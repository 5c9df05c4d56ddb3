//===- InitAll.cpp - Everything Terse and its tools know --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "terse/InitAll.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/Passes.h"

#include "terse/Calibration/Passes.h"
#include "terse/Codegen/CPU/Compiler.h"
#include "terse/Conversion/Passes.h"
#include "terse/Dialect/NN/IR/NNOps.h"
#include "terse/Dialect/NN/Transforms/Passes.h"
#include "terse/Dialect/Terse/IR/TerseOps.h"
#include "terse/Dialect/Terse/Transforms/Passes.h"
#include "terse/Dialect/UKernel/Transforms/Passes.h"
#include "terse/MixedPrecision/Passes.h"
#include "terse/Pipelines/Pipelines.h"
#include "terse/Recovery/Passes.h"
#include "terse/Reference/Check/CheckOps.h"
#include "terse/Reference/Passes.h"

void terse::registerTerseDialects(mlir::DialectRegistry &registry) {
  registry.insert<check::CheckDialect, nn::NNDialect, TerseDialect, ukernel::UKernelDialect>();
}

void terse::registerTersePasses() {
  nn::registerNNTransformsPasses();
  registerTerseCalibrationPasses();
  registerTerseRecoveryPasses();
  registerTerseMixedPrecisionPasses();
  registerReferencePasses();
  registerTerseConversionPasses();
  registerTerseTransformsPasses();
  ukernel::registerTerseUKernelPasses();
}

void terse::registerAllDialects(mlir::DialectRegistry &registry) {
  registerTerseDialects(registry);
  registry.insert<mlir::LLVM::LLVMDialect, mlir::affine::AffineDialect, mlir::arith::ArithDialect,
                  mlir::bufferization::BufferizationDialect, mlir::cf::ControlFlowDialect,
                  mlir::func::FuncDialect, mlir::linalg::LinalgDialect, mlir::math::MathDialect,
                  mlir::memref::MemRefDialect, mlir::ml_program::MLProgramDialect,
                  mlir::scf::SCFDialect, mlir::tensor::TensorDialect, mlir::tosa::TosaDialect,
                  mlir::vector::VectorDialect>();
  mlir::func::registerInlinerExtension(registry);
  registerCompilerDialects(registry);
}

void terse::registerAllPasses() {
  registerTersePasses();
  registerTerseCodegenCPUPasses();
  registerCPUPipelines();
  mlir::registerTransformsPasses();
}
