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

#endif // TERSE_DIALECT_TERSE_TRANSFORMS_PASSES_TD
