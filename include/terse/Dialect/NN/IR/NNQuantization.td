//===- NNQuantization.td - What quantization asks an op --*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNQUANTIZATION_TD
#define TERSE_DIALECT_NN_IR_NNQUANTIZATION_TD

include "mlir/IR/OpBase.td"

class NN_QuantizationInterface<string name> : OpInterface<name> { let cppNamespace = "::terse::nn"; }

def NN_Biased : NN_QuantizationInterface<"Biased"> {
  let description = "A contraction that can add a bias to its result, one number per output channel.";
  let methods = [InterfaceMethod<"Gives the op this bias, in the place of an earlier one.", "void", "setBias",
                                 (ins "::mlir::Value":$bias)>];
}

def NN_ZeroPadded : NN_QuantizationInterface<"ZeroPadded"> {
  let description = "An op that reads its first operand as if zeros stood around it.";
  let methods = [
    InterfaceMethod<"Zeros before and after each axis of the operand.", "::terse::nn::Padding", "getZeroPadding">,
    InterfaceMethod<"Replaces them; fails, and changes nothing, for axes that the op cannot pad.",
                    "::mlir::LogicalResult", "setZeroPadding", (ins "const ::terse::nn::Padding &":$padding)>
  ];
}

def NN_Quantizable : NN_QuantizationInterface<"Quantizable"> {
  let description = [{
    An op that can compute on integers which stand for floats, `x = scale * (q - zero point)` with one scale and zero
    point per tensor. Contractions have `ContractionLike` for that; this is for all other ops.
  }];
  let methods = [
    InterfaceMethod<"The float operands that are data, not parameters of the op.",
                    "::llvm::SmallVector<::mlir::OpOperand *>", "getDataOperands">,
    InterfaceMethod<"How the op computes on integers.", "::terse::nn::IntegerForm", "getIntegerForm">,
    InterfaceMethod<"Why it cannot; for people. Only for the form `None`.", "::std::string", "getFloatReason", (ins), "",
                    "return \"has no integer form\";">,
    InterfaceMethod<[{
        The bounds, if all the op does is to clamp its operand between two numbers: whatever rounds the operand can do it
        on the way.
      }], "std::optional<::terse::nn::Interval>", "getClampBounds", (ins), "", "return std::nullopt;">,
    InterfaceMethod<[{
        Whether small errors of the operand become large ones of the result, as in the sums behind softmax and norms that are
        written out: `1 / x`, `exp(x)`, `x / y`. Such an op and what is computed for it alone is better left in float.
      }], "bool", "amplifiesErrors", (ins), "", "return false;">,
    InterfaceMethod<"Bounds of the result that hold for any operand, if there are any.",
                    "std::optional<::terse::nn::Interval>", "getResultBounds", (ins), "", "return std::nullopt;">,
    InterfaceMethod<[{
        Form `Move`: builds the op on stored integers, one per data operand, all of the same scale and zero point. The
        result has their element type, or the op's own if it is no float. `zeroPoint` is the number that stands for 0,
        `encode` gives the number that stands for a float.
      }], "::mlir::Value", "buildMove",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$stored,
           "::llvm::function_ref<int64_t(double)>":$encode), "", "return {};">,
    InterfaceMethod<[{
        Form `Sum`: builds tensors of integers, at most 32 bits wide, whose sum is the result if each is multiplied with
        its factor. `centered` are q - zero point of the data operands (i16 or i32), `scales` their scales.
      }], "::llvm::SmallVector<::terse::nn::ScaledTensor>", "buildSum",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$centered, "::llvm::ArrayRef<float>":$scales), "",
      "return {};">,
    InterfaceMethod<[{
        Form `Normalize`: builds the result in f32 from q - zero point of the operand (of any integer type) and its scale.
        Sums are of integers and therefore exact; each step after them rounds once, so that whatever runs them gets the same
        bits.
      }], "::mlir::Value", "buildNormalized",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Value":$centered, "float":$scale), "", "return {};">
  ];
}

#endif // TERSE_DIALECT_NN_IR_NNQUANTIZATION_TD
