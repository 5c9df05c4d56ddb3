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

#endif
