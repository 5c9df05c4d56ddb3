//===- UKernelOpBase.td - What ukernel ops share -----------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_UKERNEL_IR_UKERNELOPBASE_TD
#define TERSE_DIALECT_UKERNEL_IR_UKERNELOPBASE_TD

include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "terse/Dialect/UKernel/IR/UKernelDialect.td"
include "terse/Dialect/UKernel/IR/UKernelInterfaces.td"

class UKernel_Op<string mnemonic, list<Trait> traits = []> : Op<UKernel_Dialect, mnemonic, traits>;

def UKernel_Shaped : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef]>;

#endif
