//===- MinifloatEncoding.td - #terse.minifloat ------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_MINIFLOATENCODING_TD
#define TERSE_DIALECT_TERSE_IR_MINIFLOATENCODING_TD

include "terse/Dialect/Terse/IR/EncodingBase.td"
include "terse/Dialect/Terse/IR/FitAttr.td"

def Terse_MinifloatEncodingAttr : Terse_Encoding<"MinifloatEncoding", "minifloat",
                                                 ["getScaleGranularity", "hasRunTimeParameters", "isTemplate", "fit"]> {
  let summary = "Floats of 4, 6 or 8 bits times a shared scale";
  let description = [{
    Stores a float tensor as small floats that share a scale per tensor, per slice
    of one axis or per block.

    ```
    #terse.minifloat< value-type
                      (, axis = I | , block = [B0, B1, ...] | TEMPLATE)?
                      (, scale = f32 | f16 | bf16 | f8E8M0FNU | f8E4M3FN | #encoding)?   default f32
                      (, dynamic)? >
    ```

    The value type is `f8E4M3FN`, `f8E5M2`, `f6E2M3FN`, `f6E3M2FN` or `f4E2M1FN`.
    Granularity, TEMPLATE and `dynamic` are those of `#terse.uniform`.

    Components of a logical tensor of shape D:

    | name | element type | shape |
    |---|---|---|
    | `values` | value type | D |
    | `scales` | scale type | `[]`, `[D[axis]]` or `[ceil(D[d] / block[d]), ...]` |

    An encoded scale contributes its components in the place of `scales`, as
    `scales.values`, `scales.scales`.

    ```
    decode:  x = float(v) * s                          in f32
    encode:  v = round_half_even_saturating(x / s)     in f32 but for the rounding, which is one
    scales, where encode computes them, over the finite x of each block, m = max|x|:
      scale = f8E8M0FNU:  s = 2^(floor(log2 m) - emax), at least 2^-127
      otherwise:          s = m / largest, kept within the positive finite values of the scale
                          type and rounded to it (or encoded and decoded again)
      a block of zeros has s = 1
    with largest the largest finite value of the value type and emax its exponent
    ```

    NaN stays NaN where the value type has it and becomes -0 elsewhere. Infinities
    saturate; values above `largest * s`, which only a rounded scale allows, too.

    The formats of the OCP Microscaling specification 1.0 are
    `block` of 32 with `scale = f8E8M0FNU`: MXFP8 (either 8-bit type), MXFP6 (either
    6-bit type), MXFP4. NVFP4 is `f4E2M1FN` in blocks of 16 whose scales are
    themselves `#terse.minifloat<f8E4M3FN>`, with one f32 for the tensor.

    Constraints:
    * (C1) The value type is one of those above.
    * (C2) At most one of `axis`, `block` and a template is given.
    * (C3) Block sizes are positive or `?`.
    * (C4) The scale is `f32`, `f16`, `bf16`, `f8E8M0FNU`, `f8E4M3FN` or a `terse` encoding.
    * (C5) The logical element type is a float of 16, 32 or 64 bits.
    * (C6) `axis` is a dimension of the tensor; `block` has one entry per dimension.
    * (C7) An encoded scale is legal for the tensor of scales.
    * (C8) On a tensor it is no template.

    ```mlir
    tensor<64x128xf32, #terse.minifloat<f4E2M1FN, block = [1, 32], scale = f8E8M0FNU>>  // MXFP4
    tensor<64x128xf32, #terse.minifloat<f4E2M1FN, block = [1, 16],
                                        scale = #terse.minifloat<f8E4M3FN>>>            // NVFP4
    tensor<64x128xf32, #terse.minifloat<f16>>                                           // illegal, C1
    ```
  }];
  let parameters = (ins
    "::mlir::FloatType":$valueType,
    OptionalParameter<"std::optional<int64_t>">:$axis,
    OptionalArrayRefParameter<"int64_t">:$block,
    "::mlir::Attribute":$scale,
    "bool":$dynamic,
    OptionalParameter<"::terse::FitAttr">:$fit_rule);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    /// What shares a scale.
    Granularity getGranularity() const { return {getAxis(), getBlock()}; }
  }];
}

#endif // TERSE_DIALECT_TERSE_IR_MINIFLOATENCODING_TD
