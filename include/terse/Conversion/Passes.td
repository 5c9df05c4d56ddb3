//===- Passes.td - Conversions between dialects -------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_CONVERSION_PASSES_TD
#define TERSE_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertNNToLinalgPass : Pass<"convert-nn-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower nn ops to linalg on tensors";
  let description = [{
    Every `nn` op becomes `linalg`, `tensor`, `scf`, `arith` and `math` ops, and every tensor takes its storage type:

    | element type | storage |
    |---|---|
    | `f64 f32 f16 bf16`, `i1` | itself |
    | `iN`, `uiN` with 8 bits or more | `iN` |
    | integers of less than 8 bits | `i8`, sign- or zero-extended |
    | 8-, 6- and 4-bit floats | `i8`, the bit pattern |

    `ml_program.global`s of sub-byte elements become byte tensors of the same, packed data; reading one unpacks.
    Constants of more than 1 KiB become globals too, and so data of the weights file; large splats become fills.
    Requires: no encoded tensors (`terse-decompose-encodings`), no composite ops (`nn-decompose`).
    Ensures: no `nn` op and no unsigned, sub-byte or small-float element type is left.
    Numerics: floats narrower than `f32` compute in `f32` and round once; integers wrap; integer division by zero gives 0.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
                           "::mlir::ml_program::MLProgramDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def ConvertTosaToNNPass : Pass<"convert-tosa-to-nn", "::mlir::ModuleOp"> {
  let summary = "Bring TOSA ops into the nn dialect";
  let description = [{
    Replaces the TOSA ops that have a counterpart: `conv2d`, `depthwise_conv2d`, `matmul`, the pools, elementwise ops and
    comparisons, `clamp`, `cast`, `select`, `sum`/`product`/`max`/`min`/`any`/`all` reductions, `reshape`, `transpose`,
    `concat`, `pad`, `slice`, `tile` and `const`. TOSA is channels-last and `nn` channels-first: transposes stand around
    convolutions and pools. Constants above 1 KiB become `ml_program.global`s, as everywhere in Terse.

    Left alone, and visible as `tosa` ops in the result: `rescale` and the other quantization ops, ops with a zero point
    other than 0, ops that ignore NaN (`nan_mode = IGNORE`), and shapes that are not constants.
    Numerics: as TOSA defines them; a cast from float to integer rounds half to even before `nn.cast` truncates.
    ```mlir
    %0 = tosa.add %a, %b : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<2x3xf32>
    // becomes
    %0 = nn.binary add %a, %b : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<2x3xf32>
    ```
  }];
  let statistics = [Statistic<"numLeft", "ops-left", "Number of TOSA ops left alone">];
  let dependentDialects = ["::mlir::ml_program::MLProgramDialect", "::terse::nn::NNDialect"];
}

def RaiseLinalgToNNPass : Pass<"raise-linalg-to-nn"> {
  let summary = "Raise named linalg ops on tensors to the nn dialect";
  let description = [{
    Replaces `linalg.matmul`, `batch_matmul`, `conv_1d_ncw_fcw`, `conv_2d_nchw_fchw`, `conv_2d_nhwc_hwcf`,
    `depthwise_conv_2d_nchw_chw`, `depthwise_conv_2d_nhwc_hwc`, `pooling_nchw_max` and `pooling_nhwc_max` by `nn` ops,
    with transposes around channels-last ones. The init tensor is added to (for pools: maximized with) the result,
    unless it is the neutral element. Operands narrower than the accumulator are widened first.

    Left alone: ops on buffers, with user-defined maps or unsigned casts, and every other linalg op.
    ```mlir
    %zero = arith.constant dense<0.0> : tensor<4x5xf32>
    %0 = linalg.matmul ins(%a, %b : tensor<4x3xf32>, tensor<3x5xf32>) outs(%zero : tensor<4x5xf32>) -> tensor<4x5xf32>
    // becomes
    %0 = nn.matmul %a, %b : (tensor<4x3xf32>, tensor<3x5xf32>) -> tensor<4x5xf32>
    ```
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect", "::terse::nn::NNDialect"];
}

def ConvertWeightsToUKernelPass : Pass<"convert-weights-to-ukernel", "::mlir::ModuleOp"> {
  let summary = "Keep encoded weights whole for kernels that decode them";
  let description = [{
    Constant encoded weights of `f32` linear layers, matrix products and two-dimensional convolutions become
    `ukernel.weights` where a kernel can decode their format: integers of 2 to 8 bits, small floats and codebooks of
    scalars, with a scale for each tensor, channel or block. `terse.block_product` becomes a `ukernel.gemm` that
    multiplies integers with such weights. Numerics: unchanged.
    Requires: constant weights of `terse.block_product`.

    Windows of single channels (depthwise convolutions) that are stored in less than a byte become constants of `f32`, at
    most 65536 elements of a layer: decoding them at every run would cost as much as the layer.

    Left alone, to be decoded by ops: sums of encodings, codebooks of vectors, casts, grouped convolutions, weights that
    something else than contractions reads (they are kept beside it).
    ```mlir
    %w = terse.assemble %values, %scales : (tensor<8x64xi4>, tensor<8x2xf16>)
       -> tensor<8x64xf32, #terse.uniform<i4, block = [1, 32], scale = f16>>
    %y = nn.linear %x, %w : (tensor<1x64xf32>, tensor<8x64xf32, #terse.uniform<...>>) -> tensor<1x8xf32>
    // becomes
    %w = ukernel.weights #terse.uniform<i4, block = [1, 32], scale = f16> [dense_resource<values> : tensor<8x64xi4>, ...]
       : tensor<8x64xf32>
    %y = nn.linear %x, %w : (tensor<1x64xf32>, tensor<8x64xf32>) -> tensor<1x8xf32>
    ```
  }];
  let statistics = [Statistic<"numKept", "kept", "Weights that kernels decode">,
                    Statistic<"numDecoded", "decoded", "Weights that are decoded ahead of time">];
  let dependentDialects = ["::mlir::tensor::TensorDialect", "::terse::ukernel::UKernelDialect"];
}

def ConvertAttentionToUKernelPass : Pass<"convert-attention-to-ukernel", "::mlir::func::FuncOp"> {
  let summary = "Softmax between two products as one kernel";
  let description = [{
    `nn.matmul`, elementwise ops on its result, softmax along the last dimension (as `nn-decompose` leaves it) and another
    `nn.matmul` of `f32` become `ukernel.attention`, together with transposes of the operands and of the result, and
    factors of queries and keys. Numerics: these factors multiply the sums, the quotient is taken after the second product,
    and sums are taken in another order.

    Left alone: scores or exponentials that something else reads, results that transposes move away from the last dimension,
    products of operands of different ranks, reshapes of the scores (see `nn-sink-reshapes`), and less than 4 rows of queries.
    ```mlir
    %s = nn.matmul %q, %k : (tensor<1x2x8x4xf32>, tensor<1x2x4x8xf32>) -> tensor<1x2x8x8xf32>
    ... // %p = softmax of %s
    %y = nn.matmul %p, %v : (tensor<1x2x8x8xf32>, tensor<1x2x8x4xf32>) -> tensor<1x2x8x4xf32>
    // becomes
    %y = ukernel.attention %q, %k, %v into %e {k_order = array<i64: 0, 1, 3, 2>, ...}
       : tensor<1x2x8x4xf32>, tensor<1x2x4x8xf32>, tensor<1x2x8x4xf32> into tensor<1x2x8x4xf32> -> tensor<1x2x8x4xf32> scores {
    ^bb0(%sum: f32):
      ukernel.yield %sum : f32
    }
    ```
  }];
  let statistics = [Statistic<"numFormed", "formed", "Kernels formed">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect",
                           "::terse::ukernel::UKernelDialect"];
}

def LowerUKernelWeightsPass : Pass<"lower-ukernel-weights", "::mlir::ModuleOp"> {
  let summary = "Decode weights that no kernel took";
  let description = [{
    A `ukernel.weights` that something else than a kernel reads becomes `linalg` ops that decode its components.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
                           "::mlir::ml_program::MLProgramDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect", "::terse::nn::NNDialect"];
}

#endif
