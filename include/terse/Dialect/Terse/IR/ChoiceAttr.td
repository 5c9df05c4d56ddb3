//===- ChoiceAttr.td - What a strategy has decided --------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_CHOICEATTR_TD
#define TERSE_DIALECT_TERSE_IR_CHOICEATTR_TD

include "mlir/IR/AttrTypeBase.td"
include "terse/Dialect/Terse/IR/TerseDialect.td"

def Terse_ChoiceAttr : AttrDef<TerseDialect, "Choice"> {
  let mnemonic = "choice";
  let summary = "How operands of an op are to be stored, or why they stay as they are";
  let description = [{
    Stands as `terse.choice` on an op. For some of the op's operands it names the
    encoding that the operand is to be given, or says in words why the operand
    stays as it is. A strategy (`terse-choose-encodings`) writes it, a person may
    edit it, and `terse-apply-encodings` does what it says. Operands that are not
    mentioned are not decided.

    The reasons stay on the op after the encodings have been applied: they are
    what reports print for a weight that was left alone.

    ```
    #terse.choice< operand-number = (#encoding | #terse.static | #terse.product | "reason") (, ...)* >
    ```

    Constraints:
    * (C1) As many values as operand numbers.
    * (C2) Operand numbers are not negative and increase.
    * (C3) Each value is a `terse` encoding, `#terse.static`, `#terse.product` or a string.

    ```mlir
    // legal
    #terse.choice<0 = #terse.uniform<i8, dynamic>, 1 = #terse.uniform<i8, axis = 0>>
    #terse.choice<1 = "fewer than 1024 elements">
    // illegal, C2
    #terse.choice<1 = "a", 0 = "b">
    ```
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$operands,
                        ArrayRefParameter<"::mlir::Attribute">:$values);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The name of the attribute on an op.
    static constexpr ::llvm::StringLiteral kAttrName = "terse.choice";

    /// The encoding or reason for operand `operand`, or null if nothing is decided.
    ::mlir::Attribute lookup(int64_t operand) const;

    /// What `op` carries, or null.
    static ChoiceAttr get(::mlir::Operation *op);

    /// Records `value` for an operand, replacing what stood there.
    static void set(::mlir::OpOperand &operand, ::mlir::Attribute value);
  }];
}

def Terse_StaticAttr : AttrDef<TerseDialect, "Static"> {
  let mnemonic = "static";
  let summary = "An encoding with parameters that are known ahead of time";
  let description = [{
    A value of `terse.choice`: the operand is to be encoded with these parameters
    (scales, zero points, ...), one constant per parameter of the encoding, in its
    order. This is how calibrated ranges of activations are written down; the
    numbers may be edited. `origin` says for people where they come from.

    ```
    #terse.static< #encoding, [ constant (, constant)* ] (, origin = "text")? >
    ```

    Constraints:
    * (C1) At least one constant is given; each is a dense tensor of a scale or integer type.

    ```mlir
    // legal
    #terse.static<#terse.uniform<ui8, zero_point>, [dense<0.02> : tensor<f32>, dense<128> : tensor<ui8>]>
    // illegal, C1
    #terse.static<#terse.uniform<ui8, zero_point>, ["0.02"]>
    ```
  }];
  let parameters = (ins "::terse::EncodingAttrInterface":$encoding,
                        ArrayRefParameter<"::mlir::Attribute">:$values,
                        OptionalParameter<"::mlir::StringAttr">:$origin);
  let assemblyFormat = "`<` $encoding `,` `[` $values `]` (`,` `origin` `=` $origin^)? `>`";
  let genVerifyDecl = 1;
}

def Terse_ProductAttr : AttrDef<TerseDialect, "Product"> {
  let mnemonic = "product";
  let summary = "An encoding at the scale of an op's products";
  let description = [{
    A value of `terse.choice` for the bias of a contraction: it is to be encoded
    with the products of the scales of activation and weight as scales, so that
    it can be added to the integer sums.

    ```mlir
    #terse.product<#terse.uniform<i32, axis = 0>>
    ```
  }];
  let parameters = (ins "::terse::EncodingAttrInterface":$encoding);
  let assemblyFormat = "`<` $encoding `>`";
}

def Terse_StatisticsAttr : AttrDef<TerseDialect, "Statistics"> {
  let mnemonic = "statistics";
  let summary = "What calibration has seen of a value";
  let description = [{
    Stands as `terse.statistics` on a `terse.observe`: what `terse-calibrate` found
    out about its input.

    | field | meaning |
    |---|---|
    | `samples`, `elements`, `non_finite` | counts; NaN and infinities are counted in `non_finite` only |
    | `range` | smallest and largest element; moving averages of each sample's smallest and largest |
    | `exponent`, `first`, `counts` | histogram: bin `first + i` holds `counts[i]` elements x with `floor(x * 2^-exponent) = first + i` |
    | `channels` | per slice along the observed axis: smallest, largest, mean, mean magnitude, in this order, one after another |

    ```mlir
    #terse.statistics<samples = 2, elements = 8, non_finite = 0, range = [-1.0, 2.0, -0.9, 1.9],
                      exponent = -1, first = -2, counts = [1, 2, 1, 2, 1, 1]>
    ```
  }];
  let parameters = (ins "uint64_t":$samples, "uint64_t":$elements, "uint64_t":$non_finite,
                        "::mlir::DenseF64ArrayAttr":$range, "int64_t":$exponent, "int64_t":$first,
                        OptionalParameter<"::mlir::DenseI64ArrayAttr">:$counts,
                        OptionalParameter<"::mlir::DenseF64ArrayAttr">:$channels);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The name of the attribute on an op.
    static constexpr ::llvm::StringLiteral kAttrName = "terse.statistics";
    /// What `op` carries, or null.
    static StatisticsAttr get(::mlir::Operation *op) {
      return ::llvm::dyn_cast_or_null<StatisticsAttr>(op->getDiscardableAttr(kAttrName));
    }
  }];
}

#endif // TERSE_DIALECT_TERSE_IR_CHOICEATTR_TD
