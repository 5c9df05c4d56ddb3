//===- FitAttr.td - Granularity relative to a weight ------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_FITATTR_TD
#define TERSE_DIALECT_TERSE_IR_FITATTR_TD

include "mlir/IR/AttrTypeBase.td"
include "terse/Dialect/Terse/IR/TerseDialect.td"
include "terse/Dialect/Terse/IR/TerseEnums.td"

def Terse_FitAttr : AttrDef<TerseDialect, "Fit"> {
  let mnemonic = "fit";
  let summary = "What shares a parameter, before the weight is known";
  let description = [{
    The part of a template that stands in the place of `axis` or `block`. Within
    an encoding it is written `KIND = N`:

    | kind | what shares a scale |
    |---|---|
    | `block` | at most N elements along the contraction axes, in boxes that divide evenly where there are such |
    | `nearest_block` | the same, with the volume nearest to N, which may be above it |
    | `channels` | N output channels |

    Constraints:
    * (C1) N is positive.

    ```mlir
    // On a 64x128 weight that is contracted along axis 1 this template means
    // #terse.uniform<i4, block = [1, 32]>.
    #terse.uniform<i4, block = 32>
    ```
  }];
  let parameters = (ins EnumParameter<Terse_FitKind>:$kind, "int64_t":$size);
  let assemblyFormat = "`<` $kind `,` $size `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The granularity that it means for a weight of this shape.
    Granularity apply(::llvm::ArrayRef<int64_t> shape, const WeightAxes &axes) const;
  }];
}

#endif // TERSE_DIALECT_TERSE_IR_FITATTR_TD
