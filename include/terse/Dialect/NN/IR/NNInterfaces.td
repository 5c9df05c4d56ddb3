//===- NNInterfaces.td - What passes ask an op --------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes never compare op names: they ask these interfaces. Upstream ops and the ops of other compilers join by
// attaching external models.

#ifndef TERSE_DIALECT_NN_IR_NNINTERFACES_TD
#define TERSE_DIALECT_NN_IR_NNINTERFACES_TD

include "mlir/IR/OpBase.td"

class NN_Interface<string name> : OpInterface<name> { let cppNamespace = "::terse::nn"; }

def NN_ContractionLike : NN_Interface<"ContractionLike"> {
  let description = [{
    An op that multiplies activations with a weight and sums over contraction axes: linear, convolution, embedding.
    Axes are axes of the *weight* operand unless said otherwise.
  }];
  let methods = [
    InterfaceMethod<"The activation operand.", "::mlir::OpOperand &", "getActivationOperand">,
    InterfaceMethod<"The weight operand.", "::mlir::OpOperand &", "getWeightOperand">,
    InterfaceMethod<"The bias operand, or null.", "::mlir::OpOperand *", "getBiasOperand", (ins), "",
                    "return nullptr;">,
    InterfaceMethod<"Axis of the weight that indexes output channels.", "int64_t", "getOutputChannelAxis">,
    InterfaceMethod<"Axes of the weight that are summed over, outermost first.",
                    "::llvm::SmallVector<int64_t>", "getContractionAxes">,
    InterfaceMethod<"Axis of the activation that is contracted.", "int64_t", "getActivationChannelAxis">,
    InterfaceMethod<"Axis of the result that indexes output channels.", "int64_t", "getResultChannelAxis">,
    InterfaceMethod<[{
        Axes of the activation that no sum runs along. With trailing axes aligned, each is an axis of the result too, so
        that one factor per row of the activation is a factor per row of the result. The default knows of none.
      }], "::llvm::SmallVector<int64_t>", "getActivationRowAxes", (ins), "", "return {};">,
    InterfaceMethod<"Whether buildIntegerForm builds something.", "bool", "hasIntegerForm", (ins), "", "return false;">,
    InterfaceMethod<[{
        Builds the same contraction without bias on integers of at most 16 bits, which accumulate in i32. `activation` and
        `weight` have the shapes of the operands.
      }], "::mlir::Value", "buildIntegerForm",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Value":$activation, "::mlir::Value":$weight), "", "return {};">
  ];
}

def NN_LookupLike : NN_Interface<"LookupLike"> {
  let description = "An op that reads slices of a weight table by index: embedding, gather.";
  let methods = [
    InterfaceMethod<"The table operand.", "::mlir::OpOperand &", "getTableOperand">,
    InterfaceMethod<"Axis of the table that is indexed.", "int64_t", "getRowAxis">
  ];
}

def NN_ChannelScalable : NN_Interface<"ChannelScalable"> {
  let description = [{
    `op(s * x) = s * op(x)` for positive per-channel scales `s` along `axis`: scales can be moved through the op.
  }];
  let methods = [InterfaceMethod<"Whether positive scales along `axis` commute.", "bool",
                                 "commutesWithChannelScale", (ins "int64_t":$axis)>];
}

def NN_RotationInvariant : NN_Interface<"RotationInvariant"> {
  let description = "`op(x Q) = op(x) Q` for orthogonal `Q` acting along `axis`.";
  let methods = [InterfaceMethod<"Whether rotations along `axis` commute.", "bool",
                                 "commutesWithRotation", (ins "int64_t":$axis)>];
}

def NN_ChannelFlow : NN_Interface<"ChannelFlow"> {
  let description = [{
    How channels of an operand become channels of the result, one to one and in order: what structured pruning follows.
  }];
  let methods = [InterfaceMethod<
    "The result axis that carries axis `axis` of operand `operand` unchanged, or nothing if channels are mixed.",
    "std::optional<int64_t>", "getResultAxisFor", (ins "unsigned":$operand, "int64_t":$axis)>];
}

def NN_Differentiable : NN_Interface<"Differentiable"> {
  let description = "The vector-Jacobian product, for training.";
  let methods = [InterfaceMethod<
    "Builds the gradients of the operands (null where there is none) from those of the results.",
    "::mlir::LogicalResult", "buildVJP",
    (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$resultGradients,
         "::llvm::SmallVectorImpl<::mlir::Value> &":$operandGradients)>];
}

def NN_CostModel : NN_Interface<"CostModel"> {
  let description = "What an op costs on its logical types.";
  let methods = [
    InterfaceMethod<"Multiply-accumulates (or elementary operations); nothing if a dimension is dynamic.",
                    "std::optional<uint64_t>", "getOperationCount">
  ];
}

#endif
