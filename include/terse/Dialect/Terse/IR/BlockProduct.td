//===- BlockProduct.td - Integer products of blocks -------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_BLOCKPRODUCT_TD
#define TERSE_DIALECT_TERSE_IR_BLOCKPRODUCT_TD

include "terse/Dialect/Terse/IR/TerseOps.td"

def Terse_BlockProductOp : Terse_Op<"block_product", [Pure]> {
  let summary = "Product of integers and weights whose scales change along the sum";
  let description = [{
    Multiplies rows of small integers with weights that are integers, too, with one scale for each block of
    neighbours along the contraction. Each block is summed in integers, then scaled:

    ```
    y[m..., n] = 0
    for each block b along the contraction, in order:
      sum = sum over k in b of x[m..., k] * (q[n, k] - z[n, b])        in i32, exact
      y[m..., n] = fma(f32(sum), s[n, b], y[m..., n])                  rounded once
    ```

    `q`, `s` and `z` (0 without zero points) are the components of `weight`, encoded scales decoded to `f32`. With
    `transposed` the weight is `[k, n]`. Targets without fused multiply-adds round the product and the sum.

    Constraints:
    * (C1) `weight` has rank 2, a static shape and a `#terse.uniform` encoding of 2 to 8 bits.
    * (C2) `input` has rank 2 or more, and its last dimension is the weight's contraction.
    * (C3) The result has the shape of `input` with the weight's other dimension as the last one.
    * (C4) A sum over a block fits `i32`.

    ```mlir
    // legal
    %y = terse.block_product %x, %w
       : (tensor<4x64xi8>, tensor<8x64xf32, #terse.uniform<i4, block = [1, 32], scale = f16>>) -> tensor<4x8xf32>
    // illegal, C2
    %y = terse.block_product %x, %w
       : (tensor<4x32xi8>, tensor<8x64xf32, #terse.uniform<i4, block = [1, 32], scale = f16>>) -> tensor<4x8xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[I8]>:$input, Terse_EncodedTensor:$weight, UnitAttr:$transposed);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = "$input `,` $weight attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Why a product with such weights would be illegal; empty if it is not.
    static ::std::string explainWeight(::mlir::RankedTensorType weight, bool transposed);
    int64_t getContracted() { return getTransposed() ? 0 : 1; }
  }];
}

#endif // TERSE_DIALECT_TERSE_IR_BLOCKPRODUCT_TD
