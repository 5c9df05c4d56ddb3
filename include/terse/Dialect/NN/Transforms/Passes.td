//===- Passes.td - Passes of the nn dialect -----------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_NN_TRANSFORMS_PASSES_TD
#define TERSE_DIALECT_NN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def NNDecomposePass : Pass<"nn-decompose"> {
  let summary = "Express composite nn ops by simpler ones";
  let description = [{
    Replaces norms, softmax, attention, rotary embedding, embedding, composite reductions and recurrent layers by
    elementwise ops, contractions, `sum`/`prod`/`max`/`min` reductions and data movement. Recurrent layers become an
    `scf.for` over time steps.

    Requires tensors without encodings (an op on an encoded tensor is left alone). Ensures that none of the named ops
    is left on plain tensors. Numerics: composites of `f16` and `bf16` compute in `f32` and round once, at the end;
    `f64` stays `f64`. Dynamic dimensions are allowed everywhere.
    ```mlir
    %y = nn.softmax %x {axis = 1 : i64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
    // becomes
    %m = nn.reduce max %x {axes = array<i64: 1>, keepdims = true} : (tensor<2x8xf32>) -> tensor<2x1xf32>
    %d = nn.binary sub %x, %m : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
    %e = nn.unary exp %d : (tensor<2x8xf32>) -> tensor<2x8xf32>
    %s = nn.reduce sum %e {axes = array<i64: 1>, keepdims = true} : (tensor<2x8xf32>) -> tensor<2x1xf32>
    %y = nn.binary div %e, %s : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
    ```
  }];
  let statistics = [Statistic<"numDecomposed", "decomposed", "Number of composite ops replaced">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect", "::terse::nn::NNDialect"];
}

def NNSinkReshapesPass : Pass<"nn-sink-reshapes"> {
  let summary = "Move reshapes out of attention";
  let description = [{
    Around a softmax between two products, with reshapes among them, reshapes of leading dimensions move behind softmax,
    elementwise ops, transposes and products, until those that undo each other meet and go away. What is left is a chain of
    tensors of one rank, which `convert-attention-to-ukernel` recognizes. Open sizes count as equal where shape computations
    say that they are. Results are the same in every bit.

    Left alone: everything that is not around such a softmax; reshapes of rows; operands that stretch along dimensions which a reshape
    merges or splits.
    ```mlir
    %r = nn.reshape %scores : (tensor<2x3x8x8xf32>) -> tensor<48x8xf32>
    %p = nn.softmax %r {axis = 1 : i64} : (tensor<48x8xf32>) -> tensor<48x8xf32>
    %b = nn.reshape %p : (tensor<48x8xf32>) -> tensor<2x3x8x8xf32>
    // becomes
    %b = nn.softmax %scores {axis = 3 : i64} : (tensor<2x3x8x8xf32>) -> tensor<2x3x8x8xf32>
    ```
  }];
  let statistics = [Statistic<"numChains", "chains", "Chains from which reshapes were moved">];
  let dependentDialects = ["::mlir::tensor::TensorDialect", "::terse::nn::NNDialect"];
}

def NNExpandAttentionPass : Pass<"nn-expand-attention"> {
  let summary = "Write attention as its two products and softmax";
  let description = [{
    Does to `nn.attention` alone what `nn-decompose` does to it, so that passes which look at contractions, such as
    `terse-choose-encodings` with `products`, see its two matrix products. Leaves alone: attention on encoded tensors.
    ```mlir
    %y = nn.attention %q, %k, %v {causal = false, scale = 0.5 : f64, softcap = 0.0 : f64} : ...
    // becomes
    %a = nn.unary affine %q {alpha = 0.5 : f64, ...} : ...
    %t = nn.transpose %k ...
    %s = nn.matmul %a, %t : ...
    ... // softmax
    %y = nn.matmul %p, %v : ...
    ```
  }];
  let statistics = [Statistic<"numExpanded", "expanded", "Number of attention ops replaced">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect", "::terse::nn::NNDialect"];
}

def NNTabulateOneHotPass : Pass<"nn-tabulate-one-hot", "::mlir::ModuleOp"> {
  let summary = "Read rows of tables instead of multiplying one-hot rows";
  let description = [{
    Indices that are compared with consecutive numbers along a new last axis make one-hot rows. What ops of the dialect make of
    each row alone, an `nn.linear` with a constant weight among them, becomes an `nn.gather` of rows of a table, which
    the reference interpreter computes: one row for each number, and one for all other indices. The table is stored where it takes the fewest
    bytes; ops behind that run on the table if at least twice as many rows are read, else on what was read. Left alone: products of more than 2^26
    multiplications for the table. Numerics: those of the interpreter.
    ```mlir
    %h = nn.compare eq %i, %numbers : (tensor<?x1xi32>, tensor<257xi32>) -> tensor<?x257xi1>
    %x = nn.cast %h : (tensor<?x257xi1>) -> tensor<?x257xf32>
    %y = nn.linear %x, %w, %b : (tensor<?x257xf32>, tensor<64x257xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    // becomes
    %y = nn.gather %table, %place {axis = 0 : i64} : (tensor<258x64xf32>, tensor<?xi32>) -> tensor<?x64xf32>
    ```
  }];
  let statistics = [Statistic<"numTables", "tables", "Products replaced by tables">];
  let dependentDialects = ["::mlir::ml_program::MLProgramDialect", "::terse::nn::NNDialect"];
}

def NNFoldConstantsPass : Pass<"nn-fold-constants", "::mlir::ModuleOp"> {
  let summary = "Evaluate nn ops on constants";
  let description = [{
    Replaces every op of the dialect whose operands are all constants by what the reference interpreter computes for it.
    Results of at most 1 KiB become `nn.constant`, larger ones `ml_program.global`s over resource blobs, which take the
    name of the weight they replace.

    What reads a weight (a global) is folded only if its result takes no more bytes than its operands or 1 KiB; other
    results may be as large as `max-result-bytes`. So a transposed weight is stored transposed, and nothing that is
    stored compressed is expanded: `terse.decode` is not an op of the dialect and never folded, nor are encoded tensors.
    An op whose evaluation fails stays, so that running it reports the error. Numerics: those of the interpreter.
    ```mlir
    %a = nn.constant dense<[1.0, 4.0]> : tensor<2xf32>
    %y = nn.unary sqrt %a : (tensor<2xf32>) -> tensor<2xf32>
    // becomes
    %y = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
    ```
  }];
  let options = [
    Option<"maxResultBytes", "max-result-bytes", "uint64_t", "1048576",
           "Largest result in bytes of an op that reads no weight and is larger than its operands (default: 1 MiB)">
  ];
  let statistics = [Statistic<"numFolded", "folded", "Number of ops replaced by constants">];
  let dependentDialects = ["::mlir::ml_program::MLProgramDialect", "::mlir::tensor::TensorDialect",
                           "::terse::nn::NNDialect"];
}

def NNFoldLinearPass : Pass<"nn-fold-linear", "::mlir::ModuleOp"> {
  let summary = "Make one layer of two that follow each other without a function between them";
  let description = [{
    A contraction with constant weights whose only reader is another one is one linear map with it. If one of the two is
    pointwise (linear, matrix product, 1x1 convolution without stride and padding), the other one stays with the product of
    the weights:

    ```
    w[o, i, k] = sum_c w2[o, c, k] w1[c, i]      or, if the second one is pointwise,  sum_c w2[o, c] w1[c, i, k]
    b[o]       = b2[o] + sum_{c, k} w2[o, c, k] b1[c]
    ```

    Only where that does not grow the work: o i k products per position instead of c i k1 + o c k2. So a bottleneck, such
    as a low-rank factorization, stays. Left alone: layers with groups, other readers or computed weights, layers without a
    place for the bias, and a first layer with a bias before one that pads, which reads 0 there and not the bias.

    Numerics: weights are summed in f64 and rounded once; results differ in the last places.
    ```mlir
    %y = nn.linear %x, %w1 : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    %z = nn.linear %y, %w2 : (tensor<?x8xf32>, tensor<3x8xf32>) -> tensor<?x3xf32>
    // becomes, with w = w2 w1
    %z = nn.linear %x, %w : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
    ```
  }];
  let statistics = [Statistic<"numFolded", "folded", "Number of layers that became part of another one">];
  let dependentDialects = ["::terse::nn::NNDialect", "::mlir::ml_program::MLProgramDialect"];
}

def NNFoldBatchNormPass : Pass<"nn-fold-batch-norm", "::mlir::ModuleOp"> {
  let summary = "Fold per-channel factors and offsets into the contraction before them";
  let description = [{
    A batch norm, and a multiplication, division, addition or subtraction with constants of one number or one number per
    channel, that is the only use of a contraction with constant weights, becomes part of its weight and bias. Reshapes,
    transposes and slices may stand between the two, if each channel stays a slice of one axis:

    ```
    factor = scale / sqrt(variance + epsilon)
    w'[o, ...] = w[o, ...] * factor[o]
    b'[o]      = (b[o] - mean[o]) * factor[o] + bias[o]
    ```

    The new weights are written as ops on constants; `nn-fold-constants` evaluates them. Left alone: contractions with
    other uses or computed weights, constants that vary along other axes, additions to ops that take no bias, and
    grouped transposed convolutions, whose weights are shared between channels.

    Numerics: w' and b' are rounded where the network rounded products, so that results differ in the last places.
    ```mlir
    %y = nn.conv %x, %w {...} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
    %z = nn.binary mul %y, %c : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
    // becomes
    %r = nn.reshape %c : (tensor<2x1x1xf32>) -> tensor<2x1x1x1xf32>
    %v = nn.binary mul %w, %r : (tensor<2x2x1x1xf32>, tensor<2x1x1x1xf32>) -> tensor<2x2x1x1xf32>
    %z = nn.conv %x, %v {...} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
    ```
  }];
  let statistics = [Statistic<"numFolded", "folded", "Number of ops that became part of a contraction">];
  let dependentDialects = ["::terse::nn::NNDialect"];
}

def NNFoldPadPass : Pass<"nn-fold-pad", "::mlir::ModuleOp"> {
  let summary = "Fold zero padding into the op that reads it";
  let description = [{
    A constant pad with zeros whose result goes into a convolution becomes the convolution's own padding. Left alone:
    pads with other values or modes, of batch or channels, and those that crop.

    Numerics: none change.
    ```mlir
    %p = nn.pad constant %x {low = array<i64: 0, 0, 1, 1>, high = array<i64: 0, 0, 1, 1>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x6x6xf32>
    %y = nn.conv %p, %w {..., pads = array<i64: 0, 0, 0, 0>} : (tensor<1x1x6x6xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x4x4xf32>
    // becomes
    %y = nn.conv %x, %w {..., pads = array<i64: 1, 1, 1, 1>} : (tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x4x4xf32>
    ```
  }];
  let statistics = [Statistic<"numFolded", "folded", "Number of pads that were folded">];
  let dependentDialects = ["::terse::nn::NNDialect"];
}

def NNRecognizeActivationsPass : Pass<"nn-recognize-activations", "::mlir::ModuleOp"> {
  let summary = "Write activation functions by their names";
  let description = [{
    Compositions that exporters write for one function become that function:

    | composition | function |
    |---|---|
    | `max(x, 0)`, `clamp(x, 0, inf)` | `relu` |
    | `min` and `max` with numbers, one after another, also of `relu` and `clamp` | `clamp` (ReLU6 is `clamp` 0, 6); nothing for infinite bounds |
    | `x * sigmoid(x)`, `x * sigmoid(a * x)` with a number a | `silu` with `alpha` a |
    | `x * hard_sigmoid(x)` with 1/6 and 1/2; `x * clamp(x + 3, 0, 6) / 6` | `hard_swish` |
    | `x / 2 * (1 + erf(x / sqrt(2)))` in any order | `gelu` |
    | `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x)))` in any order | `gelu_tanh` |

    Numbers are compared within 1e-6 of their value. Numerics: the function rounds once where its composition rounds
    several times; `min` and `max` with numbers are exact.
    ```mlir
    %s = nn.unary sigmoid %x : (tensor<8xf32>) -> tensor<8xf32>
    %y = nn.binary mul %x, %s : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
    // becomes
    %y = nn.unary silu %x {alpha = 1.0} : (tensor<8xf32>) -> tensor<8xf32>
    ```
  }];
  let statistics = [Statistic<"numRecognized", "recognized", "Number of functions recognized">];
  let dependentDialects = ["::terse::nn::NNDialect"];
}

def NNRecognizeNormsPass : Pass<"nn-recognize-norms", "::mlir::ModuleOp"> {
  let summary = "Write norms and softmax by their names";
  let description = [{
    Norms and softmax that exporters wrote out in simpler ops become one op each. With m = mean(x), v = variance of x, c
    constants:

    | composition | op |
    |---|---|
    | `(x - m) / sqrt(v + eps) * c + b`, products in any order, quotients as reciprocals | `nn.layer_norm` |
    | `x * (c / sqrt(v + eps)) + (b - m * (c / sqrt(v + eps)))`, the form of a batch norm | `nn.layer_norm` |
    | `x / sqrt(mean(x^2) + eps) * c` | `nn.rms_norm` |
    | `exp(x - max(x)) / sum(exp(x - max(x)))`, also without the maximum | `nn.softmax` |
    | `x - max(x) - log(sum(exp(x - max(x))))`, also without the maximum | `nn.softmax`, `log` |

    The mean may be a sum with a factor, the variance `mean((x - m)^2)` or `mean(x^2) - m^2`, bounded by 0 below or not, and
    reshapes may stand where axes come and go. Axes that are not the last ones are transposed to the end and back.
    An instance norm is a layer norm over the spatial axes, a group norm one over a reshaped x.

    Left alone: scales and biases that are computed, and statistics that are broadcast along other axes than they were
    taken of. Intermediate values with other readers stay for them. Numerics: the op sums and rounds in its own order, and its
    variance never cancels, so results differ in the last places, and more where `mean(x^2) - m^2` cancelled.
    ```mlir
    %m = nn.reduce mean %x {axes = array<i64: 1>, keepdims = true} : (tensor<2x8xf32>) -> tensor<2x1xf32>
    %d = nn.binary sub %x, %m : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
    %q = nn.binary mul %d, %d : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
    %v = nn.reduce mean %q {axes = array<i64: 1>, keepdims = true} : (tensor<2x8xf32>) -> tensor<2x1xf32>
    %e = nn.binary add %v, %eps : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
    %r = nn.unary sqrt %e : (tensor<2x1xf32>) -> tensor<2x1xf32>
    %y = nn.binary div %d, %r : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
    // becomes
    %y = nn.layer_norm %x {axis = 1 : i64, epsilon = 1.0e-6 : f64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
    ```
  }];
  let statistics = [Statistic<"numRecognized", "recognized", "Number of norms and softmaxes recognized">];
  let dependentDialects = ["::terse::nn::NNDialect"];
}

def NNEqualizeLayersPass : Pass<"nn-equalize-layers", "::mlir::ModuleOp"> {
  let summary = "Give consecutive layers weights of equal ranges per channel";
  let description = [{
    Cross-layer equalization (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias
    Correction"). Channel i of the activations between two contractions may be scaled by any positive factor if the
    function between them commutes with it (`ChannelScalable`: ReLU, pooling, zero padding...):

    ```
    r1[i] = max |w1| over what is added to channel i      r2[i] = max |w2| over what is multiplied with channel i
    s[i]  = sqrt(r1[i] * r2[i]) / r2[i]
    w1[i] /= s[i], b1[i] /= s[i], w2[.., i, ..] *= s[i]
    ```

    Afterwards both ranges are sqrt(r1[i] * r2[i]), so that no channel is rounded away beside a large one. Chains of layers
    are equalized together, by repetition until no factor changes by more than 0.1 %, `iterations` times at most. A channel
    that has weights on one side only, such as one that is constant, gets the median range of the others there.

    A clamp between 0 and a number, such as ReLU6, is no homogeneous function. `clamps` says what to do: `keep` leaves its
    layers alone; `per-channel` gives each channel its own bound, `min(relu(x), bound / s)`, which computes the same;
    `relu` drops the bound, which changes the network where it was reached.

    Requires: constant weights (`nn-fold-constants`), batch norms folded (`nn-fold-batch-norm`). Left alone: contractions
    whose result or weight has other uses. Numerics: factors are computed in f64; each
    weight and bias rounds once.
  }];
  let options = [
    Option<"clamps", "clamps", "::terse::nn::ClampScaling", "::terse::nn::ClampScaling::PerChannel",
           "What becomes of clamps between layers",
           [{::llvm::cl::values(
               clEnumValN(::terse::nn::ClampScaling::Keep, "keep", "their layers are left alone"),
               clEnumValN(::terse::nn::ClampScaling::PerChannel, "per-channel", "each channel gets its own bound"),
               clEnumValN(::terse::nn::ClampScaling::Relu, "relu", "the upper bound is dropped"))}]>,
    Option<"iterations", "iterations", "unsigned", "20", "Rounds over all pairs of layers at most (default: 20)">
  ];
  let statistics = [Statistic<"numEqualized", "equalized", "Pairs of layers that were equalized">];
  let dependentDialects = ["::mlir::ml_program::MLProgramDialect", "::terse::nn::NNDialect"];
}

#endif
