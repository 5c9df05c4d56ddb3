//===- NNElementwiseOps.td - Elementwise operations ------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNELEMENTWISEOPS_TD
#define TERSE_DIALECT_NN_IR_NNELEMENTWISEOPS_TD

include "terse/Dialect/NN/IR/NNBase.td"

def NN_UnaryOp : NN_KindOp<"unary", !listconcat(NN_Elementwise, [DeclareOpInterfaceMethods<NN_Differentiable>])> {
  let summary = "Elementwise function of one tensor";
  let description = [{
    `result[i] = kind(x[i])`. Parameters `alpha` and `beta` have a meaning for these kinds only:

    | kind | definition |
    |---|---|
    | `round` | nearest integer, ties to even |
    | `leaky_relu` | `x < 0 ? alpha * x : x` |
    | `clamp` | `min(max(x, alpha), beta)` |
    | `hard_sigmoid` | `max(0, min(1, alpha * x + beta))` |
    | `hard_swish` | `x * max(0, min(1, x / 6 + 0.5))` |
    | `elu` | `x < 0 ? alpha * (exp(x) - 1) : x` |
    | `selu` | `beta * (x < 0 ? alpha * (exp(x) - 1) : x)` |
    | `celu` | `max(0, x) + min(0, alpha * (exp(x / alpha) - 1))` |
    | `silu` | `x * sigmoid(alpha * x)` |
    | `gelu` | `x / 2 * (1 + erf(x / sqrt(2)))` |
    | `gelu_tanh` | `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))` |
    | `mish` | `x * tanh(softplus(x))` |
    | `thresholded_relu` | `x > alpha ? x : 0` |
    | `shrink` | `x < -alpha ? x + beta : x > alpha ? x - beta : 0` |
    | `scaled_tanh` | `alpha * tanh(beta * x)` |
    | `affine` | `alpha * x + beta` |
    | `not` | logical, on `i1`; `bit_not` is bitwise on integers |

    ```mlir
    %y = nn.unary relu %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
    ```
  }];
  let arguments = (ins NN_UnaryKindAttr:$kind, NN_Tensor:$x, DefaultValuedAttr<F64Attr, "0.0">:$alpha,
                       DefaultValuedAttr<F64Attr, "0.0">:$beta);
  let results = (outs NN_Tensor:$result);
  let builders = [OpBuilder<(ins "UnaryKind":$kind, "::mlir::Value":$x, CArg<"double", "0.0">:$alpha,
                                 CArg<"double", "0.0">:$beta), [{
    build($_builder, $_state, UnaryKindAttr::get($_builder.getContext(), kind), x, $_builder.getF64FloatAttr(alpha),
          $_builder.getF64FloatAttr(beta));
  }]>];
  let hasFolder = 1;
}

def NN_BinaryOp : NN_KindOp<"binary", !listconcat(NN_Elementwise, [DeclareOpInterfaceMethods<NN_Differentiable>])> {
  let summary = "Elementwise function of two broadcast tensors";
  let description = [{
    `result[i] = kind(lhs[i], rhs[i])` after broadcasting both to their common shape (trailing axes aligned, size 1
    stretches). `mod` takes the sign of the divisor, `fmod` that of the dividend. `and`, `or`, `xor` are bitwise on
    integers and logical on `i1`. `prelu` is `lhs < 0 ? rhs * lhs : lhs`. `pow` keeps the type of `lhs`; `rhs` may
    differ. `min` and `max` propagate NaN. Shifts are logical; the shift count is unsigned.
    (C1) shapes broadcast. (C2) element types are equal, except for `pow`.
  }];
  let arguments = (ins NN_BinaryKindAttr:$kind, NN_Tensor:$lhs, NN_Tensor:$rhs);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_CompareOp : NN_KindOp<"compare"> {
  let summary = "Elementwise comparison";
  let description = "`result[i] = lhs[i] kind rhs[i]` as `i1`, after broadcasting. Comparisons with NaN are false, `ne` true.";
  let arguments = (ins NN_CompareKindAttr:$kind, NN_Tensor:$lhs, NN_Tensor:$rhs);
  let results = (outs NN_BoolTensor:$result);
}

def NN_SelectOp : NN_InferOp<"select"> {
  let summary = "Elementwise choice";
  let description = "`result[i] = condition[i] ? onTrue[i] : onFalse[i]` after broadcasting all three.";
  let arguments = (ins NN_BoolTensor:$condition, NN_Tensor:$onTrue, NN_Tensor:$onFalse);
  let results = (outs NN_Tensor:$result);
}

def NN_CastOp : NN_Op<"cast"> {
  let summary = "Elementwise conversion of the element type";
  let description = [{
    Float to float rounds half to even; to 8- and 4-bit floats values beyond the largest saturate if `saturate` is set
    and become NaN or infinity otherwise (ONNX `Cast`). Float to integer truncates toward zero; out-of-range values
    saturate; NaN becomes 0. Integer to integer keeps the low bits. Anything to `i1` is `x != 0`.
    `rounding` applies to `f8E8M0FNU` only. (C1) shapes are equal.
  }];
  let arguments = (ins NN_Tensor:$x, DefaultValuedAttr<BoolAttr, "true">:$saturate,
                       DefaultValuedAttr<NN_CastRoundingAttr, "::terse::nn::CastRounding::Up">:$rounding);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
  let hasFolder = 1;
}

def NN_BitcastOp : NN_Op<"bitcast"> {
  let summary = "Reinterprets the bits of each element";
  let description = "(C1) shapes are equal. (C2) element types have the same width.";
  let arguments = (ins NN_Tensor:$x);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

#endif // TERSE_DIALECT_NN_IR_NNELEMENTWISEOPS_TD
