//===- CodebookEncoding.td - #terse.codebook --------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_CODEBOOKENCODING_TD
#define TERSE_DIALECT_TERSE_IR_CODEBOOKENCODING_TD

include "terse/Dialect/Terse/IR/EncodingBase.td"
include "terse/Dialect/Terse/IR/FitAttr.td"

def Terse_CodebookEncodingAttr : Terse_Encoding<"CodebookEncoding", "codebook",
                                                ["getScaleGranularity", "isTemplate", "fit"]> {
  let summary = "Indices into a table of values";
  let description = [{
    Stores a constant float tensor as indices into a table, which is either known
    ahead of time or learned from the tensor (palettization), and optionally a
    scale.

    ```
    #terse.codebook< index-type
                     , table = nf4 | fp4 | pow2 | binary | ternary
                             | f32 | f16 | bf16 | #encoding
                     (, group = [G0, G1, ...] | , group = N)?      learned tables only
                     (, vector = V (, vector_axis = I)?)?          learned tables only
                     (, axis = I | , block = [B0, B1, ...] | TEMPLATE)?
                     (, scale = f32 | f16 | bf16 | f8E8M0FNU | f8E4M3FN | #encoding)? >
    ```

    The index type is `ui1`...`ui8`; a table has K = 2^bits entries at most. Fixed tables,
    none of which is stored, and their index types:

    | table | index type | entries |
    |---|---|---|
    | `nf4` | `ui4` | the 16 values of NormalFloat4 (Dettmers et al., QLoRA, 2023, appendix E) |
    | `fp4` | `ui4` | f4E2M1FN by bit pattern, divided by 6 |
    | `pow2` | `ui2`...`ui8` | -1, -1/2, ..., -2^(1-n), 0, 2^(1-n), ..., 1/2, 1 with n = 2^(bits-1) - 1; the last index is unused |
    | `binary` | `ui1` | 1, -1 |
    | `ternary` | `ui2` | -1, 0, 1; the last index is unused |

    They have a scale: f32 unless another one is given. Learned tables have one only
    where it is given.

    A learned table serves the whole tensor or a block of `group`; `group = N`, N output
    channels, is a template. With `vector = V` an entry holds V elements that are
    neighbours along `vector_axis`; without the axis it is a template, fitted to the
    innermost contraction axis that V divides, else to the channel axis. `axis`, `block` and TEMPLATE say
    what shares a scale, as in `#terse.uniform`.

    Components of a logical tensor of shape D:

    | name | element type | shape |
    |---|---|---|
    | `values` | index type | D, with D[vector_axis] / V |
    | `tables`, learned | table type | `[K]` or `[K, V]`, after `[ceil(D[d] / group[d]), ...]` with `group` |
    | `scales` | scale type | `[]`, `[D[axis]]` or `[ceil(D[d] / block[d]), ...]` |

    Encoded tables and scales contribute their components, as `tables.values`,
    `scales.values` and so on.

    ```
    decode:  x = table[value] * s              in f32; s = 1 without scales
    encode:  value = index of the entry nearest to x / s, the first one of equally near ones
    scales, where encode computes them, over the finite x of each block:
      binary:    s = mean|x|                                     (Rastegari et al., XNOR-Net, 2016)
      ternary:   s = mean of the k largest |x|, k maximizing (sum of the k largest |x|)^2 / k:
                 the least square error of all ternary codes     (Li et al., Ternary Weight Networks, 2016)
      otherwise: s = max|x|
      a block of zeros has s = 1; s is rounded to the scale type as in #terse.uniform
    tables, where encode computes them: k-means of x / s, all blocks counting alike: least square
      error relative to the scales. Scalars: exact, by dynamic programming over the sorted values (more
      than 16384 distinct ones are merged to that many first, and the result refined by Lloyd's
      iteration on all). Vectors: k-means++ from a fixed seed, then Lloyd's iteration.
      Entries are in ascending order of their first element.
    ```

    NaN is encoded as 0 is. The result depends on nothing but the tensor.

    Constraints:
    * (C1) The index type is `ui1`...`ui8`, and what the fixed table says.
    * (C2) At most one of `axis`, `block` and a template is given; block and group sizes are
      positive or `?`.
    * (C3) A learned table is `f32`, `f16`, `bf16` or a `terse` encoding.
    * (C4) The scale is `f32`, `f16`, `bf16`, `f8E8M0FNU`, `f8E4M3FN` or a `terse` encoding.
    * (C5) Fixed tables have no `group` and `vector`.
    * (C6) Without scales there is no `axis`, `block` or template for them.
    * (C7) `vector` is 1, 2, 4 or 8; `vector_axis` is given with `vector` only.
    * (C8) The logical element type is a float of 16, 32 or 64 bits; the shape is static.
    * (C9) `axis` is a dimension of the tensor; `block` and `group` have one entry per dimension.
    * (C10) `vector_axis` is a dimension, which V divides; it divides the group size there.
    * (C11) Encoded tables and scales are legal for the tensors of tables and scales.
    * (C12) On a tensor it is no template.

    ```mlir
    tensor<64x128xf32, #terse.codebook<ui4, table = nf4, block = [1, 64]>>            // NF4
    tensor<64x128xf32, #terse.codebook<ui4, table = f16, group = [8, ?]>>             // palette
    tensor<64x128xf32, #terse.codebook<ui8, table = nf4>>                             // illegal, C1
    ```
  }];
  let parameters = (ins
    "::mlir::IntegerType":$indexType,
    "::mlir::Attribute":$table,
    OptionalArrayRefParameter<"int64_t">:$group,
    "int64_t":$groupChannels,
    "int64_t":$vector,
    OptionalParameter<"std::optional<int64_t>">:$vectorAxis,
    OptionalParameter<"std::optional<int64_t>">:$axis,
    OptionalArrayRefParameter<"int64_t">:$block,
    OptionalParameter<"::terse::FitAttr">:$fit_rule,
    OptionalParameter<"::mlir::Attribute">:$scale);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    /// The table, if it is a fixed one.
    std::optional<FixedTable> getFixedTable() const;
    /// The number of entries of a learned table.
    int64_t getNumEntries() const { return int64_t(1) << getIndexType().getWidth(); }
    /// What shares a scale.
    Granularity getGranularity() const { return {getAxis(), getBlock()}; }
    /// What shares a learned table, on the tensor of values (vectors count as one element).
    Granularity getTableGranularity() const;
    /// The shapes of the values and the learned tables of a tensor of shape `shape`.
    ::llvm::SmallVector<int64_t> getValuesShape(::llvm::ArrayRef<int64_t> shape) const;
    ::llvm::SmallVector<int64_t> getTablesShape(::llvm::ArrayRef<int64_t> shape) const;
  }];
}

#endif // TERSE_DIALECT_TERSE_IR_CODEBOOKENCODING_TD
