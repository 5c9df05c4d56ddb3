//===- Passes.td - Passes of the terse dialect -------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_TRANSFORMS_PASSES_TD
#define TERSE_DIALECT_TERSE_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def DecomposeEncodingsPass : Pass<"terse-decompose-encodings", "::mlir::ModuleOp"> {
  let summary = "Replace encoded tensors by their components";
  let description = [{
    Every encoded value becomes its components: function arguments and results,
    block arguments, and what `scf.for`, `scf.if`, `scf.while` and branches carry.
    `terse.decode` and `terse.encode` become the `nn` ops of the encoding;
    `terse.assemble` and `terse.components` disappear.

    Any other op computes in float: an encoded operand is decoded right before
    it, an encoded result is encoded right after it. An op therefore need not
    know encodings; passes that compute on components run earlier and leave none
    of these operands behind. `arith.select` with a scalar condition and
    `tensor.cast` only move tensors, so they move the components.

    Requires: private or public `func.func` functions; no encoded tensors in
    regions of other ops than those above. Ensures: no type carries a `terse`
    encoding, and of the dialect only `terse.observe` is left. Numerics: the
    result is what `terse.decode` and `terse.encode` are defined to be; nothing
    is rounded twice or left out. A function argument named by `nn.name = "w"`
    becomes arguments named `w.values`, `w.scales` and so on.

    Fails on `terse.encode` with an encoding that cannot be computed at run time;
    such tensors have to be constants, encoded before this pass.
  }];
  let statistics = [
    Statistic<"numImplicitDecodes", "implicit-decodes",
              "Encoded operands decoded for an op that computes in float">,
    Statistic<"numImplicitEncodes", "implicit-encodes",
              "Encoded results encoded for an op that computes in float">,
  ];
  let dependentDialects = ["::terse::TerseDialect", "::terse::nn::NNDialect",
                           "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::scf::SCFDialect"];
}

def IntegerContractionsPass : Pass<"terse-integer-contractions", "::mlir::ModuleOp"> {
  let summary = "Contract tensors of small integers in integers";
  let description = [{
    An op with `ContractionLike` whose activation and weight are both
    `#terse.uniform` of at most 8 bits (encoded operands, or results of
    `terse.decode`) needs no decoding: with q the stored integers, z the zero
    points and s the scales

    ```
    acc    = contraction(qx - zx, qw - zw)                exact, in i32
    result = f32(acc) * (sx * sw) + bias                  in f32
    ```

    Zero points are subtracted first, in i16, so that padding remains the number
    zero; without zero points the contraction reads the stored integers.

    When the result only goes into a `terse.encode` with given parameters, per
    tensor or per axis, and there is no bias, it is scaled once, as in ONNX
    QLinearMatMul and QLinearConv:

    ```
    q = clamp(round_half_even(f32(acc) * (sx * sw / sy)) + zy, qmin, qmax)
    ```

    Requires: one scale along everything that is summed, that is, activations
    per tensor or per row (block sizes `[1, ?]`; `[1, ?, ?, ?]` for convolutions), weights
    per tensor or per output channel (per batch and output channel where both operands are batches of
    matrices); a static number of summands so small that i32 cannot overflow, where a size that is
    open between two computed operands has to be below 2^31 / (largest product), 131,071 for i8; results in f32, f16 or bf16. What does not qualify stays as
    it is, decodes and computes in float; a remark (category
    `terse-integer-contractions`) says why, and a statistic counts.

    Numerics: integers are exact. In the result, f32(acc), sx * sw, their product
    and the sum with the bias each round once, half to even: as long as sx * sw
    is a normal finite number, the error is at most 3 * 2^-24 of
    |result - bias| plus 2^-24 of |result|. Decoding first rounds every product instead; both agree
    within that error plus the rounding of the float sum. docs/Numerics.md says more.
  }];
  let statistics = [
    Statistic<"numConverted", "converted", "Contractions that compute in integers">,
    Statistic<"numKept", "kept", "Contractions of small integers that compute in float">,
  ];
  let dependentDialects = ["::terse::TerseDialect", "::terse::nn::NNDialect"];
}

def ExpandRecurrentPass : Pass<"terse-expand-recurrent", "::mlir::ModuleOp"> {
  let summary = "Multiply in recurrent layers with integers";
  let description = [{
    A recurrent layer (LSTM, GRU, RNN) whose input is encoded at run time, as `int8-dynamic` does, becomes its loop over
    time with `nn.linear` on encoded operands, which `terse-integer-contractions` computes on integers: the input of all
    steps at once before the loop, and in every step the hidden state, which gets the encoding of the input (a scale per
    row, or one per tensor). Gates, cell states and functions stay in float.

    An input with parameters that are known ahead of time is read as it is stored; the hidden state, which stays within
    [-1, 1], is stored in 8 bits with scale 1/127. Sigmoid and tanh are tables with 256 steps per unit within [-8, 8), so
    that native code and the interpreter give the same bits; cell states stay in float.

    Requires: input and both weights are integers of at most 8 bits; scales of weights per tensor or
    per row. Other layers stay as they are, decode and compute in float.
  }];
  let statistics = [Statistic<"numExpanded", "expanded", "Layers that multiply integers">];
  let dependentDialects = ["::terse::TerseDialect", "::terse::nn::NNDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def ChooseEncodingsPass : Pass<"terse-choose-encodings", "::mlir::ModuleOp"> {
  let summary = "Choose an encoding for each constant weight";
  let description = [{
    Asks every op for its weight operands (`ContractionLike`, `LookupLike`,
    `WeightedOp`) and writes as `terse.choice` how each constant one is to be stored, or why it is
    left as it is. With `activations`, the operand that the weight is multiplied
    with is to be encoded at run time too. `terse-apply-encodings` does it.

    One run of the pass is one rule. It decides for layers whose name matches
    `layers` and not `except-layers`, and never changes what an earlier rule or a
    person has decided; so a recipe is a list of rules, the first that matches
    wins.

    `format` is any encoding, in the syntax of its attribute, and replaces the
    options from `weight-type` to `narrow`. It may be a template: `block = N`,
    `channels = N`, `group = N` and the like are fitted to the axes of each weight
    (see `#terse.fit`). A weight that the format cannot be fitted to, such as one
    whose channels no vector divides, is left as it is with that as the reason.

    Per `granularity`, a scale serves the whole tensor, an output channel (a row
    of a table), or a block of about `block-size` elements along the contraction
    axes. Blocks of convolution weights whose number of input channels the block size does
    not divide are boxes over channels and window that divide evenly, if there
    are any of nearly that size.

    With `activations`, the hidden state of a recurrent layer is encoded as its input is
    (`terse-expand-recurrent`). With `products` too, both operands of a matrix product of two computed tensors are
    encoded: rows of the left one and columns of the right one, each batch for itself, as in attention's q k^T (a scale per
    query, a scale per key) and p v (a scale per row of probabilities, a scale per channel of the values). A rule with `skip` also speaks for
    float matrices of more than 1 KiB that no interface calls a weight, such as
    learned positions that are added.

    Requires: nothing. Ensures: only `terse.choice` attributes are added. Layers
    that match no pattern, weights that are computed at run time and weights that
    are encoded already get none.
  }];
  let options = [
    ListOption<"layers", "layers", "std::string",
               "Glob patterns of the layers to decide for (default: all)",
               "llvm::cl::list_init<std::string>({\"*\"})">,
    ListOption<"exceptLayers", "except-layers", "std::string",
               "Glob patterns of layers to leave to later rules">,
    Option<"skip", "skip", "std::string", /*default=*/"",
           "Leave the layers' weights as they are, for this reason">,
    Option<"minElements", "min-elements", "int64_t", /*default=*/"0",
           "Leave smaller weights as they are">,
    Option<"format", "format", "std::string", /*default=*/"",
           "Encoding of the weights, as an attribute: #terse.minifloat<f8E4M3FN, channels = 1>">,
    Option<"weightType", "weight-type", "std::string", /*default=*/"\"i8\"",
           "Type of stored weights: i2 to i8, ui1 to ui8, si1, or f16, bf16">,
    Option<"granularity", "granularity", "::terse::EncodingGranularity",
           /*default=*/"::terse::EncodingGranularity::Channel", "What shares a scale",
           [{::llvm::cl::values(
               clEnumValN(::terse::EncodingGranularity::Tensor, "tensor", "the whole tensor"),
               clEnumValN(::terse::EncodingGranularity::Channel, "channel", "an output channel"),
               clEnumValN(::terse::EncodingGranularity::Block, "block", "a block along the contraction axes"))}]>,
    Option<"blockSize", "block-size", "int64_t", /*default=*/"32",
           "Elements that share a scale at granularity block">,
    Option<"scaleType", "scale-type", "std::string", /*default=*/"\"f32\"",
           "Type of the scales: f32, f16 or bf16">,
    Option<"zeroPoint", "zero-point", "bool", /*default=*/"false",
           "Store zero points, so that the range need not be symmetric">,
    Option<"narrow", "narrow", "bool", /*default=*/"false",
           "Leave out the lowest integer, so that the range is symmetric">,
    Option<"activations", "activations", "::terse::ActivationGranularity",
           /*default=*/"::terse::ActivationGranularity::None",
           "What shares a run-time scale of the activations",
           [{::llvm::cl::values(
               clEnumValN(::terse::ActivationGranularity::None, "none", "activations stay float"),
               clEnumValN(::terse::ActivationGranularity::Tensor, "tensor", "the whole tensor"),
               clEnumValN(::terse::ActivationGranularity::Row, "row", "a row, or a sample of a convolution"))}]>,
    Option<"activationType", "activation-type", "std::string", /*default=*/"\"i8\"",
           "Type of encoded activations: integers, unsigned ones with a zero point, or f16, bf16, which have no scale">,
    Option<"products", "products", "bool", /*default=*/"false",
           "With activations: encode both operands of products of two computed tensors, such as attention's (default: false)">,
  ];
  let statistics = [
    Statistic<"numChosen", "chosen", "Weights that get an encoding">,
    Statistic<"numProducts", "products", "Products of two computed tensors whose operands get encodings">,
    Statistic<"numKept", "kept", "Weights that stay as they are, for a reason that is recorded">,
  ];
  let dependentDialects = ["::terse::TerseDialect", "::mlir::ml_program::MLProgramDialect"];
}

def SearchScalesPass : Pass<"terse-search-scales", "::mlir::ModuleOp"> {
  let summary = "Search the scales of weights that are to be encoded";
  let description = [{
    The largest magnitude of a block determines its scale s; a smaller scale
    clips it but rounds all others more finely. For each constant weight whose
    `terse.choice` is an encoding with `scales` as its only parameters, the pass tries
    `steps` evenly spaced factors from 1 down to 1 - `shrink` per scale and keeps the one
    with the least error

    ```
    sum |w - decode(encode(w, c * s))|^norm        over the elements that share the scale
    ```

    and the largest such factor where several have it. The choice becomes
    `#terse.static` with these scales, rounded to their type.

    Requires: choices (`terse-choose-encodings`). Left alone: encodings with zero
    points or tables or encoded scales, weights that are no finite constants, and choices with
    given parameters. Numerics: errors are summed in f64 in the order of the elements, so
    that the result depends on nothing but the weight.
  }];
  let options = [
    Option<"steps", "steps", "unsigned", /*default=*/"40", "Factors to try, at least 1">,
    Option<"shrink", "shrink", "double", /*default=*/"0.6", "1 minus the smallest factor, below 1">,
    Option<"norm", "norm", "double", /*default=*/"2.0", "Exponent of the error, positive">,
  ];
  let statistics = [Statistic<"numSearched", "searched", "Weights whose scales were searched">];
  let dependentDialects = ["::terse::TerseDialect"];
}

def ApplyEncodingsPass : Pass<"terse-apply-encodings", "::mlir::ModuleOp"> {
  let summary = "Encode operands as their op's terse.choice says";
  let description = [{
    A constant operand is encoded here and now: its components become globals
    named after it (`w.values`, `w.scales`), bundled by `terse.assemble`, and the
    original is dropped with its data when nothing else uses it. One tensor is
    in memory at a time. Any other operand, and one whose encoding has run-time
    parameters, gets a `terse.encode`. Operands that share a value and an encoding share the
    result. An op that does not accept an encoded type gets the decoded tensor.

    Requires: chosen encodings that are legal for their operands; constants that
    are finite and part of the module. Ensures: of `terse.choice` only reasons
    are left. Numerics: the stored integers and scales are what the encoding's
    definition says. Running the pass again changes nothing.

    With `spool-folder`, components of weights of 64 KiB and more are written to
    files there, named by a hash of the weight and the encoding, and the module's
    globals are views of them. A run that finds such a file does not encode the
    weight again: what was interrupted continues, with the same result.
  }];
  let options = [
    Option<"spoolFolder", "spool-folder", "std::string", /*default=*/"",
           "Folder for finished weights; the caller removes it (default: keep them in memory)">,
  ];
  let statistics = [
    Statistic<"numEncoded", "encoded", "Constants encoded">,
    Statistic<"numReused", "reused", "Those of them that an earlier run had finished">,
    Statistic<"numComponents", "components", "Globals made for components">,
  ];
  let dependentDialects = ["::terse::TerseDialect", "::mlir::ml_program::MLProgramDialect"];
}

def IntegerGraphPass : Pass<"terse-integer-graph", "::mlir::ModuleOp"> {
  let summary = "Compute on the integers of statically encoded tensors";
  let description = [{
    Where all data of an op are `#terse.uniform` with constant scales and zero points (`terse.encode` or
    `terse.assemble`), per tensor and of at most 8 bits, the op computes on the stored integers, and
    `terse.requantize` makes the integers that the next `terse.encode` asks for. With q the stored integers, z zero
    points and s scales, all per tensor but sw and m, which may be per output channel:

    ```
    contraction    acc = sum((qx - zx) * qw) + qb         exact, in i32; qb has scale sx * sw
                   q   = requantize(acc, m), m = f32(f32(sx * sw) / sy)
    form Sum       add, sub, mul, mean, average pooling: integer sums with their own factors
    form Move      reshape, concatenation, maximum...: the op on q itself; operands of other parameters are
                   requantized first
    form Table     any function of one element: a table of encode(f(decode(q))) for every q
    form Normalize softmax, layer and RMS norms: exact integer sums (of a table of exponentials; of q - z and its squares),
                   their quotient in f32, q = encode(quotient)
    ```

    A ReLU or clamp between the op and the `terse.encode` becomes the clamp of the requantization. Zero points of
    activations are folded into the bias (`qb - zx * sum(qw)`), padding is then written out as `zx`; so contractions
    read the stored integers, u8 or i8 times i8. Weights with zero points and padded transposed convolutions subtract
    in i16 first. Results that stay float, as those of the model, are f32(acc) * f32(sx * sw).

    With `fixed-point`, requantization takes integer multipliers and shifts (Numerics/Requantize.h).

    Requires: as `terse-apply-encodings` leaves it. Ops with encoded data that do not qualify stay; they decode and
    compute in float, a remark (category `terse-integer-graph`) says why, and a statistic counts.
    Numerics: these are the definition of static quantization here; they differ from computing the decoded numbers in
    float by at most one step, near ties.
  }];
  let options = [
    Option<"fixedPoint", "fixed-point", "bool", "false",
           "Requantize by integer multiplication and shift (default: in f32)">
  ];
  let statistics = [
    Statistic<"numConverted", "converted", "Ops that compute on integers">,
    Statistic<"numKept", "kept", "Ops that decode integers and compute in float">,
  ];
  let dependentDialects = ["::terse::TerseDialect", "::terse::nn::NNDialect"];
}

def VerifyIntegerGraphPass : Pass<"terse-verify-integer-graph", "::mlir::ModuleOp"> {
  let summary = "Check that a model computes on integers from end to end";
  let description = [{
    Fails at every value that is computed in float and then becomes integers again: in an integer graph only arguments
    are encoded, and only what leads to the results is float.
  }];
}

#endif // TERSE_DIALECT_TERSE_TRANSFORMS_PASSES_TD
