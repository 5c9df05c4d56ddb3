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
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect",
                           "::terse::nn::NNDialect"];
}

#endif
