//===- NNNormOps.td - Normalization, softmax, attention --*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_IR_NNNORMOPS_TD
#define TERSE_DIALECT_NN_IR_NNNORMOPS_TD

include "terse/Dialect/NN/IR/NNBase.td"

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

#endif // TERSE_DIALECT_NN_IR_NNNORMOPS_TD
