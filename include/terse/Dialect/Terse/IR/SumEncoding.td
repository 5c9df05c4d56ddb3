//===- SumEncoding.td - #terse.sum and terms made for it --*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_SUMENCODING_TD
#define TERSE_DIALECT_TERSE_IR_SUMENCODING_TD

include "terse/Dialect/Terse/IR/EncodingBase.td"

def Terse_SumEncodingAttr : Terse_Encoding<"SumEncoding", "sum", ["isTemplate", "fit"]> {
  let summary = "The sum of several encodings, each of what the ones before left over";
  let description = [{
    Stores a float tensor as terms that add up to it. Any encoding can be a term:
    columns of outliers before integers, a mean before the rest, one codebook
    after another.

    ```
    #terse.sum< #encoding (, #encoding)+ >
    ```

    The components are those of the terms in order, named `term0.values`,
    `term0.indices`, `term1.values` and so on.

    ```
    encode:  r = x; for each term: c = term.encode(r), r = r - term.decode(c)    in f32
    decode:  x = (term0.decode + term1.decode) + ...                             in f32, from the left
    ```

    Constraints:
    * (C1) There are two terms or more, each a `terse` encoding without run-time parameters.
    * (C2) The logical element type is a float of 16, 32 or 64 bits.
    * (C3) Each term is legal for the f32 tensor of the same shape.

    ```mlir
    // int8 beside two columns in f16 (after Dettmers et al., LLM.int8(), 2022)
    tensor<64x128xf32, #terse.sum<#terse.columns<f16, count = 2, axis = 1>, #terse.uniform<i8, axis = 0>>>
    // the scales of QLoRA's double quantization: 8 bits after their mean
    tensor<512xf32, #terse.sum<#terse.mean<f32>, #terse.uniform<i8, block = [256]>>>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"::mlir::Attribute">:$terms);
  let assemblyFormat = "`<` $terms `>`";
  let extraClassDeclaration = [{
    /// The terms as encodings.
    ::llvm::SmallVector<EncodingAttrInterface> getEncodings() const;
  }];
}

def Terse_MeanEncodingAttr : Terse_Encoding<"MeanEncoding", "mean"> {
  let summary = "The mean of all elements";
  let description = [{
    Stores one number for the whole tensor; a term of `#terse.sum`.

    ```
    #terse.mean< f32 | f16 | bf16 >
    ```

    One component: `mean`, of shape `[]`.

    ```
    encode:  mean = round(sum of the finite x / their number)    summed in f64 in row-major order; 0 for none
    decode:  x = mean, everywhere
    ```

    Constraints:
    * (C1) The stored type is `f32`, `f16` or `bf16`.
    * (C2) The logical element type is a float of 16, 32 or 64 bits; the shape is static.

    ```mlir
    tensor<64xf32, #terse.mean<f32>>    // legal
    tensor<64xf32, #terse.mean<f64>>    // illegal, C1
    ```
  }];
  let parameters = (ins "::mlir::FloatType":$valueType);
  let assemblyFormat = "`<` $valueType `>`";
}

def Terse_ColumnsEncodingAttr : Terse_Encoding<"ColumnsEncoding", "columns", ["isTemplate", "fit"]> {
  let summary = "The few slices with the largest elements";
  let description = [{
    Stores `count` slices along `axis` in a float type and their indices; all others
    are zero. A term of `#terse.sum`.

    ```
    #terse.columns< f32 | f16 | bf16 , count = N (, axis = I)? >
    ```

    Without the axis it is a template, fitted to the outermost contraction axis (the
    input channels of a weight).

    | name | element type | shape |
    |---|---|---|
    | `values` | value type | D, with D[axis] = N |
    | `indices` | `ui16` | `[N]` |

    ```
    encode:  indices = the N slices with the largest max|x| over finite x, ascending; the first ones
             of equal slices. values = round(x) there
    decode:  x = value of its slice, or 0
    ```

    Constraints:
    * (C1) The stored type is `f32`, `f16` or `bf16`.
    * (C2) `count` is 1 to 64.
    * (C3) The logical element type is a float of 16, 32 or 64 bits; the shape is static.
    * (C4) `axis` is a dimension of more than N and at most 65536 elements.
    * (C5) On a tensor it is no template.

    ```mlir
    tensor<64x128xf32, #terse.columns<f16, count = 2, axis = 1>>    // legal
    tensor<64x128xf32, #terse.columns<f16, count = 200, axis = 1>>  // illegal, C4
    ```
  }];
  let parameters = (ins "::mlir::FloatType":$valueType, "int64_t":$count,
                        OptionalParameter<"std::optional<int64_t>">:$axis);
  let assemblyFormat = "`<` $valueType `,` `count` `=` $count (`,` `axis` `=` $axis^)? `>`";
}

#endif // TERSE_DIALECT_TERSE_IR_SUMENCODING_TD
