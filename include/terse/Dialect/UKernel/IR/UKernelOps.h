//===- UKernelOps.h - The ukernel dialect ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_UKERNEL_IR_UKERNELOPS_H
#define TERSE_DIALECT_UKERNEL_IR_UKERNELOPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "terse/Dialect/UKernel/IR/WeightForm.h"

#include "terse/Dialect/UKernel/IR/UKernelDialect.h.inc"
#include "terse/Dialect/UKernel/IR/UKernelEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "terse/Dialect/UKernel/IR/UKernelAttributes.h.inc"

#include "terse/Dialect/UKernel/IR/UKernelAttrInterfaces.h.inc"
#include "terse/Dialect/UKernel/IR/UKernelInterfaces.h.inc"

#define GET_OP_CLASSES
#include "terse/Dialect/UKernel/IR/UKernelOps.h.inc"

namespace terse::ukernel {

/// Output channels and the number of products per sum of a kernel with unpacked weights (depthwise:
/// channels, window); lines of the window, elements of a line. Of a convolution in parts, those of
/// a part.
struct KernelSizes {
  int64_t n, k, height = 1, width = 1;
};
KernelSizes getSizes(KernelOpInterface op);

/// Channels of the left operand that a channel of a depthwise kernel sees: those of its group.
int64_t getGroupChannels(KernelOpInterface op);

/// The shape that `ukernel.pack` gives to weights of `parts` times `sizes`.
llvm::SmallVector<int64_t> getPackedShape(KernelSizes sizes, ScheduleAttr schedule,
                                          int64_t parts = 1);

/// Whether bytes are multiplied with weights of few bits as integers, block by block: the sums are
/// f32.
bool isBlockProduct(KernelOpInterface op);

/// The type in which products of left elements add up: i32 or f32.
mlir::Type getSumType(KernelOpInterface op);

/// Joins the dialect to bufferization.
void registerBufferizationModels(mlir::DialectRegistry &registry);

} // namespace terse::ukernel

#endif
