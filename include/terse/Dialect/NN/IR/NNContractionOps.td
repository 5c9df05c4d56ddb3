//===- NNContractionOps.td - Contractions ----------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNCONTRACTIONOPS_TD
#define TERSE_DIALECT_NN_IR_NNCONTRACTIONOPS_TD

include "terse/Dialect/NN/IR/NNBase.td"

def NN_LinearOp : NN_InferOp<"linear", NN_Contraction> {
  let summary = "Fully connected layer";
  let description = [{
    `result[..., n] = sum_k x[..., k] * weight[n, k] + bias[n]`.
    Integers of at most 16 bits accumulate in `i32`, which is then the result's element type. Integer operands may differ
    in width and signedness: each element is extended as its own type says, then multiplied.
    (C1) `x` has rank >= 1 and `weight` rank 2. (C2) the last dimension of `x` equals dimension 1 of `weight`.
    (C3) `bias` has shape `[dim(weight, 0)]`.
    ```mlir
    %y = nn.linear %x, %w, %b : (tensor<?x64xf32>, tensor<10x64xf32>, tensor<10xf32>) -> tensor<?x10xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$x, NN_Tensor:$weight, Optional<NN_Tensor>:$bias);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_MatmulOp : NN_InferOp<"matmul", [DeclareOpInterfaceMethods<NN_ContractionLike, ["getActivationRowAxes", "hasIntegerForm", "buildIntegerForm"]>,
                                       DeclareOpInterfaceMethods<NN_CostModel>]> {
  let summary = "Batched matrix product";
  let description = [{
    `result[b..., m, n] = sum_k lhs[b..., m, k] * rhs[b..., k, n]`, leading dimensions broadcast.
    Integers accumulate as in `nn.linear`.
    (C1) ranks >= 2. (C2) contracted dimensions are equal. (C3) leading dimensions broadcast.
  }];
  let arguments = (ins NN_Tensor:$lhs, NN_Tensor:$rhs);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

class NN_ConvBase<string mnemonic> : NN_InferOp<mnemonic, NN_Contraction> {
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_ConvOp : NN_ConvBase<"conv"> {
  let summary = "Convolution in one to three spatial dimensions, channels first";
  let description = [{
    `result[n, o, p...] = sum_{c, k...} xpad[n, g(o) * C/groups + c, p * strides + k * dilations] * weight[o, c, k...] + bias[o]`
    where `g(o) = o / (O / groups)` and `xpad` is `x` with `pads` zeros (`[low..., high...]`) around.
    Integers accumulate as in `nn.linear`.
    (C1) `x` is `[N, C, spatial...]`, `weight` `[O, C/groups, kernel...]`. (C2) attribute arrays have one entry (pads: two)
    per spatial dimension. (C3) `groups` divides `C` and `O`. (C4) strides and dilations are positive.
  }];
  let arguments = (ins NN_Tensor:$x, NN_Tensor:$weight, Optional<NN_Tensor>:$bias, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations, DefaultValuedAttr<I64Attr, "1">:$groups);
}

def NN_ConvTransposeOp : NN_ConvBase<"conv_transpose"> {
  let summary = "Transposed convolution, channels first";
  let description = [{
    The adjoint of `nn.conv`: every input element adds `x * weight` into the window it would have been read from.
    Output size: `(in - 1) * stride + output_padding + (kernel - 1) * dilation + 1 - pad_low - pad_high`.
    (C1) `x` is `[N, C, spatial...]`, `weight` `[C, O/groups, kernel...]`. (C2)-(C4) as for `nn.conv`.
  }];
  let arguments = (ins NN_Tensor:$x, NN_Tensor:$weight, Optional<NN_Tensor>:$bias, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$output_padding,
                       DefaultValuedAttr<I64Attr, "1">:$groups);
}

def NN_EmbeddingOp : NN_InferOp<"embedding", [DeclareOpInterfaceMethods<NN_LookupLike>, DeclareOpInterfaceMethods<NN_CostModel>]> {
  let summary = "Row lookup in a weight table";
  let description = "`result[i..., :] = table[indices[i...], :]`; negative indices count from the end. (C1) `table` has rank 2.";
  let arguments = (ins NN_Tensor:$table, NN_IndexTensor:$indices);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

#endif // TERSE_DIALECT_NN_IR_NNCONTRACTIONOPS_TD
