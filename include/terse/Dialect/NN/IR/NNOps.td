//===- NNOps.td - Operations of the nn dialect --------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNOPS_TD
#define TERSE_DIALECT_NN_IR_NNOPS_TD

include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "terse/Dialect/NN/IR/NNDialect.td"
include "terse/Dialect/NN/IR/NNEnums.td"
include "terse/Dialect/NN/IR/NNInterfaces.td"

def NN_Tensor : RankedTensorOf<[AnyType]>;
def NN_BoolTensor : RankedTensorOf<[I1]>;
def NN_IndexTensor : RankedTensorOf<[I64, I32]>;
def NN_ShapeTensor : RankedTensorOf<[I64], [HasAnyRankOfPred<[1]>], "1-D tensor of i64">;

// Every op is pure and prints as `nn.op operands attributes : (operands) -> results`.
class NN_Op<string mnemonic, list<Trait> traits = []> : Op<NN_Dialect, mnemonic, !listconcat([Pure], traits)> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

// An op whose result types follow from operands and attributes. Explicit types may refine `?` and carry encodings.
class NN_InferOp<string mnemonic, list<Trait> traits = []>
    : NN_Op<mnemonic, !listconcat([InferTypeOpAdaptorWithIsCompatible], traits)> {
  let extraClassDefinition = [{
    bool $cppClass::isCompatibleReturnTypes(::mlir::TypeRange l, ::mlir::TypeRange r) {
      return ::terse::nn::areCompatibleTypes(l, r);
    }
  }];
}

class NN_KindOp<string mnemonic, list<Trait> traits = []> : NN_InferOp<mnemonic, traits> {
  let assemblyFormat = "`` $kind operands attr-dict `:` functional-type(operands, results)";
}

defvar NN_Elementwise = [DeclareOpInterfaceMethods<NN_ChannelScalable>, DeclareOpInterfaceMethods<NN_ChannelFlow>,
                         DeclareOpInterfaceMethods<NN_CostModel>];
defvar NN_Contraction = [DeclareOpInterfaceMethods<NN_ContractionLike, ["getBiasOperand", "getActivationRowAxes", "hasIntegerForm",
                                                                            "buildIntegerForm"]>,
                         DeclareOpInterfaceMethods<NN_CostModel>];

//===----------------------------------------------------------------------===//
// Constants and shapes
//===----------------------------------------------------------------------===//

def NN_ConstantOp : NN_Op<"constant", [ConstantLike, InferTypeOpAdaptorWithIsCompatible]> {
  let summary = "A small constant";
  let description = [{
    Yields `value`. Meant for scalars, shapes and small tables; weights are `ml_program.global`s, mapped from file.
    ```mlir
    %0 = nn.constant dense<[1, -1]> : tensor<2xi64>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
}

def NN_ShapeOp : NN_InferOp<"shape"> {
  let summary = "Dimensions of a tensor";
  let description = "`result[i] = dim(x, i)` as a 1-D `i64` tensor of `rank(x)` elements.";
  let arguments = (ins NN_Tensor:$x);
  let results = (outs NN_ShapeTensor:$result);
  let hasFolder = 1;
}

def NN_IotaOp : NN_Op<"iota"> {
  let summary = "Index along an axis";
  let description = [{
    `result[..., i, ...] = i` where `i` is the index along `axis`. With dynamic dimensions, `shape` gives them.
    (C1) `0 <= axis < rank(result)`. (C2) `shape` stands exactly if the result has a dynamic dimension.
  }];
  let arguments = (ins Optional<NN_ShapeTensor>:$shape, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_RangeOp : NN_Op<"range"> {
  let summary = "Arithmetic progression with run-time ends";
  let description = [{
    `result[i] = start + i * delta` for `max(ceil((limit - start) / delta), 0)` elements. All operands are rank 0.
  }];
  let arguments = (ins NN_Tensor:$start, NN_Tensor:$limit, NN_Tensor:$delta);
  let results = (outs NN_Tensor:$result);
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

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

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

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

//===----------------------------------------------------------------------===//
// Pooling
//===----------------------------------------------------------------------===//

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

//===----------------------------------------------------------------------===//
// Normalization, softmax, attention
//===----------------------------------------------------------------------===//

// Norms compute in f32 (f64 for f64) and keep the type and shape of x.
class NN_NormOp<string mnemonic, list<Trait> traits = []>
    : NN_InferOp<mnemonic, !listconcat([DeclareOpInterfaceMethods<NN_CostModel>], traits)> {
  let results = (outs NN_Tensor:$result);
}

def NN_BatchNormOp : NN_NormOp<"batch_norm", [DeclareOpInterfaceMethods<NN_ChannelFlow>]> {
  let summary = "Inference-time batch normalization along axis 1";
  let description = "`scale * (x - mean) / sqrt(variance + epsilon) + bias`; parameters are `[dim(x, 1)]`.";
  let arguments = (ins NN_Tensor:$x, NN_Tensor:$scale, NN_Tensor:$bias, NN_Tensor:$mean, NN_Tensor:$variance,
                       F64Attr:$epsilon);
}

def NN_LayerNormOp : NN_NormOp<"layer_norm", [AttrSizedOperandSegments]> {
  let summary = "Layer normalization";
  let description = [{
    Over axes `axis .. rank-1`: `(x - mean) / sqrt(mean((x - mean)^2) + epsilon) * scale + bias`; `scale` and `bias`
    broadcast to the shape of `x`. (C1) `0 <= axis < rank(x)`.
  }];
  let arguments = (ins NN_Tensor:$x, Optional<NN_Tensor>:$scale, Optional<NN_Tensor>:$bias, I64Attr:$axis, F64Attr:$epsilon);
  let hasVerifier = 1;
}

def NN_RmsNormOp : NN_NormOp<"rms_norm"> {
  let summary = "Root-mean-square normalization";
  let description = "Over axes `axis .. rank-1`: `x / sqrt(mean(x^2) + epsilon) * scale`. (C1) `0 <= axis < rank(x)`.";
  let arguments = (ins NN_Tensor:$x, Optional<NN_Tensor>:$scale, I64Attr:$axis, F64Attr:$epsilon);
  let hasVerifier = 1;
}

def NN_GroupNormOp : NN_NormOp<"group_norm"> {
  let summary = "Group normalization of `[N, C, ...]`";
  let description = [{
    Each group of `C / groups` consecutive channels is normalized over itself and the spatial axes, then scaled and
    shifted per channel. (C1) `groups` divides `C`. Instance normalization is `groups = C`, written `nn.instance_norm`.
  }];
  let arguments = (ins NN_Tensor:$x, NN_Tensor:$scale, NN_Tensor:$bias, I64Attr:$groups, F64Attr:$epsilon);
  let hasVerifier = 1;
}

def NN_InstanceNormOp : NN_NormOp<"instance_norm"> {
  let summary = "Instance normalization of `[N, C, ...]`";
  let description = "Each channel of each sample is normalized over its spatial axes, then scaled and shifted per channel.";
  let arguments = (ins NN_Tensor:$x, NN_Tensor:$scale, NN_Tensor:$bias, F64Attr:$epsilon);
}

def NN_SoftmaxOp : NN_NormOp<"softmax"> {
  let summary = "Softmax or log-softmax along an axis";
  let description = "`exp(x - max) / sum(exp(x - max))` along `axis`; its logarithm if `log`. (C1) `0 <= axis < rank(x)`.";
  let arguments = (ins NN_Tensor:$x, I64Attr:$axis, DefaultValuedAttr<BoolAttr, "false">:$log);
  let hasVerifier = 1;
}

def NN_AttentionOp : NN_InferOp<"attention", [DeclareOpInterfaceMethods<NN_CostModel>]> {
  let summary = "Scaled dot-product attention with grouped heads";
  let description = [{
    `q: [B, Hq, S, D]`, `k: [B, Hk, T, D]`, `v: [B, Hk, T, Dv]`; head `h` of `q` uses head `h / (Hq / Hk)` of `k` and `v`.
    `score = scale * q k^T`; if `softcap > 0`, `score = softcap * tanh(score / softcap)`; then `mask` is added (float)
    or selects (`i1`: false means minus infinity), and with `causal` positions `t > s` are masked;
    `result = softmax(score) v: [B, Hq, S, Dv]`, 0 for a row of scores that are all masked. `mask` broadcasts to
    `[B, Hq, S, T]`.
    (C1) all of `q`, `k`, `v` have rank 4. (C2) `Hk` divides `Hq`.
  }];
  let arguments = (ins NN_Tensor:$q, NN_Tensor:$k, NN_Tensor:$v, Optional<NN_Tensor>:$mask, F64Attr:$scale,
                       DefaultValuedAttr<BoolAttr, "false">:$causal, DefaultValuedAttr<F64Attr, "0.0">:$softcap);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_RotaryEmbeddingOp : NN_InferOp<"rotary_embedding", [DeclareOpInterfaceMethods<NN_CostModel>]> {
  let summary = "Rotary position embedding";
  let description = [{
    `x: [B, H, S, D]`; `cos`, `sin`: `[B or 1, S, R/2]` with `R = 2 * dim(cos, 2) <= D`. Pairs of the first `R` elements
    of the last axis are rotated: neighbours `(2i, 2i+1)` if `interleaved`, otherwise `(i, i + R/2)`; the rest passes.
    `(a, b) -> (a cos - b sin, a sin + b cos)`.
  }];
  let arguments = (ins NN_Tensor:$x, NN_Tensor:$cos, NN_Tensor:$sin, DefaultValuedAttr<BoolAttr, "false">:$interleaved);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Recurrent layers
//===----------------------------------------------------------------------===//

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

//===----------------------------------------------------------------------===//
// Reductions, scans, selections
//===----------------------------------------------------------------------===//

def NN_ReduceOp : NN_KindOp<"reduce", [DeclareOpInterfaceMethods<NN_CostModel>]> {
  let summary = "Reduction over axes";
  let description = [{
    Reduces over `axes` (non-negative, distinct; empty means none); reduced axes stay with size 1 if `keepdims`.
    Empty reductions: `sum`-like 0, `prod` 1, `max` the lowest and `min` the highest value (infinities for floats),
    `mean` NaN. `log_sum_exp` subtracts the maximum first. (C1) axes are in range and distinct.
  }];
  let arguments = (ins NN_ReduceKindAttr:$kind, NN_Tensor:$x, DenseI64ArrayAttr:$axes,
                       DefaultValuedAttr<BoolAttr, "false">:$keepdims);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_ArgReduceOp : NN_KindOp<"arg_reduce"> {
  let summary = "Index of the maximum or minimum along an axis";
  let description = "`kind` is `max` or `min`; the first such index, or the last if `select_last`. Result is `i64`. (C1) kind. (C2) axis in range.";
  let arguments = (ins NN_ReduceKindAttr:$kind, NN_Tensor:$x, I64Attr:$axis, DefaultValuedAttr<BoolAttr, "false">:$keepdims,
                       DefaultValuedAttr<BoolAttr, "false">:$select_last);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_CumulativeOp : NN_KindOp<"cumulative"> {
  let summary = "Running sum or product along an axis";
  let description = "`kind` is `sum` or `prod`; `exclusive` leaves out the element itself; `reverse` runs from the end. (C1) kind. (C2) axis in range.";
  let arguments = (ins NN_ReduceKindAttr:$kind, NN_Tensor:$x, I64Attr:$axis, DefaultValuedAttr<BoolAttr, "false">:$exclusive,
                       DefaultValuedAttr<BoolAttr, "false">:$reverse);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_TopKOp : NN_InferOp<"top_k"> {
  let summary = "The k largest or smallest elements along an axis";
  let description = "Values and `i64` indices in sorted order; ties keep the lower index first. (C1) axis in range. (C2) `k` at most the dimension.";
  let arguments = (ins NN_Tensor:$x, I64Attr:$k, I64Attr:$axis, DefaultValuedAttr<BoolAttr, "true">:$largest);
  let results = (outs NN_Tensor:$values, NN_Tensor:$indices);
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Data movement
//===----------------------------------------------------------------------===//

def NN_ReshapeOp : NN_Op<"reshape"> {
  let summary = "Same elements in row-major order, other shape";
  let description = [{
    The result type is the shape; dynamic result dimensions are read from `shape` (fully resolved sizes, no -1 or 0
    conventions; element `i` is the size of result dimension `i`). One dynamic dimension may stand without `shape`: it is what remains.
    (C1) static element counts agree. (C2) `shape` has one element per result dimension.
    (C3) without `shape`, at most one result dimension is dynamic. (C4) element types agree.
  }];
  let arguments = (ins NN_Tensor:$x, Optional<NN_ShapeTensor>:$shape);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
  let hasFolder = 1;
}

def NN_TransposeOp : NN_InferOp<"transpose"> {
  let summary = "Permutes axes";
  let description = "Axis `i` of the result is axis `permutation[i]` of `x`. (C1) `permutation` is one.";
  let arguments = (ins NN_Tensor:$x, DenseI64ArrayAttr:$permutation);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
  let hasFolder = 1;
}

def NN_BroadcastOp : NN_Op<"broadcast"> {
  let summary = "Stretches axes of size 1 and adds leading axes";
  let description = [{
    Trailing axes are aligned; the result type is the target shape; its dynamic dimensions are read from `shape`, which is
    the fully resolved result shape. (C1) each aligned dimension is 1 or equal. (C2) `shape` has one element per result dimension.
  }];
  let arguments = (ins NN_Tensor:$x, Optional<NN_ShapeTensor>:$shape);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
  let hasFolder = 1;
}

def NN_SliceOp : NN_InferOp<"slice"> {
  let summary = "Strided sub-tensor";
  let description = [{
    Along each axis, elements `start, start + step, ...` before `end`. Negative `starts` and `ends` count from the end of
    the axis; then both are clamped into it (for negative steps: start to `[0, n-1]`, end to `[-1, n-1]`), so that the
    lowest `i64` as an end means "through the first element". (C1) one entry per axis. (C2) steps are not 0.
  }];
  let arguments = (ins NN_Tensor:$x, DenseI64ArrayAttr:$starts, DenseI64ArrayAttr:$ends, DenseI64ArrayAttr:$steps);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
  let hasFolder = 1;
}

def NN_DynamicSliceOp : NN_Op<"dynamic_slice"> {
  let summary = "Sub-tensor with run-time bounds";
  let description = [{
    As `nn.slice` with `starts`, `ends`, `steps` (1-D `i64`, one element per axis of `x`) known at run time only.
    (C1) the result has the rank of `x`.
  }];
  let arguments = (ins NN_Tensor:$x, NN_ShapeTensor:$starts, NN_ShapeTensor:$ends, NN_ShapeTensor:$steps);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_ConcatOp : NN_InferOp<"concat"> {
  let summary = "Joins tensors along an axis";
  let description = "(C1) equal ranks and element types. (C2) dimensions other than `axis` agree. (C3) axis in range, at least one operand.";
  let arguments = (ins Variadic<NN_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
  let hasFolder = 1;
}

def NN_PadOp : NN_InferOp<"pad"> {
  let summary = "Extends axes at both ends";
  let description = [{
    `low[i]` elements before and `high[i]` after axis `i`, filled with `value` (rank 0; zero if absent), the edge element,
    the mirrored interior (without the edge), or the wrapped-around interior. Negative counts crop. (C1) one entry per axis.
    (C2) `value` only for `constant`.
  }];
  let arguments = (ins NN_PadModeAttr:$mode, NN_Tensor:$x, Optional<NN_Tensor>:$value, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "`` $mode operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def NN_GatherOp : NN_InferOp<"gather", [DeclareOpInterfaceMethods<NN_LookupLike>]> {
  let summary = "Picks slices along an axis";
  let description = [{
    `result[a..., i..., b...] = x[a..., indices[i...], b...]` with `axis = rank(a)`; negative indices count from the end.
    (C1) axis in range.
  }];
  let arguments = (ins NN_Tensor:$x, NN_IndexTensor:$indices, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_GatherElementsOp : NN_InferOp<"gather_elements"> {
  let summary = "Picks elements along an axis";
  let description = "`result[i] = x[i with i[axis] = indices[i]]`. (C1) equal ranks. (C2) axis in range.";
  let arguments = (ins NN_Tensor:$x, NN_IndexTensor:$indices, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_GatherNDOp : NN_InferOp<"gather_nd"> {
  let summary = "Picks slices by index tuples";
  let description = [{
    `result[b..., i..., rest...] = x[b..., indices[b..., i..., :], rest...]` with `batch_dims = rank(b)`.
    (C1) the last dimension of `indices` is static and at most `rank(x) - batch_dims`.
  }];
  let arguments = (ins NN_Tensor:$x, NN_IndexTensor:$indices, DefaultValuedAttr<I64Attr, "0">:$batch_dims);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_ScatterElementsOp : NN_KindOp<"scatter_elements"> {
  let summary = "Writes elements along an axis";
  let description = "A copy of `x` where `x[i with i[axis] = indices[i]]` meets `updates[i]`, in row-major order of `i`. (C1) equal ranks. (C2) axis in range.";
  let arguments = (ins NN_ScatterKindAttr:$kind, NN_Tensor:$x, NN_IndexTensor:$indices, NN_Tensor:$updates, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_ScatterNDOp : NN_KindOp<"scatter_nd"> {
  let summary = "Writes slices by index tuples";
  let description = "A copy of `x` where the slice `x[indices[i..., :]]` meets `updates[i...]`, in row-major order of `i`. (C1) the last dimension of `indices` is static and at most `rank(x)`.";
  let arguments = (ins NN_ScatterKindAttr:$kind, NN_Tensor:$x, NN_IndexTensor:$indices, NN_Tensor:$updates);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_ResizeOp : NN_Op<"resize", [DeclareOpInterfaceMethods<NN_CostModel>]> {
  let summary = "Interpolating resize";
  let description = [{
    Every axis with `out != in` or a region of interest is resampled (ONNX `Resize`); `scales[i]` relates output to input
    coordinates, `roi` (`[starts..., ends...]`) serves `tf_crop_and_resize`, outside of which `extrapolation` is the value.
    `cubic_coefficient` is `a` of the Keys kernel; `exclude_outside` renormalizes weights at the border; `antialias`
    widens the kernel when shrinking. Dynamic result dimensions are `floor(dim * scale)`.
    (C1) equal ranks. (C2) one scale per axis.
  }];
  let arguments = (ins NN_ResizeModeAttr:$mode, NN_Tensor:$x, DenseF64ArrayAttr:$scales, NN_ResizeCoordinateAttr:$coordinate,
    DefaultValuedAttr<NN_ResizeRoundingAttr, "::terse::nn::ResizeRounding::PreferFloor">:$rounding,
    DefaultValuedAttr<DenseF64ArrayAttr, "{}">:$roi, DefaultValuedAttr<F64Attr, "-0.75">:$cubic_coefficient,
    DefaultValuedAttr<F64Attr, "0.0">:$extrapolation, DefaultValuedAttr<BoolAttr, "false">:$exclude_outside,
    DefaultValuedAttr<BoolAttr, "false">:$antialias);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "`` $mode operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def NN_ReverseSequenceOp : NN_InferOp<"reverse_sequence"> {
  let summary = "Reverses the first elements of each sequence";
  let description = "Along `time_axis`, the first `lengths[b]` elements of batch `b` (index along `batch_axis`) are reversed. (C1) axes are in range and differ.";
  let arguments = (ins NN_Tensor:$x, NN_IndexTensor:$lengths, I64Attr:$time_axis, I64Attr:$batch_axis);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

#endif
