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
    #terse.choice< operand-number = (#encoding | "reason") (, ...)* >
    ```

    Constraints:
    * (C1) As many values as operand numbers.
    * (C2) Operand numbers are not negative and increase.
    * (C3) Each value is a `terse` encoding or a string.

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

#endif // TERSE_DIALECT_TERSE_IR_CHOICEATTR_TD
