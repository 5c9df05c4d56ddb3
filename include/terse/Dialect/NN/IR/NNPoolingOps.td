//===- NNPoolingOps.td - Pooling -------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNPOOLINGOPS_TD
#define TERSE_DIALECT_NN_IR_NNPOOLINGOPS_TD

include "terse/Dialect/NN/IR/NNBase.td"

def NN_PoolOp : NN_KindOp<"pool", [DeclareOpInterfaceMethods<NN_CostModel>, DeclareOpInterfaceMethods<NN_ChannelFlow>]> {
  let summary = "Pooling over spatial windows, channels first";
  let description = [{
    Windows of `kernel` elements, `dilations` apart, start every `strides` elements of the padded input. `max` ignores
    padding; `average` divides by the number of elements inside the input, or inside input and padding if
    `count_include_pad`; `lp` is `(sum |x|^p)^(1/p)`. With `ceil_mode` the output size is rounded up, but no window
    starts in the high padding.
    (C1) `x` is `[N, C, spatial...]`. (C2) attribute arrays have one entry (pads: two) per spatial dimension.
    (C3) strides, kernel and dilations are positive.
  }];
  let arguments = (ins NN_PoolKindAttr:$kind, NN_Tensor:$x, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations, DefaultValuedAttr<BoolAttr, "false">:$ceil_mode,
                       DefaultValuedAttr<BoolAttr, "false">:$count_include_pad, DefaultValuedAttr<I64Attr, "2">:$p);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_MaxPoolIndicesOp : NN_InferOp<"max_pool_indices"> {
  let summary = "Max pooling that also yields where the maximum was";
  let description = [{
    As `nn.pool max`; `indices` are positions in the flattened input (the spatial dimensions in column-major order if
    `column_major`).
  }];
  let arguments = (ins NN_Tensor:$x, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations, DefaultValuedAttr<BoolAttr, "false">:$ceil_mode,
                       DefaultValuedAttr<BoolAttr, "false">:$column_major);
  let results = (outs NN_Tensor:$result, NN_Tensor:$indices);
  let hasVerifier = 1;
}

#endif // TERSE_DIALECT_NN_IR_NNPOOLINGOPS_TD
