//===- Passes.td - Passes that recover accuracy ------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_RECOVERY_PASSES_TD
#define TERSE_RECOVERY_PASSES_TD

include "mlir/Pass/PassBase.td"

def HalfQuadraticPass : Pass<"terse-hqq", "::mlir::ModuleOp"> {
  let summary = "Optimize scales and zero points by half-quadratic splitting";
  let description = [{
    Badri and Shaji 2023, "Half-Quadratic Quantization of Large Machine Learning Models": without any data, finds
    parameters that make `sum |w - decode(encode(w))|^p` small, with p < 1, so that a few large weights count little.
    With e the errors that are put up with, in steps of the grid, every iteration does

    ```
    e = shrink((w - w') / s),   shrink(x) = sign(x) max(0, |x| - |x|^(p-1) / beta)
    u = (w / s - e)             what is left for the grid to stand for
    s = s <u, q - z> / <q - z, q - z>
    z = mean(q - u)             for encodings with zero points, rounded to an integer
    q = encode(w), beta = beta * growth
    ```

    per set of elements that share a scale, and each set keeps the parameters with the least sum of all iterations, the
    first of which are the encoding's own: the sum never grows. The publication keeps s and stores z as a float;
    the encodings here have integer zero points, so that both are optimized, and errors are measured in steps, so that the
    result does not depend on the unit of the weights. The choice becomes `#terse.static` with these parameters.

    Requires: choices (`terse-choose-encodings`). Left alone: encodings with other parameters than plain scales and zero
    points, and weights that are no finite constants. Numerics: sums in f64 in the order of the elements; the result
    depends on nothing but the weight.
  }];
  let options = [
    Option<"iterations", "iterations", "unsigned", "20", "Iterations">,
    Option<"norm", "norm", "double", "0.7", "p, the exponent of errors, between 0 and 1">,
    Option<"beta", "beta", "double", "10.0", "beta at the beginning, positive">,
    Option<"growth", "growth", "double", "1.01", "Factor of beta per iteration, at least 1">,
  ];
  let statistics = [Statistic<"numOptimized", "optimized", "Weights whose parameters were optimized">];
  let dependentDialects = ["::terse::TerseDialect"];
}

class RoundingPass<string flag> : Pass<flag, "::mlir::ModuleOp"> {
  list<Option> dataOptions = [
    Option<"data", "data", "std::string", "", "Calibration inputs, .npz">,
    Option<"samples", "samples", "int64_t", "0", "Use only the first samples of the data (default: all)">,
    Option<"positions", "positions", "int64_t", "256", "Positions of each sample that a layer learns from at most; 0 for all">,
    Option<"stages", "stages", "int64_t", "0",
           "Groups of consecutive layers that are rounded one after another, the first of each making up for earlier errors; 0: all on the inputs of the float model, -1: one per layer">,
    Option<"interpret", "interpret", "bool", "false", "Run in the reference interpreter instead of natively (default: false)">,
    Option<"correctBias", "correct-bias", "bool", "false",
           "Let the biases take up what rounding adds to the mean of each output (default: false)">,
  ];
  let statistics = [
    Statistic<"numRounded", "rounded", "Layers that were rounded">,
    Statistic<"numSkipped", "skipped", "Chosen weights that the method cannot serve; they are rounded to nearest">,
  ];
  let dependentDialects = ["::terse::TerseDialect", "::terse::nn::NNDialect", "::mlir::ml_program::MLProgramDialect"];
}

def GptqPass : RoundingPass<"terse-gptq"> {
  let summary = "Round weights with feedback of the errors";
  let description = [{
    Frantar et al. 2022, "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers". The columns of
    a layer's weight matrix (see `UnfoldableContraction`) are rounded one after another, each to its nearest level
    after what can be made up for of the errors before it has been added:

    ```
    H = E[x x^T] + lambda I,   lambda = damping * mean diagonal of E[x x^T]
    P H P^T = R R^T, R upper triangular, P the order of the columns
    q_k = nearest level to  w_k + sum over j < k of (w_j - q_j) R_jk / R_kk
    ```

    This is the publication's update, in exact arithmetic the same numbers: its Cholesky factor of the inverse of H is the
    inverse of R. Blocks of `block` columns take the errors of earlier ones by a matrix product. `act-order` takes
    columns in the order of their H_kk, largest first. Scales are known before ("static groups").

    Beyond the publication: `sweeps` of coordinate descent move single weights to the level that makes
    (q - w)^T H (q - w) least, the others being as they are, until none moves (as in Behdin et al. 2023, "QuantEase");
    `steps` smaller scales, down to 1 - `shrink`, are tried for each row; `refits` times, scales are fitted to the levels by
    least squares, and levels to the scales. With `correct-bias`, H is the covariance of the inputs and (W - Q) E[x] is
    added to the bias: the mean error costs nothing then. Each row keeps the best of all this and of rounding to nearest,
    so that on the data no output has a larger mean squared error than by rounding to nearest.

    The weight becomes what it is going to decode to, and the choice `#terse.static` with its parameters.

    Requires: choices (`terse-choose-encodings`), and data. Left to rounding to nearest: weights whose encoding does not store
    elements as levels (`ScalarEncodingAttrInterface`), that several ops read, or whose op is no
    `UnfoldableContraction` on f32. An input that is always 0 has no say, and a layer without any other input is
    rounded to nearest. Numerics: products are summed in f32 over 256 positions and these sums in f64; the result depends
    neither on threads nor on vector widths. `positions` bounds how many positions of a sample a layer learns from; they
    are spread evenly.
  }];
  let options = !listconcat(dataOptions, [
    Option<"damping", "damping", "double", "0.01", "lambda, as a share of the mean diagonal of H">,
    Option<"actOrder", "act-order", "bool", "true", "Round the columns with the largest inputs first (default: true)">,
    Option<"block", "block", "int64_t", "128", "Columns between updates of the ones behind">,
    Option<"sweeps", "sweeps", "unsigned", "0", "Sweeps of coordinate descent afterwards at most">,
    Option<"steps", "steps", "unsigned", "1", "Factors of the scales to try">,
    Option<"shrink", "shrink", "double", "0.5", "1 minus the smallest factor, below 1">,
    Option<"refits", "refits", "unsigned", "0", "How often scales are fitted to the levels">,
  ]);
}

def AdaRoundPass : RoundingPass<"terse-adaround"> {
  let summary = "Learn whether to round each weight up or down";
  let description = [{
    Nagel et al. 2020, "Up or Down? Adaptive Rounding for Post-Training Quantization". Each weight stands between two levels,
    q = below + h (above - below) with h = clamp(1.2 sigmoid(v) - 0.1, 0, 1), and v is learned layer by layer by Adam:

    ```
    minimize  trace((q - w) H (q - w)^T) / n + regularization * sum(1 - |2 h - 1|^beta)
    ```

    H is as in `terse-gptq`: the first term is the mean squared error of the layer's outputs over all inputs that were
    seen, in closed form, so that every iteration learns from all of them and none has to be kept. n is the mean of what
    a whole step of one weight adds to it, so that `regularization` has no unit. beta falls from 20 to 2 along a cosine;
    before `warmup`, a share of the `iterations`, there is no regularization. At the end h >= 0.5 rounds up.

    Each row keeps the result only if its mean squared error is less than by rounding to nearest. `sweeps` and `refits` are
    those of `terse-gptq`, as are `correct-bias`, what is left alone, and what is written down. There is no randomness.
  }];
  let options = !listconcat(dataOptions, [
    Option<"iterations", "iterations", "unsigned", "1000", "Steps of Adam per layer">,
    Option<"rate", "rate", "double", "0.02", "Learning rate">,
    Option<"regularization", "regularization", "double", "0.1", "Weight of the term that draws h to 0 and 1">,
    Option<"warmup", "warmup", "double", "0.2", "Share of the iterations before it begins, below 1">,
    Option<"damping", "damping", "double", "0.01", "lambda, as a share of the mean diagonal of H">,
    Option<"sweeps", "sweeps", "unsigned", "0", "Sweeps of coordinate descent afterwards at most">,
    Option<"refits", "refits", "unsigned", "0", "How often scales are fitted to the levels">,
  ]);
}

class ScalingPass<string flag> : Pass<flag, "::mlir::ModuleOp"> {
  list<Option> dataOptions = [
    Option<"data", "data", "std::string", "", "Calibration inputs, .npz">,
    Option<"samples", "samples", "int64_t", "0", "Use only the first samples of the data (default: all)">,
    Option<"positions", "positions", "int64_t", "256", "Positions of each sample that a layer learns from at most; 0 for all">,
    Option<"interpret", "interpret", "bool", "false", "Run in the reference interpreter instead of natively (default: false)">,
    Option<"explicitFactors", "explicit", "bool", "false",
           "Where the factors cannot become part of what makes the input, multiply it with them (default: false)">,
  ];
  let statistics = [
    Statistic<"numScaled", "scaled", "Layers whose inputs were scaled">,
    Statistic<"numKept", "kept", "Layers that gain nothing by it">,
    Statistic<"numBlocked", "blocked", "Layers whose inputs cannot be given factors">,
  ];
  let dependentDialects = ["::terse::TerseDialect", "::terse::nn::NNDialect", "::mlir::ml_program::MLProgramDialect"];
}

def SmoothPass : ScalingPass<"terse-smooth"> {
  let summary = "Move the range of activations into weights (SmoothQuant)";
  let description = [{
    Xiao et al. 2022, "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language Models". Each channel j
    of a layer's input is divided by a factor that its weights are multiplied with:

    ```
    s_j = max|x_j|^alpha / max|w_j|^(1 - alpha)
    ```

    The network computes the same in float; the factors become part of what makes the input (see `FactorSource`): of the scale
    and bias of a norm, the weight and bias of a layer, through ReLU, reshapes and the like. Layers that read one value
    share its factors. With `alpha` below 0 the pass tries 0, 0.05, ... 1 for each value and also no factors at all, and keeps
    what has the least error of the layers' outputs. With W' the weights that the chosen encoding decodes to and H = E[x x^T],
    the error is

    ```
    trace((W' - W) H (W' - W)^T) + step^2 / 12 * sum over r, j of (s_j w_rj)^2
    ```

    The second term is what rounding of x / s to `activation-bits` adds, with the step of the range that was seen; it is
    estimated as noise without correlation. The factors are divided by their geometric mean. In this search max|x_j| counts as
    the median of all channels at least: what was small on the data may be larger elsewhere, and needs room in the range.

    Requires: choices of weights (`terse-choose-encodings`) without given parameters, and data; run it before activations
    are observed, because their ranges change. Left alone: inputs that something else reads, too, or that come out of a function
    which does not scale, unless `explicit`; a remark says which.
  }];
  let options = !listconcat(dataOptions, [
    Option<"alpha", "alpha", "double", "-1.0", "Share of the range that moves, 0 to 1; below 0 to search it for each input">,
    Option<"activationBits", "activation-bits", "unsigned", "8", "Bits of activations that the search counts with">,
  ]);
}

def ActivationAwarePass : ScalingPass<"terse-awq"> {
  let summary = "Scale up the weights that matter before rounding (AWQ)";
  let description = [{
    Lin et al. 2023, "AWQ: Activation-aware Weight Quantization for LLM Compression and Acceleration". Weights of channels with
    large inputs are multiplied with factors before they are rounded, and the inputs are divided by them:

    ```
    s_j = E|x_j|^alpha / sqrt(max s min s),    alpha of 0, 1/grid, ... making |Q(W s) x / s - W x|^2 least
    ```

    Then scales are clipped: for each set of weights that share a scale, the factor of it among `steps` from 1 down to 1 -
    `shrink` that has the least error of the outputs by these weights; the choice becomes `#terse.static`. A layer whose
    error that does not lessen keeps its scales. Errors are computed from E[x x^T] of the data, exactly.

    Requires, and leaves alone: as `terse-smooth`. Clipping serves encodings whose only parameters are plain scales, whether
    or not the input can be scaled.
  }];
  let options = !listconcat(dataOptions, [
    Option<"grid", "grid", "unsigned", "20", "Values of alpha to try">,
    Option<"steps", "steps", "unsigned", "20", "Factors of the scales to try; 1 for no clipping">,
    Option<"shrink", "shrink", "double", "0.5", "1 minus the smallest factor, below 1">,
  ]);
}

def RecordOutputsPass : Pass<"terse-record-outputs", "::mlir::ModuleOp"> {
  let summary = "Record what layers compute before they are changed";
  let description = [{
    Runs the model on `data` and writes `terse.statistics` with the means per channel on every contraction of the entry
    function that has, or can be given, a constant bias: what `terse-correct-bias` is to restore. It stands before passes that
    change weights, such as `terse-gptq`; `terse-correct-bias` takes the attributes away. Running the pass again
    records anew.
  }];
  let options = [
    Option<"data", "data", "std::string", "", "Calibration inputs, .npz">,
    Option<"samples", "samples", "int64_t", "0", "Use only the first samples of the data (default: all)">,
    Option<"limit", "limit", "int64_t", "32", "Use no more samples than this; 0 for all">,
    Option<"interpret", "interpret", "bool", "false", "Run in the reference interpreter instead of natively (default: false)">,
  ];
  let statistics = [Statistic<"numLayers", "layers", "Layers whose outputs were recorded">];
  let dependentDialects = ["::terse::TerseDialect"];
}

def CorrectBiasPass : Pass<"terse-correct-bias", "::mlir::ModuleOp"> {
  let summary = "Change biases so that outputs keep their means";
  let description = [{
    Rounding weights and activations moves the mean of a layer's outputs, and layers behind it see all of that at once
    (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2). The
    biases take it back; a layer without one gets one.

    `empirical`: the model runs on `data` as the choices say, weights rounded and static activations encoded, and

    ```
    bias[o] += mean of output o of the float model - mean of output o now
    ```

    for one layer after another, each with the corrections before: what is wrong with a layer depends on the earlier ones.
    `rounds` bounds how often the model runs, by correcting several consecutive layers at once. The corrections with the least distance of all means, relative
    to the outputs' ranges, are kept, among them none at all. The float model is this one without its choices, or what
    `terse-record-outputs` saw where weights have been changed since.

    `analytic`: bias[o] += sum over the weights of o of (w - decode(encode(w))) E[x], without running anything, where E[x] is
    the mean of the channel that the weight is multiplied with, from the statistics of a `terse.observe` of kind `channel` on
    the activation (`terse-insert-observers{channels}`, `terse-calibrate`). Zero padding is taken for mean values. Layers
    without such statistics are left alone.

    Requires: choices; a constant f32 bias, or an op that can be given one. Numerics: means of each sample in f32, of samples in
    f64.
  }];
  let options = [
    Option<"method", "method", "::terse::BiasCorrection", "::terse::BiasCorrection::Empirical", "How means are known",
           [{::llvm::cl::values(
               clEnumValN(::terse::BiasCorrection::Empirical, "empirical", "the model runs on data"),
               clEnumValN(::terse::BiasCorrection::Analytic, "analytic", "from statistics of the inputs"))}]>,
    Option<"data", "data", "std::string", "", "Calibration inputs, .npz">,
    Option<"samples", "samples", "int64_t", "0", "Use only the first samples of the data (default: all)">,
    Option<"limit", "limit", "int64_t", "32", "Use no more samples than this; 0 for all">,
    Option<"rounds", "rounds", "unsigned", "0", "Corrects several layers at once, so that there are so many rounds at most; 0: one layer at a time">,
    Option<"interpret", "interpret", "bool", "false", "Run in the reference interpreter instead of natively (default: false)">,
  ];
  let statistics = [
    Statistic<"numCorrected", "corrected", "Layers whose bias was changed">,
    Statistic<"numSkipped", "skipped", "Layers without statistics of their inputs">,
  ];
  let dependentDialects = ["::terse::TerseDialect", "::terse::nn::NNDialect", "::mlir::ml_program::MLProgramDialect"];
}

def AbsorbBiasPass : Pass<"terse-absorb-bias", "::mlir::ModuleOp"> {
  let summary = "Move what is always added to a channel into the next layer";
  let description = [{
    Bias absorption (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section
    4.1.3): a channel that equalization has made large may never come near 0. Its constant part c costs range and
    precision, and the next layer can add it instead:

    ```
    relu(x - c) = relu(x) - c    for x >= c >= 0
    b1 -= c, b2 += W2 c
    ```

    The publication takes c from the batch norm before, three standard deviations below the mean. Here c is the smallest
    value of the channel that `terse-record-outputs` saw, so that nothing changes on those data, but for rounding. Run it
    after `nn-equalize-layers` and before activations are observed. The recorded statistics, which would not hold any
    longer, go.

    Left alone: layers whose result goes elsewhere than through one ReLU into one contraction with constant weight and bias, and
    those before a padded convolution: the zeros around its input have no constant part.
  }];
  let statistics = [Statistic<"numAbsorbed", "absorbed", "Pairs of layers of which the second took over constants">];
  let dependentDialects = ["::terse::TerseDialect", "::terse::nn::NNDialect", "::mlir::ml_program::MLProgramDialect"];
}

#endif // TERSE_RECOVERY_PASSES_TD
