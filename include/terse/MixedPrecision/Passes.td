//===- Passes.td - Passes of mixed precision ---------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_MIXEDPRECISION_PASSES_TD
#define TERSE_MIXEDPRECISION_PASSES_TD

include "mlir/Pass/PassBase.td"

def MixPrecisionPass : Pass<"terse-mix-precision", "::mlir::ModuleOp"> {
  let summary = "Choose a format for each layer under budgets";
  let description = [{
    Encodes one layer after the other in every candidate, runs the model natively on data with all other layers in float,
    and so measures what each format costs each layer. Then picks the formats of least cost within `max-size` and
    `max-latency`, by an exact algorithm for the multiple-choice knapsack problem; or, with `max-drop`, the smallest model
    whose metric on the labelled data is seen to be within it. What is picked is written as `terse.choice`;
    `terse-apply-encodings` does it.

    A candidate is an encoding, as option `format` of `terse-choose-encodings` takes it, and passes behind `|` that
    improve the choice: `#terse.uniform<i4, block = 32> | terse-search-scales`, or the rounding: `#terse.uniform<i4, channels = 1>
    | terse-gptq` (what they do to biases is not taken over). Weights of layers of one name, and those of
    layers that share a constant, get one format.

    With `activations = "terse-choose-activation-encodings{...}"`, behind `terse-calibrate`, a candidate whose format lets a layer
    compute on integers is measured with that layer's activations rounded as well, so that what is chosen among are static
    integer layers of several widths, and layers that compute in float.

    Sizes are bytes (`500000`, `500KiB`, `1.5MB`) of all weights of the model, as `terse inspect` counts them, or a ratio to
    the same weights in float (`0.15x`). Latencies are times of one run (`3ms`) or a ratio (`0.9x`); with `latency =
    operations` ratios only.

    Requires: data; labels for `max-drop` and `loss = metric`; a budget. Leaves alone: layers that match no pattern, weights
    that earlier rules or persons have decided about, weights that are not f32 or not finite. Fails if the budgets cannot
    be kept, and says what can be reached. The result depends on nothing but model, data and options, except with `latency =
    measured`.
  }];
  let options = [
    Option<"data", "data", "std::string", "", "Inputs and labels, .npz">,
    Option<"labels", "labels", "std::string", "", "The array of class numbers">,
    Option<"output", "output-name", "std::string", "", "The output with class scores (default: the first)">,
    Option<"metric", "metric", "std::string", "\"top1\"", "top1, top5, ...">,
    Option<"calibration", "calibration", "std::string", "", "Inputs for passes of candidates that learn from data (default: those of data)">,
    Option<"samples", "samples", "int64_t", "100", "Samples that sensitivities are measured on">,
    Option<"limit", "limit", "int64_t", "0", "Samples that the metric is measured on (default: all)">,
    ListOption<"candidates", "candidates", "std::string", "Formats to try, as FORMAT or FORMAT | PASS",
               "llvm::cl::list_init<std::string>({\"#terse.cast<f16>\", \"#terse.uniform<i8, channels = 1>\", "
               "\"#terse.uniform<i6, channels = 1> | terse-search-scales\", "
               "\"#terse.uniform<i5, block = 32, scale = f16> | terse-search-scales\", "
               "\"#terse.uniform<i4, block = 32, scale = f16> | terse-search-scales\", "
               "\"#terse.uniform<i3, block = 32, scale = f16> | terse-search-scales\"})">,
    Option<"activations", "activations", "std::string", "",
           "Passes that choose for activations once weights have their formats: tried with every candidate, and run behind the search">,
    ListOption<"layers", "layers", "std::string", "Glob patterns of the layers to decide for (default: all)",
               "llvm::cl::list_init<std::string>({\"*\"})">,
    ListOption<"exceptLayers", "except-layers", "std::string", "Glob patterns of layers to leave to later rules">,
    Option<"keepFloat", "keep-float", "bool", "true", "Whether a layer may stay in float (default: true)">,
    Option<"loss", "loss", "::terse::mixed::LossKind", /*default=*/"::terse::mixed::LossKind::Divergence",
           "What a format costs",
           [{::llvm::cl::values(
               clEnumValN(::terse::mixed::LossKind::Divergence, "divergence", "Kullback-Leibler divergence of the scores"),
               clEnumValN(::terse::mixed::LossKind::Noise, "noise", "noise over signal of the outputs"),
               clEnumValN(::terse::mixed::LossKind::Metric, "metric", "the metric on labelled data"))}]>,
    Option<"latency", "latency", "::terse::mixed::TimeKind", /*default=*/"::terse::mixed::TimeKind::Measured",
           "What max-latency limits",
           [{::llvm::cl::values(
               clEnumValN(::terse::mixed::TimeKind::Operations, "operations", "operations, with those that decode weights"),
               clEnumValN(::terse::mixed::TimeKind::Measured, "measured", "measured times of the layers"))}]>,
    Option<"maxSize", "max-size", "std::string", "", "Budget for all weights: 500KiB, 0.15x">,
    Option<"maxDrop", "max-drop", "double", "-1", "Points of the metric that may be lost">,
    Option<"maxLatency", "max-latency", "std::string", "", "Budget for one run: 3ms, 0.9x">,
    Option<"sensitivities", "sensitivities", "std::string", "",
           "File of sensitivities: used if it is there, else written">,
    Option<"plan", "plan", "std::string", "", "Write what was measured and decided to this file, JSON">,
  ];
  let statistics = [
    Statistic<"numUnits", "units", "Layers that were decided about">,
    Statistic<"numKept", "kept", "Those of them that stay in float">,
  ];
  let dependentDialects = ["::terse::TerseDialect", "::mlir::ml_program::MLProgramDialect"];
}

def KeepFastFloatsPass : Pass<"terse-keep-fast-floats", "::mlir::ModuleOp"> {
  let summary = "Leave activations in float where rounding them at run time would not pay";
  let description = [{
    Stands between `terse-choose-encodings` and `terse-apply-encodings`. Carries out all choices on a copy, compiles it as
    far as kernels are chosen, and asks the cost model of `terse compile --explain` for contractions whose products on
    integers, with the rounding of their input, take longer than on floats. There the choice of the activation becomes a
    reason, `"faster in float"`; weights are stored as chosen, and the kernel decodes them. As layers may share a rounded
    input, it asks again until nothing changes.

    ```
    nn.conv %x, %w {terse.choice = #terse.choice<0 = "faster in float", 1 = #terse.uniform<i8, block = [1, 1, 3, 3]>}
    ```

    Requires: nothing. Ensures: only `terse.choice` attributes change, which can be edited as any others. Leaves alone:
    activations with static ranges, recurrent layers, weights. Sizes that are open count as 1. The result depends on the
    model and on `target` alone: no clock is read, and this machine is not looked at unless the target is `native`. A layer
    that is slower in integers on the best target is slower on lesser ones, too.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"amx\"", "What to estimate for, as terse compile --target says it">,
  ];
  let statistics = [Statistic<"numKept", "kept", "Activations that stay in float">];
  let dependentDialects = ["::terse::TerseDialect", "::mlir::ml_program::MLProgramDialect"];
}

#endif // TERSE_MIXEDPRECISION_PASSES_TD
