//===- NNChannels.td - What equalization asks of nn ops -----*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNCHANNELS_TD
#define TERSE_DIALECT_NN_IR_NNCHANNELS_TD

include "mlir/IR/OpBase.td"

def NN_ChannelContraction : OpInterface<"ChannelContraction"> {
  let cppNamespace = "::terse::nn";
  let description = [{
    A `ContractionLike` op of which it is known what each element of its weight is multiplied with, so that a factor per
    channel of the activation can become part of the weight.
  }];
  let methods = [
    InterfaceMethod<"The channel of the activation that the weight element at `index` is multiplied with.", "int64_t",
                    "getActivationChannel", (ins "::llvm::ArrayRef<int64_t>":$index)>,
    InterfaceMethod<"The channel of the result that this product is added to.", "int64_t", "getResultChannel",
                    (ins "::llvm::ArrayRef<int64_t>":$index)>
  ];
}

#endif // TERSE_DIALECT_NN_IR_NNCHANNELS_TD
