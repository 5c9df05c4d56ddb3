//===- UKernelInterfaces.td - What kernels have in common ---*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_UKERNEL_IR_UKERNELINTERFACES_TD
#define TERSE_DIALECT_UKERNEL_IR_UKERNELINTERFACES_TD

include "mlir/IR/OpBase.td"

def KernelOpInterface : OpInterface<"KernelOpInterface"> {
  let cppNamespace = "::terse::ukernel";
  let description = [{
    An op that adds up products of a left operand and weights and runs an epilogue on each sum: what passes over
    epilogues, schedules and packed weights need to know.
  }];
  let methods = [
    InterfaceMethod<"The left operand: activations, channels last.", "::mlir::Value", "getLhs">,
    InterfaceMethod<"The weights.", "::mlir::Value", "getRhs">,
    InterfaceMethod<"Where the sums of packed columns start (null: at zero).", "::mlir::Value", "getStart">,
    InterfaceMethod<"The destination.", "::mlir::Value", "getInit">,
    InterfaceMethod<"Operands of the epilogue.", "::mlir::OperandRange", "getExtras">,
    InterfaceMethod<"The same, to change.", "::mlir::MutableOperandRange", "getExtrasMutable">,
    InterfaceMethod<"One map from dimensions of the result to each extra.", "::mlir::ArrayAttr", "getExtraMapsAttr">,
    InterfaceMethod<"Sets them.", "void", "setExtraMapsAttr", (ins "::mlir::ArrayAttr":$maps)>,
    InterfaceMethod<"What is done to a sum.", "::mlir::Region &", "getEpilogue">,
    InterfaceMethod<"How it is computed (null: not chosen).", "::terse::ukernel::ScheduleAttr", "getScheduleAttr">,
    InterfaceMethod<"Sets it.", "void", "setScheduleAttr", (ins "::terse::ukernel::ScheduleAttr":$schedule)>,
    InterfaceMethod<"Whether the left integers are unsigned.", "bool", "getLhsUnsigned">,
    InterfaceMethod<"Whether the weights' integers are unsigned.", "bool", "getRhsUnsigned">,
    InterfaceMethod<"The window, null for products of matrices.", "::terse::ukernel::WindowAttr", "getWindowOrNull",
                    (ins), "", [{ return {}; }]>,
    InterfaceMethod<"Whether each channel has its own window.", "bool", "isDepthwise", (ins), "", [{ return false; }]>,
  ];
}

#endif
