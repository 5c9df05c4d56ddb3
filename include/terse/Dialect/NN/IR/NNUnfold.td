//===- NNUnfold.td - Contractions as matrix products --------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Apart from NNInterfaces.td, because nothing but the ops' models and the methods that look at a layer's inputs needs it.

#ifndef TERSE_DIALECT_NN_IR_NNUNFOLD_TD
#define TERSE_DIALECT_NN_IR_NNUNFOLD_TD

include "mlir/IR/OpBase.td"

def NN_UnfoldableContraction : OpInterface<"UnfoldableContraction"> {
  let cppNamespace = "::terse::nn";
  let description = [{
    A `ContractionLike` op as matrix products: at each position of the result, and for each group of output channels, the
    channels are a matrix of weights times one column of inputs, plus the bias. For a convolution the inputs at a
    position are the elements under the window, zeros where it overlaps the padding (im2col).

    ```
    result[.., group * rows + row, ..] at position p = sum over columns of W[group][row][column] * X[group][column][p]
    ```
  }];
  let methods = [
    InterfaceMethod<"Where the elements of the matrices lie in the weight; nothing if the op is none.",
                    "std::optional<::terse::nn::WeightMatrix>", "getWeightMatrix">,
    InterfaceMethod<"How many positions the result has for an activation of this shape.", "int64_t", "getNumPositions",
                    (ins "::llvm::ArrayRef<int64_t>":$shape)>,
    InterfaceMethod<[{
        Writes the inputs of `group` at `positions` into `inputs`: for each position, `stride` floats, of which the first
        are the columns and the others stay as they are. `activation` holds f32 of shape `shape`.
      }], "void", "unfold",
      (ins "const float *":$activation, "::llvm::ArrayRef<int64_t>":$shape, "int64_t":$group,
           "::llvm::ArrayRef<int64_t>":$positions, "int64_t":$stride, "float *":$inputs)>
  ];
}

#endif // TERSE_DIALECT_NN_IR_NNUNFOLD_TD
