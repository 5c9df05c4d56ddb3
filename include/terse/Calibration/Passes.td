//===- Passes.td - Passes of calibration -------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CALIBRATION_PASSES_TD
#define TERSE_CALIBRATION_PASSES_TD

include "mlir/Pass/PassBase.td"

def InsertObserversPass : Pass<"terse-insert-observers", "::mlir::ModuleOp"> {
  let summary = "Mark the activations whose statistics static quantization needs";
  let description = [{
    Puts a `terse.observe` on every f32 value at the top level of a function that is data of an op with an integer form
    (`ContractionLike`, `Quantizable`), except what a ReLU or clamp right behind a contraction or sum makes superfluous.
    The observer's name is that of the layer that makes the value, or of the function's argument; a second value of the
    same layer gets `#2`, and so on. With `channels`, a second observer gathers statistics per channel.

    Ensures: nothing but observers is added. Running the pass again changes nothing.
  }];
  let options = [
    Option<"channels", "channels", "bool", "false", "Observe ranges and means per channel of contraction inputs too (default: false)">
  ];
  let statistics = [Statistic<"numObservers", "observers", "Observers inserted">];
  let dependentDialects = ["::terse::TerseDialect"];
}

def CalibratePass : Pass<"terse-calibrate", "::mlir::ModuleOp"> {
  let summary = "Gather the statistics that observers ask for";
  let description = [{
    Runs the model natively on each sample of `data`, an .npz file whose arrays carry the names of the model's inputs and
    whose first axis counts samples, and writes `terse.statistics` on every `terse.observe` of kind `histogram`, `min_max`,
    `moving_average` or `channel` at the top level of the entry function. Or takes them from `statistics`, a file that an
    earlier run has written; of several files, separated by commas, the merged statistics.

    Samples run one at a time and are streamed from the file, so that memory does not depend on their number, and the
    result depends neither on threads nor on batches: the same data give the same bytes.

    Fails on data without samples, with NaN or infinities, of another shape or type, and on names that are not in the
    statistics.
  }];
  let options = [
    Option<"data", "data", "std::string", "", "Calibration inputs, .npz">,
    ListOption<"from", "from", "std::string", "Files of statistics to use instead of running the model">,
    Option<"output", "output", "std::string", "", "Write the statistics to this file">,
    Option<"samples", "samples", "int64_t", "0", "Use only the first samples of the data (default: all)">,
    Option<"interpret", "interpret", "bool", "false", "Run in the reference interpreter instead of natively (default: false)">,
  ];
  let statistics = [Statistic<"numSamples", "samples", "Samples run">];
  let dependentDialects = ["::terse::TerseDialect"];
}

def ChooseActivationEncodingsPass : Pass<"terse-choose-activation-encodings", "::mlir::ModuleOp"> {
  let summary = "Choose static integer encodings for activations";
  let description = [{
    Turns the statistics of the observers into scales and zero points and writes them as `#terse.static` into `terse.choice`
    of every op that is to compute on integers, together with `#terse.product` for biases; or why an op is left in float.
    `terse-apply-encodings` carries it out, `terse-integer-graph` computes with it. The observers disappear.

    An op is chosen if it has an integer form, all its data have statistics, and its weight is chosen or encoded as integers
    of at most 8 bits with one scale per tensor or output channel: so run `terse-choose-encodings` first. Ops that move
    elements share the parameters of operands and result; operands of a concatenation get those of the result where no
    other reader would lose by it. Values that only float ops read stay float, and so do the model's outputs.

    Softmax, norms and recurrent layers are left in float, explicit islands, unless `integer-islands` says that they compute on
    integers too: softmax and norms with exact integer sums, recurrent layers with integer products and tables.
    With `float-residuals`, norms stay in float together with the sums of two computed tensors that they read and all sums
    that these are part of: the stream that every layer of an encoder adds to. It holds a few channels of large values, so
    that one step for all channels rounds the others away; the layers that read the norms' results compute on integers.
    With `unify-sums`, operands of a sum or difference that have no other reader than sums share their parameters, so that
    integers are added before one multiplication, at the price of the wider range for both.

    One run of the pass is one rule over `layers` and `except-layers`, but observers serve one run.

    `method`: `min-max`; `moving-average`; `percentile` of all values on each side; `kl` and `mse` minimize divergence and
    squared error on the histogram.
  }];
  let options = [
    ListOption<"layers", "layers", "std::string", "Glob patterns of the layers to decide for (default: all)",
               "llvm::cl::list_init<std::string>({\"*\"})">,
    ListOption<"exceptLayers", "except-layers", "std::string", "Glob patterns of layers to leave in float">,
    Option<"activationType", "activation-type", "std::string", /*default=*/"\"ui8\"",
           "Integer type of activations: i4 to i8, ui4 to ui8">,
    Option<"symmetric", "symmetric", "bool", "false",
           "No zero points: the range of signed types is symmetric around 0 (default: false)">,
    Option<"method", "method", "::terse::RangeMethod", /*default=*/"::terse::RangeMethod::Percentile",
           "How ranges follow from statistics",
           [{::llvm::cl::values(
               clEnumValN(::terse::RangeMethod::MinMax, "min-max", "all that was seen"),
               clEnumValN(::terse::RangeMethod::MovingAverage, "moving-average", "the moving average over samples"),
               clEnumValN(::terse::RangeMethod::Percentile, "percentile", "a share of all values"),
               clEnumValN(::terse::RangeMethod::KL, "kl", "least Kullback-Leibler divergence"),
               clEnumValN(::terse::RangeMethod::MSE, "mse", "least squared error"))}]>,
    Option<"integerIslands", "integer-islands", "bool", "false",
           "Softmax, layer and RMS norms and recurrent layers compute on integers too (default: false)">,
    Option<"floatResiduals", "float-residuals", "bool", "false",
           "Norms stay in float, with the sums of computed tensors that they read (default: false)">,
    Option<"unifySums", "unify-sums", "bool", "false", "Operands of sums share their parameters (default: false)">,
    Option<"percentile", "percentile", "double", "99.99", "Percent of all values below the upper end, for method percentile">,
  ];
  let statistics = [
    Statistic<"numChosen", "chosen", "Ops that are to compute on integers">,
    Statistic<"numKept", "kept", "Ops that stay in float, for a reason that is recorded">,
  ];
  let dependentDialects = ["::terse::TerseDialect"];
}

#endif // TERSE_CALIBRATION_PASSES_TD
