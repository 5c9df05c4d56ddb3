//===- EncodingBase.td - What encodings have in common ----*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef TERSE_DIALECT_TERSE_IR_ENCODINGBASE_TD
#define TERSE_DIALECT_TERSE_IR_ENCODINGBASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/TensorEncoding.td"
include "terse/Dialect/Terse/IR/EncodingInterface.td"
include "terse/Dialect/Terse/IR/TerseDialect.td"

/// An encoding attribute: implements the whole of EncodingAttrInterface but getBits, which follows
/// from the components; `overridden` are methods with a default to be replaced.
class Terse_Encoding<string name, string mnemonicText, list<string> overridden = []>
    : AttrDef<TerseDialect, name, [
        DeclareAttrInterfaceMethods<VerifiableTensorEncoding>,
        DeclareAttrInterfaceMethods<EncodingAttrInterface, overridden>]> {
  let mnemonic = mnemonicText;
  let genVerifyDecl = 1;
}

#endif // TERSE_DIALECT_TERSE_IR_ENCODINGBASE_TD
