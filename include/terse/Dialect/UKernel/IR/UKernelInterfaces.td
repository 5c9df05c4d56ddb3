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
    InterfaceMethod<"Where the largest magnitude of each sample goes (null: nowhere).", "::mlir::Value", "getMagnitudes">,
    InterfaceMethod<"The same, to change.", "::mlir::MutableOperandRange", "getMagnitudesMutable">,
    InterfaceMethod<"Operands of the epilogue.", "::mlir::OperandRange", "getExtras">,
    InterfaceMethod<"The same, to change.", "::mlir::MutableOperandRange", "getExtrasMutable">,
    InterfaceMethod<"One map from dimensions of the result to each extra.", "::mlir::ArrayAttr", "getExtraMapsAttr">,
    InterfaceMethod<"Sets them.", "void", "setExtraMapsAttr", (ins "::mlir::ArrayAttr":$maps)>,
    InterfaceMethod<"What is done to a sum.", "::mlir::Region &", "getEpilogue">,
    InterfaceMethod<"How it is computed (null: not chosen).", "::terse::ukernel::ScheduleAttr", "getScheduleAttr">,
    InterfaceMethod<"Sets it.", "void", "setScheduleAttr", (ins "::terse::ukernel::ScheduleAttr":$schedule)>,
    InterfaceMethod<"What packed weights of few bits stand for (null: nothing but themselves).",
                    "::terse::ukernel::DecodingAttr", "getDecodingAttr">,
    InterfaceMethod<"Sets it.", "void", "setDecodingAttr", (ins "::terse::ukernel::DecodingAttr":$decoding)>,
    InterfaceMethod<"The chain that ends here (null: none).", "::terse::ukernel::ChainAttr", "getChainAttr">,
    InterfaceMethod<"Sets it.", "void", "setChainAttr", (ins "::terse::ukernel::ChainAttr":$chain)>,
    InterfaceMethod<"Whether the left integers are unsigned.", "bool", "getLhsUnsigned">,
    InterfaceMethod<"Whether the weights' integers are unsigned.", "bool", "getRhsUnsigned">,
    InterfaceMethod<"Whether the epilogue's floats are numbers below 2^31 in magnitude.", "bool", "getBounded">,
    InterfaceMethod<"Says so.", "void", "setBounded", (ins "bool":$bounded)>,
    InterfaceMethod<"The window, null for products of matrices.", "::terse::ukernel::WindowAttr", "getWindowOrNull",
                    (ins), "", [{ return {}; }]>,
    InterfaceMethod<"How many parts of the channels are convolutions of their own.", "int64_t", "getParts", (ins), "", [{ return 1; }]>,
    InterfaceMethod<"Whether each channel has its own window.", "bool", "isDepthwise", (ins), "", [{ return false; }]>,
  ];
}

def WeightFormatInterface : AttrInterface<"WeightFormatInterface"> {
  let cppNamespace = "::terse::ukernel";
  let description = [{
    A format of weights that kernels may decode themselves: each element is a code of at most 8 bits that stands for a
    number, and blocks of elements share a scale.
  }];
  let methods = [
    InterfaceMethod<"How a tensor of type `logical` is stored; nothing where kernels cannot decode it.",
                    "std::optional<::terse::ukernel::WeightForm>", "getForm", (ins "::mlir::RankedTensorType":$logical)>,
    InterfaceMethod<"The codes and what they are decoded with. `components` are those of the format, in order.",
                    "::mlir::FailureOr<::terse::ukernel::WeightParts>", "getParts",
                    (ins "::mlir::RankedTensorType":$logical, "::llvm::ArrayRef<::terse::HostTensor>":$components)>,
    InterfaceMethod<"Builds the `nn` ops that decode `components`.", "::mlir::Value", "buildWeights",
                    (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "::mlir::RankedTensorType":$logical,
                         "::mlir::ValueRange":$components)>,
  ];
}

#endif
