//===- NNRecurrentOps.td - Recurrent layers --------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNRECURRENTOPS_TD
#define TERSE_DIALECT_NN_IR_NNRECURRENTOPS_TD

include "terse/Dialect/NN/IR/NNBase.td"

// x: [T, B, I]; weights [directions, gates * H, I or H]; outputs y: [T, directions, B, H], y_h: [directions, B, H].
class NN_RecurrentOp<string mnemonic> : NN_InferOp<mnemonic, [AttrSizedOperandSegments, DeclareOpInterfaceMethods<NN_CostModel>]> {
  let hasVerifier = 1;
}

def NN_LstmOp : NN_RecurrentOp<"lstm"> {
  let summary = "Long short-term memory layer";
  let description = [{
    Gates in the order input, output, forget, cell; `bias: [D, 8H]` (input then recurrent), `peepholes: [D, 3H]` (i, o, f).
    `i = f(x W_i + h R_i + b + p_i c)`, `f` likewise (or `1 - i` if `input_forget`), `c~ = g(x W_c + h R_c + b)`,
    `c = f c + i c~`, `o = f(x W_o + h R_o + b + p_o c)`, `h = o h(c)`. `activations` are the three functions of each
    direction. `clip > 0` clamps the arguments of the activations. Steps beyond `sequence_lengths` yield 0.
  }];
  let arguments = (ins NN_Tensor:$x, NN_Tensor:$weight, NN_Tensor:$recurrence, Optional<NN_Tensor>:$bias,
    Optional<NN_Tensor>:$sequence_lengths, Optional<NN_Tensor>:$initial_h, Optional<NN_Tensor>:$initial_c,
    Optional<NN_Tensor>:$peepholes, NN_DirectionAttr:$direction, NN_UnaryKindArrayAttr:$activations,
    DefaultValuedAttr<DenseF64ArrayAttr, "{}">:$activation_alpha, DefaultValuedAttr<DenseF64ArrayAttr, "{}">:$activation_beta,
    DefaultValuedAttr<F64Attr, "0.0">:$clip, DefaultValuedAttr<BoolAttr, "false">:$input_forget);
  let results = (outs NN_Tensor:$y, NN_Tensor:$y_h, NN_Tensor:$y_c);
}

def NN_GruOp : NN_RecurrentOp<"gru"> {
  let summary = "Gated recurrent unit layer";
  let description = [{
    Gates in the order update, reset, hidden; `bias: [D, 6H]`. `z = f(x W_z + h R_z + b)`, `r = f(x W_r + h R_r + b)`,
    `n = g(x W_h + (r h) R_h + b)`, or `g(x W_h + Wb + r (h R_h + Rb))` if `linear_before_reset`; `h = (1 - z) n + z h`.
  }];
  let arguments = (ins NN_Tensor:$x, NN_Tensor:$weight, NN_Tensor:$recurrence, Optional<NN_Tensor>:$bias,
    Optional<NN_Tensor>:$sequence_lengths, Optional<NN_Tensor>:$initial_h, NN_DirectionAttr:$direction,
    NN_UnaryKindArrayAttr:$activations, DefaultValuedAttr<DenseF64ArrayAttr, "{}">:$activation_alpha,
    DefaultValuedAttr<DenseF64ArrayAttr, "{}">:$activation_beta, DefaultValuedAttr<F64Attr, "0.0">:$clip,
    DefaultValuedAttr<BoolAttr, "false">:$linear_before_reset);
  let results = (outs NN_Tensor:$y, NN_Tensor:$y_h);
}

def NN_RnnOp : NN_RecurrentOp<"rnn"> {
  let summary = "Simple recurrent layer";
  let description = "`h = f(x W + h R + b)`; `bias: [D, 2H]`.";
  let arguments = (ins NN_Tensor:$x, NN_Tensor:$weight, NN_Tensor:$recurrence, Optional<NN_Tensor>:$bias,
    Optional<NN_Tensor>:$sequence_lengths, Optional<NN_Tensor>:$initial_h, NN_DirectionAttr:$direction,
    NN_UnaryKindArrayAttr:$activations, DefaultValuedAttr<DenseF64ArrayAttr, "{}">:$activation_alpha,
    DefaultValuedAttr<DenseF64ArrayAttr, "{}">:$activation_beta, DefaultValuedAttr<F64Attr, "0.0">:$clip);
  let results = (outs NN_Tensor:$y, NN_Tensor:$y_h);
}

#endif // TERSE_DIALECT_NN_IR_NNRECURRENTOPS_TD
