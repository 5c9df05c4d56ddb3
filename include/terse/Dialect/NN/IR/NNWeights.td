//===- NNWeights.td - Which operands are weights ------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Apart from NNInterfaces.td, because nothing but the ops' models and the passes that look for weights needs it.

#ifndef TERSE_DIALECT_NN_IR_NNWEIGHTS_TD
#define TERSE_DIALECT_NN_IR_NNWEIGHTS_TD

include "mlir/IR/OpBase.td"

def NN_WeightedOp : OpInterface<"WeightedOp"> {
  let cppNamespace = "::terse::nn";
  let description = [{
    An op with trained parameters in several operands, such as a recurrent layer. Ops with one weight, which
    `ContractionLike` or `LookupLike` describe, need not implement it.
  }];
  let methods = [
    InterfaceMethod<"The operands that are multiplied with activations.",
                    "::llvm::SmallVector<::terse::nn::WeightDescription>", "getWeights">,
    InterfaceMethod<"The operands that are added to sums.", "::llvm::SmallVector<::mlir::OpOperand *>", "getBiases", (ins),
                    "", "return {};">
  ];
}

#endif
